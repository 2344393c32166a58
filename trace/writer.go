package trace

import (
	"fmt"
	"io"
)

// MaxLine is the longest line that a log may have, in bytes, without its line end. Readers refuse longer ones.
const MaxLine = 1 << 20

// writeSize is how much a Writer collects before it writes.
const writeSize = 64 << 10

// Writer writes records as JSON Lines. It collects them and hands whole lines on, many at a time, so a log whose writer
// is stopped between two writes ends with a whole line. It is not safe for concurrent use.
type Writer struct {
	w   io.Writer
	buf []byte
	err error
}

// NewWriter returns a Writer to w. Call Flush when done.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, buf: make([]byte, 0, writeSize+4<<10)}
}

// Header writes a header. The first I/O error is returned by this and every later call.
func (w *Writer) Header(h *Header) error {
	start := len(w.buf)
	w.buf = AppendHeader(w.buf, h)
	return w.wrote(start)
}

// Event writes an event. An event whose line would be longer than [MaxLine] is refused with an error and not written;
// the Writer stays usable.
func (w *Writer) Event(e *Event) error {
	start := len(w.buf)
	w.buf = AppendEvent(w.buf, e)
	return w.wrote(start)
}

// End writes an end record.
func (w *Writer) End(e *End) error {
	start := len(w.buf)
	w.buf = AppendEnd(w.buf, e)
	return w.wrote(start)
}

// Flush writes what was collected.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	n, err := w.w.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	w.err = err
	w.buf = w.buf[:0]
	return err
}

// wrote takes over the line that was appended at start.
func (w *Writer) wrote(start int) error {
	if w.err != nil {
		w.buf = w.buf[:start]
		return w.err
	}
	if n := len(w.buf) - start - 1; n > MaxLine {
		w.buf = w.buf[:start]
		return fmt.Errorf("record of %d bytes is longer than a line of a log may be (1 MiB); shorten its texts", n)
	}
	if len(w.buf) < writeSize {
		return nil
	}
	return w.Flush()
}
