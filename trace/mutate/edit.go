package mutate

import (
	"math/rand/v2"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// editor changes a trace so that it stays consistent: who is renumbered is renumbered wherever somebody names him.
type editor struct {
	*Trace
	at     func(*trace.Event) bool
	random *rand.Rand

	procs    []*proc // in the order of the logs
	byName   map[string]*proc
	byRef    map[trace.Ref]*trace.Event
	index    map[*trace.Event]int            // in its process's events
	received map[*trace.Event][]*trace.Event // send -> its receives
	decisive map[*trace.Event]*trace.Event   // respond -> the execute at its branch that it tells of
	told     map[*trace.Event]bool           // executes that some respond tells of
	finals   map[trace.ID]int                // request -> how many responds give a result
	orders   map[trace.ID][]*trace.Event     // request -> its order events
	ordered  map[trace.ID]*trace.Event       // write -> its order event
	executes map[trace.ID][]*trace.Event     // write -> its executes
	queried  map[trace.ID][]*trace.Event     // request -> executes that answer it as a query
	seen     map[*trace.Event]clock.Vector   // respond to a query -> what the query saw
	sessions map[string]*session             // by customer
}

// proc is one process, with its events in the order of its log.
type proc struct {
	name   string
	header *trace.Header // the first; nil without one
	log    *Log
	ended  bool
	events []*trace.Event
}

func (p *proc) branch() bool   { return p.header != nil && p.header.Role == "branch" }
func (p *proc) customer() bool { return p.header != nil && p.header.Role == "customer" }
func (p *proc) total() bool    { return p.header != nil && p.header.Mode == "total" }

func (p *proc) last() *trace.Event { return p.events[len(p.events)-1] }

func newEditor(t *Trace, at func(*trace.Event) bool, r *rand.Rand) *editor {
	ed := &editor{
		Trace: t, at: at, random: r,
		byName: map[string]*proc{}, byRef: map[trace.Ref]*trace.Event{}, index: map[*trace.Event]int{},
		received: map[*trace.Event][]*trace.Event{}, decisive: map[*trace.Event]*trace.Event{},
		told: map[*trace.Event]bool{}, finals: map[trace.ID]int{},
		orders: map[trace.ID][]*trace.Event{}, ordered: map[trace.ID]*trace.Event{},
		executes: map[trace.ID][]*trace.Event{}, queried: map[trace.ID][]*trace.Event{},
		seen: map[*trace.Event]clock.Vector{}, sessions: map[string]*session{},
	}
	for i := range t.Logs {
		for _, r := range t.Logs[i].Records {
			ed.add(&t.Logs[i], r)
		}
	}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if e.Kind == trace.Receive {
				if s := ed.sendOf(e); s != nil {
					ed.received[s] = append(ed.received[s], e)
				}
			}
		}
		ed.learn(p)
	}
	for _, p := range ed.procs {
		ed.follow(p)
	}
	return ed
}

func (ed *editor) add(l *Log, r Record) {
	name := r.process()
	if name == "" {
		return
	}
	p := ed.byName[name]
	if p == nil {
		p = &proc{name: name, log: l}
		ed.byName[name] = p
		ed.procs = append(ed.procs, p)
	}
	switch {
	case r.Header != nil:
		if p.header == nil {
			p.header = r.Header
		}
		p.ended = false
	case r.End != nil:
		p.ended = true
	case r.Event != nil:
		ed.index[r.Event] = len(p.events)
		ed.byRef[r.Event.Ref()] = r.Event
		p.events = append(p.events, r.Event)
	}
}

// learn notes what the events of a process say of requests and writes.
func (ed *editor) learn(p *proc) {
	wrote, queried := map[trace.ID]*trace.Event{}, map[trace.ID]*trace.Event{}
	for _, e := range p.events {
		switch {
		case e.Step == trace.StepOrder && !e.Write.IsZero():
			ed.ordered[e.Write] = e
			ed.orders[e.Request] = append(ed.orders[e.Request], e)
		case isWrite(e):
			ed.executes[e.Write] = append(ed.executes[e.Write], e)
			if wrote[e.Request] == nil && e.Result != trace.Duplicate {
				wrote[e.Request] = e
			}
		case isQuery(e):
			ed.queried[e.Request] = append(ed.queried[e.Request], e)
			queried[e.Request] = e
		case isRespond(e) && e.Result != trace.Unknown && !e.Request.IsZero():
			ed.finals[e.Request]++
			x := wrote[e.Request]
			if q := queried[e.Request]; x == nil && q != nil {
				x = q
				ed.seen[e] = q.Sees
			}
			if x != nil {
				ed.decisive[e], ed.told[x] = x, true
			}
		}
	}
}

func isExecute(e *trace.Event) bool { return e.Step == trace.StepExecute }
func isWrite(e *trace.Event) bool   { return isExecute(e) && !e.Write.IsZero() }
func isQuery(e *trace.Event) bool   { return isExecute(e) && e.Write.IsZero() }
func isRespond(e *trace.Event) bool { return e.Step == trace.StepRespond && e.Kind == trace.Send }
func isAsk(e *trace.Event) bool     { return e.Step == trace.StepRequest && e.Kind == trace.Send }
func isReply(e *trace.Event) bool   { return e.Step == trace.StepRespond && e.Kind == trace.Receive }

