package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Record is what one line of a log, or one record of a binary log, holds: a *[Header], an *[Event], an *[End], or a *[SyntaxError] where it holds none
// of them.
type Record interface{ isRecord() }

func (*Header) isRecord()      {}
func (*Event) isRecord()       {}
func (*End) isRecord()         {}
func (*SyntaxError) isRecord() {}

// empty makes e the zero event, but for the memory of its lists.
func (e *Event) empty() {
	deps, sees, has, balances := e.Deps[:0], e.Sees[:0], e.Has[:0], e.Balances[:0]
	*e = Event{}
	e.Deps, e.Sees, e.Has, e.Balances = deps, sees, has, balances
}

// Clone returns a copy of the event that shares nothing with it, to keep past the next Scan.
func (e *Event) Clone() Event {
	c := *e
	c.Deps, c.Sees, c.Has = e.Deps.Clone(), e.Sees.Clone(), e.Has.Clone()
	c.Balances = slices.Clone(e.Balances)
	return c
}

// Clone returns a copy of the header that shares nothing with it, to keep past the next Scan.
func (h *Header) Clone() Header {
	c := *h
	c.Peers, c.Opening = slices.Clone(h.Peers), slices.Clone(h.Opening)
	return c
}

// Reader reads a log, record by record, in whatever [Encoding] it is:
//
//	for r.Scan() {
//		switch rec := r.Record().(type) {
//		case *trace.Header: ...
//		case *trace.Event: ...
//		case *trace.End: ...
//		case *trace.SyntaxError: ...
//		}
//	}
//	if err := r.Err(); err != nil { ... }
//
// It owns its records and uses them again: a record is valid until the next Scan. It holds one record at a time, never
// more than [MaxLine] bytes (four times that in a binary log) and its buffer, whatever the log holds.
type Reader struct {
	src     io.Reader
	srcErr  error // what src returned last; io.EOF at the end
	file    string
	buf     []byte
	start   int // buf[start:end] is read but not handed out
	end     int
	base    int64 // offset of buf[0] in the log, without its compression
	line    int
	from    int64 // offset of the latest record
	ended   bool  // it is whole: its line has a line end
	known   bool  // the encoding is
	enc     Encoding
	torn    bool // the compression breaks off
	rec     record
	current Record
	raw     []byte // the line, or the bytes of the record, as they stand in buf
	text    []byte // scratch of Text
	err     error
}

const (
	firstBuffer      = 64 << 10
	mostBuffer       = MaxLine + firstBuffer
	mostBinaryBuffer = maxRecord + firstBuffer
)

// NewReader returns a Reader of r. The name of the file is for errors, and for a binary log whose beginning is damaged.
func NewReader(r io.Reader, file string) *Reader {
	return newReader(r, file, firstBuffer)
}

func newReader(r io.Reader, file string, buffer int) *Reader {
	return &Reader{src: r, file: file, buf: make([]byte, buffer)}
}

// reset makes r read another file, with the same buffer and the same names.
func (r *Reader) reset(src io.Reader, file string) {
	r.rec.forget()
	*r = Reader{src: src, file: file, buf: r.buf, rec: r.rec, text: r.text}
}

// Scan goes on to the next record and reports whether there is one: false at the end of the log and at an I/O error.
// Blank lines are passed over, as are the marks of a binary log.
func (r *Reader) Scan() bool { return r.scan(true) }

// Skim goes on to the next record as Scan does, and leaves it unread where that is faster: then Record returns nil. Line,
// Text, Size and Offset are as with Scan.
func (r *Reader) Skim() bool { return r.scan(false) }

func (r *Reader) scan(parse bool) bool {
	r.current = nil
	if !r.known && r.err == nil {
		r.recognise()
	}
	for r.err == nil {
		var found bool
		if r.enc.Binary() {
			found = r.scanBinary()
		} else {
			found = r.scanLine(parse)
		}
		switch {
		case found:
			return true
		case r.srcErr != nil && r.start == r.end:
			return r.finish()
		}
	}
	return false
}

// finish looks at how the log ends: with a last record that is torn, with an I/O error, or as it should.
func (r *Reader) finish() bool {
	switch {
	case r.torn:
		r.torn = false
		r.line++
		r.from, r.raw, r.ended = r.offset(), nil, false
		r.current = r.place(&SyntaxError{
			Problem: "the " + r.enc.packing().String() + " compression breaks off",
			Remedy:  "copy the log anew once its process has ended",
		})
		return true
	case r.srcErr != io.EOF:
		r.err = fmt.Errorf("%s:%d: %w", r.file, r.line+1, r.srcErr)
	}
	return false
}

