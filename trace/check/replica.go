package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// replicaFamily follows which writes each replica executes.
//
//  1. Per replica and origin the executed numbers are kept as ranges, and per replica the vector of their gap-free
//     prefixes. An execute whose number is there already makes that write at that replica suspect; one that leaves a gap
//     after the highest number so far is a finding; a result whose sees is not the vector is one.
//  2. In mode total each execute's (at, origin) must be higher than that of the execute before it at that replica, and the
//     latest stamps received from the branches must have reached it; else the second pass looks at all horizons again,
//     when it is known which processes are branches.
//  3. A write is open from its order, or its first execute, until all branches have executed it. Meanwhile its executes
//     are compared with the order and with each other, and its deps with the vectors. Whatever does not fit, and a write
//     whose order is read after an execute, is suspect: the second pass collects all executes of it and compares them.
//  4. Per origin the ordered and the executed numbers are kept as ranges. Executed but not ordered are phantoms, and what
//     a replica with a whole log lacks of both is missing; the second pass finds the events.
//  5. Each step of a replica's vector is a state; how states are compared is in replica_diverged.go.
//  6. A snapshot replaces what a replica has executed; what that means for the rest is in replica_snapshot.go.
type replicaFamily struct {
	*engine
	*tally
	replicas replicas
	second2  replicas // of the second pass
	open     map[write]*open
	ordered  map[int32]*numbers // per origin
	executed map[int32]*numbers // per origin, by any replica
	states   states

	executes  int64 // executes of any kind, queries included
	horizons  bool  // some horizon must be looked at again
	phantoms  bool
	lacking   bool
	twice     map[deedAt]*repeat
	suspect   map[write]*deeds
	unordered map[write]spot     // missing somewhere and without order: its first execute
	met       map[int32]*numbers // orders, in the second pass
	complete  []*proc            // replicas with whole logs

	takeovers []*takeover
	bounds    map[write]uint64 // last writes of an origin that some snapshot brought -> timestamp, from the second pass on
	hasty     []hasty
}

// repeat is the executes of a write at a replica that had it already, each behind what brought it first in that life.
type repeat struct {
	first spot // the latest that came to a replica without it
	pairs [][2]spot
}

func newReplicaFamily(e *engine) *replicaFamily {
	return &replicaFamily{
		engine: e, tally: e.tally, replicas: replicas{}, second2: replicas{},
		open: map[write]*open{}, ordered: map[int32]*numbers{}, executed: map[int32]*numbers{}, states: newStates(),
		twice: map[deedAt]*repeat{}, suspect: map[write]*deeds{}, unordered: map[write]spot{}, met: map[int32]*numbers{},
		bounds: map[write]uint64{},
	}
}

func (f *replicaFamily) first(v *visit) {
	f.hear(f.replicas, v)
	switch v.e.Step {
	case trace.StepOrder:
		f.order(v)
	case trace.StepExecute:
		f.executes++
		if v.e.Write.IsZero() {
			f.vector(f.replicas.of(v.p), v)
		} else {
			f.execute(v)
		}
	case trace.StepSnapshot:
		f.snapshot(v)
	}
}

// hear notes what a message says about how far branches have come: its sender, and the origin of the write that it brings.
func (f *replicaFamily) hear(all replicas, v *visit) {
	if v.e.Kind != trace.Receive || v.peer == nil {
		return
	}
	if f.branches[v.peer] {
		all.of(v.p).hear(v.peer, v.e.Stamp)
	}
	if v.e.Step == trace.StepPropagate && v.e.At > 0 && !v.e.Write.IsZero() {
		if origin := f.process(v.e.Write.Process); f.branches[origin] {
			all.of(v.p).hear(origin, v.e.At)
		}
	}
}

func numbersOf(all map[int32]*numbers, origin int32) *numbers {
	s := all[origin]
	if s == nil {
		s = &numbers{}
		all[origin] = s
	}
	return s
}

// doubt makes a write suspect, and the requests that it is for.
func (f *replicaFamily) doubt(w write, requests ...trace.ID) {
	if f.suspect[w] == nil {
		f.suspect[w] = &deeds{}
	}
	for _, q := range requests {
		f.requestFamily().doubt(q)
	}
}

