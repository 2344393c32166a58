package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// end reports what the first pass can prove of replicas, and suspects the rest.
func (f *replicaFamily) end() {
	for p := range f.branches {
		if p.hasLog() {
			f.replica(p)
		}
	}
	for _, r := range f.sorted() {
		if len(r.p.unreadable) > 0 {
			continue
		}
		for origin, x := range r.origins {
			f.passedOver(r, origin, x)
		}
		f.lacking(r)
	}
	f.compareFinal()
	f.open = nil
}

func (f *replicaFamily) sorted() []*replica {
	all := make([]*replica, 0, len(f.replicas))
	for _, r := range f.replicas {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *replica) int { return cmp.Compare(a.p.name, b.p.name) })
	return all
}

// passedOver reports the holes of one origin: one finding for each execute that made any.
func (f *replicaFamily) passedOver(r *replica, origin int32, x *executed) {
	for i, h := range x.holes {
		if i > 0 && x.holes[i-1].by == h.by {
			continue
		}
		missing := trace.ID{Process: f.procs[origin].name, N: h.lo}
		f.add(replicaMissing, finding{
			event: h.by,
			message: fmt.Sprintf("%s executes a write of %s, and %s before it is never executed by %s.",
				h.by.ref(), f.procs[origin].name, missing, r.p.name),
			expected: "an execute of " + missing.String(),
		})
	}
}

// lacking suspects the first write of each origin that a replica's whole log does not come to.
func (f *replicaFamily) lacking(r *replica) {
	if r.p.torn || !r.p.branch && len(r.origins) == 0 {
		return
	}
	for origin, n := range f.highest {
		x := r.origins[origin]
		reached := uint64(0)
		if x != nil {
			reached = x.prefix
		} else if r.p.first() > 1 {
			continue
		}
		if reached < n {
			w := write{origin, reached + 1}
			f.behind[w] = append(f.behind[w], r)
		}
	}
}

// compareFinal compares the balances at the end of replicas that executed the same writes. What a write left so in mode
// total was compared when it was executed.
func (f *replicaFamily) compareFinal() {
	books := f.money().books
	firsts := map[string]*replica{}
	for _, r := range f.sorted() {
		if r.p.first() > 1 || len(books[r.p]) == 0 {
			continue
		}
		key := f.vectorKey(r)
		ref := firsts[key]
		if ref == nil {
			firsts[key] = r
			continue
		}
		for account, c := range books[r.p] {
			d := books[ref.p][account]
			if d == nil {
				continue
			}
			f.checked[replicaDiverged]++
			if c.amount == d.amount || r.p.total && ref.p.total && c.written && d.written {
				continue
			}
			f.add(replicaDiverged, finding{
				event: c.by, other: d.by,
				message: fmt.Sprintf("%s and %s executed the same writes, and account %s ends with %d at %s and with %d at %s.",
					ref.p.name, r.p.name, account, d.amount, ref.p.name, c.amount, r.p.name),
				expected: fmt.Sprintf("balance %d", d.amount),
			})
		}
	}
}

// vectorKey names the set of writes that a replica executed.
func (f *replicaFamily) vectorKey(r *replica) string {
	var parts []string
	for origin, x := range r.origins {
		s := fmt.Sprintf("%q:%d", f.procs[origin].name, x.prefix)
		for _, h := range x.holes {
			s += fmt.Sprintf("-%d..%d", h.lo, h.hi)
		}
		parts = append(parts, s)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func (f *replicaFamily) settle() {
	for at, again := range f.twice {
		for _, later := range again.later {
			f.executedTwice(at, again.first, later)
		}
	}
	for w, at := range f.diverged {
		f.settleDiverged(w, at)
	}
	for w, replicas := range f.behind {
		for _, r := range replicas {
			f.neverExecuted(w, r)
		}
	}
}

func (f *replicaFamily) executedTwice(at deedAt, first, again spot) {
	id := f.id(at.write)
	twice := finding{
		event: again, other: first,
		message:  fmt.Sprintf("%s executes %s, which %s executed already.", again.ref(), id, first.ref()),
		expected: fmt.Sprintf("one execute of %s at %s", id, at.p.name),
	}
	if first == again {
		twice.other = spot{}
		twice.message = fmt.Sprintf("%s executes %s, which a snapshot had brought already.", again.ref(), id)
	}
	f.add(replicaTwice, twice)
}

func (f *replicaFamily) id(w write) trace.ID {
	return trace.ID{Process: f.procs[w.origin].name, N: w.n}
}

func (f *replicaFamily) settleDiverged(w write, at map[*proc]execution) {
	all := make([]execution, 0, len(at))
	for _, x := range at {
		all = append(all, x)
	}
	origin := f.procs[w.origin]
	slices.SortFunc(all, func(a, b execution) int {
		return cmp.Or(-compareBool(a.p == origin, b.p == origin), cmp.Compare(a.p.name, b.p.name))
	})
	for i, x := range all {
		j := slices.IndexFunc(all[:i], func(y execution) bool { return x.differs(y.outcome) })
		if j < 0 {
			continue
		}
		ref := all[j]
		f.add(replicaDiverged, finding{
			event: x.spot, other: ref.spot,
			message: fmt.Sprintf("%s executes %s with %s; %s executed it with %s.",
				x.ref(), f.id(w), x.outcome, ref.ref(), ref.outcome),
			expected: ref.outcome.String(),
		})
	}
}

func (f *replicaFamily) neverExecuted(w write, r *replica) {
	settled := f.opt.Run != nil && f.opt.Run.Settled
	id := f.id(w)
	last := r.p.previousIfAny()
	first, ok := f.firsts[w]
	if !ok {
		first, last = last, spot{}
	}
	message := fmt.Sprintf("%s never executed %s.", r.p.name, id)
	if n := f.highest[w.origin]; n > w.n {
		message = fmt.Sprintf("%s never executed %s to %d.", r.p.name, id, n)
	}
	if settled {
		message += " The run ended settled, so every branch should have executed every write."
	}
	f.add(replicaMissing, finding{
		event: first, other: last, warning: !settled,
		message: message, expected: fmt.Sprintf("an execute of %s at %s", id, r.p.name),
	})
}
