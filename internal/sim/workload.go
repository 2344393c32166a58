package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Workload says what customers do. A customer asks for its next step when the one before is over.
type Workload interface {
	// Next returns the next step of the customer with this place (from 0), or false when it has none left.
	Next(customer int) (Step, bool)
}

// Step is one request of a customer, after a pause.
type Step struct {
	Think  time.Duration
	Branch int // place of the branch, from 0
	customer.Operation
}

// Mix is a random workload.
type Mix struct {
	Branches, Customers int
	Requests            int // of all customers together
	Accounts            []string
	// Shares of the operations; they need not add up to anything.
	Query, Deposit, Withdraw, Transfer float64
	Roaming                            float64       // share of requests that go to a random branch, not to the customer's own
	Hot                                float64       // share of operations on the first account
	MaxAmount                          int64         // amounts are drawn from 1 to it
	Think                              time.Duration // pauses are drawn from 0 to it
}

type mixed struct {
	Mix
	left    []int
	sources []*rand.Rand
}

// workload returns the mix with a random source for each customer, so that one customer's draws do not depend on when
// the others are served.
func (m Mix) workload(seed uint64) *mixed {
	w := &mixed{Mix: m, left: make([]int, m.Customers), sources: make([]*rand.Rand, m.Customers)}
	for i := range m.Customers {
		w.left[i] = m.Requests / m.Customers
		if i < m.Requests%m.Customers {
			w.left[i]++
		}
		w.sources[i] = source(seed, fmt.Sprintf("workload %d", i))
	}
	return w
}

// Next implements Workload.
func (w *mixed) Next(i int) (Step, bool) {
	if w.left[i] == 0 {
		return Step{}, false
	}
	w.left[i]--
	r := w.sources[i]
	s := Step{Think: between(r, 0, w.Think), Branch: i % w.Branches}
	if r.Float64() < w.Roaming {
		s.Branch = r.IntN(w.Branches)
	}
	s.Op, s.Account, s.Amount = w.draw(r), w.account(r), 1+r.Int64N(w.MaxAmount)
	switch s.Op {
	case trace.OpQuery:
		s.Amount = 0
	case trace.OpTransfer:
		s.ToAccount = w.Accounts[r.IntN(len(w.Accounts))]
		if s.ToAccount == s.Account {
			s.Op, s.ToAccount = trace.OpDeposit, ""
		}
	}
	return s, true
}

func (w *mixed) draw(r *rand.Rand) trace.Op {
	x := r.Float64() * (w.Query + w.Deposit + w.Withdraw + w.Transfer)
	switch {
	case x < w.Query:
		return trace.OpQuery
	case x < w.Query+w.Deposit:
		return trace.OpDeposit
	case x < w.Query+w.Deposit+w.Withdraw:
		return trace.OpWithdraw
	}
	return trace.OpTransfer
}

func (w *mixed) account(r *rand.Rand) string {
	if r.Float64() < w.Hot {
		return w.Accounts[0]
	}
	return w.Accounts[r.IntN(len(w.Accounts))]
}

// scripted is the workload of a scenario.
type scripted struct {
	steps [][]scenario.Step
	place map[int]int // branch ID -> place
}

// FromScenario returns the workload that a scenario describes.
func FromScenario(s *scenario.Scenario) Workload {
	w := &scripted{place: map[int]int{}}
	for i, b := range s.Branches {
		w.place[b.ID] = i
	}
	for _, c := range s.Customers {
		w.steps = append(w.steps, c.Steps)
	}
	return w
}

// Next implements Workload.
func (w *scripted) Next(i int) (Step, bool) {
	var think time.Duration
	for len(w.steps[i]) > 0 {
		s := w.steps[i][0]
		w.steps[i] = w.steps[i][1:]
		if s.Op == "wait" {
			think += s.Wait
			continue
		}
		op, err := trace.ParseOp(s.Op)
		if err != nil {
			continue // scenario.Load lets no other operation through
		}
		return Step{Think: think, Branch: w.place[s.Branch], Operation: customer.Operation{
			Op: op, Account: s.Account, ToAccount: s.ToAccount, Amount: s.Amount}}, true
	}
	return Step{}, false
}
