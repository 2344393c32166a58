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

// state is what a replica holds from one event on: the event that took its vector there, or a snapshot.
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
			if !agreeOn(first.shown(), first.balances, s.balances) || !agreeOn(s.shown(), first.balances, s.balances) {
				found = append(found, at(s.event, first.event))
			}
			break
		}
	}
	return found
}

// states returns the state of every replica after each event that moved its vector and each snapshot, except where the replica had executed
// writes beyond a gap: its vector then does not tell what it executed.
func (w *whole) states() (states []state) {
	for _, r := range w.replicas() {
		before := clock.Vector(nil)
		for i, e := range r.events {
			snapshot := e.Step == trace.StepSnapshot
			if !isWriteExecute(e) && !snapshot || r.blind(r.events[:i+1]) {
				continue
			}
			x := executedIn(r.events[:i+1])
			vector := x.vector()
			if (snapshot || !vector.Equal(before)) && x.gapless() {
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
	for _, e := range life(r.events[:i+1]) {
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

// shown returns the accounts of which the event of a state gives the balance: all that are known, if it is a snapshot.
func (s state) shown() map[string]int64 {
	if s.event.Step == trace.StepSnapshot {
		return s.balances
	}
	return balancesIn(s.event)
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

// unequalOutcomes compares each execute of a write with the first one, unless both are of one life of one replica: that
// is executed-twice.
func unequalOutcomes(w *whole) (found []Finding) {
	executes := w.inTotalOrder(func(e *trace.Event) bool { return isWriteExecute(e) && w.mode(w.procs[e.Process]) == "total" })
	for i, e := range executes {
		for _, first := range executes[:i] {
			if first.Write != e.Write {
				continue
			}
			same := !otherResult(e, first) && !otherBalance(e.Balance, first.Balance) && !otherBalance(e.ToBalance, first.ToBalance)
			if (first.Process != e.Process || w.lives(first) != w.lives(e)) && !same {
				found = append(found, at(e, first))
			}
			break
		}
	}
	return found
}

// lives returns how many snapshots the process of an event had taken over before it.
func (w *whole) lives(e *trace.Event) (n int) {
	for _, before := range w.earlier(e) {
		if before.Step == trace.StepSnapshot {
			n++
		}
	}
	return n
}