func (f *replicaFamily) order(v *visit) {
	f.act(v.p)
	if v.e.Write.Process != v.p.name {
		return
	}
	w := write{v.p.id, v.e.Write.N}
	if !numbersOf(f.ordered, w.origin).add(w.n) {
		return // the first order of that number counts
	}
	o := f.open[w]
	switch {
	case o != nil:
		f.doubt(w, o.request, v.e.Request)
		f.sessionFamily().doubt(o.request)
		f.sessionFamily().doubt(v.e.Request)
	case numbersOf(f.executed, w.origin).has(w.n):
		f.doubt(w, v.e.Request)
		return
	default:
		o = f.opened(w, v)
	}
	o.ordered, o.terms, o.deps = true, termsOf(v.e), v.e.Deps.Clone()
}

func (f *replicaFamily) execute(v *visit) {
	f.act(v.p)
	f.checked[replicaTwice]++
	r, origin := f.replicas.of(v.p), f.process(v.e.Write.Process)
	w := write{origin.id, v.e.Write.N}
	f.sequence(r, origin, v)
	f.horizon(r, origin, v, f.report1)
	f.gap(r, origin, v)
	f.join(r, w, v)
	numbersOf(f.executed, w.origin).add(w.n)
	first, moved := r.execute(origin, w.n, v.spot())
	if !first {
		f.doubt(w, v.e.Request)
		if f.twice[deedAt{v.p, w}] == nil {
			f.twice[deedAt{v.p, w}] = &repeat{}
		}
	} else if o := f.open[w]; f.branches[v.p] {
		if o != nil {
			o.replicas++
		}
		if o != nil && v.p.role == roleBranch && o.replicas >= len(f.branches) {
			delete(f.open, w)
		}
	}
	if v.e.Write.Process == v.p.name || len(v.e.Sees) > 0 {
		f.vector(r, v)
	}
	if moved {
		f.states.reach(f, r, v)
	}
}

// opened opens a write that v is the first to speak of.
func (f *replicaFamily) opened(w write, v *visit) *open {
	o := &open{needs: f.sessionFamily().needs(v.e.Request)}
	for _, p := range f.branchList {
		if r := f.replicas[p]; r != nil && r.has(w) { // by a snapshot
			o.replicas++
		}
	}
	f.open[w] = o
	return o
}

// act notes that a process writes.
func (f *replicaFamily) act(p *proc) {
	p.acts = true
	if p.replica() {
		f.branch(p)
	}
}

// sequence checks the order of a replica's executes in mode total.
func (f *replicaFamily) sequence(r *replica, origin *proc, v *visit) {
	if !f.total(v.p) || v.e.At == 0 {
		return
	}
	switch {
	case r.origin == nil && r.taken != nil:
		r.taken.next, r.taken.write, r.taken.at = v.spot(), v.e.Write, v.e.At
	case r.origin != nil:
		f.checked[replicaOrder]++
		if cmp.Or(cmp.Compare(v.e.At, r.at), cmp.Compare(origin.name, r.origin.name)) <= 0 {
			f.add(replicaOrder, finding{
				event: v.spot(), other: r.last,
				message: fmt.Sprintf("%s executes %s, ordered at (%d, %s), after a write ordered at (%d, %s).",
					v.e.Ref(), v.e.Write, v.e.At, origin.name, r.at, r.origin.name),
				expected: fmt.Sprintf("a timestamp after (%d, %s)", r.at, r.origin.name),
			})
		}
	}
	r.last, r.at, r.origin = v.spot(), v.e.At, origin
}

// horizon looks for branches that may still have an earlier write than that which is executed, and reports the first.
func (f *replicaFamily) horizon(r *replica, origin *proc, v *visit, report func(r *replica, silent []*proc, v *visit)) {
	if !f.total(v.p) || v.p.slice() || !v.p.replica() {
		return
	}
	var silent []*proc
	for _, b := range f.branchList {
		if b == v.p || b == origin || b.customer() || r.heard[b.id] > 0 && r.heard[b.id] >= v.e.At {
			continue
		}
		silent = append(silent, b)
	}
	if len(silent) > 0 {
		report(r, silent, v)
	}
}

// report1 leaves it to the second pass, which knows all branches.
func (f *replicaFamily) report1(*replica, []*proc, *visit) { f.horizons = true }

