package mutate

import (
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// effect is by how much an operation that succeeds changes an account.
func effect(e *trace.Event, account string) (delta int64) {
	switch {
	case e.Op == trace.OpDeposit && e.Account == account:
		return e.Amount
	case e.Op == trace.OpWithdraw && e.Account == account:
		return -e.Amount
	case e.Op == trace.OpTransfer:
		if e.Account == account {
			delta -= e.Amount
		}
		if e.ToAccount == account {
			delta += e.Amount
		}
	}
	return delta
}

// book adds to the balances of an account that a branch's log gives while the branch has executed a write, and to those
// that its answers and their receives repeat. Without write that is from the start on, up to a snapshot.
func (ed *editor) book(p *proc, write trace.ID, account string, delta int64) {
	add := func(to, said *trace.Event) {
		if said.Account == account && to.Balance.Known {
			to.Balance.Amount += delta
		}
		if said.ToAccount == account && to.ToBalance.Known {
			to.ToBalance.Amount += delta
		}
	}
	has, booked := write.IsZero(), map[*trace.Event]bool{}
	for _, e := range p.events {
		switch {
		case e.Step == trace.StepSnapshot:
			i := slices.IndexFunc(e.Balances, func(b trace.AccountBalance) bool { return b.Account == account })
			has = !write.IsZero() && e.Sees.Get(write.Process) >= write.N
			if has && i >= 0 {
				e.Balances[i].Amount += delta
			}
		case isWrite(e) && e.Write == write:
			has = true
		}
		if has && isExecute(e) {
			add(e, e)
			booked[e] = true
		}
	}
	for _, e := range p.events {
		if x := ed.decisive[e]; x != nil && booked[x] {
			ed.tell(e, func(e *trace.Event) { add(e, x) })
		}
	}
}

// snapshotAfter returns the index of the first snapshot at that index or after it; without one, how many events there are.
func (p *proc) snapshotAfter(index int) int {
	for i, e := range p.events[index:] {
		if e.Step == trace.StepSnapshot {
			return index + i
		}
	}
	return len(p.events)
}

// balance returns what an account holds at a branch before the event with that index, and whether its log says so.
func (p *proc) balance(index int, account string) (amount int64, known bool) {
	for i := index - 1; i >= 0; i-- {
		e := p.events[i]
		switch {
		case e.Step == trace.StepSnapshot:
			if amount, known = amountIn(e.Balances, account); known {
				return amount, true
			}
			return p.opened(account)
		case !isExecute(e):
		case e.Account == account && e.Balance.Known:
			return e.Balance.Amount, true
		case e.ToAccount == account && e.ToBalance.Known:
			return e.ToBalance.Amount, true
		}
	}
	return p.opened(account)
}

// opened returns the opening balance of an account at a branch, and whether its log says so.
func (p *proc) opened(account string) (amount int64, known bool) {
	if p.header == nil || p.header.Incarnation > 1 || p.header.First > 1 {
		return 0, false
	}
	return amountIn(p.header.Opening, account)
}

func amountIn(balances []trace.AccountBalance, account string) (amount int64, known bool) {
	for _, b := range balances {
		if b.Account == account {
			return b.Amount, true
		}
	}
	return 0, false
}

// shownLater reports whether a later execute at the branch, before any snapshot, gives the balance of an account.
func (p *proc) shownLater(index int, account string) bool {
	for _, e := range p.events[index+1 : p.snapshotAfter(index+1)] {
		if isExecute(e) && (e.Account == account && e.Balance.Known || e.ToAccount == account && e.ToBalance.Known) {
			return true
		}
	}
	return false
}

// withdrawals returns the executes, at its origin, of withdrawals that took effect and whose request had one order.
func (ed *editor) withdrawals() []*trace.Event {
	return ed.chosen(func(p *proc, e *trace.Event) bool {
		return isWrite(e) && e.Write.Process == p.name && e.Op == trace.OpWithdraw && e.Result == trace.OK &&
			e.Balance.Known && len(ed.orders[e.Request]) == 1
	})
}
