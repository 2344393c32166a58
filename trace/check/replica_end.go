package check

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// outcome is what a write came to at a replica.
type outcome struct {
	result    trace.Result
	balance   trace.Balance
	toBalance trace.Balance
}

func outcomeOf(e *trace.Event) outcome { return outcome{e.Result, e.Balance, e.ToBalance} }

// differs reports whether two outcomes contradict each other; what one does not say contradicts nothing.
func (o outcome) differs(u outcome) bool {
	return o.result != u.result && o.result != trace.ResultNone && u.result != trace.ResultNone ||
		unlike(o.balance, u.balance) || unlike(o.toBalance, u.toBalance)
}

func unlike(a, b trace.Balance) bool { return a.Known && b.Known && a.Amount != b.Amount }

// with returns o, and what it does not say as u has it.
func (o outcome) with(u outcome) outcome {
	if o.result == trace.ResultNone {
		o.result = u.result
	}
	if !o.balance.Known {
		o.balance = u.balance
	}
	if !o.toBalance.Known {
		o.toBalance = u.toBalance
	}
	return o
}

func (o outcome) String() string {
	s := "result " + o.result.String()
	if o.result == trace.ResultNone {
		s = "no result"
	}
	if o.balance.Known {
		s += fmt.Sprintf(", balance %d", o.balance.Amount)
	}
	if o.toBalance.Known {
		s += fmt.Sprintf(", balance %d of the other account", o.toBalance.Amount)
	}
	return s
}

// end counts what the first pass could compare, and looks for phantoms and for what is missing.
func (f *replicaFamily) end() {
	f.openings()
	f.checked[replicaDiverged] += f.states.compared()
	for _, r := range f.replicas {
		for origin, t := range r.tracks {
			from := f.procs[origin]
			if from.hasLog() && !from.slice() {
				f.checked[replicaPhantom] += int64(t.count)
			}
			missed := uint64(0)
			for _, s := range numbersOf(f.ordered, origin).missing(t.most) {
				missed += s.hi - s.lo + 1
			}
			f.checked[replicaAltered] += int64(min(t.count, t.most-missed))
			if f.total(r.p) && f.horizonsKnown(r.p) {
				f.checked[replicaHorizon] += int64(t.count)
			}
		}
	}
	for origin, done := range f.executed {
		for _, s := range numbersOf(f.ordered, origin).missing(done.most) {
			f.phantoms = f.phantoms || done.anyIn(s)
		}
	}
	f.tookOver()
	f.complete = f.whole()
	for _, p := range f.complete {
		p.final = p.ending()
		f.lacking = f.lacking || f.lacks(p)
	}
	if f.settled() {
		for _, o := range f.open {
			f.requestFamily().doubt(o.request)
		}
	}
	f.open = nil
}

// horizonsKnown reports whether a replica's executes are held to the horizons of others.
func (f *replicaFamily) horizonsKnown(p *proc) bool {
	return !p.slice() && p.replica() && len(f.branchList) > 2
}

func (e *engine) settled() bool { return e.opt.Run != nil && e.opt.Run.Settled }

// whole returns, by name, the replicas of which the logs tell all that they have executed in the end.
func (f *replicaFamily) whole() []*proc {
	return slices.DeleteFunc(f.byName(), func(p *proc) bool {
		return !p.replica() || !p.whole() || f.replicas.of(p).blind() || len(p.unreadable) > 0
	})
}

// lacks reports whether some write that is known was never executed by a replica.
func (f *replicaFamily) lacks(p *proc) bool {
	r := f.replicas.of(p)
	for _, known := range []map[int32]*numbers{f.ordered, f.executed} {
		for origin, s := range known {
			t := r.tracks[origin]
			if t == nil {
				t = &track{}
			}
			if slices.ContainsFunc(t.missing(s.most), s.anyIn) {
				return true
			}
		}
	}
	return false
}

func (f *replicaFamily) suspects() bool {
	return f.horizons || f.phantoms || f.lacking || len(f.twice)+len(f.suspect)+len(f.states.suspect)+len(f.takeovers) > 0
}

func (f *replicaFamily) again(v *visit) {
	f.hear(f.second2, v)
	switch v.e.Step {
	case trace.StepOrder:
		if v.e.Write.Process == v.p.name {
			f.orderAgain(write{v.p.id, v.e.Write.N}, v)
		}
	case trace.StepExecute:
		if !v.e.Write.IsZero() {
			f.executeAgain(v)
		}
	case trace.StepSnapshot:
		f.snapshotAgain(v)
	}
}

// orderAgain takes an order that the first pass took for the first of its number, and that once.
func (f *replicaFamily) orderAgain(w write, v *visit) {
	if !numbersOf(f.met, w.origin).add(w.n) {
		return
	}
	if _, bound := f.bounds[w]; bound {
		f.bounds[w] = v.e.At
	}
	if d := f.suspect[w]; d != nil {
		d.order = &ordering{v.spot(), termsOf(v.e), v.e.Deps.Clone()}
	}
	if f.lacking {
		f.neverExecuted(w, v.spot())
	}
}

func (f *replicaFamily) executeAgain(v *visit) {
	r, origin := f.second2.of(v.p), f.process(v.e.Write.Process)
	w := write{origin.id, v.e.Write.N}
	f.horizon(r, origin, v, f.report2)
	ordered := numbersOf(f.ordered, w.origin).has(w.n)
	if !ordered {
		f.phantom(origin, v)
		if old, ok := f.unordered[w]; f.lacking && (!ok || compareSpots(v.spot(), old) < 0) {
			f.unordered[w] = v.spot()
		}
	}
	if d := f.suspect[w]; d != nil {
		x := execution{spot: v.spot(), outcome: outcomeOf(v.e), terms: termsOf(v.e), blind: r.blind(), life: r.life}
		if f.causal(v.p) {
			x.before = r.vector.Clone()
		}
		d.executes = append(d.executes, x)
	}
	first, moved := r.execute(origin, w.n, v.spot())
	if again := f.twice[deedAt{v.p, w}]; again != nil {
		if !first {
			again.pairs = append(again.pairs, [2]spot{again.first, v.spot()})
		} else {
			again.first = v.spot()
		}
	}
	if moved {
		f.states.again(f, r, v)
	}
}

