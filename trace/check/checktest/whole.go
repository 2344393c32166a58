package checktest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// whole is the whole trace in memory.
type whole struct {
	opt   Options
	logs  []Log
	procs map[string]*process
	names []string // of procs, sorted
	all   []*trace.Event
	refs  map[trace.Ref]*trace.Event // the first of that name in its log
	place map[*trace.Event]int       // in its process's events

	strays        []Finding // logs that hold records of a process with a log of its own
	ungrammatical []Finding // records where they cannot stand
	miscounted    []Finding // end records with another count
}

// process is all that the trace says of one process.
type process struct {
	name    string
	headers []*trace.Header
	events  []*trace.Event // in the order of the log
	ended   bool           // an end record follows the last header, and no event follows that
	closed  bool           // the record before was an end record
	first   uint64         // seq of the first event
	last    uint64         // the greatest seq
}

func newWhole(logs []Log, opt Options) *whole {
	w := &whole{opt: opt, logs: logs, procs: map[string]*process{}, refs: map[trace.Ref]*trace.Event{}, place: map[*trace.Event]int{}}
	owner := w.owners()
	for i, log := range logs {
		for _, record := range log.Records {
			switch {
			case record.Syntax != nil:
			case owner[record.process()] != i:
				w.strays = append(w.strays, Finding{Event: log.Name, Other: record.process()})
			default:
				w.add(record)
			}
		}
	}
	w.names = slices.Sorted(maps.Keys(w.procs))
	for _, p := range w.processes() {
		w.all = append(w.all, p.events...)
	}
	return w
}

// owners returns which log is whose: that whose header speaks for a process, else the first by name that has a record of it.
func (w *whole) owners() map[string]int {
	byName := make([]int, len(w.logs))
	for i := range byName {
		byName[i] = i
	}
	slices.SortStableFunc(byName, func(a, b int) int { return cmp.Compare(w.logs[a].Name, w.logs[b].Name) })
	owner := map[string]int{}
	for _, headers := range []bool{true, false} {
		for _, i := range byName {
			for _, record := range w.logs[i].Records {
				if _, known := owner[record.process()]; !known && record.Syntax == nil && (record.Header != nil || !headers) {
					owner[record.process()] = i
				}
			}
		}
	}
	return owner
}

func (w *whole) add(record Record) {
	name := record.process()
	p := w.procs[name]
	if p == nil {
		p = &process{name: name, first: 1}
		w.procs[name] = p
	}
	switch {
	case record.Header != nil:
		if len(p.headers) == 0 && len(p.events) == 0 && record.Header.First > 1 {
			p.first = record.Header.First
		}
		if n := len(p.headers); n > 0 && record.Header.Incarnation != p.headers[n-1].Incarnation+1 {
			w.ungrammatical = append(w.ungrammatical, Finding{Event: name})
		}
		p.headers = append(p.headers, record.Header)
		p.ended, p.closed = false, false
	case record.End != nil:
		w.end(p, record.End)
		p.ended, p.closed = true, true
	default:
		e := record.Event
		if p.closed {
			w.ungrammatical = append(w.ungrammatical, at(e, nil))
		}
		p.ended, p.closed = false, false
		w.place[e] = len(p.events)
		p.events = append(p.events, e)
		p.last = max(p.last, e.Seq)
		if w.refs[e.Ref()] == nil {
			w.refs[e.Ref()] = e
		}
	}
}

// end compares an end record with the last event before it.
func (w *whole) end(p *process, end *trace.End) {
	last := &trace.Event{Process: p.name, Seq: p.first - 1, Clock: end.Clock}
	other := ""
	if n := len(p.events); n > 0 {
		last = p.events[n-1]
		other = last.Ref().String()
	}
	switch {
	case p.closed:
		w.ungrammatical = append(w.ungrammatical, Finding{Event: p.name})
	case end.Events != last.Seq:
		w.miscounted = append(w.miscounted, Finding{Event: p.name, Other: other})
	case end.Clock != last.Clock:
		w.ungrammatical = append(w.ungrammatical, Finding{Event: p.name, Other: other})
	}
}

// processes returns every process that has a record, in order of name.
func (w *whole) processes() []*process {
	var all []*process
	for _, name := range w.names {
		all = append(all, w.procs[name])
	}
	return all
}

// slice reports whether the beginning of the process's log is not here.
func (p *process) slice() bool { return p.first > 1 }

// role returns what the headers say that the process is, "" where they say nothing.
func (p *process) role() string {
	for _, h := range p.headers {
		if h.Role != "" {
			return h.Role
		}
	}
	return ""
}

// isReplica reports whether the process executes writes: its header says branch, or, without a role, its events do.
func (p *process) isReplica() bool {
	if role := p.role(); role != "" {
		return role == "branch"
	}
	for _, e := range p.events {
		if e.Step == trace.StepOrder || e.Step == trace.StepSnapshot || isWriteExecute(e) {
			return true
		}
	}
	return false
}

