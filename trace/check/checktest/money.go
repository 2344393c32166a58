package checktest

import (
	"math/big"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// before returns the balance of an account at a replica before event i, and the event that gave it: nil for the
// opening. What an execute that records no balance made of it is not known.
func (p *process) before(i int, account string) (amount int64, known bool, from *trace.Event) {
	amount, known = p.opening()[account]
	for _, e := range life(p.events[:i]) {
		if e.Step == trace.StepSnapshot {
			from = e // which names all accounts whose balance is not that of the opening
		}
		if recorded, ok := balancesIn(e)[account]; ok {
			amount, known, from = recorded, true, e
		} else if isExecute(e) && mayChange(e, account) {
			known = false
		}
	}
	return amount, known, from
}

// says reports whether the log tells what an execute was and how it ended.
func says(e *trace.Event) bool {
	return e.Op != trace.OpNone && (e.Op == trace.OpQuery || e.Result != trace.ResultNone)
}

// mayChange reports whether an execute may have changed an account.
func mayChange(e *trace.Event, account string) bool {
	if !says(e) {
		return e.Account == account || e.ToAccount == account
	}
	return e.Result == trace.OK && effect(e, account).Sign() != 0
}

// effect returns by how much an operation that succeeds changes an account.
func effect(e *trace.Event, account string) *big.Int {
	sum, amount := new(big.Int), big.NewInt(e.Amount)
	switch {
	case e.Op == trace.OpDeposit && e.Account == account:
		sum.Add(sum, amount)
	case e.Op == trace.OpWithdraw && e.Account == account:
		sum.Sub(sum, amount)
	}
	if e.Op == trace.OpTransfer && e.Account == account {
		sum.Sub(sum, amount)
	}
	if e.Op == trace.OpTransfer && e.ToAccount == account {
		sum.Add(sum, amount)
	}
	return sum
}

// money/unexplained-balance: "balance after = balance before + effect".
func unexplainedBalance(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isExecute(e) {
			continue
		}
		for account, after := range balancesIn(e) {
			before, known, from := w.procs[e.Process].before(w.place[e], account)
			if !known || !says(e) {
				continue
			}
			expected := big.NewInt(before)
			if e.Result == trace.OK {
				expected.Add(expected, effect(e, account))
			}
			if expected.Cmp(big.NewInt(after)) != 0 {
				found = append(found, at(e, from))
			}
		}
	}
	return found
}

// money/overdrawn: "no balance below 0".
func overdrawn(w *whole) (found []Finding) {
	for _, r := range w.processes() {
		for _, amount := range r.opening() {
			if amount < 0 {
				found = append(found, Finding{Event: r.name})
			}
		}
	}
	for _, e := range w.all {
		for _, amount := range balancesIn(e) {
			if amount < 0 {
				found = append(found, at(e, nil))
			}
		}
	}
	return found
}

// money/wrong-refusal: "`total`: `insufficient` only if the balance did not cover it".
func wrongRefusal(w *whole) (found []Finding) {
	for _, e := range w.all {
		p := w.procs[e.Process]
		if !isWriteExecute(e) || e.Result != trace.Insufficient || w.mode(p) != "total" {
			continue
		}
		balance, known, from := p.before(w.place[e], e.Account)
		if !known {
			balance, known = e.Balance.Amount, e.Balance.Known // an operation that was refused left it as it was
		}
		needed := int64(0)
		if e.Op == trace.OpWithdraw || e.Op == trace.OpTransfer {
			needed = e.Amount
		}
		if known && balance >= needed {
			found = append(found, at(e, from))
		}
	}
	return found
}

// money/refused-but-executed: "a request answered `insufficient`, `conflict` or `refused` has no effect anywhere".
func refusedButExecuted(w *whole) (found []Finding) {
	for _, respond := range w.all {
		refused := respond.Result == trace.Insufficient || respond.Result == trace.Conflict ||
			respond.Result == trace.Refused && !w.retried(respond.Request)
		if !isRespond(respond) || !refused {
			continue
		}
		execute := w.firstOf(func(e *trace.Event) bool {
			return isWriteExecute(e) && e.Result == trace.OK && w.isFor(e, respond)
		})
		if execute != nil {
			found = append(found, at(respond, execute))
		}
	}
	return found
}

// money/acknowledged-but-lost: "in a settled trace an `ok` write is executed at every branch".
func acknowledgedButLost(w *whole) (found []Finding) {
	if !w.opt.Settled {
		return nil
	}
	for _, respond := range w.all {
		if !isRespond(respond) || respond.Result != trace.OK || !w.asked(respond).isWrite() {
			continue
		}
		write := w.acknowledged(respond)
		for _, r := range w.replicas() {
			has := executedIn(r.events).has(write)
			if write.IsZero() {
				has = snapshotIn(r.events) != nil // who knows: it may have brought it
			}
			if r.ended && !r.blind(r.events) && !has {
				found = append(found, Finding{Event: respond.Ref().String(), Replica: r.name})
			}
		}
	}
	return found
}

// acknowledged returns the write that an ok respond tells of: that of its execute at the responding branch, else of any
// execute of the request that succeeded; the zero ID where there is none.
func (w *whole) acknowledged(respond *trace.Event) trace.ID {
	if x := w.decisive(respond); x != nil && isWriteExecute(x) {
		return x.Write
	}
	return w.writeOf(respond.Request)
}
