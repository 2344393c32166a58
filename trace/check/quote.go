package check

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// quoteLimit is how many bytes of a line a report keeps.
const quoteLimit = 1000

// quote reads the lines that the report names, once more and as they stand in their files, and measures those that no
// rule saw. It reads no file that has none of them, and none further than it must.
func (e *engine) quote(ctx context.Context, r *Report) error {
	for _, s := range e.skipped {
		r.Skipped.Lines += int64(s.hi - s.lo + 1)
	}
	wanted := make([][]*Place, len(e.files))
	for i := range r.Findings {
		for _, p := range []*Place{r.Findings[i].Event, r.Findings[i].Other} {
			if p != nil && p.Line > 0 {
				wanted[p.file] = append(wanted[p.file], p)
			}
		}
	}
	slices.SortFunc(e.skipped, func(a, b lines) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.lo, b.lo)) })
	skipped := e.skipped
	file := 1
	for _, s := range e.sources {
		for _, piece := range s.Pieces {
			n := 0
			for n < len(skipped) && int(skipped[n].file) == file {
				n++
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := quoteFile(piece, wanted[file], skipped[:n], &r.Skipped.Bytes); err != nil {
				return err
			}
			skipped = skipped[n:]
			file++
		}
	}
	return nil
}

func quoteFile(p Piece, wanted []*Place, skipped []lines, bytes *int64) (err error) {
	if len(wanted)+len(skipped) == 0 {
		return nil
	}
	slices.SortFunc(wanted, func(a, b *Place) int { return cmp.Compare(a.Line, b.Line) })
	body, err := p.Open()
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	r := bufio.NewReader(body)
	for number := 1; len(wanted)+len(skipped) > 0; number++ {
		text, size, err := readLine(r)
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s:%d: %w", p.File, number, err)
		}
		for len(wanted) > 0 && wanted[0].Line == number {
			wanted[0].text = text
			wanted = wanted[1:]
		}
		if len(skipped) > 0 && number >= skipped[0].lo {
			*bytes += size
			if number == skipped[0].hi {
				skipped = skipped[1:]
			}
		}
		if err == io.EOF {
			return nil // the file is shorter than it was
		}
	}
	return nil
}

// readLine reads one line, keeps its start, and returns its size with its line end.
func readLine(r *bufio.Reader) (text string, size int64, err error) {
	var kept []byte
	for {
		part, err := r.ReadSlice('\n')
		size += int64(len(part))
		kept = append(kept, part[:min(len(part), quoteLimit-len(kept))]...)
		if err != bufio.ErrBufferFull {
			for len(kept) > 0 && (kept[len(kept)-1] == '\n' || kept[len(kept)-1] == '\r') {
				kept = kept[:len(kept)-1]
			}
			return string(kept), size, err
		}
	}
}
