package causal

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Entries reads events from their logs, at the marks that the first reading left there.
func (t *Trace) Entries(ctx context.Context, events ...At) (map[At]*Entry, error) {
	wanted := make([][]At, len(t.sources))
	for _, at := range events {
		log := t.log[at.Process]
		wanted[log] = append(wanted[log], at)
	}
	found := make([]map[At]*Entry, len(t.sources))
	err := sideBySide(ctx, len(t.sources), func(ctx context.Context, i int) error {
		slices.SortFunc(wanted[i], func(a, b At) int { return int(a.Pos) - int(b.Pos) })
		found[i] = map[At]*Entry{}
		return t.fetch(ctx, t.sources[i], slices.Compact(wanted[i]), found[i])
	})
	if err != nil {
		return nil, err
	}
	all := map[At]*Entry{}
	for _, some := range found {
		for at, e := range some {
			all[at] = e
		}
	}
	for _, at := range events {
		if all[at] == nil {
			return nil, fmt.Errorf("%s was in its log and is not any more: the trace changed while it was read; ask again",
				t.Ref(at))
		}
	}
	return all, nil
}

// fetch reads events of one source. Wanted rises in place.
func (t *Trace) fetch(ctx context.Context, s *source, wanted []At, found map[At]*Entry) error {
	for len(wanted) > 0 {
		// What lies before the next mark is read in one go.
		i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].pos > wanted[0].Pos })
		n := len(wanted)
		if i < len(s.marks) {
			n = sort.Search(n, func(k int) bool { return wanted[k].Pos >= s.marks[i].pos })
		}
		var from mark
		if i > 0 {
			from = s.marks[i-1]
		}
		if err := t.fetchFrom(ctx, s, from, wanted[:n], found); err != nil {
			return err
		}
		wanted = wanted[n:]
	}
	return nil
}

func (t *Trace) fetchFrom(ctx context.Context, s *source, from mark, wanted []At, found map[At]*Entry) error {
	places := map[At]bool{}
	for _, at := range wanted {
		places[at] = true
	}
	next := map[string]int32{} // process -> place of its next event
	read := 0
	return s.read(from, nil, func(l line) (bool, error) {
		e, ok := l.rec.(*trace.Event)
		if !ok {
			return true, nil
		}
		if read++; read%progressEvery == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		pos, known := next[e.Process]
		if !known {
			pos = from.pos
		}
		next[e.Process] = pos + 1
		if id, ok := t.ids[e.Process]; ok && places[At{id, pos}] {
			found[At{id, pos}] = &Entry{e.Clone(), l.file, l.number}
			delete(places, At{id, pos})
		}
		return len(places) > 0, nil
	})
}