// unknown reports whether a process may have ordered a write of its own of which its log, or what is here of it, says nothing.
func (f *replicaFamily) unknown(origin *proc, n uint64, at *proc) bool {
	return !origin.hasLog() || origin.slice() || len(origin.unreadable) > 0 ||
		origin != at && !origin.whole() && numbersOf(f.ordered, origin.id).most < n
}

func (f *replicaFamily) phantom(origin *proc, v *visit) {
	if f.unknown(origin, v.e.Write.N, v.p) {
		return
	}
	f.add(replicaPhantom, finding{
		event:    v.spot(),
		message:  fmt.Sprintf("%s executes %s, which %s never ordered.", v.e.Ref(), v.e.Write, origin.name),
		expected: fmt.Sprintf("an order of %s in the log of %s", v.e.Write, origin.name),
	})
}

func (f *replicaFamily) settle() {
	for at, again := range f.twice {
		for _, pair := range again.pairs {
			f.executedTwice(at, pair[0], pair[1])
		}
	}
	for w, d := range f.suspect {
		f.settleWrite(w, d)
	}
	for w, first := range f.unordered {
		f.neverExecuted(w, first)
	}
	for _, t := range f.takeovers {
		f.settleOrder(t)
	}
	for _, x := range f.hasty {
		f.judgeHasty(x, true)
	}
	f.states.settle(f)
}

func (f *replicaFamily) executedTwice(at deedAt, first, again spot) {
	id := f.id(at.write)
	message := fmt.Sprintf("%s executes %s, which %s had executed already.", again.ref(), id, first.ref())
	if !f.isExecute(at, first) {
		message = fmt.Sprintf("%s executes %s, which the snapshot %s had brought already.", again.ref(), id, first.ref())
	}
	f.add(replicaTwice, finding{
		event: again, other: first, message: message, expected: fmt.Sprintf("one execute of %s at %s", id, at.p.name),
	})
}

// isExecute reports whether what brought a write first was an execute of it.
func (f *replicaFamily) isExecute(at deedAt, s spot) bool {
	return slices.ContainsFunc(f.suspect[at.write].executes, func(x execution) bool { return x.spot == s })
}

func (f *replicaFamily) id(w write) trace.ID {
	return trace.ID{Process: f.procs[w.origin].name, N: w.n}
}

// settleWrite compares the executes of a write with its order, and with the first of them by clock.
func (f *replicaFamily) settleWrite(w write, d *deeds) {
	slices.SortStableFunc(d.executes, func(a, b execution) int { return compareSpots(a.spot, b.spot) })
	for i, x := range d.executes {
		if d.order != nil {
			f.compareOrder(w, d.order, x)
		}
		j := slices.IndexFunc(d.executes[:i], func(y execution) bool { return f.total(y.p) })
		if j < 0 || !f.total(x.p) {
			continue
		}
		if first := d.executes[j]; (first.p != x.p || first.life != x.life) && x.outcome.differs(first.outcome) {
			f.add(replicaDiverged, finding{
				event: x.spot, other: first.spot,
				message: fmt.Sprintf("%s executes %s with %s; %s executed it with %s.",
					x.ref(), f.id(w), x.outcome, first.ref(), first.outcome),
				expected: first.outcome.String(),
			})
		}
	}
}

func (f *replicaFamily) compareOrder(w write, o *ordering, x execution) {
	if x.terms != o.terms {
		f.add(replicaAltered, finding{
			event: x.spot, other: o.spot,
			message:  fmt.Sprintf("%s executes %s as %s, and %s ordered it as %s.", x.ref(), f.id(w), x.terms, o.ref(), o.terms),
			expected: o.terms.String(),
		})
	}
	if f.causal(x.p) && !x.blind && !x.before.Covers(o.deps) {
		f.add(replicaDependency, finding{
			event: x.spot, other: o.spot,
			message: fmt.Sprintf("%s executes %s, which depends on %s, and %s had executed %s.",
				x.ref(), f.id(w), o.deps, x.p.name, x.before),
			expected: fmt.Sprintf("all of %s executed before", o.deps),
		})
	}
}

// String says what was ordered.
func (t terms) String() string {
	s := fmt.Sprintf("%s with timestamp %d", t.payload, t.at)
	if !t.request.IsZero() {
		s += " for " + t.request.String()
	}
	return s
}

// neverExecuted reports each replica with a whole log that lacks a write; s is the event that stands for it.
func (f *replicaFamily) neverExecuted(w write, s spot) {
	id := f.id(w)
	for _, p := range f.complete {
		r := f.replicas.of(p)
		if r.has(w) {
			continue
		}
		message := fmt.Sprintf("%s never executed %s.", p.name, id)
		if r.taken != nil {
			message = fmt.Sprintf("%s never executed %s after the snapshot %s, which had not brought it.", p.name, id, r.taken.ref())
		}
		if f.settled() {
			message += " The run ended settled, so every branch should have executed every write."
		}
		f.add(replicaMissing, finding{
			event: s, other: p.final, warning: !f.settled(),
			message: message, expected: fmt.Sprintf("an execute of %s at %s", id, p.name),
		})
	}
}
