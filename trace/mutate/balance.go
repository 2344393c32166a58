package mutate

import "github.com/seed-8ff1fc32/bank-trace/trace"

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

// book adds to the balances of an account that a branch's log gives from its event with that index on, and to those that
// its answers and their receives repeat.
func (ed *editor) book(p *proc, from int, account string, delta int64) {
	add := func(to, said *trace.Event) {
		if said.Account == account && to.Balance.Known {
			to.Balance.Amount += delta
		}
		if said.ToAccount == account && to.ToBalance.Known {
			to.ToBalance.Amount += delta
		}
	}
	for i, e := range p.events {
		if i >= from && isExecute(e) {
			add(e, e)
		}
		if x := ed.decisive[e]; x != nil && ed.index[x] >= from {
			ed.tell(e, func(e *trace.Event) { add(e, x) })
		}
	}
}

// balance returns what an account holds at a branch before the event with that index, and whether its log says so.
func (p *proc) balance(index int, account string) (amount int64, known bool) {
	for i := index - 1; i >= 0; i-- {
		e := p.events[i]
		switch {
		case !isExecute(e):
		case e.Account == account && e.Balance.Known:
			return e.Balance.Amount, true
		case e.ToAccount == account && e.ToBalance.Known:
			return e.ToBalance.Amount, true
		}
	}
	if p.header != nil {
		for _, b := range p.header.Opening {
			if b.Account == account {
				return b.Amount, true
			}
		}
	}
	return 0, false
}

// shownLater reports whether a later execute at the branch gives the balance of an account.
func (p *proc) shownLater(index int, account string) bool {
	for _, e := range p.events[index+1:] {
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
