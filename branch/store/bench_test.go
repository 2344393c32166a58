package store

import (
	"fmt"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// deposit returns what one customer's deposit changes at its origin.
func (l *life) deposit(customer string) Batch {
	b := Batch{Durable: new(branch.Durable)}
	l.taken[customer]++
	b.Durable.Taken = append(b.Durable.Taken, branch.Taken{Process: customer, Seq: l.taken[customer]})
	b.Events = append(b.Events, l.event(trace.Event{Kind: trace.Receive, Peer: customer, Cause: l.taken[customer], Stamp: l.clock,
		Step: trace.StepRequest, Request: trace.ID{Process: customer, N: l.taken[customer]}, Op: trace.OpDeposit, Account: "main", Amount: 170}))
	l.hold(&b, bank.Name)
	id := trace.ID{Process: bank.Name, N: l.held[bank.Name]}
	w := l.writes[id]
	delete(l.writes, trace.ID{Process: bank.Name, N: id.N - 1})
	w.Operation = branch.Operation{Op: trace.OpDeposit, Account: "main", Amount: 170}
	w.Request = trace.ID{Process: customer, N: l.taken[customer]}
	for _, peer := range bank.Branches[1:] {
		b.Events = append(b.Events, l.event(trace.Event{Kind: trace.Send, Peer: peer, Step: trace.StepPropagate, Write: w.ID, At: w.At,
			Request: w.Request, Op: w.Op, Account: w.Account, Amount: w.Amount}))
	}
	l.execute(&b, bank.Name)
	b.Events = append(b.Events, l.event(trace.Event{Kind: trace.Send, Peer: customer, Step: trace.StepRespond, Request: w.Request,
		Result: trace.OK, Balance: trace.KnownBalance(400)}))
	l.dropped[bank.Name] = id.N
	b.Durable.Dropped = append(b.Durable.Dropped, id)
	return b
}

// BenchmarkCommit commits the deposits of 64 customers, so many in one group, to a real disk.
func BenchmarkCommit(b *testing.B) {
	for _, steps := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) {
			p, err := Open(b.TempDir(), identity(), Options{})
			ok(b, err)
			l, customers := newLife(1), make([]string, 64)
			for i := range customers {
				customers[i] = fmt.Sprintf("customer-%d", i+1)
			}
			commits := 0
			batches := make([]Batch, steps)
			for b.Loop() {
				for i := range batches {
					batches[i] = l.deposit(customers[(commits*steps+i)%len(customers)])
				}
				ok(b, p.Commit(batches...), p.Logged(l.seq))
				commits++
			}
			b.ReportMetric(float64(commits)/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(commits*steps)/b.Elapsed().Seconds(), "steps/s")
			closeStore(b, p)
		})
	}
}
