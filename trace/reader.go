package trace

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// Record is what one line of a log holds: a *[Header], an *[Event], an *[End], or a *[SyntaxError] where it holds none
// of them.
type Record interface{ isRecord() }

func (*Header) isRecord()      {}
func (*Event) isRecord()       {}
func (*End) isRecord()         {}
func (*SyntaxError) isRecord() {}

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

// Reader reads a log in JSON Lines, record by record:
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
// It owns its records and uses them again: a record is valid until the next Scan. It holds one line at a time, never
// more than [MaxLine] bytes and its buffer, whatever the log holds.
type Reader struct {
	src     io.Reader
	srcErr  error // what src returned last; io.EOF at the end
	file    string
	buf     []byte
	start   int // buf[start:end] is read but not handed out
	end     int
	line    int
	rec     record
	current Record
	err     error
}

const (
	firstBuffer = 64 << 10
	mostBuffer  = MaxLine + firstBuffer
)

// NewReader returns a Reader of r. The name of the file is for errors only.
func NewReader(r io.Reader, file string) *Reader {
	return &Reader{src: r, file: file, buf: make([]byte, firstBuffer)}
}

// reset makes r read another file, with the same buffer and the same names.
func (r *Reader) reset(src io.Reader, file string) {
	*r = Reader{src: src, file: file, buf: r.buf, rec: r.rec}
}

// Scan goes on to the next record and reports whether there is one: false at the end of the log and at an I/O error.
// Blank lines are passed over.
func (r *Reader) Scan() bool {
	r.current = nil
	for r.err == nil {
		line, ended, err := r.next()
		switch {
		case err == io.EOF:
			return false
		case err != nil:
			r.err = fmt.Errorf("%s:%d: %w", r.file, r.line+1, err)
			return false
		}
		r.line++
		if r.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) > MaxLine {
			r.current = r.place(&SyntaxError{
				Problem: "the line is longer than 1 MiB",
				Remedy:  "write each record on a line of its own, and shorten what it notes",
			}, ended)
			return true
		}
		if len(bytes.TrimLeft(line, " \t\r")) == 0 {
			continue
		}
		if err := parseLine(line, &r.rec); err != nil {
			r.current = r.place(err, ended)
		} else {
			r.current = r.rec.current()
		}
		return true
	}
	return false
}

// Record returns the record that Scan found. It is valid until the next Scan; see [Event.Clone] and [Header.Clone].
func (r *Reader) Record() Record { return r.current }

// Line returns the number of the record's line, from 1.
func (r *Reader) Line() int { return r.line }

// File returns the name that NewReader was given.
func (r *Reader) File() string { return r.file }

// Err returns the I/O error that ended the reading, with file and line; nil at the end of the log.
func (r *Reader) Err() error { return r.err }

func (r *Reader) place(e *SyntaxError, ended bool) *SyntaxError {
	e.File, e.Line, e.Truncated = r.file, r.line, !ended
	return e
}

// next returns the next line without its line end, and whether it had one. Of a line that is too long it returns the
// first MaxLine+1 bytes or more, and drops the rest.
func (r *Reader) next() (line []byte, ended bool, err error) {
	searched := 0
	for {
		if i := bytes.IndexByte(r.buf[r.start+searched:r.end], '\n'); i >= 0 {
			line = r.buf[r.start : r.start+searched+i]
			r.start += searched + i + 1
			return bytes.TrimSuffix(line, []byte("\r")), true, nil
		}
		searched = r.end - r.start
		switch {
		case searched > MaxLine+1: // one more for a carriage return
			ended, err = r.drop()
			return r.buf[:MaxLine+1], ended, err
		case r.srcErr == io.EOF && searched > 0:
			line = r.buf[r.start:r.end]
			r.start = r.end
			return line, false, nil
		case r.srcErr != nil:
			return nil, false, r.srcErr
		}
		r.fill()
	}
}

// drop passes over the rest of a line and reports whether it had a line end.
func (r *Reader) drop() (ended bool, err error) {
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			r.start += i + 1
			return true, nil
		}
		r.start, r.end = 0, 0
		if r.srcErr == io.EOF {
			return false, nil
		}
		if r.srcErr != nil {
			return false, r.srcErr
		}
		r.fill()
	}
}

// fill reads once from src, after making room.
func (r *Reader) fill() {
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		grown := make([]byte, min(2*len(r.buf), mostBuffer))
		copy(grown, r.buf)
		r.buf = grown
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.srcErr = err
		if n > 0 || err != nil {
			return
		}
	}
	r.srcErr = io.ErrNoProgress
}
