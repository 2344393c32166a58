package mutate

import (
	"errors"
	"io"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Trace is a whole trace in memory.
type Trace struct {
	Run  *trace.Run // nil where the trace has no run.json
	Logs []Log
}

// Log is one log: of one process, or of several that share a file.
type Log struct {
	Name    string
	Records []Record
}

// Record is one line of a log: exactly one of its fields is set.
type Record struct {
	Header *trace.Header
	Event  *trace.Event
	End    *trace.End
	Raw    []byte // what is no record; with its line end, if it has one
}

// process returns whose record it is, "" for a line that is none.
func (r Record) process() string {
	switch {
	case r.Header != nil:
		return r.Header.Process
	case r.Event != nil:
		return r.Event.Process
	case r.End != nil:
		return r.End.Process
	}
	return ""
}

// Read reads a trace. A line that is no record is an error, a *trace.SyntaxError.
func Read(f *trace.Folder) (*Trace, error) {
	t := &Trace{Run: f.Run}
	for _, l := range f.Logs {
		log, err := readLog(l)
		if err != nil {
			return nil, err
		}
		t.Logs = append(t.Logs, log)
	}
	return t, nil
}

func readLog(l trace.Log) (log Log, err error) {
	r, err := l.Open(nil)
	if err != nil {
		return log, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return collect(l.Name, r)
}

// ReadLog reads one log.
func ReadLog(name string, r io.Reader) (Log, error) { return collect(name, trace.NewReader(r, name)) }

// scanner is a trace.Reader or a trace.LogReader.
type scanner interface {
	Scan() bool
	Record() trace.Record
	Err() error
}

func collect(name string, r scanner) (Log, error) {
	log := Log{Name: name}
	for r.Scan() {
		if err := log.add(r.Record()); err != nil {
			return log, err
		}
	}
	return log, r.Err()
}

// add appends a copy of a record that a reader owns.
func (l *Log) add(rec trace.Record) error {
	switch rec := rec.(type) {
	case *trace.Header:
		h := rec.Clone()
		l.Records = append(l.Records, Record{Header: &h})
	case *trace.Event:
		e := rec.Clone()
		l.Records = append(l.Records, Record{Event: &e})
	case *trace.End:
		end := *rec
		l.Records = append(l.Records, Record{End: &end})
	case *trace.SyntaxError:
		wrong := *rec
		return &wrong
	}
	return nil
}

// Clone returns a copy of the trace that shares nothing with it but the run.
func (t *Trace) Clone() *Trace {
	c := &Trace{Run: t.Run}
	for _, l := range t.Logs {
		log := Log{Name: l.Name, Records: make([]Record, 0, len(l.Records))}
		for _, r := range l.Records {
			switch {
			case r.Header != nil:
				h := r.Header.Clone()
				r.Header = &h
			case r.Event != nil:
				e := r.Event.Clone()
				r.Event = &e
			case r.End != nil:
				end := *r.End
				r.End = &end
			default:
				r.Raw = slices.Clone(r.Raw)
			}
			log.Records = append(log.Records, r)
		}
		c.Logs = append(c.Logs, log)
	}
	return c
}

// Write writes the trace into a folder.
func (t *Trace) Write(dir *trace.Dir) error {
	for i := range t.Logs {
		f, err := dir.File(t.Logs[i].Name)
		if err != nil {
			return err
		}
		if err := errors.Join(t.Logs[i].Write(f), f.Close()); err != nil {
			return err
		}
	}
	if t.Run == nil {
		return nil
	}
	return dir.WriteRun(t.Run)
}

// Write writes the log as JSON Lines.
func (l *Log) Write(out io.Writer) error {
	w := trace.NewWriter(out)
	for _, r := range l.Records {
		var err error
		switch {
		case r.Header != nil:
			err = w.Header(r.Header)
		case r.Event != nil:
			err = w.Event(r.Event)
		case r.End != nil:
			err = w.End(r.End)
		default:
			if err = w.Flush(); err == nil {
				_, err = out.Write(r.Raw)
			}
		}
		if err != nil {
			return err
		}
	}
	return w.Flush()
}
