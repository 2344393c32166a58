package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// sessionLog is the log of a session that goes on, in a trace folder.
type sessionLog struct {
	path        string
	file        *os.File
	w           *trace.Writer
	incarnation uint64 // of the latest header, 0 where there is none
	last        uint64 // seq of the latest event, 0 where there is none
	clock       uint64 // its clock
	lines       int    // that are whole and as they should be
	broken      string // what is wrong with the line after them, "" where there is none
}

// LogTo has the session recorded in a trace folder, which is made where there is none. The customer's log in it goes on:
// a torn tail is cut, what the session has and the log lacks follows, and then comes the next incarnation. Where the
// folder has no log of the customer, one begins with the session's next event. The error wraps ErrSession where log
// and session do not belong together; both are as they were then.
func (f *SessionFile) LogTo(dir string) error {
	if f.log != nil || f.used || f.lock == nil {
		return fmt.Errorf("%w %s: say where to record it once, before a client uses it", ErrSession, f.path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	l := &sessionLog{path: trace.LogPath(dir, f.name)}
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	l.file, l.w = file, trace.NewWriter(file)
	err = l.read(f.name)
	if err == nil {
		err = l.match(f)
	}
	if err == nil {
		err = l.cut()
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.log = l
	return nil
}

// read finds how far the log goes: up to the first line that is not whole, or is no record that this log can have there.
func (l *sessionLog) read(name string) error {
	whole, err := wholeLines(l.file)
	if err != nil {
		return err
	}
	r := trace.NewReader(io.NewSectionReader(l.file, 0, whole), l.path)
	for r.Scan() {
		process := name
		switch rec := r.Record().(type) {
		case *trace.SyntaxError:
			l.broken = rec.Error()
			return nil
		case *trace.Header:
			process = rec.Process
			if l.incarnation == 0 && l.last == 0 && rec.First > 1 {
				l.last = rec.First - 1
			}
			l.incarnation = rec.Incarnation
		case *trace.End:
			process = rec.Process
		case *trace.Event:
			process = rec.Process
			if process == name && (rec.Seq != l.last+1 || rec.Clock <= l.clock) {
				l.broken = fmt.Sprintf("%s:%d: event %s with clock %d is not the next", l.path, r.Line(), rec.Ref(), rec.Clock)
				return nil
			}
			l.last, l.clock = rec.Seq, rec.Clock
		}
		if process != name {
			return fmt.Errorf("%w: %s:%d is a record of %q, and the customer is %q; name another trace folder", ErrSession, l.path, r.Line(), process, name)
		}
		l.lines = r.Line()
	}
	return r.Err()
}

// wholeLines returns how many bytes of a file are lines with a line end.
func wholeLines(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	chunk := make([]byte, 64<<10)
	for end := info.Size(); end > 0; end -= min(end, int64(len(chunk))) {
		from := max(0, end-int64(len(chunk)))
		part := chunk[:end-from]
		if _, err := file.ReadAt(part, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
	}
	return 0, nil
}

// match says why a log does not belong to a session. A session is saved before its log, so the log is never ahead; and
// what it lacks must be among the events that the session kept.
func (l *sessionLog) match(f *SessionFile) error {
	refuse := func(problem, remedy string) error {
		if l.broken != "" {
			problem += "; reading it stopped at " + l.broken
		}
		return fmt.Errorf("%w %s and the log %s do not belong together: %s; %s", ErrSession, f.path, l.path, problem, remedy)
	}
	first := f.state.Seq + 1 // of the events that the session can add
	if len(f.kept) > 0 {
		first = f.kept[0].Seq
	}
	switch {
	case l.lines == 0 && l.broken != "":
		return refuse("the log has nothing of this customer", "name another trace folder")
	case l.lines == 0:
		l.last = first - 1
		return nil
	case l.last > f.state.Seq:
		return refuse(fmt.Sprintf("the log has %d events and the session %d, so this session file is an old copy or a new one", l.last, f.state.Seq),
			"give the newest session file, or another trace folder, or begin a new session under another name")
	case l.last+1 < first:
		return refuse(fmt.Sprintf("the log ends with event %d, and the session can only add those from %d on", l.last, first),
			"give the trace folder that the session was recorded in last, or a new one, where the log begins with the next event")
	}
	clock := f.state.Clock
	for i := range f.kept {
		if f.kept[i].Seq == l.last {
			clock = f.kept[i].Clock
		}
	}
	if l.clock > 0 && (l.last == f.state.Seq || l.last >= first) && clock != l.clock {
		return refuse(fmt.Sprintf("event %d has clock %d in the log and %d in the session", l.last, l.clock, clock),
			"give the session file and the log of one session")
	}
	return nil
}

// cut drops what follows the lines that are as they should be.
func (l *sessionLog) cut() error {
	r := bufio.NewReader(io.NewSectionReader(l.file, 0, 1<<62))
	end := int64(0)
	for range l.lines {
		for more := true; more; {
			part, err := r.ReadSlice('\n')
			end += int64(len(part))
			if more = errors.Is(err, bufio.ErrBufferFull); err != nil && !more {
				return err
			}
		}
	}
	if err := l.file.Truncate(end); err != nil {
		return err
	}
	_, err := l.file.Seek(end, io.SeekStart)
	return err
}

// begin completes the log with the events that it lacks, and writes the header of the next incarnation. A log that has no
// header yet gets this one first. All of it is on disk when it returns.
func (l *sessionLog) begin(h *trace.Header, kept []trace.Event) error {
	var errs []error
	fresh := l.incarnation == 0
	if fresh {
		if l.last > 0 {
			h.First = l.last + 1
		}
		errs = append(errs, l.w.Header(h))
	}
	for i := range kept {
		if kept[i].Seq > l.last {
			errs = append(errs, l.w.Event(&kept[i]))
		}
	}
	if !fresh {
		errs = append(errs, l.w.Header(h))
	}
	return l.wrap(errors.Join(append(errs, l.w.Flush(), l.file.Sync())...))
}

func (l *sessionLog) event(e *trace.Event) error {
	return l.wrap(errors.Join(l.w.Event(e), l.w.Flush()))
}

func (l *sessionLog) end(e *trace.End) error {
	return l.wrap(errors.Join(l.w.End(e), l.w.Flush(), l.file.Sync()))
}

func (l *sessionLog) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("log %s: %w", l.path, err)
}
