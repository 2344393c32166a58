// Package mutate breaks traces on purpose: each mutation makes a copy of a valid trace that violates one rule, for
// teaching, and for testing checkers.
package mutate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Trace is a whole trace in memory.
type Trace struct {
	Run  *trace.Run // nil where the trace has no run.json
	Logs []Log
}

// Log is the log of one process.
type Log struct {
	Name    string
	Records []Record
}

// Record is one line of a log: exactly one of its fields is set.
type Record struct {
	Header *trace.Header
	Event  *trace.Event
	End    *trace.End
}

// Change says what a mutation did.
type Change struct {
	Rule  string
	Event trace.Ref // the event that was changed
	Text  string    // what was done to it, for a person
}

// ErrNoPlace says that a trace has nothing that the mutation could be done to.
var ErrNoPlace = errors.New("the trace has no place for this mutation")

// UnknownRuleError says that there is no mutation for a rule.
type UnknownRuleError struct {
	Rule  string
	Known []string
}

func (e *UnknownRuleError) Error() string {
	return fmt.Sprintf("no mutation violates %q; there are mutations for %s", e.Rule, strings.Join(e.Known, ", "))
}

// Read reads a trace. A line that is no record is an error.
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
	log.Name = l.Name
	for r.Scan() {
		switch rec := r.Record().(type) {
		case *trace.Header:
			h := rec.Clone()
			log.Records = append(log.Records, Record{Header: &h})
		case *trace.Event:
			e := rec.Clone()
			log.Records = append(log.Records, Record{Event: &e})
		case *trace.End:
			end := *rec
			log.Records = append(log.Records, Record{End: &end})
		case *trace.SyntaxError:
			return log, rec
		}
	}
	return log, r.Err()
}

// Write writes the trace into a folder.
func (t *Trace) Write(dir *trace.Dir) error {
	for _, l := range t.Logs {
		if err := l.write(dir); err != nil {
			return err
		}
	}
	if t.Run == nil {
		return nil
	}
	return dir.WriteRun(t.Run)
}

func (l *Log) write(dir *trace.Dir) (err error) {
	w, err := dir.Log(l.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for _, r := range l.Records {
		switch {
		case r.Header != nil:
			err = w.Header(r.Header)
		case r.Event != nil:
			err = w.Event(r.Event)
		case r.End != nil:
			err = w.End(r.End)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mutation changes a trace so that it violates a rule. It returns ErrNoPlace if it cannot.
type mutation func(t *Trace, at func(*trace.Event) bool, r *rand.Rand) (Change, error)

func mutations() map[string]mutation {
	return map[string]mutation{
		"clock/receive-not-after-send": receiveTooEarly,
	}
}

// Rules returns the rules that there is a mutation for, in rising order.
func Rules() []string {
	var names []string
	for name := range mutations() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Break changes the trace in place so that it violates the rule, at an event that at allows (nil allows all), chosen by
// seed. The same trace, rule, at and seed give the same change. The error is an *UnknownRuleError, or wraps ErrNoPlace;
// the trace is then unchanged.
func Break(t *Trace, rule string, at func(*trace.Event) bool, seed uint64) (Change, error) {
	m, ok := mutations()[rule]
	if !ok {
		return Change{}, &UnknownRuleError{rule, Rules()}
	}
	if at == nil {
		at = func(*trace.Event) bool { return true }
	}
	c, err := m(t, at, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return Change{}, fmt.Errorf("%s: %w", rule, err)
	}
	c.Rule = rule
	t.mendEnds()
	return c, nil
}

// mendEnds makes the end records fit the events before them: what a program that made the mistake would have written.
func (t *Trace) mendEnds() {
	for _, l := range t.Logs {
		var last *trace.Event
		for _, r := range l.Records {
			switch {
			case r.Event != nil:
				last = r.Event
			case r.End != nil && last != nil:
				r.End.Events, r.End.Clock = last.Seq, last.Clock
			}
		}
	}
}

// events calls yield for every event with the one before it in its log, nil for the first.
func (t *Trace) events(yield func(e, before *trace.Event)) {
	for _, l := range t.Logs {
		var before *trace.Event
		for _, r := range l.Records {
			if r.Event != nil {
				yield(r.Event, before)
				before = r.Event
			}
		}
	}
}
