package causal

import (
	"cmp"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Search finds the events of names among events that are shown to it one by one, those of each process in the order of its
// log: for who reads a trace without [Read].
type Search struct {
	names   []Name
	matches []matches
	next    map[string]int32  // process -> place of its next event
	last    map[string]uint64 // customer -> number of its last request
	clocks  [2]uint64
}

// NewSearch returns a search for the events that names name.
func NewSearch(names ...Name) *Search {
	return &Search{names: names, matches: make([]matches, len(names)), next: map[string]int32{}, last: map[string]uint64{}}
}

// Event shows the next event.
func (s *Search) Event(e *trace.Event) {
	pos := s.next[e.Process]
	s.next[e.Process] = pos + 1
	s.clocks[0] = min(cmp.Or(s.clocks[0], e.Clock), e.Clock)
	s.clocks[1] = max(s.clocks[1], e.Clock)
	for i := range s.names {
		n := &s.names[i]
		if !n.searched() {
			continue
		}
		if e.Process == n.request.Process && e.Request.Process == e.Process {
			s.last[e.Process] = max(s.last[e.Process], e.Request.N)
		}
		if n.fits(e) {
			s.matches[i].count++
			s.matches[i].add(n, match{ref: e.Ref(), at: At{Pos: pos}, clock: e.Clock})
		}
	}
}

// Resolve returns the events of the names in the graph of the events that were shown. The error is as with [Trace.Resolve].
func (s *Search) Resolve(g *Graph) ([]At, error) {
	var found []At
	for i := range s.names {
		n, m := &s.names[i], &s.matches[i]
		if !n.searched() {
			at, err := g.Find(n.ref)
			if err != nil {
				return nil, err
			}
			found = append(found, at)
			continue
		}
		if m.count == 0 {
			return nil, &NoMatchError{n.text, n.request, s.clocks, s.last[n.request.Process]}
		}
		match, err := n.pick(m)
		if err != nil {
			return nil, err
		}
		found = append(found, At{g.ids[match.ref.Process], match.at.Pos})
	}
	return found, nil
}
