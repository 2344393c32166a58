package check

import (
	"cmp"
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func replicaRules() []Rule {
	const machine = lamport + ", section \"Ordering the Events Totally\": replicated state machines"
	return []Rule{
		{
			Name:      "replica/executed-twice",
			Statement: "A replica executes a write at most once; writes that a snapshot brought count as executed.",
			Reason:    "A deposit that is executed twice makes money.",
			Source:    machine,
			Mistake:   "A resent message was executed again, or the log of executed writes was not durable with its effect.",
			Exit:      1,
		}, {
			Name: "replica/missing-execute",
			Statement: "A replica passes over no write of any origin; and in a settled trace it has executed all writes. " +
				"At the end of a trace that is not known to be settled, writes still to come are a warning.",
			Reason:  "A write that one replica lacks is money that is there at one branch and not at another.",
			Source:  machine,
			Mistake: "A message was lost and never resent, or a replica was stopped before it had caught up.",
			Exit:    1,
		}, {
			Name:      "replica/order-differs",
			Statement: "In mode total the timestamps (at, origin) of a replica's executes strictly rise.",
			Reason:    "Replicas that execute in different orders decide withdrawals differently.",
			Source:    machine,
			Mistake:   "A write was executed before every branch had promised to order nothing earlier.",
			Exit:      1,
		}, {
			Name: "replica/diverged",
			Statement: "Replicas that executed the same writes have the same balances; in mode total a write has the " +
				"same result and the same balance everywhere.",
			Reason:  "Then customers get different answers at different branches, for good.",
			Source:  machine,
			Mistake: "Something that is not in the writes, such as the local time, decided about their effect.",
			Exit:    1,
		},
	}
}

// write names a write by its origin's id and its number.
type write struct {
	origin int32
	n      uint64
}

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

// replica is what a process has executed.
type replica struct {
	p        *proc
	origins  map[int32]*executed
	snapshot bool // it took over a snapshot
	last     spot // latest execute of a write
	at       uint64
	origin   *proc // of that write
}

// open is a write that some branch has not executed yet.
type open struct {
	outcome
	replicas int // that executed it
}

// execution is an execute, as the second pass keeps it.
type execution struct {
	spot
	outcome
}

// deedAt is a write at a replica.
type deedAt struct {
	p *proc
	write
}

// repeat is the executes of a write at a replica that had it already. The first is found in the second pass; it is one
// of the later ones where a snapshot had brought the write.
type repeat struct {
	first spot
	later []spot
}

// replicaFamily follows which writes each replica executes.
//
//  1. Per replica and origin a gap-free prefix and the holes in it are kept. An execute of a write that is in the prefix
//     and in no hole makes that write at that replica suspect: the second pass finds the first execute.
//  2. An execute beyond the prefix leaves a hole, which a later execute may fill. What is still a hole at the end was
//     passed over, by the execute that made it. Of a log with unreadable records no hole is claimed.
//  3. The highest number of each origin is kept. At the end every replica whose log is whole must have reached it.
//  4. In mode total each execute's (at, origin) must be higher than that of the execute before it at that replica.
//  5. A write's outcome is kept until all branches have executed it, and compared with theirs. Where two differ the
//     write is suspect, and the second pass compares all with that of the origin, or of the first replica by name.
//  6. At the end, replicas that executed the same writes are compared account by account.
type replicaFamily struct {
	*engine
	*tally
	replicas map[*proc]*replica
	open     map[write]*open
	highest  map[int32]uint64 // per origin, the number of its newest write

	twice    map[deedAt]*repeat
	diverged map[write]map[*proc]execution
	behind   map[write][]*replica // the first write that these replicas lack
	firsts   map[write]spot       // of the writes in behind: the order event, or the first execute by name
}

func newReplicaFamily(e *engine) *replicaFamily {
	return &replicaFamily{
		engine: e, tally: e.tally,
		replicas: map[*proc]*replica{}, open: map[write]*open{}, highest: map[int32]uint64{},
		twice: map[deedAt]*repeat{}, diverged: map[write]map[*proc]execution{},
		behind: map[write][]*replica{}, firsts: map[write]spot{},
	}
}

func (f *replicaFamily) first(v *visit) {
	switch v.e.Step {
	case trace.StepOrder:
		if v.e.Write.Process == v.p.name {
			f.highest[v.p.id] = max(f.highest[v.p.id], v.e.Write.N)
		}
	case trace.StepExecute:
		if !v.e.Write.IsZero() {
			f.execute(v)
		}
	case trace.StepSnapshot:
		f.snapshot(v)
	}
}

func (f *replicaFamily) replica(p *proc) *replica {
	r := f.replicas[p]
	if r == nil {
		r = &replica{p: p, origins: map[int32]*executed{}}
		f.replicas[p] = r
	}
	return r
}

// of returns what the replica has executed of an origin's writes, n being the one at hand.
func (r *replica) of(origin int32, n uint64) *executed {
	x := r.origins[origin]
	if x == nil {
		x = &executed{}
		if r.p.first() > 1 {
			x.base, x.prefix = n-1, n-1
		}
		r.origins[origin] = x
	}
	return x
}

func (f *replicaFamily) execute(v *visit) {
	r := f.replica(v.p)
	origin := f.process(v.e.Write.Process)
	w := write{origin.id, v.e.Write.N}
	f.highest[w.origin] = max(f.highest[w.origin], w.n)
	f.order(r, origin, v)
	f.checked[replicaTwice]++
	f.checked[replicaMissing]++
	if !r.of(w.origin, w.n).add(w.n, v.spot()) {
		again := f.twice[deedAt{v.p, w}]
		if again == nil {
			again = &repeat{}
			f.twice[deedAt{v.p, w}] = again
		}
		again.later = append(again.later, v.spot())
		return
	}
	if v.p.total {
		f.agree(w, outcomeOf(v.e))
	}
}

func (f *replicaFamily) order(r *replica, origin *proc, v *visit) {
	if v.p.total && v.e.At > 0 {
		if r.origin != nil {
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
}

// agree compares a write's outcome with that at the replicas which executed it before.
func (f *replicaFamily) agree(w write, o outcome) {
	known := f.open[w]
	if known == nil {
		known = &open{outcome: o, replicas: f.tookOver(w)}
		f.open[w] = known
	} else {
		f.checked[replicaDiverged]++
		if known.differs(o) && f.diverged[w] == nil {
			f.diverged[w] = map[*proc]execution{}
		}
		known.outcome = known.with(o)
	}
	if known.replicas++; known.replicas >= len(f.branches) && len(f.branches) > 0 {
		delete(f.open, w)
	}
}

// tookOver counts the replicas to which a snapshot brought a write.
func (f *replicaFamily) tookOver(w write) int {
	n := 0
	for _, r := range f.replicas {
		if x := r.origins[w.origin]; r.snapshot && x != nil && x.has(w.n) {
			n++
		}
	}
	return n
}

func (f *replicaFamily) snapshot(v *visit) {
	r := f.replica(v.p)
	for w, known := range f.open {
		x := r.origins[w.origin]
		if v.e.Sees.Get(f.procs[w.origin].name) >= w.n && (x == nil || !x.has(w.n)) {
			known.replicas++
		}
	}
	r.snapshot = true
	for _, entry := range v.e.Sees {
		origin := f.process(entry.Process)
		r.of(origin.id, 1).takeOver(entry.N)
	}
}

func (f *replicaFamily) suspects() bool {
	return len(f.twice)+len(f.diverged)+len(f.behind) > 0
}

func (f *replicaFamily) again(v *visit) {
	if v.e.Write.IsZero() || v.e.Step != trace.StepOrder && v.e.Step != trace.StepExecute || !f.suspects() {
		return
	}
	w := write{f.process(v.e.Write.Process).id, v.e.Write.N}
	if _, ok := f.behind[w]; ok {
		f.introduce(w, v)
	}
	if v.e.Step != trace.StepExecute {
		return
	}
	if again := f.twice[deedAt{v.p, w}]; again != nil && again.first.p == nil {
		again.first = v.spot()
	}
	if at := f.diverged[w]; at != nil && v.p.total {
		if _, ok := at[v.p]; !ok {
			at[v.p] = execution{v.spot(), outcomeOf(v.e)}
		}
	}
}

// introduce finds the event that stands for a write which some replica lacks.
func (f *replicaFamily) introduce(w write, v *visit) {
	ordered := v.e.Step == trace.StepOrder && v.p.id == w.origin
	old, ok := f.firsts[w]
	switch {
	case ordered, !ok:
	case old.p.id == w.origin || old.name() <= v.p.name:
		return
	}
	f.firsts[w] = v.spot()
}