// scanLine reads one line.
func (r *Reader) scanLine(parse bool) bool {
	r.from = r.offset()
	line, ended, ok := r.next()
	if !ok {
		return false
	}
	r.line++
	if r.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	r.raw, r.ended = line, ended
	switch {
	case len(line) > MaxLine:
		r.current = r.place(&SyntaxError{
			Problem: "the line is longer than 1 MiB",
			Remedy:  "write each record on a line of its own, and shorten what it notes",
		})
	case len(line) == 0 || line[0] != '{' && len(bytes.TrimLeft(line, " \t\r")) == 0:
		return false
	case !parse:
	default:
		if err := parseLine(line, &r.rec); err != nil {
			r.current = r.place(err)
		} else {
			r.current = r.rec.current()
		}
	}
	return true
}

// Record returns the record that Scan found. It is valid until the next Scan; see [Event.Clone] and [Header.Clone].
func (r *Reader) Record() Record { return r.current }

// Line returns the number of the record's line, from 1; in a binary log the number of the record.
func (r *Reader) Line() int { return r.line }

// Text returns the record's line as it stands in the log, without its line end. Of a binary record it is the line that it
// would be in JSON Lines, of one that is damaged its first bytes in hexadecimal. It is valid until the next Scan.
func (r *Reader) Text() []byte {
	if !r.enc.Binary() {
		return r.raw
	}
	r.text = r.rec.appendText(r.text[:0], r.current, r.raw)
	return r.text
}

// Size returns how many bytes of the log the record takes, its line end or what its size is written in included, and
// without compression.
func (r *Reader) Size() int64 { return r.offset() - r.from }

// Unknown returns the name of a field that the record has and that is not known on such a record: readers ignore it, so
// whoever writes the record anew loses it. It is "" where there is none.
func (r *Reader) Unknown() string {
	if _, wrong := r.current.(*SyntaxError); wrong || r.current == nil {
		return ""
	}
	return r.rec.unknown()
}

// Encoding returns the encoding that the log was found to have; JSONL before the first Scan.
func (r *Reader) Encoding() Encoding { return r.enc }

// File returns the name that NewReader was given.
func (r *Reader) File() string { return r.file }

// Err returns the I/O error that ended the reading, with file and line; nil at the end of the log.
func (r *Reader) Err() error { return r.err }

// offset returns where the latest record ends.
func (r *Reader) offset() int64 { return r.base + int64(r.start) }

func (r *Reader) place(e *SyntaxError) *SyntaxError {
	e.File, e.Line, e.Truncated = r.file, r.line, !r.ended
	return e
}

// next returns the next line without its line end, and whether it had one; not ok where src ended before one began. Of a
// line that is too long it returns the first MaxLine+1 bytes or more, and drops the rest.
func (r *Reader) next() (line []byte, ended, ok bool) {
	searched := 0
	for {
		if i := bytes.IndexByte(r.buf[r.start+searched:r.end], '\n'); i >= 0 {
			line = r.buf[r.start : r.start+searched+i]
			r.start += searched + i + 1
			return bytes.TrimSuffix(line, []byte("\r")), true, true
		}
		searched = r.end - r.start
		switch {
		case searched > MaxLine+1: // one more for a carriage return
			ended = r.drop()
			return r.buf[:MaxLine+1], ended, true
		case r.srcErr != nil && (r.srcErr != io.EOF || r.torn || searched == 0):
			r.start = r.end // the beginning of a line whose rest could not be read
			return nil, false, false
		case r.srcErr != nil:
			line = r.buf[r.start:r.end]
			r.start = r.end
			return line, false, true
		}
		r.fill()
	}
}

// drop passes over the rest of a line, and reports whether it had a line end. What stands at the beginning of buf stays.
func (r *Reader) drop() (ended bool) {
	const kept = MaxLine + 1
	r.base += int64(r.start)
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = kept
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			r.start += i + 1
			return true
		}
		r.base += int64(r.end - kept)
		r.start, r.end = kept, kept
		if r.srcErr != nil {
			return false
		}
		r.read()
	}
}

// fill reads once from src, after making room.
func (r *Reader) fill() {
	if r.start > 0 {
		r.base += int64(r.start)
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		most := mostBuffer
		if r.enc.Binary() {
			most = mostBinaryBuffer
		}
		grown := make([]byte, min(2*len(r.buf), most))
		copy(grown, r.buf)
		r.buf = grown
	}
	r.read()
}

func (r *Reader) read() {
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.srcErr = err
		if errors.Is(err, errTorn) {
			r.torn, r.srcErr = true, io.EOF
		}
		if n > 0 || err != nil {
			return
		}
	}
	r.srcErr = io.ErrNoProgress
}