// isCustomer reports whether the process asks: its header says customer, or, without a role, its events do.
func (p *process) isCustomer() bool {
	if role := p.role(); role != "" {
		return role == "customer"
	}
	for _, e := range p.events {
		if e.Step == trace.StepRequest && e.Kind == trace.Send {
			return true
		}
	}
	return false
}

func (w *whole) replicas() []*process {
	var all []*process
	for _, p := range w.processes() {
		if p.isReplica() {
			all = append(all, p)
		}
	}
	return all
}

// mode returns the mode of the process.
func (w *whole) mode(p *process) string {
	for _, h := range p.headers {
		if h.Mode != "" {
			return h.Mode
		}
	}
	return w.opt.Mode
}

// opening returns the balances before the first write, nil where the log does not say.
func (p *process) opening() map[string]int64 {
	if p.slice() || len(p.headers) == 0 || p.headers[0].Incarnation > 1 || len(p.headers[0].Opening) == 0 {
		return nil
	}
	balances := map[string]int64{}
	for _, a := range p.headers[0].Opening {
		balances[a.Account] = a.Amount
	}
	return balances
}

// sendOf returns the send event that a receive received, nil where the trace has none of that name.
func (w *whole) sendOf(receive *trace.Event) *trace.Event {
	if e := w.refs[receive.CauseRef()]; e != nil && e.Kind == trace.Send {
		return e
	}
	return nil
}

// previous returns the event before e in the log of its process, nil for the first.
func (w *whole) previous(e *trace.Event) *trace.Event {
	if i := w.place[e]; i > 0 {
		return w.procs[e.Process].events[i-1]
	}
	return nil
}

// earlier returns the events of e's process before it, in the order of the log.
func (w *whole) earlier(e *trace.Event) []*trace.Event {
	return w.procs[e.Process].events[:w.place[e]]
}

// compareTotal orders events of several processes: by clock, then process, then seq.
func compareTotal(a, b *trace.Event) int {
	return cmp.Or(cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Seq, b.Seq))
}

// inTotalOrder returns the events of the whole trace that fit, in the total order.
func (w *whole) inTotalOrder(fits func(e *trace.Event) bool) []*trace.Event {
	var some []*trace.Event
	for _, e := range w.all {
		if fits(e) {
			some = append(some, e)
		}
	}
	slices.SortStableFunc(some, compareTotal)
	return some
}

// firstOf returns the least in the total order of the events that fit, nil where none does.
func (w *whole) firstOf(fits func(e *trace.Event) bool) *trace.Event {
	for _, e := range w.inTotalOrder(fits) {
		return e
	}
	return nil
}

func isExecute(e *trace.Event) bool { return e.Step == trace.StepExecute }

func isWriteExecute(e *trace.Event) bool { return isExecute(e) && !e.Write.IsZero() }

func isQueryExecute(e *trace.Event) bool { return isExecute(e) && e.Write.IsZero() }

func isRespond(e *trace.Event) bool { return e.Step == trace.StepRespond && e.Kind == trace.Send }

// life returns the events of a replica's log that count for what it has executed: those from the last snapshot on, which
// is the first then; all where there is no snapshot.
func life(events []*trace.Event) []*trace.Event {
	for i, e := range slices.Backward(events) {
		if e.Step == trace.StepSnapshot {
			return events[i:]
		}
	}
	return events
}

// snapshotIn returns the last snapshot, nil without one.
func snapshotIn(events []*trace.Event) *trace.Event {
	if events = life(events); len(events) > 0 && events[0].Step == trace.StepSnapshot {
		return events[0]
	}
	return nil
}

// blind reports whether events, the beginning of the log as far as it is here, do not tell all that the process executed.
func (p *process) blind(events []*trace.Event) bool { return p.slice() && snapshotIn(events) == nil }

// executed is the writes that a replica has executed at some point of its log.
type executed struct {
	writes   map[trace.ID]bool
	snapshot clock.Vector
}

// executedIn returns what events, the beginning of a replica's log, executed.
func executedIn(events []*trace.Event) executed {
	x := executed{writes: map[trace.ID]bool{}}
	if s := snapshotIn(events); s != nil {
		x.snapshot = s.Sees.Clone()
	}
	for _, e := range life(events) {
		if isWriteExecute(e) {
			x.writes[e.Write] = true
		}
	}
	return x
}

// has reports whether a write was executed or taken over in a snapshot.
func (x executed) has(write trace.ID) bool {
	return x.writes[write] || write.N <= x.snapshot.Get(write.Process)
}

// vector returns n of the gap-free prefix for every origin.
func (x executed) vector() clock.Vector {
	v := x.snapshot.Clone()
	for write := range x.writes {
		n := v.Get(write.Process)
		for x.has(trace.ID{Process: write.Process, N: n + 1}) {
			n++
		}
		v = v.Set(write.Process, n)
	}
	return v
}

// gapless reports whether the vector tells all: nothing was executed beyond a gap.
func (x executed) gapless() bool {
	v := x.vector()
	for write := range x.writes {
		if write.N > v.Get(write.Process) {
			return false
		}
	}
	return true
}
