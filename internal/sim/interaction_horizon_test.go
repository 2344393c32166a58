package sim_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// horizons is the rule of execution once more, dumb: it remembers every promise that a branch has taken and every write
// that it holds, and works out from the beginning what may execute.
type horizons struct {
	promises map[string][]promise // by sender
	held     map[string][]*branch.Write
	pending  []*branch.Write // held and not executed, the next first
}

type promise struct{ clock, upto uint64 }

func newHorizons() *horizons {
	return &horizons{promises: map[string][]promise{}, held: map[string][]*branch.Write{}}
}

// restoredHorizons is what a branch knows from its disk alone: no promise, but the writes.
func restoredHorizons(s branch.State) *horizons {
	h := newHorizons()
	for origin, writes := range s.Writes {
		h.held[origin] = slices.Clone(writes)
		for _, w := range writes {
			if w.ID.N > s.Executed.Get(origin) {
				h.pending = append(h.pending, w)
			}
		}
	}
	return h
}

// of returns the horizon of another branch: the greatest promise whose writes are all held, or the newest held write.
func (h *horizons) of(peer string, held uint64) uint64 {
	var horizon uint64
	for _, p := range h.promises[peer] {
		if p.upto <= held {
			horizon = max(horizon, p.clock)
		}
	}
	for _, w := range h.held[peer] {
		horizon = max(horizon, w.At)
	}
	return horizon
}

// follow takes in what a branch took, and reports an error unless the branch executed exactly what it may.
func (h *horizons) follow(in branch.Input, out *branch.Effects, r *replica) error {
	if m, ok := in.(*branch.Message); ok && len(out.Durable.Taken) > 0 {
		h.promises[m.Stamp.Process] = append(h.promises[m.Stamp.Process], promise{m.Promise, m.Upto})
	}
	for _, w := range out.Durable.Held {
		h.held[w.ID.Process] = append(h.held[w.ID.Process], w)
		h.pending = append(h.pending, w)
	}
	slices.SortFunc(h.pending, func(x, y *branch.Write) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.ID.Process, y.ID.Process))
	})
	reach := uint64(math.MaxUint64)
	for _, peer := range r.cfg.Branches {
		if peer != r.cfg.Name {
			reach = min(reach, h.of(peer, r.core.Held().Get(peer)))
		}
	}
	var may, did []trace.ID
	for len(h.pending) > 0 && h.pending[0].At <= reach {
		may = append(may, h.pending[0].ID)
		h.pending = h.pending[1:]
	}
	for _, x := range out.Durable.Executed {
		did = append(did, x.Write.ID)
	}
	if !slices.Equal(may, did) || len(h.pending) != r.core.Pending() {
		return fmt.Errorf("executes %v with %d pending; by its horizons it is to execute %v with %d pending",
			did, r.core.Pending(), may, len(h.pending))
	}
	return nil
}
