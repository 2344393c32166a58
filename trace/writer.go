package trace

import (
	"fmt"
	"io"
)

// MaxLine is the longest line that a log may have, in bytes, without its line end. Readers refuse longer ones.
const MaxLine = 1 << 20

const (
	// writeSize is how much a Writer collects before it writes.
	writeSize = 64 << 10
	// frameSize is that of one who compresses: the more there is at once, the smaller it gets.
	frameSize = 256 << 10
)

// Writer writes the records of a log. It collects them and hands whole records on, many at a time, so a log whose writer
// is stopped between two writes ends with a whole record; what is compressed is a frame of its own each time. It is not
// safe for concurrent use.
type Writer struct {
	w      io.Writer
	binary *binaryWriter // nil for JSON Lines
	packer *packer       // nil where nothing is compressed
	most   int           // how much is collected
	buf    []byte
	packed []byte // scratch
	err    error
}

// NewWriter returns a Writer of JSON Lines to w. Call Flush when done.
func NewWriter(w io.Writer) *Writer { return newWriter(w, JSONL, nil) }

// NewWriterIn returns a Writer to w that writes in the given encoding. Call Flush when done.
func NewWriterIn(w io.Writer, enc Encoding) *Writer {
	return newWriter(w, enc, newPacker(enc.packing()))
}

func newWriter(w io.Writer, enc Encoding, p *packer) *Writer {
	out := &Writer{w: w, packer: p, most: writeSize, buf: make([]byte, 0, writeSize+4<<10)}
	if enc.Binary() {
		out.binary = new(binaryWriter)
	}
	if p != nil {
		out.most = frameSize
	}
	return out
}

// Header writes a header. The first I/O error is returned by this and every later call.
func (w *Writer) Header(h *Header) error {
	start := len(w.buf)
	if w.binary == nil {
		w.buf = AppendHeader(w.buf, h)
		return w.wrote(start)
	}
	w.buf = w.binary.header(w.buf, h)
	if len(w.buf)-start > surelyFits {
		return w.wroteLong(start, len(AppendHeader(nil, h)))
	}
	return w.wrote(start)
}

// Event writes an event. An event whose line in JSON is longer than [MaxLine] is refused in every encoding, with an error,
// and not written; the Writer stays usable.
func (w *Writer) Event(e *Event) error {
	start := len(w.buf)
	if w.binary == nil {
		w.buf = AppendEvent(w.buf, e)
		return w.wrote(start)
	}
	w.buf = w.binary.event(w.buf, e)
	if len(w.buf)-start > surelyFits {
		return w.wroteLong(start, len(AppendEvent(nil, e)))
	}
	return w.wrote(start)
}

// End writes an end record.
func (w *Writer) End(e *End) error {
	start := len(w.buf)
	if w.binary == nil {
		w.buf = AppendEnd(w.buf, e)
	} else {
		w.buf = w.binary.end(w.buf, e)
	}
	return w.wrote(start)
}

// Flush writes what was collected.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	out := w.buf
	if w.packer != nil {
		if w.packed, w.err = w.packer.frame(w.packed[:0], w.buf); w.err != nil {
			return w.err
		}
		out = w.packed
	}
	n, err := w.w.Write(out)
	if err == nil && n < len(out) {
		err = io.ErrShortWrite
	}
	w.err = err
	w.buf = w.buf[:0]
	return err
}

// wrote takes over the record that was appended at start.
func (w *Writer) wrote(start int) error {
	if w.binary == nil && len(w.buf)-start-1 > MaxLine {
		return w.wroteLong(start, len(w.buf)-start)
	}
	if w.err != nil {
		w.buf = w.buf[:start]
		return w.err
	}
	if len(w.buf) < w.most {
		return nil
	}
	return w.Flush()
}

// wroteLong takes over a record that may be too long: line is how long its line of JSON is, with its line end.
func (w *Writer) wroteLong(start, line int) error {
	if w.err == nil && line-1 <= MaxLine {
		if len(w.buf) < w.most {
			return nil
		}
		return w.Flush()
	}
	w.buf = w.buf[:start]
	if w.err != nil {
		return w.err
	}
	if w.binary != nil {
		w.binary.restart() // names that it has defined are not in the log
	}
	return fmt.Errorf("record of %d bytes is longer than a line of a log may be (1 MiB); shorten its texts", line-1)
}
