package check

import (
	"fmt"
	"math"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func moneyRules() []Rule {
	return []Rule{
		{
			Name:      "money/unexplained-balance",
			Statement: "At each replica the balance after an operation is the balance before it plus its effect.",
			Reason:    "Else money appeared or vanished.",
			Source:    "double-entry bookkeeping: no balance changes without an entry",
			Mistake:   "Two operations read the balance before either wrote it, or one was executed without being logged.",
			Exit:      1,
		}, {
			Name:      "money/overdrawn",
			Statement: "No balance is below 0.",
			Reason:    "The bank gave away money that the account did not have.",
			Source:    "the bank's promise to decide each withdrawal on the balance that it will change",
			Mistake:   "The balance was checked at one moment and changed at a later one.",
			Exit:      1,
		},
	}
}

// cell is the balance of one account at one replica, and the event that left it so.
type cell struct {
	amount  int64
	by      spot
	written bool // by a write, not only by an opening or a snapshot
}

// moneyFamily keeps the books of every replica as its log tells them.
//
//  1. The header of incarnation 1 gives the opening balances. An account that it does not name is not known before its
//     first balance.
//  2. An execute with result ok changes its accounts by its amount; any other result and a query change nothing. The
//     balance that it gives must be the one before, so changed.
//  3. Whatever it gives becomes the balance before the next, so one mistake is one finding. A snapshot replaces all.
//  4. Where events are missing from the log the balances are no longer known.
//  5. No balance that an execute, a response, a snapshot or an opening gives is below 0.
type moneyFamily struct {
	*engine
	*tally
	books map[*proc]map[string]*cell
}

func newMoneyFamily(e *engine) *moneyFamily {
	return &moneyFamily{engine: e, tally: e.tally, books: map[*proc]map[string]*cell{}}
}

func (f *moneyFamily) header(p *proc, h *trace.Header, at place) {
	if h.Incarnation != 1 {
		return
	}
	by := spot{p: p, at: at}
	for _, b := range h.Opening {
		f.solvent(by, b.Account, trace.KnownBalance(b.Amount))
		f.set(p, b.Account, b.Amount, by)
	}
}

func (f *moneyFamily) set(p *proc, account string, amount int64, by spot) {
	book := f.books[p]
	if book == nil {
		book = map[string]*cell{}
		f.books[p] = book
	}
	if c := book[account]; c != nil {
		c.amount, c.by = amount, by
		return
	}
	book[account] = &cell{amount: amount, by: by}
}

func (f *moneyFamily) first(v *visit) {
	if v.missing > 0 {
		delete(f.books, v.p)
	}
	switch v.e.Step {
	case trace.StepExecute:
		f.execute(v)
	case trace.StepSnapshot:
		delete(f.books, v.p)
		for _, b := range v.e.Balances {
			f.solvent(v.spot(), b.Account, trace.KnownBalance(b.Amount))
			f.set(v.p, b.Account, b.Amount, v.spot())
		}
	case trace.StepRespond:
		if v.e.Kind == trace.Send {
			f.solvent(v.spot(), v.e.Account, v.e.Balance)
			f.solvent(v.spot(), v.e.ToAccount, v.e.ToBalance)
		}
	}
}

func (f *moneyFamily) execute(v *visit) {
	e := v.e
	f.solvent(v.spot(), e.Account, e.Balance)
	f.solvent(v.spot(), e.ToAccount, e.ToBalance)
	delta, toDelta, known := effect(e)
	if !known {
		f.adopt(v, e.Account, e.Balance)
		f.adopt(v, e.ToAccount, e.ToBalance)
		return
	}
	f.change(v, e.Account, delta, e.Balance)
	if e.ToAccount != "" && e.ToAccount != e.Account {
		f.change(v, e.ToAccount, toDelta, e.ToBalance)
	}
}

// effect is what an execute does to its account and, for a transfer, to the other one; known is false where the log
// does not say how a write ended.
func effect(e *trace.Event) (account, other int64, known bool) {
	if e.Op == trace.OpNone || e.Op != trace.OpQuery && e.Result == trace.ResultNone {
		return 0, 0, false
	}
	if e.Result != trace.OK {
		return 0, 0, true
	}
	switch e.Op {
	case trace.OpDeposit:
		return e.Amount, 0, true
	case trace.OpWithdraw:
		return -e.Amount, 0, true
	case trace.OpTransfer:
		return -e.Amount, e.Amount, true
	}
	return 0, 0, true
}

func (f *moneyFamily) adopt(v *visit, account string, b trace.Balance) {
	if b.Known {
		f.set(v.p, account, b.Amount, v.spot())
	}
}

// change books delta on an account, and compares with the balance that the event gives.
func (f *moneyFamily) change(v *visit, account string, delta int64, given trace.Balance) {
	c := f.books[v.p][account]
	if c == nil {
		f.adopt(v, account, given)
		return
	}
	c.written = c.written || !v.e.Write.IsZero()
	want, fits := add(c.amount, delta)
	if !given.Known {
		if delta != 0 {
			if !fits {
				delete(f.books[v.p], account)
				return
			}
			c.amount, c.by = want, v.spot()
		}
		return
	}
	f.checked[moneyUnexplained]++
	if !fits || given.Amount != want {
		f.unexplained(v, account, c, delta, given.Amount, want, fits)
	}
	c.amount, c.by = given.Amount, v.spot()
}

func (f *moneyFamily) unexplained(v *visit, account string, c *cell, delta, given, want int64, fits bool) {
	expected := fmt.Sprintf("balance %d", want)
	if !fits {
		expected = "a balance that 64 bits can hold"
	}
	f.add(moneyUnexplained, finding{
		event: v.spot(),
		other: c.by,
		message: fmt.Sprintf("%s gives account %s a balance of %d; it was %d, and this %s.",
			v.e.Ref(), account, given, c.amount, deed(v.e, delta)),
		expected: expected,
	})
}

// deed says in words what an execute does to an account.
func deed(e *trace.Event, delta int64) string {
	what := e.Op.String()
	switch {
	case delta > 0:
		return fmt.Sprintf("%s adds %d", what, delta)
	case delta < 0:
		return fmt.Sprintf("%s takes away %d", what, e.Amount)
	case e.Result != trace.OK && e.Result != trace.ResultNone:
		return fmt.Sprintf("%s, which ended %s, changes nothing", what, e.Result)
	}
	return what + " changes nothing"
}

// add adds, and reports whether the sum fits.
func add(a, b int64) (int64, bool) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, false
	}
	return a + b, true
}

// solvent checks that a balance is not below 0.
func (f *moneyFamily) solvent(s spot, account string, b trace.Balance) {
	if !b.Known {
		return
	}
	f.checked[moneyOverdrawn]++
	if b.Amount >= 0 {
		return
	}
	what := s.ref().String()
	if s.seq == 0 {
		what = "The header of " + s.name()
	}
	of := ""
	if account != "" {
		of = " of account " + account
	}
	f.add(moneyOverdrawn, finding{
		event:    s,
		message:  fmt.Sprintf("%s gives a balance%s of %d, which is below 0.", what, of, b.Amount),
		expected: "a balance of at least 0",
	})
}

func (f *moneyFamily) end()           {}
func (f *moneyFamily) suspects() bool { return false }
func (f *moneyFamily) again(*visit)   {}
func (f *moneyFamily) settle()        {}
