package causal

import (
	"cmp"
	"context"
	"slices"
)

// Side is a part of a trace, seen from one event.
type Side uint8

// The sides: what happened before an event, what after it, and what neither. In a faulty trace an event may be on both of
// the first two.
const (
	PastSide Side = iota
	FutureSide
	ConcurrentSide
	bothSides
)

func (s Side) String() string { return [...]string{"past", "future", "concurrent", ""}[s] }

// cones is what an event has before and after it.
type cones struct {
	*Graph
	of     At
	past   Past
	future Future
}

func (g *Graph) cones(of At) (*cones, error) {
	past, err := g.Past(of)
	if err != nil {
		return nil, err
	}
	future, err := g.Future(of)
	return &cones{g, of, past, future}, err
}

// span is the events of a process from place lo to before hi.
type span struct{ lo, hi int32 }

func (s span) len() int64 { return int64(max(0, s.hi-s.lo)) }

// on returns the events of a process that are on a side. The event itself, concurrent with itself, is left in.
func (c *cones) on(process int32, s Side) span {
	past, future, count := c.past[process], c.future[process], c.procs[process].count
	switch s {
	case PastSide:
		return span{0, past}
	case FutureSide:
		return span{min(future, count), count}
	case bothSides:
		return span{min(future, count), past}
	}
	return span{past, min(future, count)}
}

// Cone is the events on one side of an event.
type Cone struct {
	Side      Side
	Of        *Entry
	Events    int64 // on that side
	Total     int64 // in the trace
	Stretches []Stretch
	Shown     []*Entry // nearest first: of a past those with the highest clocks, else those with the lowest

	Cut, Missing []string // see Trace
}

// Stretch is consecutive events of one process, by their names.
type Stretch struct {
	Process     string
	Events      int64
	First, Last uint64 // seq
}

// Cone returns the events on one side of an event, and of at most limit of them what they are.
//
// Those are chosen by their clocks, from the limit nearest of each process.
func (t *Trace) Cone(ctx context.Context, of At, side Side, limit int) (*Cone, error) {
	c, err := t.cones(of)
	if err != nil {
		return nil, err
	}
	cone := &Cone{Side: side, Total: t.Events(), Cut: t.Cut, Missing: t.Missing}
	nearest := []At{of}
	for p := range int32(len(t.procs)) {
		for _, s := range c.without(p, side) {
			if s.len() == 0 {
				continue
			}
			cone.Events += s.len()
			cone.Stretches = append(cone.Stretches,
				Stretch{t.procs[p].name, s.len(), t.Ref(At{p, s.lo}).Seq, t.Ref(At{p, s.hi - 1}).Seq})
			nearest = append(nearest, s.nearest(p, side, limit)...)
		}
	}
	entries, err := t.Entries(ctx, nearest...)
	if err != nil {
		return nil, err
	}
	cone.Of = entries[of]
	for _, at := range nearest[1:] {
		cone.Shown = append(cone.Shown, entries[at])
	}
	slices.SortStableFunc(cone.Shown, func(a, b *Entry) int {
		byClock := cmp.Compare(a.Clock, b.Clock)
		if side == PastSide {
			byClock = -byClock
		}
		return cmp.Or(byClock, cmp.Compare(a.Process, b.Process))
	})
	cone.Shown = cone.Shown[:min(limit, len(cone.Shown))]
	return cone, nil
}

// without returns the events of a process on a side as stretches: the event itself is no event that is concurrent with it.
func (c *cones) without(process int32, side Side) []span {
	s := c.on(process, side)
	if side == ConcurrentSide && process == c.of.Process && c.of.Pos >= s.lo && c.of.Pos < s.hi {
		return []span{{s.lo, c.of.Pos}, {c.of.Pos + 1, s.hi}}
	}
	return []span{s}
}

// nearest returns the last events of a past and the first of another side, at most n, nearest first.
func (s span) nearest(process int32, side Side, n int) []At {
	var events []At
	for k := range int32(min(int64(n), s.len())) {
		at := At{process, s.lo + k}
		if side == PastSide {
			at.Pos = s.hi - 1 - k
		}
		events = append(events, at)
	}
	return events
}