// sendOf returns the send event that a receive received, nil where the trace has none.
func (ed *editor) sendOf(receive *trace.Event) *trace.Event {
	if s := ed.byRef[receive.CauseRef()]; s != nil && s.Kind == trace.Send {
		return s
	}
	return nil
}

// before returns the event before e in its process, nil for the first.
func (ed *editor) before(e *trace.Event) *trace.Event {
	if i := ed.index[e]; i > 0 {
		return ed.byName[e.Process].events[i-1]
	}
	return nil
}

// chosen returns the events that fit and that at allows, in the order of the logs.
func (ed *editor) chosen(fits func(p *proc, e *trace.Event) bool) []*trace.Event {
	var all []*trace.Event
	for _, p := range ed.procs {
		for _, e := range p.events {
			if ed.at(e) && fits(p, e) {
				all = append(all, e)
			}
		}
	}
	return all
}

// touches reports whether at allows any event of the process.
func (ed *editor) touches(p *proc) bool { return slices.ContainsFunc(p.events, ed.at) }

// branches returns the processes that are branches.
func (ed *editor) branches() []*proc {
	var all []*proc
	for _, p := range ed.procs {
		if p.branch() {
			all = append(all, p)
		}
	}
	return all
}

// pick draws from the first of lists that has something.
func pick[T any](ed *editor, lists ...[]T) (T, error) {
	for _, places := range lists {
		if len(places) > 0 {
			return places[ed.random.IntN(len(places))], nil
		}
	}
	var none T
	return none, &NoPlaceError{}
}

// shift makes room in time: every clock, stamp and timestamp above c rises by n. What was less stays less, so no rule
// that held is violated by it.
func (ed *editor) shift(c, n uint64) {
	for _, p := range ed.procs {
		for _, e := range p.events {
			for _, x := range []*uint64{&e.Clock, &e.Stamp, &e.At} {
				if *x > c {
					*x += n
				}
			}
		}
	}
}

// stamp sets the clock of a send, and with it the stamp that its message carries.
func (ed *editor) stamp(send *trace.Event, c uint64) {
	send.Clock = c
	for _, e := range ed.received[send] {
		if e.Stamp > 0 {
			e.Stamp = c
		}
	}
}

// remove takes an event out of its log. Call renumber when done.
func (ed *editor) remove(e *trace.Event) {
	p := ed.byName[e.Process]
	p.log.Records = slices.DeleteFunc(p.log.Records, func(r Record) bool { return r.Event == e })
}

// insert puts an event into the log of its process after another one. Call renumber when done.
func (ed *editor) insert(e, after *trace.Event) {
	log := ed.byName[after.Process].log
	i := slices.IndexFunc(log.Records, func(r Record) bool { return r.Event == after })
	log.Records = slices.Insert(log.Records, i+1, Record{Event: e})
}

// insertBefore puts an event into the log of its process before another one. Call renumber when done.
func (ed *editor) insertBefore(e, next *trace.Event) {
	log := ed.byName[next.Process].log
	i := slices.IndexFunc(log.Records, func(r Record) bool { return r.Event == next })
	log.Records = slices.Insert(log.Records, i, Record{Event: e})
}

// renumber numbers the events of a process anew, as they stand in its log.
func (ed *editor) renumber(p *proc) {
	seq := p.events[0].Seq
	for _, e := range p.events {
		seq = min(seq, e.Seq)
	}
	names := map[uint64]uint64{}
	for _, r := range p.log.Records {
		if r.Event != nil && r.Event.Process == p.name {
			names[r.Event.Seq] = seq
			seq++
		}
	}
	ed.rename(p, names)
}

// rename gives events of a process new numbers (old -> new), and all that name them.
func (ed *editor) rename(p *proc, names map[uint64]uint64) {
	replace := func(seq *uint64) {
		if n, ok := names[*seq]; ok {
			*seq = n
		}
	}
	for _, q := range ed.procs {
		for _, e := range q.events {
			if q == p {
				replace(&e.Seq)
				replace(&e.Answers)
			}
			if e.Kind == trace.Receive && e.Peer == p.name {
				replace(&e.Cause)
			}
		}
	}
}

// moveAfter moves events of one process, in their order, to after another event of it, with the clocks that follow on
// that one's.
func (ed *editor) moveAfter(anchor *trace.Event, moved ...*trace.Event) {
	ed.shift(anchor.Clock, uint64(len(moved)))
	after := anchor
	for _, e := range moved {
		ed.remove(e)
		ed.insert(e, after)
		ed.stamp(e, after.Clock+1)
		e.Wall = after.Wall
		after = e
	}
	ed.renumber(ed.byName[anchor.Process])
}

// append adds an event at the end of a process: it ticks and numbers it. What is received takes its cause and stamp from
// send.
func (ed *editor) append(p *proc, e trace.Event, send *trace.Event) *trace.Event {
	last := p.last()
	e.Process, e.Seq, e.Wall = p.name, last.Seq+1, last.Wall
	e.Clock = last.Clock + 1
	if send != nil {
		e.Kind, e.Peer, e.Cause, e.Stamp = trace.Receive, send.Process, send.Seq, send.Clock
		e.Clock = max(last.Clock, send.Clock) + 1
		e.Wall = max(last.Wall, send.Wall)
	}
	ed.insert(&e, last)
	ed.index[&e] = len(p.events)
	p.events = append(p.events, &e)
	return &e
}
