package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Tail is the end of a log whose process was stopped: how far it is whole, and where it can go on.
type Tail struct {
	Path        string
	Last        Event  // the newest whole event; of Seq 0 where none was read
	Incarnation uint64 // of the newest header; 0 where none was read
	First       uint64 // seq of the first event of a slice, by its header; 0 where that was not read, or is event 1
	Ended       bool   // the last whole record is an end record
	Size        int64  // bytes of the file
	Whole       int64  // bytes of its whole records; what follows is what a crash has left of a write
}

// ForeignLogError says that a file is not the log that a process could go on with.
type ForeignLogError struct{ Path, Process, Problem string }

func (e *ForeignLogError) Error() string {
	return fmt.Sprintf("%s: not the log of %s: %s; name the folder that the process wrote to before, or an empty one", e.Path, e.Process, e.Problem)
}

// LogPath returns the name of the file that a process's log has in a trace folder.
func LogPath(dir, process string) string { return filepath.Join(dir, fileName(process)) }

// ReadTail reads the end of the log of a process and changes nothing; a file that does not exist counts as empty. That
// the events up to seq sure are in the file, whole and on disk for good, the caller knows, so that of a long log not all
// is read; 0 has everything read. From there on, what is whole ends before the first line without line end, and before
// the first that is not the record that belongs there: a system that loses its power may leave holes in a file.
//
// The error is a *[ForeignLogError], or that of the file system.
func ReadTail(path, process string, sure uint64) (*Tail, error) {
	if err := checkName(process); err != nil {
		return nil, err
	}
	t := &Tail{Path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t.Size = info.Size()
	if err := t.checkStart(f, process); err != nil {
		return nil, err
	}
	from, err := t.begin(f, sure)
	if err != nil {
		return nil, err
	}
	return t, t.scan(f, process, from)
}

// Open opens what is whole of the log for reading.
func (t *Tail) Open() (io.ReadCloser, error) {
	f, err := os.Open(t.Path)
	if err != nil {
		return nil, err
	}
	return &struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, t.Whole), f}, nil
}

// Resume cuts off what is not whole and opens the log, making its file where there is none, so that what is written next
// follows. The caller closes it.
func (t *Tail) Resume() (*LogFile, error) {
	f, err := os.OpenFile(t.Path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = f.Truncate(t.Whole)
	if err == nil {
		_, err = f.Seek(t.Whole, io.SeekStart)
	}
	if err == nil && t.Size == 0 {
		err = syncDir(filepath.Dir(t.Path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &LogFile{Writer: NewWriter(f), file: f}, nil
}

// SyncWritten waits until what was flushed before is on disk. Unlike the other methods it may be called while another
// goroutine writes.
func (l *LogFile) SyncWritten() error { return l.file.Sync() }

// syncDir makes a file's name durable. Windows has no way to, and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// section is a Reader of a file from an offset on that knows where its records end.
type section struct {
	*Reader
	src io.ReadSeeker
	end int64 // offset behind what was read from src
}

func readFrom(f *os.File, offset int64, size int64) *section {
	s := &section{src: io.NewSectionReader(f, offset, size-offset), end: offset}
	s.Reader = NewReader(s, f.Name())
	return s
}

// Read is for io.Reader.
func (s *section) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	s.end += int64(n)
	return n, err
}

// offset returns where the record that Scan found ends.
func (s *section) offset() int64 { return s.end - int64(s.Reader.end-s.start) }

// ended reports whether the line of the record that Scan found has a line end.
func (s *section) ended() bool { return s.start > 0 && s.buf[s.start-1] == '\n' }

// checkStart refuses a file that begins with something other than a header of the process, or the beginning of one.
func (t *Tail) checkStart(f *os.File, process string) error {
	if t.Size == 0 {
		return nil
	}
	r := readFrom(f, 0, t.Size)
	if !r.Scan() {
		if err := r.Err(); err != nil {
			return err
		}
		return &ForeignLogError{t.Path, process, "it has blank lines alone"}
	}
	if !r.ended() {
		begun := r.buf[:r.Reader.end]
		start := AppendHeader(nil, &Header{Format: Format, Process: process})
		start = bytes.TrimSuffix(start, []byte("}\n"))
		short := min(len(begun), len(start))
		if !bytes.Equal(begun[:short], start[:short]) && len(bytes.Trim(begun, "\x00")) > 0 {
			return &ForeignLogError{t.Path, process, "its only line is neither whole nor the beginning of its header"}
		}
		return nil
	}
	h, ok := r.Record().(*Header)
	switch {
	case !ok:
		return &ForeignLogError{t.Path, process, "it does not begin with a header"}
	case h.Process != process:
		return &ForeignLogError{t.Path, process, fmt.Sprintf("its header names %q", h.Process)}
	}
	return nil
}

// begin returns the offset of a line from which on the log must be read: that of an event up to sure, near the end where
// that can be, or 0. It looks ever further back.
func (t *Tail) begin(f *os.File, sure uint64) (int64, error) {
	for back := int64(firstBuffer); sure > 0 && back < t.Size; back *= 4 {
		r := readFrom(f, t.Size-back, t.Size)
		r.Scan() // the rest of some line
		for at := r.offset(); r.Scan(); at = r.offset() {
			if e, ok := r.Record().(*Event); ok {
				if e.Seq <= sure {
					return at, nil
				}
				break
			}
		}
		if err := r.Err(); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// scan reads on from an offset as long as the records are whole and follow each other.
func (t *Tail) scan(f *os.File, process string, from int64) error {
	t.Whole = from
	r := readFrom(f, from, t.Size)
	next := uint64(0) // seq of the next event; 0 where any may come
	if from == 0 {
		next = 1
	}
	for r.Scan() && r.ended() {
		switch rec := r.Record().(type) {
		case *Header:
			if rec.Process != process {
				return nil
			}
			if t.Last.Seq == 0 && rec.First > 0 {
				t.First, next = rec.First, rec.First
			}
			t.Incarnation, t.Ended = rec.Incarnation, false
		case *Event:
			if rec.Process != process || t.Ended || rec.Clock <= t.Last.Clock || next > 0 && rec.Seq != next {
				return nil
			}
			t.Last, next = rec.Clone(), rec.Seq+1
		case *End:
			if rec.Process != process || t.Ended || t.Last.Seq > 0 && (rec.Events != t.Last.Seq || rec.Clock != t.Last.Clock) {
				return nil
			}
			t.Ended = true
		default:
			return nil
		}
		t.Whole = r.offset()
	}
	return r.Err()
}
