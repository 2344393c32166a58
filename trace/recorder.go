package trace

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// ErrClosed is returned by a Recorder that was closed.
var ErrClosed = errors.New("trace: the recorder is closed")

// Recorder keeps the Lamport clock of one process and writes its log: a [Sequencer], a lock and a [Writer], for programs
// that have no core of their own to put a Sequencer in. It is safe for concurrent use: the order of its calls is the
// order of the process's events.
//
// A message must carry the [clock.Stamp] that Send returned, and its receiver passes it to Receive.
type Recorder struct {
	mu     sync.Mutex
	seq    Sequencer
	w      *Writer
	closed bool
}

// NewRecorder writes the header of a log to w and returns a Recorder of h.Process. An empty Format and an Incarnation
// of 0 are filled in, and Ends is set. The Recorder buffers; Close it when the process ends.
func NewRecorder(w io.Writer, h Header) (*Recorder, error) { return NewRecorderIn(w, JSONL, h) }

// NewRecorderIn is NewRecorder for a log in the given encoding.
func NewRecorderIn(w io.Writer, enc Encoding, h Header) (*Recorder, error) {
	if err := checkName(h.Process); err != nil {
		return nil, err
	}
	h.Format = cmp.Or(h.Format, Format)
	h.Incarnation = max(h.Incarnation, 1)
	h.Ends = true
	r := &Recorder{seq: NewSequencer(h.Process), w: NewWriterIn(w, enc)}
	if err := r.w.Header(&h); err != nil {
		return nil, err
	}
	return r, nil
}

// Local records e as a local event; it sets Process, Seq, Clock and Kind. Where it returns an error nothing is recorded
// and the clock stands where it stood; I/O errors stay.
func (r *Recorder) Local(e *Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.seq
	r.seq.Local(e)
	return r.write(e, before)
}

// Send records e as the sending of a message to e.Peer and returns the stamp that the message must carry. Errors are as
// with Local; the message must not be sent then.
func (r *Recorder) Send(e *Event) (clock.Stamp, error) {
	if err := checkName(e.Peer); err != nil {
		return clock.Stamp{}, fmt.Errorf("send: peer: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.seq
	stamp := r.seq.Send(e)
	if err := r.write(e, before); err != nil {
		return clock.Stamp{}, err
	}
	return stamp, nil
}

// Receive records e as the receiving of a message with stamp from; it sets Peer, Cause and Stamp, too. A stamp that
// names no event, or whose clock is absurd (a *[clock.StampError]), is refused and not recorded: drop the message.
func (r *Recorder) Receive(from clock.Stamp, e *Event) error {
	if err := checkName(from.Process); err != nil {
		return fmt.Errorf("receive: process of the stamp: %w", err)
	}
	if from.Seq < 1 || from.Seq > clock.Max {
		return fmt.Errorf("receive: seq %d of the stamp of %s is not from 1 to 2^53; pass on the stamp that Send returned",
			from.Seq, from.Process)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.seq.Check(from, clock.MaxJump); err != nil {
		return err
	}
	before := r.seq
	r.seq.Receive(from, e)
	return r.write(e, before)
}

// Flush hands all recorded events to the io.Writer.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.w.Flush()
}

// Close writes the end record and flushes. It does not close the io.Writer. A second Close does nothing.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	if err := r.w.End(&End{Process: r.seq.Process(), Events: r.seq.Seq(), Clock: r.seq.Now()}); err != nil {
		return err
	}
	return r.w.Flush()
}

func (r *Recorder) write(e *Event, before Sequencer) error {
	err := ErrClosed
	if !r.closed {
		err = r.w.Event(e)
	}
	if err != nil {
		r.seq = before
	}
	return err
}

func checkName(name string) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("%q is not a name of 1 to 255 bytes", name)
	}
	return nil
}
