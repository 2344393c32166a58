package check

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// A snapshot replaces what its replica has executed: from then on that is the writes up to sees and no others, whatever
// the replica executed before, and its balances are those that the snapshot gives.
//
//  1. The replica's numbers, vector and order begin anew; what it has heard of other branches stays true. An open write
//     is open at that replica again, or no longer.
//  2. Every write that the snapshot brings must have been ordered, and the first execute after it must come after all of
//     them in mode total. Both need the orders, so a trace with a snapshot is always read twice.
//  3. A branch whose write is in a snapshot orders nothing before that write any more. An execute before the horizon is
//     therefore judged when the order of the branch's last write in the snapshot is known.
//  4. A write that all branches had executed, and that one of them lost and never executed again, is open no longer, so
//     its requests are not known. Where the trace is settled one more pass finds them.

// takeover is a snapshot, and the first execute after it that has a timestamp.
type takeover struct {
	spot
	sees  clock.Vector
	next  spot // none if another snapshot came before
	write trace.ID
	at    uint64
}

// hasty is an execute before which some branches had not been heard of.
type hasty struct {
	spot
	write  trace.ID
	at     uint64
	silent []silence    // by name
	sees   clock.Vector // of the snapshot before it
}

// silence is the latest clock that was heard of a branch, 0 for none.
type silence struct {
	p     *proc
	heard uint64
}

// life returns how many snapshots a process has taken over.
func (all replicas) life(p *proc) int {
	if r := all[p]; r != nil {
		return r.life
	}
	return 0
}

// replace begins a new life with the writes up to sees.
func (r *replica) replace(t *takeover, process func(name string) *proc) {
	r.taken, r.life, r.peak = t, r.life+1, max(r.peak, r.total)
	r.vector, r.total, r.hash, r.gaps = nil, 0, 0, 0
	r.last, r.at, r.origin = spot{}, 0, nil
	for _, k := range r.tracks {
		k.numbers, k.newest = numbers{}, spot{}
	}
	for _, entry := range t.sees {
		if entry.N == 0 {
			continue
		}
		origin := process(entry.Process)
		k := r.track(origin)
		k.most, k.newest = entry.N, t.spot
		r.move(origin, k, 0, false)
	}
}

func newTakeover(v *visit) *takeover { return &takeover{spot: v.spot(), sees: v.e.Sees.Clone()} }

func (f *replicaFamily) snapshot(v *visit) {
	f.act(v.p)
	r, t := f.replicas.of(v.p), newTakeover(v)
	f.reopen(r, t.sees)
	r.replace(t, f.process)
	f.takeovers = append(f.takeovers, t)
	for _, entry := range t.sees {
		f.bounds[write{f.process(entry.Process).id, entry.N}] = 0
	}
	f.states.reach(f, r, v)
}

// reopen counts again at how many branches each open write is executed, now that r has those up to sees alone.
func (f *replicaFamily) reopen(r *replica, sees clock.Vector) {
	if !f.branches[r.p] {
		return
	}
	maps.DeleteFunc(f.open, func(w write, o *open) bool {
		had, has := r.has(w), sees.Get(f.procs[w.origin].name) >= w.n
		switch {
		case had && !has:
			o.replicas--
		case has && !had:
			o.replicas++
		}
		return has && r.p.role == roleBranch && o.replicas >= len(f.branches)
	})
}

// tookOver counts what can be compared with the snapshots.
func (f *replicaFamily) tookOver() {
	for _, t := range f.takeovers {
		for _, entry := range t.sees {
			if origin := f.process(entry.Process); origin.hasLog() && !origin.slice() {
				f.checked[replicaPhantom]++
				break
			}
		}
	}
}

// lost reports whether the requests of lost writes must be looked for; the first pass is over.
func (f *replicaFamily) lost() bool {
	if !f.settled() || !f.lacking {
		return false
	}
	for _, p := range f.complete {
		if f.replicas.of(p).taken != nil && f.lacks(p) {
			return true
		}
	}
	return false
}

// name makes the request of an execute suspect if a replica lost its write at a snapshot.
func (f *replicaFamily) name(v *visit) {
	if v.e.Step != trace.StepExecute || v.e.Write.IsZero() {
		return
	}
	w := write{f.process(v.e.Write.Process).id, v.e.Write.N}
	for _, p := range f.complete {
		if r := f.replicas.of(p); r.taken != nil && !r.has(w) {
			f.requestFamily().doubt(v.e.Request)
		}
	}
}

func (f *replicaFamily) snapshotAgain(v *visit) {
	r, t := f.second2.of(v.p), newTakeover(v)
	f.phantomsIn(t)
	for at, again := range f.twice {
		if at.p == v.p && t.sees.Get(f.procs[at.origin].name) >= at.n {
			again.first = v.spot()
		}
	}
	r.replace(t, f.process)
	f.states.again(f, r, v)
}

// phantomsIn looks in a snapshot for a write that was never ordered, and reports the first.
func (f *replicaFamily) phantomsIn(t *takeover) {
	for _, entry := range t.sees {
		origin := f.process(entry.Process)
		missing := numbersOf(f.ordered, origin.id).missing(entry.N)
		if len(missing) == 0 || f.unknown(origin, missing[0].lo, t.p) {
			continue
		}
		w := trace.ID{Process: origin.name, N: missing[0].lo}
		f.add(replicaPhantom, finding{
			event:    t.spot,
			message:  fmt.Sprintf("The snapshot %s brings the writes %s, and %s never ordered %s.", t.ref(), t.sees, origin.name, w),
			expected: fmt.Sprintf("an order of %s in the log of %s", w, origin.name),
		})
		return
	}
}

// settleOrder compares the first execute after a snapshot with the latest write in it, as they were ordered.
func (f *replicaFamily) settleOrder(t *takeover) {
	if t.next.p == nil {
		return
	}
	last, at := trace.ID{}, uint64(0)
	for _, entry := range t.sees {
		ordered := f.bounds[write{f.process(entry.Process).id, entry.N}]
		if ordered > 0 && cmp.Or(cmp.Compare(ordered, at), cmp.Compare(entry.Process, last.Process)) > 0 {
			last, at = trace.ID{Process: entry.Process, N: entry.N}, ordered
		}
	}
	if at == 0 {
		return
	}
	f.checked[replicaOrder]++
	if cmp.Or(cmp.Compare(t.at, at), cmp.Compare(t.write.Process, last.Process)) > 0 {
		return
	}
	f.add(replicaOrder, finding{
		event: t.next, other: t.spot,
		message: fmt.Sprintf("%s executes %s, ordered at (%d, %s), after the snapshot %s, which had brought %s, ordered at (%d, %s).",
			t.next.ref(), t.write, t.at, t.write.Process, t.ref(), last, at, last.Process),
		expected: fmt.Sprintf("a timestamp after (%d, %s)", at, last.Process),
	})
}

// judgeHasty reports the first branch of which neither a message nor the snapshot says that nothing earlier can come. Before
// the end it waits where an order is not read yet that may say so.
func (f *replicaFamily) judgeHasty(x hasty, end bool) {
	for _, s := range x.silent {
		n := x.sees.Get(s.p.name)
		at := f.bounds[write{s.p.id, n}]
		switch {
		case at >= x.at && at > 0:
		case at == 0 && n > 0 && !end:
			f.hasty = append(f.hasty, x)
			return
		default:
			f.tooEarly(x, s)
			return
		}
	}
}
