package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var bank = branch.Config{Name: "branch-1", Branches: []string{"branch-1", "branch-2", "branch-10"},
	Opening: map[string]int64{"main": 400, "sparbüchse \"\n": 0}}

func identity() Identity {
	return Identity{Cluster: bank.ClusterHash(), ClusterText: bank.ClusterText(), Branch: bank.Name}
}

// life makes up what a branch may do: batches that follow each other as those of a core do.
type life struct {
	rand                    *rand.Rand
	seq, clock              uint64
	held, executed, dropped map[string]uint64
	writes                  map[trace.ID]*branch.Write
	balances                map[string]int64
	requests                map[string]uint64
	taken                   map[string]uint64
}

func newLife(seed uint64) *life {
	return &life{rand: rand.New(rand.NewPCG(seed, 1)), held: map[string]uint64{}, executed: map[string]uint64{}, dropped: map[string]uint64{},
		writes: map[trace.ID]*branch.Write{}, balances: maps.Clone(bank.Opening), requests: map[string]uint64{}, taken: map[string]uint64{}}
}

func (l *life) event(e trace.Event) trace.Event {
	l.seq++
	l.clock += 1 + uint64(l.rand.IntN(3))
	e.Process, e.Seq, e.Clock = bank.Name, l.seq, l.clock
	return e
}

func (l *life) account() string {
	return slices.Sorted(maps.Keys(bank.Opening))[l.rand.IntN(len(bank.Opening))]
}

// step returns one batch of a few changes; some change nothing, some only record.
func (l *life) step() Batch {
	b := Batch{Durable: new(branch.Durable)}
	for range l.rand.IntN(5) {
		switch origin := bank.Branches[l.rand.IntN(len(bank.Branches))]; l.rand.IntN(5) {
		case 0, 1:
			l.hold(&b, origin)
		case 2, 3:
			if l.executed[origin] < l.held[origin] {
				l.execute(&b, origin)
			}
		default:
			l.drop(&b, origin)
		}
		process := fmt.Sprintf("customer-%d", l.rand.IntN(4))
		l.taken[process] += 1 + uint64(l.rand.IntN(3))
		b.Durable.Taken = append(b.Durable.Taken, branch.Taken{Process: process, Seq: l.taken[process]})
		b.Events = append(b.Events, l.event(trace.Event{Kind: trace.Receive, Peer: process, Cause: l.taken[process], Stamp: l.clock}))
	}
	return b
}

func (l *life) hold(b *Batch, origin string) {
	l.held[origin]++
	customer := fmt.Sprintf("customer-%d", l.rand.IntN(4))
	l.requests[customer]++
	w := &branch.Write{ID: trace.ID{Process: origin, N: l.held[origin]}, At: l.clock + 1,
		Operation: branch.Operation{Op: trace.OpDeposit, Account: l.account(), Amount: 1 + l.rand.Int64N(1<<40)},
		Request:   trace.ID{Process: customer, N: l.requests[customer]}}
	if l.rand.IntN(2) == 0 {
		w.Op, w.ToAccount = trace.OpTransfer, l.account()
	}
	l.writes[w.ID] = w
	b.Durable.Held = append(b.Durable.Held, w)
	b.Events = append(b.Events, l.event(trace.Event{Kind: trace.Local, Step: trace.StepOrder, Write: w.ID, At: w.At,
		Op: w.Op, Account: w.Account, ToAccount: w.ToAccount, Amount: w.Amount, Request: w.Request}))
}

func (l *life) execute(b *Batch, origin string) {
	l.executed[origin]++
	w := l.writes[trace.ID{Process: origin, N: l.executed[origin]}]
	x := branch.Execution{Write: w, First: l.rand.IntN(4) > 0}
	l.balances[w.Account] += w.Amount
	x.Balance = trace.KnownBalance(l.balances[w.Account])
	if w.ToAccount != "" {
		l.balances[w.ToAccount] -= w.Amount
		x.ToBalance = trace.KnownBalance(l.balances[w.ToAccount])
	}
	x.Outcome = branch.Outcome{N: w.Request.N, Operation: w.Operation, Result: trace.OK, Balance: x.Balance, ToBalance: x.ToBalance}
	if l.rand.IntN(3) == 0 {
		x.Outcome.Result, x.Outcome.Reason = trace.Insufficient, branch.ReasonInsufficient
	}
	b.Durable.Executed = append(b.Durable.Executed, x)
	b.Events = append(b.Events, l.event(trace.Event{Kind: trace.Local, Step: trace.StepExecute, Write: w.ID, Result: x.Outcome.Result,
		Balance: x.Balance, ToBalance: x.ToBalance, Sees: clock.Vector{{Process: origin, N: w.ID.N}}, Note: "ü\n"}))
}

func (l *life) drop(b *Batch, origin string) {
	if n := l.executed[origin] - l.dropped[origin]; n > 0 {
		l.dropped[origin] += 1 + l.rand.Uint64N(n)
		b.Durable.Dropped = append(b.Durable.Dropped, trace.ID{Process: origin, N: l.dropped[origin]})
	}
}

// kept is what a store is asked for: its state and its events.
type kept struct {
	State       branch.State
	Events      []trace.Event
	Incarnation uint64
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func contents(s Store, after uint64) (kept, error) {
	state, err := s.Load()
	if err != nil {
		return kept{}, err
	}
	k := kept{State: state, Incarnation: s.Incarnation()}
	err = s.Events(after, func(e *trace.Event) error { k.Events = append(k.Events, e.Clone()); return nil })
	return k, err
}

func mustContents(t fataler, s Store, after uint64) kept {
	t.Helper()
	k, err := contents(s, after)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// same compares what two stores keep; an empty list or map and none are the same.
func same(t fataler, want, got kept, when string) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: the store on disk has (+) and the one in memory (-):\n%s", when, diff)
	}
}
