package diagram

import (
	"cmp"
	"container/heap"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// chosen is an event that may be drawn.
type chosen struct {
	at       causal.At
	distance uint64
	event    trace.Event
}

// farther orders events by what is left out first, which is the order of any reading.
func farther(a, b *chosen) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.event.Clock, b.event.Clock),
		cmp.Compare(a.at.Process, b.at.Process), cmp.Compare(a.at.Pos, b.at.Pos))
}

// nearest keeps the nearest events, so many of them: a heap with the farthest first.
type nearest struct {
	all     []*chosen
	room    int
	dropped uint64 // the least distance of what was dropped
}

func (n *nearest) Len() int           { return len(n.all) }
func (n *nearest) Less(i, j int) bool { return farther(n.all[i], n.all[j]) > 0 }
func (n *nearest) Swap(i, j int)      { n.all[i], n.all[j] = n.all[j], n.all[i] }
func (n *nearest) Push(x any)         { n.all = append(n.all, x.(*chosen)) }
func (n *nearest) Pop() any {
	last := n.all[len(n.all)-1]
	n.all = n.all[:len(n.all)-1]
	return last
}

func (n *nearest) add(at causal.At, distance uint64, e *trace.Event) {
	c := &chosen{at: at, distance: distance}
	c.event.Clock = e.Clock
	if len(n.all) == n.room && farther(c, n.all[0]) > 0 {
		n.dropped = min(n.dropped, distance)
		return
	}
	c.event = e.Clone()
	heap.Push(n, c)
	if len(n.all) > n.room {
		n.dropped = min(n.dropped, heap.Pop(n).(*chosen).distance)
	}
}

// eventsPerRow is how many events are held for each row that a picture may have.
const eventsPerRow = 32

// choose returns the events to draw, in the order of (clock, process, place in the log).
//
//  1. One reading keeps the nearest events.
//  2. Their distances are taken from the least on, whole ones, as long as there are rows.
//  3. Where there are more processes than lanes, those of the anchors and those with the most events stay.
func (t *Trace) choose(ctx context.Context, p *plan) ([]*chosen, error) {
	n := &nearest{room: p.Rows * eventsPerRow, dropped: math.MaxUint64}
	first := max(p.From, t.clocks[0])
	err := t.each(ctx, func(at causal.At, e *trace.Event) {
		if d, ok := p.distance(at, e, first); ok {
			n.add(at, d, e)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(n.all, farther)
	kept := p.widest(t, p.whole(n))
	slices.SortFunc(kept, func(a, b *chosen) int {
		return cmp.Or(cmp.Compare(a.event.Clock, b.event.Clock), cmp.Compare(a.at.Process, b.at.Process), cmp.Compare(a.at.Pos, b.at.Pos))
	})
	return kept, nil
}

// whole returns the events of the distances that fit; those of the least, as far as they do, where none fits.
func (p *plan) whole(n *nearest) []*chosen {
	kept, anchors := 0, 0
	for kept < len(n.all) {
		end := kept
		for end < len(n.all) && n.all[end].distance == n.all[kept].distance {
			end++
		}
		if n.all[kept].distance >= n.dropped && kept > 0 {
			break
		}
		if linesOf(n.all[:end]) > p.Rows {
			if kept == 0 || kept == anchors && !p.only {
				for end > kept && linesOf(n.all[:end]) > p.Rows {
					end--
				}
				return n.all[:max(end, 1)]
			}
			break
		}
		if n.all[kept].distance == 0 {
			anchors = end
		}
		kept = end
	}
	return n.all[:kept]
}

// linesOf counts the lines that events take, with those of the stretches between them.
func linesOf(events []*chosen) int {
	type place struct {
		clock   uint64
		process int32
	}
	count := map[place]int{}
	most := map[uint64]int{}
	for _, c := range events {
		at := place{c.event.Clock, c.at.Process}
		count[at]++
		most[at.clock] = max(most[at.clock], count[at])
	}
	lines, before := 0, uint64(0)
	for _, clock := range slices.Sorted(maps.Keys(most)) {
		if before > 0 && clock > before+1 {
			lines++
		}
		before = clock
		lines += most[clock]
	}
	return lines
}

// widest leaves the processes out for which there is no lane.
func (p *plan) widest(t *Trace, events []*chosen) []*chosen {
	count := map[int32]int{}
	anchored := map[int32]int{}
	for _, c := range events {
		count[c.at.Process]++
		if c.distance == 0 {
			anchored[c.at.Process] = 1
		}
	}
	if len(count) <= p.Lanes {
		return events
	}
	var order []int32
	for process := range count {
		order = append(order, process)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(anchored[b], anchored[a]), cmp.Compare(count[b], count[a]), natural(t.procs[a].name, t.procs[b].name))
	})
	stay := order[:p.Lanes]
	return slices.DeleteFunc(events, func(c *chosen) bool { return !slices.Contains(stay, c.at.Process) })
}
