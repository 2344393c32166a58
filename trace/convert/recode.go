package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Recode writes logs anew in another encoding. Nothing is lost: what only gets another compression is copied byte by byte,
// damaged records and all, and between JSON Lines and protobuf every record is the same afterwards. What cannot be kept
// is an error, and leaves no file behind: a record that cannot be read, and a field that the format does not know.
type Recode struct {
	Encoding    trace.Encoding
	DropUnknown bool              // fields that the format does not know are left out
	Overwrite   bool              // files that are there already are replaced
	Progress    func(bytes int64) // is told how many bytes were read, compressed as they are; may be nil
}

// Recoded says what was written.
type Recoded struct {
	Files   int   // logs, or pieces of them
	Read    int64 // bytes, compressed as they are
	Written int64 // likewise
}

// UnknownFieldError says that a record has a field which would be lost.
type UnknownFieldError struct {
	File  string
	Line  int // number of the record in a binary log
	Field string
	To    trace.Encoding
}

func (e *UnknownFieldError) Error() string {
	return fmt.Sprintf("%s:%d: field %q is not of the format, so it would be lost in %s; ask for such fields to be dropped, or keep the form and change the compression alone",
		e.File, e.Line, e.Field, e.To)
}

// Stream writes the log that src holds to dst. The name is that of src, for errors.
//
// The error is a *trace.SyntaxError or *UnknownFieldError, that of the context, or one of reading or writing, with the name.
func (c *Recode) Stream(ctx context.Context, dst io.Writer, src io.Reader, name string) (Recoded, error) {
	run := recoding{Recode: c, ctx: ctx}
	err := run.stream(dst, src, name)
	return run.done, err
}

// File writes the log in file in to file out, whole or not at all.
func (c *Recode) File(ctx context.Context, in, out string) (Recoded, error) {
	run := recoding{Recode: c, ctx: ctx}
	err := run.file(in, out)
	return run.done, err
}

// Create writes the log that src holds to a new file, whole or not at all. The name is that of src, for errors.
func (c *Recode) Create(ctx context.Context, src io.Reader, name, out string) (Recoded, error) {
	run := recoding{Recode: c, ctx: ctx}
	err := run.create(src, name, out)
	return run.done, err
}

// Folder writes the logs of a trace folder into a folder that holds none, and its run.json. Names change as
// [trace.Encoding.Rename] says; pieces stay pieces. Other files are not copied.
func (c *Recode) Folder(ctx context.Context, in *trace.Folder, out string) (done Recoded, err error) {
	if err := apart(in.Dir, out); err != nil {
		return done, err
	}
	if _, err := trace.Create(out, c.Overwrite); err != nil {
		return done, err
	}
	run := recoding{Recode: c, ctx: ctx}
	var made []string
	defer func() {
		if err != nil {
			for _, file := range made {
				os.Remove(file)
			}
		}
	}()
	for _, l := range in.Logs {
		for _, file := range l.Files {
			to := filepath.Join(out, c.Encoding.Rename(filepath.Base(file)))
			if err := run.file(file, to); err != nil {
				return run.done, err
			}
			made = append(made, to)
		}
	}
	if in.Run == nil || in.Dir == "" {
		return run.done, nil
	}
	text, err := os.ReadFile(filepath.Join(in.Dir, trace.RunFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(out, trace.RunFile), text, 0o644)
	}
	return run.done, err
}

// apart makes sure that a folder does not replace the one that it is made from.
func apart(in, out string) error {
	a, err := os.Stat(in)
	if err != nil {
		return nil // there is no one folder
	}
	if b, err := os.Stat(out); err == nil && os.SameFile(a, b) {
		return fmt.Errorf("%s: holds the logs themselves; write them into another folder", out)
	}
	return nil
}

// recoding is one run of a Recode.
type recoding struct {
	*Recode
	ctx  context.Context
	done Recoded
}

func (r *recoding) file(in, out string) (err error) {
	src, err := os.Open(in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return r.create(src, in, out)
}

func (r *recoding) create(src io.Reader, name, out string) (err error) {
	if _, err := os.Lstat(out); !r.Overwrite && !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &fs.PathError{Op: "create", Path: out, Err: fs.ErrExist}
		}
		return fmt.Errorf("%w; name another file, or ask for it to be overwritten", err)
	}
	dst, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(dst.Name())
		}
	}()
	err = r.stream(dst, src, name)
	if err = errors.Join(err, dst.Chmod(0o644), dst.Close()); err != nil {
		return err
	}
	return os.Rename(dst.Name(), out)
}

// counted counts what is read, and stops where the context has ended.
type counted struct {
	*recoding
	src io.Reader
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.src.Read(p)
	if c.done.Read += int64(n); c.Progress != nil {
		c.Progress(c.done.Read)
	}
	return n, err
}

// written counts what is written.
type written struct {
	*recoding
	dst io.Writer
}

func (w *written) Write(p []byte) (int, error) {
	n, err := w.dst.Write(p)
	w.done.Written += int64(n)
	return n, err
}

func (r *recoding) stream(dst io.Writer, src io.Reader, name string) error {
	plain, enc, err := trace.Unpack(&counted{r, src})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	named, known := trace.EncodingOf(name)
	out := &written{r, dst}
	if enc.Binary() != r.Encoding.Binary() || known && named.Binary() != enc.Binary() {
		err = r.records(trace.NewWriterIn(out, r.Encoding), trace.NewReader(plain, name))
	} else {
		err = r.bytes(trace.Pack(out, r.Encoding), plain, name)
	}
	if err == nil {
		r.done.Files++
	}
	return err
}

// bytes changes the compression alone.
func (r *recoding) bytes(w io.WriteCloser, src io.Reader, name string) error {
	if _, err := io.Copy(w, src); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.Close()
}

// records writes every record.
func (r *recoding) records(w *trace.Writer, src *trace.Reader) error {
	for src.Scan() {
		if field := src.Unknown(); field != "" && !r.DropUnknown {
			return &UnknownFieldError{src.File(), src.Line(), field, r.Encoding}
		}
		var err error
		switch rec := src.Record().(type) {
		case *trace.Header:
			err = w.Header(rec)
		case *trace.Event:
			err = w.Event(rec)
		case *trace.End:
			err = w.End(rec)
		case *trace.SyntaxError:
			return rec
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", src.File(), src.Line(), err)
		}
	}
	if err := src.Err(); err != nil {
		return err
	}
	return w.Flush()
}
