package check

import (
	"fmt"
	"math"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// cell is the balance of one account at one replica, and the event that left it so.
type cell struct {
	account int32 // number
	amount  int64
	known   bool
	by      spot
}

// book is the balances at one replica.
type book struct {
	cells map[string]*cell
	hash  uint64 // of the known balances
}

// moneyFamily keeps the books of every replica as its log tells them.
//
//  1. The header of incarnation 1 gives the opening balances. An account that it does not name is not known before its
//     first balance.
//  2. An execute with result ok changes its accounts by its amount; any other result and a query change nothing. The
//     balance that it gives must be the one before, so changed.
//  3. Whatever it gives becomes the balance before the next, so one mistake is one finding. An execute that changes an
//     account and does not give its balance leaves it unknown. A snapshot replaces all balances: an account that it does
//     not name has its opening balance again, or is not known.
//  4. Where records that could not be read may be missing from the log the balances are no longer known.
//  5. No balance that an execute, a snapshot or an opening gives is below 0.
//  6. In mode total a write that ended insufficient must ask for more than the balance before it.
//
// The second pass keeps the books again and reports nothing.
type moneyFamily struct {
	*engine
	*tally
	books    []*book // by process
	accounts map[string]int32
}

func newMoneyFamily(e *engine) *moneyFamily {
	return &moneyFamily{engine: e, tally: e.tally, accounts: map[string]int32{}}
}

func (f *moneyFamily) header(p *proc, _ *trace.Header, at place) {
	if p.headers > 1 {
		return
	}
	for _, b := range p.opening {
		f.solvent(spot{p: p, at: at}, b.Account, trace.KnownBalance(b.Amount))
	}
	f.open(p)
}

// open gives a process its opening balances.
func (f *moneyFamily) open(p *proc) {
	for _, b := range p.opening {
		f.set(p, b.Account, b.Amount, spot{p: p, at: p.opened})
	}
}

// cell returns the account at a process, nil if it was never spoken of there.
func (f *moneyFamily) cell(p *proc, account string) *cell {
	if b := at(f.books, p.id); b != nil {
		return b.cells[account]
	}
	return nil
}

func (f *moneyFamily) set(p *proc, account string, amount int64, by spot) {
	into := reach(&f.books, p.id)
	if *into == nil {
		*into = &book{cells: map[string]*cell{}}
	}
	b := *into
	c := b.cells[account]
	if c == nil {
		id, ok := f.accounts[account]
		if !ok {
			id = int32(len(f.accounts))
			f.accounts[account] = id
		}
		c = &cell{account: id}
		b.cells[account] = c
	}
	f.forget(b, c)
	c.amount, c.known, c.by = amount, true, by
	b.hash += mix(c.account, uint64(amount))
}

func (f *moneyFamily) forget(b *book, c *cell) {
	if c.known {
		b.hash -= mix(c.account, uint64(c.amount))
	}
	c.known = false
}

// hashOf returns a hash of what is known of the balances at a process.
func (f *moneyFamily) hashOf(p *proc) uint64 {
	if b := at(f.books, p.id); b != nil {
		return b.hash
	}
	return 0
}

// balances returns the balances at a process, the last ones that it gave.
func (f *moneyFamily) balances(p *proc) map[string]int64 {
	all := map[string]int64{}
	if b := at(f.books, p.id); b != nil {
		for account, c := range b.cells {
			all[account] = c.amount
		}
	}
	return all
}

func (f *moneyFamily) wants(_ trace.Kind, s trace.Step) bool {
	return s == trace.StepExecute || s == trace.StepSnapshot
}

func (f *moneyFamily) first(v *visit) {
	if v.missing > 0 && v.excused {
		*reach(&f.books, v.p.id) = nil
	}
	switch v.e.Step {
	case trace.StepExecute:
		f.execute(v)
	case trace.StepSnapshot:
		*reach(&f.books, v.p.id) = nil
		for _, b := range v.p.opening {
			f.set(v.p, b.Account, b.Amount, v.spot())
		}
		for _, b := range v.e.Balances {
			f.solvent(v.spot(), b.Account, trace.KnownBalance(b.Amount))
			f.set(v.p, b.Account, b.Amount, v.spot())
		}
	}
}

func (f *moneyFamily) execute(v *visit) {
	e := v.e
	f.solvent(v.spot(), e.Account, e.Balance)
	f.solvent(v.spot(), e.ToAccount, e.ToBalance)
	f.refusal(v)
	delta, toDelta, known := effect(e)
	if e.ToAccount == "" || e.ToAccount == e.Account {
		given := e.Balance
		if e.ToAccount != "" && e.ToBalance.Known {
			given = e.ToBalance
		}
		if e.ToAccount != "" {
			delta += toDelta
		}
		f.change(v, e.Account, delta, given, known)
		return
	}
	f.change(v, e.Account, delta, e.Balance, known)
	f.change(v, e.ToAccount, toDelta, e.ToBalance, known)
}

// refusal checks that a write which ended insufficient asks for more than there was.
func (f *moneyFamily) refusal(v *visit) {
	e := v.e
	if e.Result != trace.Insufficient || e.Write.IsZero() || !f.total(v.p) {
		return
	}
	balance, by := e.Balance.Amount, spot{}
	if c := f.cell(v.p, e.Account); c != nil && c.known {
		balance, by = c.amount, c.by
	} else if !e.Balance.Known {
		return
	}
	f.checked[moneyRefusal]++
	needed := int64(0)
	if e.Op == trace.OpWithdraw || e.Op == trace.OpTransfer {
		needed = e.Amount
	}
	if balance < needed {
		return
	}
	f.add(moneyRefusal, finding{
		event: v.spot(), other: by,
		message: fmt.Sprintf("%s refuses a %s of %d as insufficient, and account %s has %d.",
			e.Ref(), e.Op, e.Amount, e.Account, balance),
		expected: "result ok",
	})
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

// change books delta on an account, and compares with the balance that the event gives.
func (f *moneyFamily) change(v *visit, account string, delta int64, given trace.Balance, known bool) {
	c := f.cell(v.p, account)
	if !given.Known {
		if c != nil && (delta != 0 || !known) {
			f.forget(f.books[v.p.id], c)
		}
		return
	}
	if c != nil && c.known && known {
		f.checked[moneyUnexplained]++
		if want, fits := add(c.amount, delta); !fits || given.Amount != want {
			f.unexplained(v, account, c, delta, given.Amount, want, fits)
		}
	}
	f.set(v.p, account, given.Amount, v.spot())
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
	if e.Op == trace.OpWithdraw {
		what = "withdrawal"
	}
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
func (f *moneyFamily) settle()        {}

// again keeps the books as the first pass did, for those who compare them.
func (f *moneyFamily) again(v *visit) { f.first(v) }

// reopen begins the books anew for another pass, whose findings were made in the first.
func (f *moneyFamily) reopen() {
	f.tally = newTally(selection{}, Options{})
	f.books = nil
	for _, p := range f.procs {
		f.open(p)
	}
}
