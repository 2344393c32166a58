package causal

import (
	"bytes"
	"io"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// source is one log, in one file or more.
type source struct {
	pieces []piece
	marks  []mark // in order; only of a log with one process
	cut    bool   // its last line is torn
}

type piece struct {
	file string
	open func() (io.ReadCloser, error)
}

// mark is a place in a source from which reading can go on: a line begins at or before off.
type mark struct {
	piece int
	off   int64
	line  int   // lines before it, in its piece
	pos   int32 // events before it, in the whole log
}

// markEvery is the distance between marks, in bytes.
const markEvery = 1 << 20

// line is a record and where it stands.
type line struct {
	rec    trace.Record
	file   string
	number int
}

// read calls do with the records from a mark on, the zero mark being the start, until it returns false. Note is called before each
// reading from a file; nil for none.
func (s *source) read(from mark, note func(mark), do func(line) (bool, error)) error {
	for i := from.piece; i < len(s.pieces); i++ {
		m := mark{piece: i}
		if i == from.piece {
			m = from
		}
		if more, err := s.readPiece(m, note, do); err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *source) readPiece(from mark, note func(mark), do func(line) (bool, error)) (more bool, err error) {
	p := s.pieces[from.piece]
	body, err := p.open()
	if err != nil {
		return false, err
	}
	defer func() {
		if e := body.Close(); err == nil {
			err = e
		}
	}()
	if from.off > 0 {
		if err := seekLine(body.(io.ReadSeeker), from.off); err != nil {
			return false, err
		}
	}
	t := &tap{src: body}
	r := trace.NewReader(t, p.file)
	if _, seeks := body.(io.ReadSeeker); seeks && note != nil {
		t.note = func(off int64) { note(mark{piece: from.piece, off: off, line: r.Line()}) }
	}
	for r.Scan() {
		if more, err := do(line{r.Record(), p.file, from.line + r.Line()}); err != nil || !more {
			return false, err
		}
	}
	return true, r.Err()
}

// tap tells how much was read before each reading.
type tap struct {
	src  io.Reader
	note func(off int64)
	off  int64
}

func (t *tap) Read(b []byte) (int, error) {
	if t.note != nil {
		t.note(t.off)
	}
	n, err := t.src.Read(b)
	t.off += int64(n)
	return n, err
}

// seekLine goes to the start of the line that begins last before off, or at it.
func seekLine(f io.ReadSeeker, off int64) error {
	start := max(0, off-trace.MaxLine-1)
	if _, err := f.Seek(start, io.SeekStart); err != nil {
		return err
	}
	before := make([]byte, off-start)
	if _, err := io.ReadFull(f, before); err != nil {
		return err
	}
	_, err := f.Seek(start+int64(bytes.LastIndexByte(before, '\n')+1), io.SeekStart)
	return err
}
