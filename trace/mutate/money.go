package mutate

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func moneyMutations() []Mutation {
	return []Mutation{
		{
			Rule:    "money/unexplained-balance",
			Mistake: "a balance was read while another goroutine was changing it",
			Needs:   "an execute that gives a balance: a query's; or a write's, at a branch where it was not ordered and that gives the balance again later",
			Implies: []string{"money/not-conserved", "replica/diverged"}, // where nothing later sets the balance right; where it is a write's
			apply:   oddBalance,
		}, {
			Rule:    "money/overdrawn",
			Mistake: "the balance was checked when the withdrawal was ordered, and had changed when it was executed",
			Needs:   "a withdrawal that took effect",
			apply:   overdraw,
		}, {
			Rule:    "money/wrong-refusal",
			Mistake: "the withdrawal was held against a balance that lacked earlier deposits",
			Needs:   "a withdrawal that took effect, in mode total",
			apply:   refuseCovered,
		}, {
			Rule:    "money/refused-but-executed",
			Mistake: "a branch that had sent a write out lost patience and called it refused; it was executed all the same",
			Needs:   "a write that was answered ok by the branch that ordered it",
			Implies: []string{"money/not-conserved"}, // the customer does not count it
			apply:   refuseExecuted,
		}, {
			Rule:    "money/acknowledged-but-lost",
			Mistake: "a branch was stopped, and called settled, before it had executed a write that was acknowledged elsewhere",
			Needs:   "a settled trace, and a branch whose last execute is that of another branch's write",
			Implies: []string{"replica/missing-execute", "money/not-conserved"}, // it is missing there, with its money
			apply:   func(ed *editor) (Change, error) { return loseLast(ed, true) },
		}, {
			Rule:    "money/not-conserved",
			Mistake: "somebody booked a deposit into the bank that no customer had asked for",
			Needs:   "a settled trace in which all logs have ended, with customers, and branches that begin with an opening balance",
			apply:   moneyFromNowhere,
		},
	}
}

// oddBalance makes one execute give one unit too much. A query's is best, as no other replica has it.
func oddBalance(ed *editor) (Change, error) {
	fits := func(query, later bool) func(*proc, *trace.Event) bool {
		return func(p *proc, e *trace.Event) bool {
			_, known := p.balance(ed.index[e], e.Account)
			return known && e.Balance.Known && p.shownLater(ed.index[e], e.Account) == later &&
				(query && isQuery(e) || !query && isWrite(e) && e.Write.Process != p.name)
		}
	}
	e, err := pick(ed, ed.chosen(fits(true, true)), ed.chosen(fits(true, false)), ed.chosen(fits(false, true)))
	if err != nil {
		return Change{}, err
	}
	e.Balance.Amount++
	for _, y := range ed.byName[e.Process].events {
		if ed.decisive[y] == e {
			ed.tell(y, func(y *trace.Event) { y.Balance.Amount++ })
		}
	}
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s gives account %s a balance of %d; it had %d", e.Ref(), e.Account, e.Balance.Amount, e.Balance.Amount-1),
	}, nil
}

// overdraw raises the amount of a withdrawal everywhere, so that its account is left with -1.
func overdraw(ed *editor) (Change, error) {
	x, err := pick(ed, ed.withdrawals())
	if err != nil {
		return Change{}, err
	}
	was, more := x.Amount, x.Balance.Amount+1
	for _, p := range ed.procs {
		for _, e := range p.events {
			if e.Request == x.Request && e.Op == x.Op && e.Amount == was {
				e.Amount += more
			}
		}
	}
	for _, p := range ed.branches() {
		ed.book(p, x.Write, x.Account, -more)
	}
	return Change{
		Event: x.Ref(),
		Text: fmt.Sprintf("%s, a withdrawal of %d, is one of %d: more by 1 than account %s had; all balances after it follow",
			x.Request, was, x.Amount, x.Account),
	}, nil
}

// refuseCovered makes a withdrawal insufficient that was covered.
func refuseCovered(ed *editor) (Change, error) {
	x, err := pick(ed, slices.DeleteFunc(ed.withdrawals(), func(e *trace.Event) bool { return !ed.byName[e.Process].total() }))
	if err != nil {
		return Change{}, err
	}
	for _, p := range ed.branches() {
		ed.book(p, x.Write, x.Account, x.Amount)
	}
	for _, e := range ed.executes[x.Write] {
		e.Result = trace.Insufficient
	}
	for _, p := range ed.procs {
		for _, y := range p.events {
			if isRespond(y) && y.Request == x.Request && y.Result == trace.OK {
				ed.tell(y, func(y *trace.Event) { y.Result = trace.Insufficient })
			}
		}
	}
	return Change{
		Event: x.Ref(),
		Text: fmt.Sprintf("%s, a withdrawal of %d from %d, ends insufficient everywhere, and was covered; all balances after it follow",
			x.Request, x.Amount, x.Balance.Amount),
	}, nil
}