func (f *replicaFamily) report2(r *replica, silent []*proc, v *visit) {
	x := hasty{spot: v.spot(), write: v.e.Write, at: v.e.At}
	for _, b := range silent {
		x.silent = append(x.silent, silence{b, r.heard[b.id]})
	}
	slices.SortFunc(x.silent, func(a, b silence) int { return cmp.Compare(a.p.name, b.p.name) })
	if r.taken == nil {
		f.tooEarly(x, x.silent[0])
		return
	}
	x.sees = r.taken.sees
	f.judgeHasty(x, false)
}

func (f *replicaFamily) tooEarly(x hasty, by silence) {
	heard := "has not heard of " + by.p.name
	if by.heard > 0 {
		heard = fmt.Sprintf("the latest message from %s was sent at %d", by.p.name, by.heard)
	}
	f.add(replicaHorizon, finding{
		event: x.spot,
		message: fmt.Sprintf("%s executes %s, ordered at %d, and %s. So %s may still order an earlier write.",
			x.ref(), x.write, x.at, heard, by.p.name),
		expected: fmt.Sprintf("a message that %s sent at %d or later, received before", by.p.name, x.at),
	})
}

// gap checks that an execute passes over no write.
func (f *replicaFamily) gap(r *replica, origin *proc, v *visit) {
	f.checked[replicaMissing]++
	t := r.track(origin)
	if v.e.Write.N <= t.most+1 || t.most == 0 && r.blind() || len(v.p.unreadable) > 0 {
		return
	}
	missing := trace.ID{Process: origin.name, N: t.most + 1}
	f.add(replicaMissing, finding{
		event: v.spot(), other: t.newest,
		message:  fmt.Sprintf("%s executes %s, and %s has not executed %s before it.", v.e.Ref(), v.e.Write, v.p.name, missing),
		expected: "an execute of " + missing.String(),
	})
}

// join compares an execute with what is known of its write from other logs.
func (f *replicaFamily) join(r *replica, w write, v *visit) {
	o := f.open[w]
	switch {
	case o == nil && numbersOf(f.ordered, w.origin).has(w.n):
		f.doubt(w, v.e.Request) // all branches had executed it
		o = &open{terms: termsOf(v.e), needs: f.sessionFamily().needs(v.e.Request)}
	case o == nil && numbersOf(f.executed, w.origin).has(w.n):
		f.doubt(w, v.e.Request) // likewise, and its order was not read
		o = &open{terms: termsOf(v.e), needs: f.sessionFamily().needs(v.e.Request)}
	case o == nil:
		o = f.opened(w, v)
		o.terms = termsOf(v.e)
	case o.terms != termsOf(v.e):
		f.doubt(w, o.request, v.e.Request)
		f.sessionFamily().doubt(v.e.Request) // what the open write needs is for another request
	}
	out := outcomeOf(v.e)
	if !o.executed {
		o.executed, o.first = true, v.e.Result
		f.requestFamily().effect(v)
		f.sessionFamily().effect(v)
	} else if (o.first == trace.OK) != (v.e.Result == trace.OK) {
		f.doubt(w, o.request, v.e.Request)
		f.sessionFamily().doubt(v.e.Request)
	}
	if f.total(v.p) {
		if o.outcome.differs(out) {
			f.doubt(w, o.request, v.e.Request)
		}
		o.outcome = o.outcome.with(out)
	}
	if r.blind() {
		return
	}
	if f.causal(v.p) {
		f.checked[replicaDependency]++
		if !r.vector.Covers(o.deps) {
			f.doubt(w)
		}
	}
	if v.e.Result == trace.OK && !r.vector.Covers(o.needs) {
		f.sessionFamily().doubt(v.e.Request)
	}
}

// vector checks what a result sees.
func (f *replicaFamily) vector(r *replica, v *visit) {
	if r.blind() {
		return
	}
	f.checked[replicaVector]++
	if r.vector.Equal(v.e.Sees) {
		return
	}
	f.add(replicaVector, finding{
		event:    v.spot(),
		message:  fmt.Sprintf("%s sees %s, and %s had executed %s.", v.e.Ref(), v.e.Sees, v.p.name, r.vector),
		expected: "sees " + r.vector.String(),
	})
}
