package client

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// SessionFile keeps a customer's session from one program to the next. The file's first line is the session's state, and
// the lines after it are the newest events, those that its log may lack. It is saved whole, and is on disk, before a
// message that depends on it leaves: so the next program goes on with a clock and a number that nobody has seen, also
// where this one was killed. The log is a projection of it: LogTo completes it.
//
// A file is open in one program at a time. One goroutine at a time uses a SessionFile; a Client does.
type SessionFile struct {
	path string
	name string
	lock *os.File

	state customer.State
	kept  []trace.Event // the newest, in order, that the log on disk may lack
	log   *sessionLog   // nil where nothing is recorded
	used  bool          // by a client
	buf   []byte
}

// mostKept is how many events a session file holds before the log is synced.
const mostKept = 64

// ErrSession says that a session file cannot be used as it was asked to.
var ErrSession = errors.New("session file")

// OpenSessionFile opens the session file of a customer, or makes it where there is none, and locks it until Close. The
// error is a *LockedError where another program has it open, a *customer.StateError where it is malformed or another
// customer's, or that of the file system.
func OpenSessionFile(path, name string) (*SessionFile, error) {
	if err := sound(name); err != nil || name == "" {
		return nil, fmt.Errorf("%w %s: customer %q has no name that a session can keep; give one of 1 to %d bytes of UTF-8", ErrSession, path, name, maxName)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	f := &SessionFile{path: path, name: name, lock: lock, state: customer.State{Name: name}}
	if err := f.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return f, nil
}

// Path returns the name of the file.
func (f *SessionFile) Path() string { return f.path }

// State returns the session's state as it was last saved.
func (f *SessionFile) State() customer.State { return f.state }

// Close closes the log and lets other programs open the file. The client that uses it is closed first.
func (f *SessionFile) Close() error {
	if f.lock == nil {
		return nil
	}
	var errs []error
	if f.log != nil {
		errs = append(errs, f.log.file.Close())
	}
	errs = append(errs, f.lock.Close())
	f.lock = nil
	return errors.Join(errs...)
}

// load reads the file; a new one is saved, so that whoever cannot write it learns so at once.
func (f *SessionFile) load() error {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.save(f.state, nil)
	}
	if err != nil {
		return err
	}
	first, rest, whole := bytes.Cut(text, []byte("\n"))
	if !whole {
		return f.malformed("", "has no line that is whole")
	}
	if f.state, err = customer.ParseState(first); err != nil {
		return f.named(err)
	}
	if _, err := customer.Restore(f.name, f.state); err != nil {
		return f.named(err)
	}
	return f.loadEvents(rest)
}

// loadEvents reads the events that end with the newest.
func (f *SessionFile) loadEvents(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	if lines[len(lines)-1] != '\n' {
		return f.malformed("", "ends in the middle of a line")
	}
	r := trace.NewReader(bytes.NewReader(lines), f.path)
	for r.Scan() {
		switch e := r.Record().(type) {
		case *trace.Event:
			if e.Process != f.name || len(f.kept) > 0 && !follows(e, &f.kept[len(f.kept)-1]) {
				return f.malformed("", fmt.Sprintf("line %d: event %s is not the next of %s", r.Line()+1, e.Ref(), f.name))
			}
			f.kept = append(f.kept, e.Clone())
		case *trace.SyntaxError:
			e.Line++ // the state's line stands before
			return fmt.Errorf("%w: %w", ErrSession, e)
		default:
			return f.malformed("", fmt.Sprintf("line %d is no event", r.Line()+1))
		}
	}
	if last := f.kept[len(f.kept)-1]; last.Seq != f.state.Seq || last.Clock != f.state.Clock {
		return f.malformed("seq", fmt.Sprintf("is %d with clock %d, and the newest event in the file is %s with clock %d",
			f.state.Seq, f.state.Clock, last.Ref(), last.Clock))
	}
	return nil
}

func follows(e, before *trace.Event) bool { return e.Seq == before.Seq+1 && e.Clock > before.Clock }

func (f *SessionFile) malformed(field, problem string) error {
	return &customer.StateError{File: f.path, Field: field, Problem: problem,
		Remedy: "put a copy back that is whole, or name a new file and a new customer to begin a new session"}
}

// named gives a *customer.StateError its file.
func (f *SessionFile) named(err error) error {
	var wrong *customer.StateError
	if errors.As(err, &wrong) {
		wrong.File = f.path
	}
	return err
}

// save writes the file anew and puts it in the place of the old one, all on disk when it returns.
func (f *SessionFile) save(state customer.State, kept []trace.Event) error {
	text, err := state.AppendJSON(f.buf[:0])
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrSession, f.path, err)
	}
	text = append(text, '\n')
	for i := range kept {
		text = trace.AppendEvent(text, &kept[i])
	}
	f.buf = text
	if err := replace(f.path, text); err != nil {
		return fmt.Errorf("%w %s: %w", ErrSession, f.path, err)
	}
	f.state, f.kept = state, kept
	return nil
}

// replace puts a file with that content in the place of path. The lock keeps others from the file's working copy.
func replace(path string, content []byte) error {
	working := path + ".new"
	w, err := os.OpenFile(working, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	if err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	if err := os.Rename(working, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// The journal of a client.

// resume hands the session to a client. A file is for one client.
func (f *SessionFile) resume() (*customer.Session, error) {
	switch {
	case f.lock == nil:
		return nil, fmt.Errorf("%w %s: %w", ErrSession, f.path, ErrClosed)
	case f.used:
		return nil, fmt.Errorf("%w %s: another client has it; open it again for this one", ErrSession, f.path)
	case f.log == nil && len(f.kept) > 0:
		return nil, fmt.Errorf("%w %s: %d events of %s are not in its log yet; give the trace folder that the session was recorded in",
			ErrSession, f.path, len(f.kept), f.name)
	}
	f.used = true
	return customer.Restore(f.name, f.state)
}

func (f *SessionFile) next() uint64 {
	if f.log != nil && f.log.incarnation > 0 {
		return f.log.incarnation + 1 // the log's own count has no gaps
	}
	return f.state.Incarnation + 1
}

func (f *SessionFile) begin(h *trace.Header, s *customer.Session) error {
	if f.log != nil {
		if err := f.log.begin(h, f.kept); err != nil {
			return err
		}
	}
	return f.save(s.State(), nil)
}

func (f *SessionFile) event(e *trace.Event, s *customer.Session) error {
	if f.log == nil {
		return f.save(s.State(), nil)
	}
	kept := f.kept
	if len(kept) >= mostKept {
		if err := f.log.file.Sync(); err != nil {
			return err
		}
		kept = nil
	}
	if err := f.save(s.State(), append(kept, *e)); err != nil {
		return err
	}
	return f.log.event(e)
}

func (f *SessionFile) keep(s *customer.Session) error { return f.save(s.State(), f.kept) }

func (f *SessionFile) end(e *trace.End, s *customer.Session) error {
	if f.log != nil {
		if err := f.log.end(e); err != nil {
			return err
		}
	}
	return f.save(s.State(), nil)
}

func (f *SessionFile) lasts() bool { return true }
