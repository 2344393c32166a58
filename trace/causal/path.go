package causal

import (
	"slices"
	"sort"
)

// Path is a causal path: from an event over messages to another.
type Path struct {
	// Events are the first event, then the send and the receive of each message, then the last event; no event twice in
	// a row. Between a receive and the next send, both of one process, there may be others of its log.
	Events   []At
	Messages int
	Steps    int64 // of happens-before, from one event to the next: over a message, or within a log
}

// band is the events of a process that a number of messages reaches, and no fewer.
type band struct {
	layer    int   // the number of messages
	from, to int32 // places in the log, to not included
	stairs   []stair
}

// stair says how many steps lead to an event of a band: from pos on offset + the event's place, until the next stair.
type stair struct {
	pos    int32
	offset int64 // falls from stair to stair
	send   At    // by which the steps come; pos is its receive, but in layer 0
}

// steps returns the number of steps to an event of the band, and the stair that it stands on.
func (b *band) steps(pos int32) (int64, stair) {
	i := sort.Search(len(b.stairs), func(i int) bool { return b.stairs[i].pos > pos }) - 1
	return b.stairs[i].offset + int64(pos), b.stairs[i]
}

// pathfinder finds a shortest causal path.
//
//  1. Layer 0 is the first event and what follows in its log.
//  2. Layer k+1 of a process begins at the first receive of a send in layer k, if that is earlier than what fewer
//     messages reach, and ends where that begins.
//  3. Within a layer, the fewest steps to an event are one more than those to the event before it or, for a receive of a
//     send in the layer below, one more than those to that send. What a receive gains on the way through its log is a stair.
//  4. The layer that holds the last event gives the number of messages, the stairs the way back.
//
// Only receives in the past of the last event are looked at.
type pathfinder struct {
	*Graph
	last  At
	past  Past // of last
	first []int32
	bands [][]band // of each process; layers rise, places fall
}

// Path returns a causal path from one event to another: of those with the fewest messages one with the fewest steps,
// always the same. It reports false where there is none.
func (g *Graph) Path(from, to At) (Path, bool, error) {
	if from == to {
		return g.cycle(from)
	}
	past, err := g.Past(to)
	if err != nil || !past.Has(from) {
		return Path{}, false, err
	}
	f := &pathfinder{Graph: g, last: to, past: past, first: make([]int32, len(g.procs)), bands: make([][]band, len(g.procs))}
	for p := range f.first {
		f.first[p] = none
	}
	f.add(from.Process, band{from: from.Pos, stairs: []stair{{from.Pos, -int64(from.Pos), At{}}}})
	return f.search(0, []int32{from.Process})
}

// cycle returns a shortest path from an event back to itself: over the send that it received, or the event before it.
func (g *Graph) cycle(at At) (best Path, found bool, err error) {
	send, received, err := g.Cause(at)
	if err != nil {
		return Path{}, false, err
	}
	try := func(before At, messages int) error {
		p, ok, err := g.Path(at, before)
		p.Messages += messages
		p.Steps++
		if ok && (!found || p.Messages < best.Messages || p.Messages == best.Messages && p.Steps < best.Steps) {
			best, found = p, true
		}
		return err
	}
	if received {
		err = try(send, 1)
	}
	if at.Pos > 0 && err == nil {
		err = try(At{at.Process, at.Pos - 1}, 0)
	}
	if found {
		best.Events = append(best.Events, at)
	}
	return best, found, err
}

// search adds layer after layer until the last event is in one. New are the processes that have a band of the layer.
func (f *pathfinder) search(layer int, new []int32) (Path, bool, error) {
	hearers := f.hearers()
	for f.first[f.last.Process] > f.last.Pos {
		q := newQueue(len(f.procs))
		for _, p := range new {
			for _, h := range hearers[p] {
				q.push(h)
			}
		}
		var next []band
		new = new[:0]
		for p, ok := q.pop(); ok; p, ok = q.pop() {
			b, err := f.extend(p, layer)
			if err != nil {
				return Path{}, false, err
			}
			if len(b.stairs) > 0 {
				next, new = append(next, b), append(new, p)
			}
		}
		if len(next) == 0 {
			return Path{}, false, nil
		}
		for i, p := range new {
			f.add(p, next[i])
		}
		layer++
	}
	return f.back(), true, nil
}

// add adds a band of a higher layer to a process.
func (f *pathfinder) add(p int32, b band) {
	b.to = f.first[p]
	f.bands[p] = append(f.bands[p], b)
	f.first[p] = b.from
}

// extend returns the band of a process in the layer after the given one; without stairs if there is none.
func (f *pathfinder) extend(p int32, layer int) (band, error) {
	next := band{layer: layer + 1}
	end := f.past[p]
	if p == f.last.Process {
		end = max(end, f.last.Pos+1)
	}
	err := f.eachReceive(p, min(end, f.first[p]), func(r receive) bool {
		send := At{r.peer, int32(r.send)}
		b := f.band(send)
		if b == nil || b.layer != layer {
			return true
		}
		steps, _ := b.steps(send.Pos)
		offset := steps + 1 - int64(r.pos)
		switch n := len(next.stairs); {
		case n == 0:
			next.from = r.pos
		case offset >= next.stairs[n-1].offset:
			return true
		}
		next.stairs = append(next.stairs, stair{r.pos, offset, send})
		return true
	})
	return next, err
}

// band returns the band that holds an event; nil if it was not reached.
func (f *pathfinder) band(at At) *band {
	bands := f.bands[at.Process]
	for i := len(bands) - 1; i >= 0; i-- {
		if b := &bands[i]; at.Pos >= b.from && at.Pos < b.to {
			return b
		}
	}
	return nil
}

// back follows the stairs from the last event to the first.
func (f *pathfinder) back() Path {
	var path Path
	add := func(at At) {
		if n := len(path.Events); n == 0 || path.Events[n-1] != at {
			path.Events = append(path.Events, at)
		}
	}
	at := f.last
	b := f.band(at)
	path.Steps, _ = b.steps(at.Pos)
	path.Messages = b.layer
	for ; b.layer > 0; b = f.band(at) {
		_, s := b.steps(at.Pos)
		add(at)
		add(At{at.Process, s.pos})
		at = s.send
	}
	add(at)
	add(At{at.Process, b.stairs[0].pos})
	slices.Reverse(path.Events)
	return path
}
