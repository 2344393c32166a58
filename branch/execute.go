package branch

import (
	"container/heap"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// advance lets everything happen whose turn has come:
//
//  1. Take the held write with the least (timestamp, origin).
//  2. Stop if some other branch's horizon has not reached its timestamp: that branch may still have an earlier one.
//  3. Apply it, unless its request was executed before; record the result; answer who waits for it here.
//  4. Serve the requests whose session tokens are covered now; what they order may execute at once.
//
// In mode causal a write executes when all that it depends on has executed, see advanceCausal.
func (b *Branch) advance() {
	if b.causal != nil {
		b.advanceCausal()
		return
	}
	for served := true; served; served = b.serveCovered() {
		for reach := b.reach(); len(b.pending) > 0 && b.pending[0].At <= reach; {
			b.apply(heap.Pop(&b.pending).(*Write))
		}
	}
}

func (b *Branch) apply(w *Write) {
	origin := b.index[w.ID.Process]
	b.executed[origin] = w.ID.N
	b.sees = nil
	e := trace.Event{
		Request: w.Request, Step: trace.StepExecute, Write: w.ID, At: w.At,
		Op: w.Op, Account: w.Account, ToAccount: w.ToAccount, Amount: w.Amount,
	}
	if origin == b.self {
		e.Sees = b.Executed()
	}
	past, known := b.results[w.Request.Process]
	first := !known || past.N < w.Request.N
	switch {
	case first:
		past = b.perform(w)
		e.Result = past.Result
		b.results[w.Request.Process] = past
	case past.N > w.Request.N:
		e.Result = trace.Refused
	case past.Operation == w.Operation:
		e.Result = trace.Duplicate
	default:
		e.Result = trace.Conflict
	}
	e.Balance, e.ToBalance = b.balances(w.Operation)
	b.local(e)
	b.out.Durable.Executed = append(b.out.Durable.Executed,
		Execution{Write: w, Balance: e.Balance, ToBalance: e.ToBalance, First: first, Outcome: past})
	b.trim(origin)

	waiters := b.awaiting[w.Request]
	delete(b.awaiting, w.Request)
	for _, waiting := range waiters {
		b.answer(waiting, past)
	}
}

// perform does a write's operation on the ledger.
func (b *Branch) perform(w *Write) Outcome {
	var err error
	switch w.Op {
	case trace.OpDeposit:
		_, err = b.ledger.Deposit(w.Account, w.Amount)
	case trace.OpWithdraw:
		_, err = b.ledger.Withdraw(w.Account, w.Amount)
	case trace.OpTransfer:
		_, _, err = b.ledger.Transfer(w.Account, w.ToAccount, w.Amount)
	}
	o := Outcome{N: w.Request.N, Operation: w.Operation}
	o.Result, o.Reason = reasonOf(err)
	o.Balance, o.ToBalance = b.balances(w.Operation)
	return o
}

// balances returns what the accounts of an operation hold now.
func (b *Branch) balances(op Operation) (balance, toBalance trace.Balance) {
	if amount, err := b.ledger.Balance(op.Account); err == nil {
		balance = trace.KnownBalance(amount)
	}
	if op.Op == trace.OpTransfer {
		if amount, err := b.ledger.Balance(op.ToAccount); err == nil {
			toBalance = trace.KnownBalance(amount)
		}
	}
	return balance, toBalance
}

// serveCovered goes on with the requests that waited for writes which have taken effect by now, and reports whether
// there were any.
func (b *Branch) serveCovered() bool {
	behind := b.behind
	b.behind = nil
	for _, w := range behind {
		if b.ready(w) {
			b.serve(w)
		} else {
			b.behind = append(b.behind, w)
		}
	}
	return len(b.behind) < len(behind)
}
