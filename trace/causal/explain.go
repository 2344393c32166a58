package causal

import (
	"context"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Pair is how two events stand to each other, and why.
type Pair struct {
	A, B     *Entry
	Relation Relation
	Forth    *Trail // from A to B; nil where A does not happen before B
	Back     *Trail // from B to A
	// What an event knows of the process of the other: the latest of its events that happened before. Zero for nothing.
	AKnows, BKnows trace.Ref

	Cut, Missing []string // see Trace
}

// Trail is a shortest causal path and its events.
type Trail struct {
	Path
	Entries []*Entry // of Path.Events
}

// Pair explains how event a stands to event b.
func (t *Trace) Pair(ctx context.Context, a, b At) (*Pair, error) {
	relation, ofA, ofB, err := t.Relate(a, b)
	if err != nil {
		return nil, err
	}
	p := &Pair{Relation: relation, Cut: t.Cut, Missing: t.Missing,
		AKnows: t.latest(ofA, b.Process), BKnows: t.latest(ofB, a.Process)}
	var forth, back Path
	if relation&Before != 0 {
		if forth, _, err = t.Path(a, b); err != nil {
			return nil, err
		}
	}
	if relation&After != 0 {
		if back, _, err = t.Path(b, a); err != nil {
			return nil, err
		}
	}
	events := append([]At{a, b}, forth.Events...)
	entries, err := t.Entries(ctx, append(events, back.Events...)...)
	if err != nil {
		return nil, err
	}
	p.A, p.B, p.Forth, p.Back = entries[a], entries[b], trail(forth, entries), trail(back, entries)
	return p, nil
}

func trail(p Path, entries map[At]*Entry) *Trail {
	if len(p.Events) == 0 {
		return nil
	}
	t := &Trail{Path: p}
	for _, at := range p.Events {
		t.Entries = append(t.Entries, entries[at])
	}
	return t
}

// latest returns the last event of a process in a past; zero where there is none.
func (t *Trace) latest(p Past, process int32) trace.Ref {
	if p[process] == 0 {
		return trace.Ref{}
	}
	return t.Ref(At{process, p[process] - 1})
}

// Origin is what gives an event its clock, and where it stands in the whole.
type Origin struct {
	*Entry
	Before *Entry // the event before it in its log; nil for the first
	Send   *Entry // of a receive: the send that it received; nil where the trace has none
	Clock  ExpectedClock

	Past, Future, Both, Events int64       // how many events happen before it, after it, before and after it, and are in the trace
	Vector                     []trace.Ref // its vector clock: the latest event of each process that it knows, itself for its own

	Cut, Missing []string // see Trace
}

// Concurrent returns how many events are concurrent with the event, itself not counted.
func (o *Origin) Concurrent() int64 {
	n := o.Events - o.Past - o.Future + o.Both
	if o.Both == 0 {
		n--
	}
	return n
}

// Origin explains an event.
func (t *Trace) Origin(ctx context.Context, of At) (*Origin, error) {
	c, err := t.cones(of)
	if err != nil {
		return nil, err
	}
	wanted := []At{of}
	if of.Pos > 0 {
		wanted = append(wanted, At{of.Process, of.Pos - 1})
	}
	send, received, err := t.Cause(of)
	if err != nil {
		return nil, err
	}
	if received {
		wanted = append(wanted, send)
	}
	entries, err := t.Entries(ctx, wanted...)
	if err != nil {
		return nil, err
	}
	o := &Origin{Entry: entries[of], Events: t.Events(), Cut: t.Cut, Missing: t.Missing}
	if of.Pos > 0 {
		o.Before = entries[At{of.Process, of.Pos - 1}]
	}
	if received {
		o.Send = entries[send]
	}
	o.Clock = Expect(&o.Event, event(o.Before), event(o.Send))
	for p := range t.procs {
		id := int32(p)
		o.Past += c.on(id, PastSide).len()
		o.Future += c.on(id, FutureSide).len()
		o.Both += c.on(id, bothSides).len()
		switch known := t.latest(c.past, id); {
		case id == of.Process:
			o.Vector = append(o.Vector, o.Ref())
		case known.Seq > 0:
			o.Vector = append(o.Vector, known)
		}
	}
	return o, nil
}

func event(e *Entry) *trace.Event {
	if e == nil {
		return nil
	}
	return &e.Event
}

// ExpectedClock is the least clock that an event may have, as a Lamport clock gives it: one more than the clock of
// the event before it, or than that of the send which it received, whichever is higher.
type ExpectedClock struct {
	Known   bool   // false where the event before it is not in the trace, and could have had a higher clock than Least
	Least   uint64 // the expected clock where Known, else the least by what is known
	Own     uint64 // of the event before it in its log; 0 for a first event
	Message uint64 // of the send, or what the message carried where the trace has no send; 0 for what is no receive
	Stamp   bool   // Message is from the receive's stamp
}

// Expect returns the clock that an event should have. Before is the event before it in its log, and send that which it
// received; nil where there is none.
func Expect(e, before, send *trace.Event) ExpectedClock {
	x := ExpectedClock{Known: e.Seq == 1}
	if before != nil {
		x.Own, x.Known = before.Clock, before.Seq+1 == e.Seq
	}
	switch {
	case e.Kind != trace.Receive:
	case send != nil:
		x.Message = send.Clock
	case e.Stamp > 0:
		x.Message, x.Stamp = e.Stamp, true
	default:
		x.Known = false
	}
	x.Least = max(x.Own, x.Message) + 1
	return x
}
