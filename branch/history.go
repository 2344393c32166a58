package branch

import (
	"container/heap"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// history is what a branch holds of one origin's writes: a gap-free run, and some beyond a gap.
type history struct {
	first  uint64   // n of writes[0]; those before it are dropped, as every branch has them
	writes []*Write // first, first+1, …
	ahead  map[uint64]*Write
}

// held returns n of the newest write of the gap-free prefix.
func (h *history) held() uint64 { return h.first + uint64(len(h.writes)) - 1 }

// get returns write n, nil if it is not held or was dropped.
func (h *history) get(n uint64) *Write {
	if n < h.first || n > h.held() {
		return nil
	}
	return h.writes[n-h.first]
}

// add takes a write in and returns the writes that now extend the gap-free prefix, in order. Writes that are held
// already, or lie more than limit beyond the gap, are not taken.
func (h *history) add(w *Write, limit int) []*Write {
	switch next := h.held() + 1; {
	case w.ID.N < next:
		return nil
	case w.ID.N > next:
		if len(h.ahead) < limit && w.ID.N-next <= uint64(limit) {
			if h.ahead == nil {
				h.ahead = map[uint64]*Write{}
			}
			h.ahead[w.ID.N] = w
		}
		return nil
	}
	from := len(h.writes)
	for w != nil {
		delete(h.ahead, w.ID.N)
		h.writes = append(h.writes, w)
		w = h.ahead[h.held()+1]
	}
	return h.writes[from:]
}

// dropThrough forgets the writes up to n, and reports whether there were any.
func (h *history) dropThrough(n uint64) bool {
	if n < h.first || len(h.writes) == 0 {
		return false
	}
	k := min(n-h.first+1, uint64(len(h.writes)))
	clear(h.writes[:k])
	h.writes = h.writes[k:]
	h.first += k
	return true
}

// writeHeap holds unexecuted writes, the one with the least timestamp on top.
type writeHeap []*Write

func (h writeHeap) Len() int           { return len(h) }
func (h writeHeap) Less(i, j int) bool { return h[i].timestamp().Less(h[j].timestamp()) }
func (h writeHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *writeHeap) Push(w any) { *h = append(*h, w.(*Write)) }

// Pop is for container/heap.
func (h *writeHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}

// hold takes a write into its origin's history and makes what is now held without a gap ready for execution.
func (b *Branch) hold(w *Write) {
	origin := b.index[w.ID.Process]
	for _, w := range b.histories[origin].add(w, b.cfg.MaxAhead) {
		if b.causal == nil {
			heap.Push(&b.pending, w)
		} else {
			b.causal.need(w)
		}
		b.out.Durable.Held = append(b.out.Durable.Held, w)
		p := &b.peers[origin]
		p.horizon = max(p.horizon, w.At)
	}
	if origin != b.self {
		b.peers[origin].backPromise(b.histories[origin].held())
	}
}

// trim drops the writes that this branch has executed and that every other is known to hold.
func (b *Branch) trim(origin int) {
	n := b.executed[origin]
	for i := range b.peers {
		if i != b.self && i != origin {
			n = min(n, b.peers[i].has[origin])
		}
	}
	if b.histories[origin].dropThrough(n) {
		b.out.Durable.Dropped = append(b.out.Durable.Dropped, trace.ID{Process: b.cfg.Branches[origin], N: n})
	}
}
