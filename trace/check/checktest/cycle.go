package checktest

import (
	"cmp"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// causality/cycle: "no event happens before itself".
//
// Every cycle goes over some message: program order alone has none. So a receive is on a cycle exactly if its own send
// is in its future. Receives that happen before each other are on cycles of one knot, and a knot is one finding.
func cycle(w *whole) (found []Finding) {
	var knotted []*trace.Event
	for _, e := range w.all {
		if e.Kind == trace.Receive {
			if send := w.sendOf(e); send != nil && w.past(send)[e] {
				knotted = append(knotted, e)
			}
		}
	}
	slices.SortStableFunc(knotted, func(a, b *trace.Event) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Seq, b.Seq))
	})
	var first []*trace.Event // of each knot
	for _, e := range knotted {
		known := slices.ContainsFunc(first, func(f *trace.Event) bool { return w.past(e)[f] && w.past(f)[e] })
		if !known {
			first = append(first, e)
			found = append(found, at(e, w.sendOf(e)))
		}
	}
	return found
}

// past returns every event that happens before e; e itself only if it is on a cycle.
func (w *whole) past(e *trace.Event) map[*trace.Event]bool {
	past := map[*trace.Event]bool{}
	todo := []*trace.Event{e}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		causes := []*trace.Event{w.previous(next)}
		if next.Kind == trace.Receive {
			causes = append(causes, w.sendOf(next))
		}
		for _, cause := range causes {
			if cause != nil && !past[cause] {
				past[cause] = true
				todo = append(todo, cause)
			}
		}
	}
	return past
}