// refuseExecuted sends the reply to a write before its execute, as a refusal. A request that was sent twice may be refused
// once, and executed.
func refuseExecuted(ed *editor) (Change, error) {
	asked := map[trace.ID]int{}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if isAsk(e) {
				asked[e.Request]++
			}
		}
	}
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		return isRespond(e) && ed.early(e) != nil && isWrite(ed.decisive[e]) && ed.finals[e.Request] == 1 && asked[e.Request] <= 1
	}))
	if err != nil {
		return Change{}, err
	}
	ed.moveAfter(ed.early(e), e)
	ed.tell(e, func(e *trace.Event) {
		e.Result, e.Balance, e.ToBalance = trace.Refused, trace.Balance{}, trace.Balance{}
	})
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s calls %s refused, and %s executes it", e.Ref(), e.Request, ed.decisive[e].Ref()),
	}, nil
}

// moneyFromNowhere adds a deposit at the end of the trace that has no request. All else about it is in order: it is
// ordered, propagated, acknowledged by all to all, and executed everywhere.
func moneyFromNowhere(ed *editor) (Change, error) {
	branches := ed.branches()
	origin, account, err := ed.nowhere(branches)
	if err != nil {
		return Change{}, err
	}
	held := vector(origin)
	w := trace.Event{
		Write: trace.ID{Process: origin.name, N: held.Get(origin.name) + 1}, At: origin.last().Clock + 1,
		Op: trace.OpDeposit, Account: account, Amount: 1 + ed.random.Int64N(100) + ed.unconfirmed(),
	}
	order := w
	order.Kind, order.Step = trace.Local, trace.StepOrder
	if !origin.total() {
		order.Deps = held.Clone()
	}
	ordered := ed.append(origin, order, nil)
	ed.toAll(origin, branches, trace.Event{Step: trace.StepPropagate, Write: w.Write, At: w.At})
	held = held.Clone().Set(origin.name, w.Write.N)
	for _, p := range branches {
		if p != origin {
			ed.toAll(p, branches, trace.Event{Step: trace.StepAcknowledge, Has: held})
		}
	}
	for _, p := range branches {
		x := w
		x.Kind, x.Step, x.Result = trace.Local, trace.StepExecute, trace.OK
		before, _ := p.balance(len(p.events), account)
		x.Balance = trace.KnownBalance(before + w.Amount)
		if p == origin {
			x.Sees = held
		}
		ed.append(p, x, nil)
	}
	return Change{
		Event: ordered.Ref(),
		Text:  fmt.Sprintf("%s orders a deposit of %d into %s that no customer asked for, and every branch executes it", ordered.Ref(), w.Amount, account),
	}, nil
}

// unconfirmed returns how much money the requests may have moved that no customer knows to have succeeded.
func (ed *editor) unconfirmed() (sum int64) {
	open := map[trace.ID]int64{}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if isAsk(e) {
				open[e.Request] = e.Amount
			}
		}
	}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if isReply(e) && e.Result == trace.OK {
				delete(open, e.Request)
			}
		}
	}
	for _, amount := range open {
		sum += amount
	}
	return sum
}

// nowhere chooses where money may come from, and into which account it goes.
func (ed *editor) nowhere(branches []*proc) (origin *proc, account string, err error) {
	customers := 0
	for _, p := range ed.procs {
		if !p.ended || p.header == nil || len(p.events) == 0 || p.branch() && len(p.header.Opening) == 0 {
			return nil, "", &NoPlaceError{Why: "the log of " + p.name + " has no end, no header, no event or no opening"}
		}
		if p.customer() {
			customers++
		}
	}
	if customers == 0 || ed.Run == nil || !ed.Run.Settled {
		return nil, "", &NoPlaceError{}
	}
	origin, err = pick(ed, slices.DeleteFunc(slices.Clone(branches), func(p *proc) bool { return !ed.touches(p) }))
	if err != nil {
		return nil, "", err
	}
	return origin, origin.header.Opening[ed.random.IntN(len(origin.header.Opening))].Account, nil
}

// toAll appends a message from one branch to every other, and its receives.
func (ed *editor) toAll(from *proc, branches []*proc, e trace.Event) {
	for _, to := range branches {
		if to != from {
			e.Kind, e.Peer = trace.Send, to.name
			ed.append(to, e, ed.append(from, e, nil))
		}
	}
}

// vector returns what a branch of a valid trace has executed at its end.
func vector(p *proc) (v clock.Vector) {
	for _, e := range p.events {
		switch {
		case isWrite(e):
			v = v.Set(e.Write.Process, max(e.Write.N, v.Get(e.Write.Process)))
		case e.Step == trace.StepSnapshot:
			v = e.Sees.Clone()
		}
	}
	return v
}
