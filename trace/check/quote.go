package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// quoteLimit is how many bytes of a line a report keeps.
const quoteLimit = 1000

// quote reads the lines that the report names, once more and as they stand in their files (as they would in JSON Lines,
// where those are binary), and measures those that no rule saw. It reads no file that has none of them, and none further than it must.
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
	r := trace.NewReader(body, p.File)
	for len(wanted)+len(skipped) > 0 && r.Skim() {
		number := r.Line()
		for len(wanted) > 0 && wanted[0].Line <= number {
			if wanted[0].Line == number {
				text := r.Text()
				wanted[0].text = string(text[:min(len(text), quoteLimit)])
			}
			wanted = wanted[1:]
		}
		for len(skipped) > 0 && number > skipped[0].hi {
			skipped = skipped[1:]
		}
		if len(skipped) > 0 && number >= skipped[0].lo {
			*bytes += r.Size()
		}
	}
	return r.Err()
}
