package trace

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Opener returns a function that opens a file for reading, as often as it is called. A sparing one does not hold the
// file open between reads: thousands of logs are merged at once, and systems allow a process fewer open files than that.
func Opener(file string, sparing bool) func() (io.ReadCloser, error) {
	if sparing {
		return func() (io.ReadCloser, error) { return &sparingFile{name: file}, nil }
	}
	return func() (io.ReadCloser, error) { return os.Open(file) }
}

// sparingFile reads a file without holding it open between reads.
type sparingFile struct {
	name   string
	offset int64
}

func (f *sparingFile) Read(p []byte) (int, error) {
	file, err := os.Open(f.name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := file.ReadAt(p, f.offset)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f *sparingFile) Close() error { return nil }

// Spooled is a stream that was copied to a temporary file, so that it can be read more than once.
type Spooled struct{ name string }

// Spool copies a stream to a temporary file. The caller removes it when done.
func Spool(ctx context.Context, r io.Reader) (s *Spooled, err error) {
	if r == nil {
		return nil, errors.New("it was named twice, or there is none")
	}
	f, err := os.CreateTemp("", "bank-trace-*.jsonl")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = io.Copy(f, &watched{ctx, r})
	return &Spooled{f.Name()}, err
}

// Open opens the copy for reading.
func (s *Spooled) Open() (io.ReadCloser, error) { return os.Open(s.name) }

// Remove deletes the copy.
func (s *Spooled) Remove() { os.Remove(s.name) }

// Scratch is a temporary file that is written and then read once, or written and read in places. It is gone when it is
// closed, and where the system allows it also when the program is killed.
type Scratch struct {
	f *os.File
	w *bufio.Writer
}

// NewScratch creates a temporary file. The caller closes it.
func NewScratch() (*Scratch, error) {
	f, err := os.CreateTemp("", "bank-trace-*.tmp")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // some systems keep the name as long as the file is open: Close removes it there
	return &Scratch{f, bufio.NewWriterSize(f, scratchBuffer)}, nil
}

const scratchBuffer = 256 << 10

func (s *Scratch) Write(p []byte) (int, error) { return s.w.Write(p) }

// WriteAt and ReadAt are for places in the file; whoever uses them uses neither Write nor Rewind.
func (s *Scratch) WriteAt(p []byte, off int64) (int, error) { return s.f.WriteAt(p, off) }

// ReadAt reads what WriteAt wrote.
func (s *Scratch) ReadAt(p []byte, off int64) (int, error) { return s.f.ReadAt(p, off) }

// Rewind ends the writing, and returns a reader of what was written.
func (s *Scratch) Rewind() (*bufio.Reader, error) {
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	s.w = nil
	_, err := s.f.Seek(0, io.SeekStart)
	return bufio.NewReader(s.f), err
}

// Close removes the file.
func (s *Scratch) Close() error {
	err := s.f.Close()
	if e := os.Remove(s.f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

// watched is a reader that fails once its context has ended.
type watched struct {
	ctx context.Context
	r   io.Reader
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
