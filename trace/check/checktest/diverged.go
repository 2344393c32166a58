package checktest

import (
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// replica/diverged: "equal vectors have equal balances; `total`: a write has one result and balance everywhere".
func diverged(w *whole) (found []Finding) {
	found = append(found, unequalOpenings(w)...)
	found = append(found, unequalStates(w)...)
	return append(found, unequalOutcomes(w)...)
}

// unequalOpenings compares the balances of the empty vector, which no event shows.
func unequalOpenings(w *whole) (found []Finding) {
	var first *process
	for _, r := range w.replicas() {
		opening := r.opening()
		if opening == nil {
			continue
		}
		if first == nil {
			first = r
			continue
		}
		if !agree(opening, first.opening()) {
			found = append(found, Finding{Event: r.name, Other: first.name})
		}
	}
	return found
}

// agree reports whether the accounts that both know have the same balances.
func agree(a, b map[string]int64) bool {
	for account, amount := range a {
		if other, ok := b[account]; ok && other != amount {
			return false
		}
	}
	return true
}

// state is what a replica holds from one event on: the event that took its vector there.
type state struct {
	event    *trace.Event
	vector   clock.Vector
	balances map[string]int64 // those known
}

// unequalStates compares, for every vector, the state of each replica that reached it with the first one.
func unequalStates(w *whole) (found []Finding) {
	states := w.states()
	slices.SortStableFunc(states, func(a, b state) int { return compareTotal(a.event, b.event) })
	for i, s := range states {
		for _, first := range states[:i] {
			if !first.vector.Equal(s.vector) {
				continue
			}
			if first.event.Process != s.event.Process && !agreeOn(shown(first.event, s.event), first.balances, s.balances) {
				found = append(found, at(s.event, first.event))
			}
			break
		}
	}
	return found
}

// states returns the state of every replica after each event that moved its vector, except where the replica had executed
// writes beyond a gap: its vector then does not tell what it executed.
func (w *whole) states() (states []state) {
	for _, r := range w.replicas() {
		if r.slice() {
			continue
		}
		before := clock.Vector(nil)
		for i, e := range r.events {
			if !isWriteExecute(e) && e.Step != trace.StepSnapshot {
				continue
			}
			x := executedIn(r.events[:i+1])
			vector := x.vector()
			if !vector.Equal(before) && x.gapless() {
				states = append(states, state{e, vector, balancesAfter(r, i)})
			}
			before = vector
		}
	}
	return states
}

// balancesAfter returns the balances that a replica's log gives last, up to event i.
func balancesAfter(r *process, i int) map[string]int64 {
	balances := map[string]int64{}
	for account, amount := range r.opening() {
		balances[account] = amount
	}
	for _, e := range r.events[:i+1] {
		for account, amount := range balancesIn(e) {
			balances[account] = amount
		}
	}
	return balances
}

// balancesIn returns the balances that an execute or a snapshot records.
func balancesIn(e *trace.Event) map[string]int64 {
	balances := map[string]int64{}
	switch {
	case isExecute(e):
		if e.Balance.Known && e.Account != "" {
			balances[e.Account] = e.Balance.Amount
		}
		if e.ToBalance.Known && e.ToAccount != "" {
			balances[e.ToAccount] = e.ToBalance.Amount
		}
	case e.Step == trace.StepSnapshot:
		for _, a := range e.Balances {
			balances[a.Account] = a.Amount
		}
	}
	return balances
}

// shown returns the accounts that one of two events gives a balance of.
func shown(a, b *trace.Event) map[string]int64 {
	accounts := balancesIn(a)
	for account, amount := range balancesIn(b) {
		accounts[account] = amount
	}
	return accounts
}

func agreeOn(accounts, a, b map[string]int64) bool {
	for account := range accounts {
		x, known := a[account]
		y, knownToo := b[account]
		if known && knownToo && x != y {
			return false
		}
	}
	return true
}

// unequalOutcomes compares each execute of a write with the first one.
func unequalOutcomes(w *whole) (found []Finding) {
	executes := w.inTotalOrder(func(e *trace.Event) bool { return isWriteExecute(e) && w.mode(w.procs[e.Process]) == "total" })
	for i, e := range executes {
		for _, first := range executes[:i] {
			if first.Write != e.Write {
				continue
			}
			same := !otherResult(e, first) && !otherBalance(e.Balance, first.Balance) && !otherBalance(e.ToBalance, first.ToBalance)
			if first.Process != e.Process && !same {
				found = append(found, at(e, first))
			}
			break
		}
	}
	return found
}
