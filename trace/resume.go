package trace

import (
	"bytes"
	"encoding/binary"
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
	encoding    Encoding
}

// ForeignLogError says that a file is not the log that a process could go on with.
type ForeignLogError struct{ Path, Process, Problem string }

func (e *ForeignLogError) Error() string {
	return fmt.Sprintf("%s: not the log of %s: %s; name the folder that the process wrote to before, or an empty one", e.Path, e.Process, e.Problem)
}

// LogPath returns the name of the file that a process's log of JSON Lines has in a trace folder; see [Encoding.LogPath].
func LogPath(dir, process string) string { return JSONL.LogPath(dir, process) }

// PackedError says that a log is compressed, so that it cannot be gone on with: a crash would leave half a frame.
type PackedError struct {
	Path     string
	Encoding Encoding
}

func (e *PackedError) Error() string {
	open := e.Encoding.Open()
	return fmt.Sprintf("%s: a log that goes on after a restart cannot be %s; write %s, and convert it once the process has ended",
		e.Path, e.Encoding, open)
}

// ReadTail reads the end of the log of a process and changes nothing; a file that does not exist counts as empty. The name
// of the file says the encoding, which cannot be a compressed one. That
// the events up to seq sure are in the file, whole and on disk for good, the caller knows, so that of a long log not all
// is read; 0 has everything read. From there on, what is whole ends before the first line without line end, and before
// the first that is not the record that belongs there: a system that loses its power may leave holes in a file.
//
// The error is a *[ForeignLogError], or that of the file system.
func ReadTail(path, process string, sure uint64) (*Tail, error) {
	if err := checkName(process); err != nil {
		return nil, err
	}
	enc, _ := EncodingOf(path)
	if enc.Compressed() {
		return nil, &PackedError{path, enc}
	}
	t := &Tail{Path: path, encoding: enc}
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
	return &LogFile{Writer: NewWriterIn(f, t.encoding), file: f}, nil
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

// readFrom returns a Reader of a file from an offset on.
func readFrom(f *os.File, offset int64, size int64) *Reader {
	r := NewReader(io.NewSectionReader(f, offset, size-offset), f.Name())
	r.base = offset
	return r
}

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
		return t.checkEmpty(f, process)
	}
	if r.Encoding() != t.encoding {
		return &ForeignLogError{t.Path, process, fmt.Sprintf("it is %s, and its name says %s", r.Encoding(), t.encoding)}
	}
	if !r.ended {
		return t.checkBegun(f, process)
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

// checkEmpty takes a binary log that has a mark alone.
func (t *Tail) checkEmpty(f *os.File, process string) error {
	if t.encoding.Binary() {
		return t.checkBegun(f, process)
	}
	return &ForeignLogError{t.Path, process, "it has blank lines alone"}
}

// checkBegun refuses a file without a whole record, but for one that begins as the log of the process does, or that holds
// zeros alone.
func (t *Tail) checkBegun(f *os.File, process string) error {
	const most = 1 << 10 // the beginning that is compared is shorter
	begun, err := io.ReadAll(io.NewSectionReader(f, 0, min(t.Size, most)))
	if err != nil {
		return err
	}
	var start []byte
	what := "line"
	h := &Header{Format: Format, Process: process}
	if t.encoding.Binary() {
		what = "record"
		start = new(binaryWriter).header(nil, h)
		if at := len(blockMark); len(begun) > at { // their sizes differ, and what comes after the name
			begun, start = afterSizes(begun[at:]), afterSizes(start[at:])
		}
	} else {
		start = bytes.TrimSuffix(AppendHeader(nil, h), []byte("}\n"))
	}
	short := min(len(begun), len(start))
	if bytes.Equal(begun[:short], start[:short]) || len(bytes.Trim(begun, "\x00")) == 0 {
		return nil
	}
	return &ForeignLogError{t.Path, process, "its only " + what + " is neither whole nor the beginning of its header"}
}

// afterSizes returns what is in a record of a header: what follows its size, a tag of two bytes and another size.
func afterSizes(p []byte) []byte {
	_, n := binary.Uvarint(p)
	if n <= 0 || len(p) < n+2 {
		return nil
	}
	p = p[n+2:]
	if _, n = binary.Uvarint(p); n <= 0 {
		return nil
	}
	return p[n:]
}

// begin returns the offset of a line, or of a block, from which on the log must be read: that of an event up to sure, near
// the end where that can be, or 0. It looks ever further back.
func (t *Tail) begin(f *os.File, sure uint64) (int64, error) {
	for back := int64(firstBuffer); sure > 0 && back < t.Size; back *= 4 {
		r := readFrom(f, t.Size-back, t.Size)
		if t.encoding.Binary() {
			r.toMark()
			r = readFrom(f, r.offset(), t.Size)
		} else {
			r.Scan() // the rest of some line
		}
		block := r.offset()
		for at := block; r.Scan(); at = r.offset() {
			e, ok := r.Record().(*Event)
			if !ok {
				continue
			}
			if t.encoding.Binary() {
				at = block
			}
			if e.Seq <= sure {
				return at, nil
			}
			break
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
	for r.Scan() && r.ended {
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
