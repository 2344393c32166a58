package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// event is an event as the index knows it.
type event struct {
	Process int32  `json:"p"`
	Pos     int32  `json:"pos"`
	Name    string `json:"name"`
	Seq     uint64 `json:"seq"`
	Clock   uint64 `json:"clock"`
	Mark    uint8  `json:"mark"`
	Step    string `json:"step,omitempty"`
	Peer    string `json:"peer,omitempty"`
	Request string `json:"request,omitempty"`
	Write   string `json:"write,omitempty"`
	Account string `json:"account,omitempty"`
	To      string `json:"to_account,omitempty"`
}

func (ix *index) event(at causal.At) event {
	l, ref := ix.lanes[at.Process], ix.trace.Ref(at)
	e := event{
		Process: at.Process, Pos: at.Pos, Name: ref.String(), Seq: ref.Seq, Clock: l.clocks[at.Pos], Mark: l.marks[at.Pos],
		Peer:    l.names.values[l.peers[at.Pos]],
		Request: l.ids.values[l.requests[at.Pos]].String(), Write: l.ids.values[l.writes[at.Pos]].String(),
		Account: l.accountsOf.values[l.accounts[at.Pos]][0], To: l.accountsOf.values[l.accounts[at.Pos]][1],
	}
	if s := trace.Step(l.steps[at.Pos]); s != trace.StepNone {
		e.Step = s.String()
	}
	return e
}

// details is what is known of one event.
type details struct {
	Event    event    `json:"event"`
	Words    string   `json:"words"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Raw      string   `json:"raw"`  // the line as it stands in the log
	Text     string   `json:"text"` // the answer of `explain`
	Expected expected `json:"expected"`
	Before   *event   `json:"before,omitempty"` // the event before it in its log
	Send     *event   `json:"send,omitempty"`   // the send that it received
	Receives []event  `json:"receives,omitempty"`
	Cone     cone     `json:"cone"`
	Findings []int    `json:"findings,omitempty"` // numbers of the findings about it
}

// expected is a causal.ExpectedClock.
type expected struct {
	Known   bool   `json:"known"`
	Least   uint64 `json:"least"`
	Own     uint64 `json:"own"`
	Message uint64 `json:"message"`
	Stamp   bool   `json:"stamp"`
}

// cone is the past and the future of an event: of each process how many of its events happened before, and the place of the
// first that happened after; and the clocks at these two ends, 0 where the process has no such event.
type cone struct {
	Past       []int32  `json:"past"`
	Future     []int32  `json:"future"`
	PastClock  []uint64 `json:"pastClock"`
	AfterClock []uint64 `json:"futureClock"`
	Counts     [3]int64 `json:"counts"` // before, after, concurrent
}

// mostReceives is how many receives of one message are listed.
const mostReceives = 20

func (ix *index) details(ctx context.Context, at causal.At) (*details, error) {
	o, err := ix.trace.Origin(ctx, at)
	if err != nil {
		return nil, err
	}
	d := &details{
		Event: ix.event(at), Words: causal.Words(&o.Event), File: o.File, Line: o.Line, Raw: ix.raw(o.Entry),
		Expected: expected(o.Clock), Findings: ix.findingsOf(at),
	}
	if d.Text, err = written(o.WriteText); err != nil {
		return nil, err
	}
	if at.Pos > 0 {
		e := ix.event(causal.At{Process: at.Process, Pos: at.Pos - 1})
		d.Before = &e
	}
	send, ok, err := ix.trace.Cause(at)
	if err != nil {
		return nil, err
	}
	if ok {
		e := ix.event(send)
		d.Send = &e
	}
	for _, r := range ix.messages.receives(at, mostReceives) {
		d.Receives = append(d.Receives, ix.event(r))
	}
	if d.Cone, err = ix.cone(at); err != nil {
		return nil, err
	}
	d.Cone.Counts = [3]int64{o.Past, o.Future, o.Concurrent()}
	return d, nil
}

func written(write func(io.Writer) error) (string, error) {
	var s strings.Builder
	err := write(&s)
	return s.String(), err
}

func (ix *index) cone(at causal.At) (c cone, err error) {
	if c.Past, err = ix.trace.Past(at); err != nil {
		return c, err
	}
	if c.Future, err = ix.trace.Future(at); err != nil {
		return c, err
	}
	for p, l := range ix.lanes {
		var before, after uint64
		if n := c.Past[p]; n > 0 {
			before = l.clocks[n-1]
		}
		if n := c.Future[p]; int(n) < l.len() {
			after = l.clocks[n]
		}
		c.Future[p] = min(c.Future[p], int32(l.len()))
		c.PastClock = append(c.PastClock, before)
		c.AfterClock = append(c.AfterClock, after)
	}
	return c, nil
}

// raw returns the line of an event as it stands in its log, or where that is not text what a text log would have.
func (ix *index) raw(e *causal.Entry) string {
	line, err := readLine(e.File, ix.files[e.File], e.Line)
	if err != nil || !json.Valid([]byte(line)) && !strings.HasSuffix(line, "…") {
		return string(bytes.TrimSpace(trace.AppendEvent(nil, &e.Event)))
	}
	return line
}

// findingsOf returns the numbers of the findings that are about an event.
func (ix *index) findingsOf(at causal.At) []int {
	if ix.lanes[at.Process].marks[at.Pos]&markFinding == 0 {
		return nil
	}
	var found []int
	ref := ix.trace.Ref(at)
	for i := range ix.report.Findings {
		if p := ix.report.Findings[i].Event; p != nil && p.Process == ref.Process && p.Seq == ref.Seq {
			found = append(found, i)
		}
	}
	return found
}

// pair is how two events stand to each other.
type pair struct {
	A        event   `json:"a"`
	B        event   `json:"b"`
	Relation string  `json:"relation"` // before, after, concurrent or both
	Path     []event `json:"path,omitempty"`
	Text     string  `json:"text"` // the answer of `explain`
}

// mostPath is how many events of a path are drawn; the text has them all.
const mostPath = 2000

func (ix *index) pair(ctx context.Context, a, b causal.At) (*pair, error) {
	x, err := ix.trace.Pair(ctx, a, b)
	if err != nil {
		return nil, err
	}
	p := &pair{A: ix.event(a), B: ix.event(b), Relation: relationName(x.Relation)}
	if p.Text, err = written(x.WriteText); err != nil {
		return nil, err
	}
	for _, trail := range []*causal.Trail{x.Forth, x.Back} {
		if trail != nil && p.Path == nil {
			for _, at := range trail.Events[:min(len(trail.Events), mostPath)] {
				p.Path = append(p.Path, ix.event(at))
			}
		}
	}
	return p, nil
}

func relationName(r causal.Relation) string {
	switch r {
	case causal.Before:
		return "before"
	case causal.After:
		return "after"
	case causal.Both:
		return "both"
	}
	return "concurrent"
}
