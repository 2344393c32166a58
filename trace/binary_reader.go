package trace

import (
	"bytes"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// leastEvent is the least that an event takes in a binary log: its size, and four fields of two bytes.
const leastEvent = 9

// recognise finds out the encoding: by the first bytes, first of what is compressed and then of what it holds. Where those
// say nothing the name of the file decides.
func (r *Reader) recognise() {
	r.known = true
	packed := r.head()
	p := packingOf(packed)
	if p != plain {
		packed = bytes.Clone(packed)
		rest := r.src
		if r.srcErr != nil {
			rest = errReader{r.srcErr}
		}
		r.enc = r.enc.with(p)
		r.start, r.end, r.srcErr = 0, 0, nil
		r.src = &laterUnpacked{src: io.MultiReader(bytes.NewReader(packed), rest), packing: p}
	}
	head := r.head()
	named, _ := EncodingOf(r.file)
	binary := bytes.HasPrefix(head, []byte(blockMark)) ||
		len(head) > 0 && (named.Binary() && head[0] != '{' || len(head) > 1 && bytes.HasPrefix([]byte(blockMark), head))
	if binary {
		r.enc = Binpb.with(p)
	}
}

// head returns what the buffer holds, after filling it as far as a mark is long.
func (r *Reader) head() []byte {
	for r.end < len(blockMark) && r.srcErr == nil {
		r.read()
	}
	return r.buf[:r.end]
}

// errReader is a reader that has come to its end.
type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// laterUnpacked unpacks from its first Read on.
type laterUnpacked struct {
	src     io.Reader
	packing packing
	opened  io.Reader
}

func (l *laterUnpacked) Read(p []byte) (int, error) {
	if l.opened == nil {
		var err error
		if l.opened, err = unpack(l.src, l.packing); err != nil {
			l.opened = errReader{err}
		}
	}
	return l.opened.Read(p)
}

// scanBinary reads records up to one that counts, and reports whether there was one.
func (r *Reader) scanBinary() bool {
	for {
		r.from = r.offset()
		p, problem, cut, ok := r.frame()
		if !ok {
			return false
		}
		r.raw, r.ended = p, true
		switch {
		case problem != "":
			return r.broken(&SyntaxError{Problem: problem, Remedy: "copy the log anew"}, cut)
		case r.rec.decodeEvent(p):
			r.line++
			r.current = r.rec.event
			return r.tooLong(p)
		case string(p) == blockMark[1:]:
			r.rec.forget()
			continue
		}
		what, err := r.rec.decodeRecord(p)
		switch what {
		case isNoise:
			r.start = int(r.from - r.base)
			return r.broken(err, false)
		case isBetween:
			continue
		}
		r.line++
		if err != nil {
			r.current = r.binaryPlace(err)
			return true
		}
		r.current = r.rec.current()
		return r.tooLong(p)
	}
}

// tooLong makes an error of a record that would be too long a line in JSON, so that the encodings have the same records.
func (r *Reader) tooLong(p []byte) bool {
	if len(p) > surelyFits && len(r.rec.appendText(r.text[:0], r.current, p)) > MaxLine {
		r.current = r.binaryPlace(&SyntaxError{
			Problem: "the record is longer than 1 MiB as a line of JSON",
			Remedy:  "shorten what it notes",
		})
	}
	return true
}

func (r *Reader) binaryPlace(e *SyntaxError) *SyntaxError {
	e.Binary, e.Offset = true, r.from
	return r.place(e)
}

// frame returns the next record without its size, or what is wrong with its size, and whether that is that the log ends
// too soon; it stands at the record then. It is not ok where src ended before a record began.
func (r *Reader) frame() (p []byte, problem string, cut, ok bool) {
	if r.start < r.end { // as with most
		if i, size := r.start+1, int(r.buf[r.start]); size > 0 && size < 0x80 && i+size <= r.end {
			r.start = i + size
			return r.buf[i:r.start], "", false, true
		}
	}
	for {
		rest := r.buf[r.start:r.end]
		size, n := protowire.ConsumeVarint(rest)
		switch {
		case n > 0 && size == 0:
			return nil, "a record has a size of 0", false, true
		case n > 0 && size > maxRecord:
			return nil, fmt.Sprintf("a record has a size of %d bytes, and %d is the most", size, maxRecord), false, true
		case n > 0 && int(size) <= len(rest)-n:
			r.start += n + int(size)
			return rest[n : n+int(size)], "", false, true
		case n < 0 && len(rest) >= 10:
			return nil, "a record has no size", false, true
		case r.srcErr == nil:
			r.fill()
		case r.srcErr != io.EOF || r.torn || len(rest) == 0:
			r.start = r.end // the beginning of a record whose rest could not be read
			return nil, "", false, false
		case n < 0:
			return nil, "the size of the last record breaks off", true, true
		default:
			return nil, fmt.Sprintf("the record breaks off after %d of %d bytes", len(rest)-n, size), true, true
		}
	}
}

// broken makes an error of the record at which the reader stands, and goes on at the next mark: where another record
// begins before that cannot be told. What lies between is lost, and more than one event may have been there. The last
// write of a process that was stopped is cut, or never came further than the file's size: then the log is truncated.
func (r *Reader) broken(e *SyntaxError, cut bool) bool {
	const most = 64
	r.line++
	raw := bytes.Clone(r.buf[r.start:min(r.end, r.start+most)])
	skipped, zeros, found := r.toMark()
	r.raw = raw
	r.ended = found || r.srcErr != io.EOF || !zeros && !cut
	e.Lost = max(1, int(skipped/leastEvent))
	if found || !cut {
		e.Problem += fmt.Sprintf("; %d bytes are passed over, up to the next block or the end", skipped)
	}
	r.current = r.binaryPlace(e)
	return true
}

// toMark passes over a byte and all up to the next mark, or to the end. It returns how many bytes that was, whether all
// were 0, and whether there is a mark.
func (r *Reader) toMark() (skipped int64, zeros, found bool) {
	zeros = true
	skip := func(n int) {
		zeros = zeros && len(bytes.Trim(r.buf[r.start:r.start+n], "\x00")) == 0
		r.start += n
		skipped += int64(n)
	}
	skip(min(1, r.end-r.start))
	for {
		if i := bytes.Index(r.buf[r.start:r.end], []byte(blockMark)); i >= 0 {
			skip(i)
			return skipped, zeros, true
		}
		if r.srcErr != nil {
			skip(r.end - r.start)
			return skipped, zeros, false
		}
		skip(max(0, r.end-r.start-len(blockMark)+1))
		r.fill()
	}
}
