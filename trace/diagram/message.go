package diagram

import (
	"cmp"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// message is an arrow to be: its ends by their places in the graph.
type message struct {
	kind     ArrowKind
	from, to *chosen // nil where that end is not in the window
	far      trace.Ref
}

// messages returns the messages of the events, in their order: of a send what became of it, of a receive where it came from
// if its send is not among them.
func (l *layout) messages(events []*chosen) ([]message, error) {
	shown := map[causal.At]*chosen{}
	for _, c := range events {
		shown[c.at] = c
	}
	received := map[causal.At][]causal.At{} // send -> receives, of those that are shown
	sent := map[causal.At]causal.At{}       // receive -> send
	err := l.t.graph.EachMessage(func(send, receive causal.At) {
		if shown[send] != nil {
			received[send] = append(received[send], receive)
		}
		if shown[receive] != nil {
			sent[receive] = send
		}
	})
	if err != nil {
		return nil, err
	}
	var all []message
	for _, c := range events {
		switch c.event.Kind {
		case trace.Send:
			all = append(all, l.sent(c, received[c.at], shown)...)
		case trace.Receive:
			send, ok := sent[c.at]
			switch {
			case ok && shown[send] == nil:
				all = append(all, message{In, nil, c, l.t.graph.Ref(send)})
			case !ok:
				all = append(all, message{l.unsent(&c.event), nil, c, c.event.CauseRef()})
			}
		}
	}
	return all, nil
}

// sent returns what became of a send. Of several receives the first counts, one at the addressee before others: the order
// of the rule message/duplicate-receive.
func (l *layout) sent(c *chosen, receives []causal.At, shown map[causal.At]*chosen) []message {
	if len(receives) == 0 {
		kind := InFlight
		if p := l.t.byName[c.event.Peer]; p != nil && p.closed && !p.pieces {
			kind = Lost
		}
		return []message{{kind, c, nil, trace.Ref{Process: c.event.Peer}}}
	}
	astray := func(at causal.At) int {
		if c.event.Peer == "" || l.t.procs[at.Process].name == c.event.Peer {
			return 0
		}
		return 1
	}
	slices.SortFunc(receives, func(a, b causal.At) int {
		order := cmp.Compare(astray(a), astray(b))
		if x, y := shown[a], shown[b]; x != nil && y != nil {
			order = cmp.Or(order, cmp.Compare(x.event.Clock, y.event.Clock))
		}
		return cmp.Or(order, cmp.Compare(a.Process, b.Process), cmp.Compare(a.Pos, b.Pos))
	})
	var all []message
	for i, at := range receives {
		m := message{Delivered, c, shown[at], l.t.graph.Ref(at)}
		switch {
		case m.to == nil:
			m.kind = Out
		case i > 0:
			m.kind = Again
		}
		all = append(all, m)
	}
	return all
}

// unsent says what a receive without a send is.
func (l *layout) unsent(e *trace.Event) ArrowKind {
	p := l.t.byName[e.Peer]
	if p == nil || !p.logged || p.pieces {
		return Unlogged
	}
	if _, err := l.t.graph.Find(e.CauseRef()); err != nil && !p.closed {
		return Unlogged
	}
	return Orphan
}

// arrows makes the arrows.
func (l *layout) arrows(messages []message) {
	for _, m := range messages {
		a := Arrow{Kind: m.kind, From: -1, To: -1, Far: m.far, FarLane: -1}
		if lane, ok := l.lane[m.far.Process]; ok {
			a.FarLane = lane
		}
		a.Far.Process = clean(a.Far.Process)
		e := &trace.Event{}
		if m.to != nil {
			a.To = l.nodes[m.to.at]
			e = &m.to.event
			a.Lit = l.Nodes[a.To].Lit
		}
		if m.from != nil {
			a.From = l.nodes[m.from.at]
			e = &m.from.event
			a.Lit = l.Nodes[a.From].Lit
		}
		a.Label, a.Minor = clean(label(e)), minor(e)
		if m.from != nil && m.to != nil {
			a.Lit = l.lights(a, m)
			a.Astray = m.from.event.Peer != "" && m.from.event.Peer != m.to.event.Process
		}
		l.Arrows = append(l.Arrows, a)
	}
}

// ways finds where a lit path goes along a lane.
func (l *layout) ways() {
	for step := range l.plan.steps {
		from, ok := l.nodes[step[0]]
		to, too := l.nodes[step[1]]
		if ok && too && step[0].Process == step[1].Process {
			l.Ways = append(l.Ways, Way{from, to})
		}
	}
	slices.SortFunc(l.Ways, func(a, b Way) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}

// lights reports whether an arrow between two nodes is lit.
func (l *layout) lights(a Arrow, m message) bool {
	if l.plan.steps != nil {
		return l.plan.steps[[2]causal.At{m.from.at, m.to.at}]
	}
	return l.Nodes[a.From].Lit && l.Nodes[a.To].Lit
}

// marks marks the findings: all that name an event in the window.
func (l *layout) marks() {
	for i := range l.t.findings {
		f := &l.t.findings[i]
		m := Mark{N: i + 1, Finding: f, Event: -1, Other: -1, Main: l.plan.Finding == i+1}
		for k, place := range []*check.Place{f.Event, f.Other} {
			node, ok := l.nodeOf(place)
			if !ok {
				continue
			}
			if k == 0 {
				m.Event = node
			} else {
				m.Other = node
			}
			l.Nodes[node].Marks = append(l.Nodes[node].Marks, m.N)
		}
		if m.Event < 0 && m.Other < 0 && !m.Main && !slices.ContainsFunc(l.Breaks, func(b Break) bool { return slices.Contains(b.Marks, m.N) }) {
			continue
		}
		l.Marks = append(l.Marks, m)
		for k := range l.Arrows {
			a := &l.Arrows[k]
			if a.From >= 0 && a.To >= 0 && (a.From == m.Event && a.To == m.Other || a.From == m.Other && a.To == m.Event) ||
				a.To < 0 && a.From == m.Event && a.Kind == Lost || a.From < 0 && a.To == m.Event && a.Kind == Orphan {
				a.Marks = append(a.Marks, m.N)
			}
		}
	}
}

// namedBy returns the numbers of the findings that name a line of a gap, or say that the log is cut off there.
func (t *Trace) namedBy(p *process, g gap) []int {
	var marks []int
	for i := range t.findings {
		place := t.findings[i].Event
		if place == nil || place.Seq > 0 && t.findings[i].Rule != "log/truncated" {
			continue
		}
		if g.has(place.File, place.Line) || g.kind == BreakCut && place.Process == p.name {
			marks = append(marks, i+1)
		}
	}
	return marks
}

// nodeOf returns the node that a finding names. Where the log gives its number twice, the line that the finding names counts.
func (l *layout) nodeOf(p *check.Place) (int, bool) {
	if p == nil || p.Seq == 0 {
		return 0, false
	}
	first := -1
	for i := range l.Nodes {
		n := &l.Nodes[i]
		if n.Seq != p.Seq || n.Process != p.Process {
			continue
		}
		if n.Clock == p.Clock {
			return i, true
		}
		if first < 0 {
			first = i
		}
	}
	return first, first >= 0
}

// refsOf returns the events that a finding names.
func refsOf(f *check.Finding) []trace.Ref {
	var refs []trace.Ref
	for _, p := range []*check.Place{f.Event, f.Other} {
		if p != nil && p.Seq > 0 {
			refs = append(refs, trace.Ref{Process: p.Process, Seq: p.Seq})
		}
	}
	return refs
}
