package trace

import (
	"errors"
	"io"
	"os"
)

// LogReader reads a log over all its files, as one [Reader] would. It has one file open at a time.
type LogReader struct {
	*Reader
	files []string // still to come
	stdin io.Reader
	open  io.Closer // nil for standard input and at the end
	err   error
}

// Open opens the first file of the log. The caller closes the LogReader. Standard input, where the log is that, is read
// from stdin and not closed.
func (l Log) Open(stdin io.Reader) (*LogReader, error) {
	if len(l.Files) == 0 {
		return nil, errors.New("log " + l.Name + " has no file")
	}
	r := &LogReader{Reader: NewReader(nil, ""), files: l.Files, stdin: stdin}
	if err := r.advance(); err != nil {
		return nil, err
	}
	return r, nil
}

// Scan goes on to the next record, in the next file where one has ended; see [Reader.Scan]. File and Line are those of
// the record.
func (r *LogReader) Scan() bool {
	for r.err == nil {
		if r.Reader.Scan() {
			return true
		}
		if r.Reader.Err() != nil || len(r.files) == 0 {
			return false
		}
		r.err = r.advance()
	}
	return false
}

// Err returns the I/O error that ended the reading; nil at the end of the log.
func (r *LogReader) Err() error { return errors.Join(r.err, r.Reader.Err()) }

// Close closes the file that is open.
func (r *LogReader) Close() error {
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open = nil
	return err
}

func (r *LogReader) advance() error {
	if err := r.Close(); err != nil {
		return err
	}
	file := r.files[0]
	r.files = r.files[1:]
	if file == Stdin {
		r.reset(r.stdin, "standard input")
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	r.open = f
	r.reset(f, file)
	return nil
}
