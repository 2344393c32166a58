package branch

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/branch/ledger"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// causal is what a branch has beside in mode causal: when a write executes, and who may withdraw.
type causal struct {
	rights *ledger.Rights
	fences map[Fence]uint64
	grants map[Grantee]Ask
	needs  clock.Vector // writes that held writes depend on
	open   []*waiter    // requests for writes that are neither executed nor refused, in order of arrival
	starts int          // Retry inputs since the branch was restored
	moved  bool         // a write has executed since the open requests were looked at
}

func newCausal(cfg Config) *causal {
	return &causal{
		rights: ledger.NewRights(cfg.Opening, len(cfg.Branches)),
		fences: map[Fence]uint64{}, grants: map[Grantee]Ask{},
	}
}

func (c *causal) restore(s *State, b *Branch) error {
	for share, amount := range s.Rights {
		origin, ok := b.index[share.Branch]
		if !ok {
			return fmt.Errorf("branch: the state has rights of %q, which is no branch of this bank", share.Branch)
		}
		if err := c.rights.Set(share.Account, origin, amount); err != nil {
			return fmt.Errorf("branch: the state has %w", err)
		}
	}
	if s.Fences != nil {
		c.fences = s.Fences
	}
	if s.Grants != nil {
		c.grants = s.Grants
	}
	return nil
}

// need notes what a held write depends on.
func (c *causal) need(w *Write) { c.needs = c.needs.Merge(w.Deps) }

func (w *Write) fence() Fence     { return Fence{w.Request.Process, w.ID.Process} }
func (w *Write) grantee() Grantee { return Grantee{w.ToBranch, w.Request.Process} }

// noteFor begins the note of a grant's or fence's events.
const noteFor = "for "

// told is how the write's events name its request. Grants and fences are not what the customer asked for: they only note
// whose request they are made for.
func (w *Write) told() (request trace.ID, note string) {
	if w.Op == trace.OpGrant || w.Op == trace.OpFence {
		return trace.ID{}, noteFor + w.Request.String()
	}
	return w.Request, ""
}

func (b *Branch) peerOrSelf(name string) bool { _, ok := b.index[name]; return ok }

// advanceCausal lets everything happen whose turn has come:
//
//  1. Execute each origin's next held write if all that it depends on has executed, until there is none.
//  2. Serve the requests whose session tokens are covered now.
//  3. Look again at the requests that wait for rights, fences or a write.
func (b *Branch) advanceCausal() {
	for again := true; again; {
		for origin := range b.histories {
			for w := b.histories[origin].get(b.executed[origin] + 1); w != nil && b.Executed().Covers(w.Deps); {
				b.applyCausal(w)
				w = b.histories[origin].get(b.executed[origin] + 1)
			}
		}
		again = b.serveCovered() || b.causal.moved
		if !b.causal.moved {
			continue
		}
		b.causal.moved = false
		for _, w := range slices.Clone(b.causal.open) {
			if b.waiters[w.id] == w {
				b.attempt(w)
			}
		}
	}
}

// attempt goes on with a request for a write as far as it can:
//
//  1. A result that is known wins, wherever it came from.
//  2. If another branch's write of it is held, that will bring the result.
//  3. Every other branch that the request was ever sent to is asked for a fence: a durable promise not to execute it.
//  4. If this branch has given such a promise itself, all have, and none had executed it: it has no effect and never will.
//  5. The write is decided here: at once, or when the rights for it have come.
func (b *Branch) attempt(w *waiter) {
	if past, ok := b.results[w.request.Process]; ok && past.N >= w.request.N {
		b.closeRequest(w)
		b.answer(w, past)
		return
	}
	if b.holdsUnexecuted(w.request) {
		return
	}
	if b.lacksFence(w) {
		return
	}
	if b.fencedHere(w.request) {
		b.refuseForGood(w, trace.Refused, ReasonFenced)
		return
	}
	b.decide(w)
}

// closeRequest takes a request out of those that are open.
func (b *Branch) closeRequest(w *waiter) {
	b.causal.open = slices.DeleteFunc(b.causal.open, func(x *waiter) bool { return x == w })
	w.ask = nil
}

func (b *Branch) holdsUnexecuted(request trace.ID) bool {
	for origin := range b.histories {
		h := &b.histories[origin]
		for n := b.executed[origin] + 1; n <= h.held(); n++ {
			if w := h.get(n); w.Request == request && w.Op != trace.OpGrant && (w.Op != trace.OpFence || w.Result != trace.ResultNone) {
				return true
			}
		}
	}
	return false
}

// decide orders the write of a request, or finds out why it cannot be.
func (b *Branch) decide(w *waiter) {
	amount := w.op.Amount
	if w.op.Op != trace.OpDeposit && b.causal.rights.Of(w.op.Account, b.self) < amount {
		b.askRights(w)
		return
	}
	if into, ok := intoOf(w.op); ok {
		if balance, _ := b.ledger.Balance(into); balance > ledger.MaxBalance-amount {
			b.refuseForGood(w, trace.Refused, ReasonBalanceLimit)
			return
		}
	}
	b.closeRequest(w)
	b.orderCausal(&Write{Operation: w.op, Request: w.request})
	b.answer(w, b.results[w.request.Process])
	b.pushAll()
}

// intoOf returns the account that gets the money.
func intoOf(op Operation) (string, bool) {
	switch op.Op {
	case trace.OpDeposit:
		return op.Account, true
	case trace.OpTransfer:
		return op.ToAccount, true
	}
	return "", false
}

// refuseForGood makes every branch know that a request has no effect, wherever it is tried again.
func (b *Branch) refuseForGood(w *waiter, result trace.Result, reason Reason) {
	b.closeRequest(w)
	b.orderCausal(&Write{Operation: Operation{Op: trace.OpFence}, Request: w.request, Result: result, Reason: reason})
	past := b.results[w.request.Process]
	past.Balance, past.ToBalance = b.balances(w.op)
	b.answer(w, past)
	b.pushAll()
}

// orderCausal gives a write its number and timestamp, and executes it. It depends on all that is executed here.
func (b *Branch) orderCausal(w *Write) {
	w.ID = trace.ID{Process: b.cfg.Name, N: b.histories[b.self].held() + 1}
	w.At, w.Deps = b.seq.Now()+1, b.Executed().Clone()
	e := trace.Event{
		Step: trace.StepOrder, Write: w.ID, At: w.At, Deps: w.Deps,
		Op: w.Op, Account: w.Account, ToAccount: w.ToAccount, ToBranch: w.ToBranch, Amount: w.Amount,
		Result: w.Result,
	}
	e.Request, e.Note = w.told()
	b.local(e)
	b.hold(w)
	b.applyCausal(w)
}

// pushAll propagates what was ordered.
func (b *Branch) pushAll() {
	for i := range b.peers {
		if i != b.self {
			b.pushNew(&b.peers[i])
		}
	}
}

// applyCausal lets a write take effect. Whether it may was decided at its origin.
func (b *Branch) applyCausal(w *Write) {
	origin := b.index[w.ID.Process]
	b.executed[origin] = w.ID.N
	b.sees, b.causal.moved = nil, true
	x := Execution{Write: w}
	e := trace.Event{
		Step: trace.StepExecute, Write: w.ID, At: w.At, Result: trace.OK,
		Op: w.Op, Account: w.Account, ToAccount: w.ToAccount, ToBranch: w.ToBranch, Amount: w.Amount,
	}
	e.Request, e.Note = w.told()
	if origin == b.self {
		e.Sees = b.Executed()
	}
	switch w.Op {
	case trace.OpDeposit:
		b.move(&x, w.Account, origin, w.Amount)
	case trace.OpWithdraw:
		b.move(&x, w.Account, origin, -w.Amount)
	case trace.OpTransfer:
		b.move(&x, w.Account, origin, -w.Amount)
		b.move(&x, w.ToAccount, origin, w.Amount)
	case trace.OpGrant:
		b.changeRights(&x, w.Account, origin, -w.Amount)
		b.changeRights(&x, w.Account, b.index[w.ToBranch], w.Amount)
		if x.Granted = origin == b.self; x.Granted {
			b.causal.grants[w.grantee()] = Ask{w.Request.N, w.Number}
		}
	case trace.OpFence:
		if key := w.fence(); b.causal.fences[key] < w.Request.N {
			b.causal.fences[key], x.Fenced = w.Request.N, true
		}
	}
	if w.Op != trace.OpFence {
		e.Balance, e.ToBalance = b.balances(w.Operation)
	}
	x.Balance, x.ToBalance = e.Balance, e.ToBalance
	b.remember(w, &x)
	b.local(e)
	b.out.Durable.Executed = append(b.out.Durable.Executed, x)
	b.trim(origin)
}

// remember keeps the result of a write's request, if it is the customer's newest.
func (b *Branch) remember(w *Write, x *Execution) {
	if w.Op == trace.OpGrant || w.Op == trace.OpFence && w.Result == trace.ResultNone {
		return
	}
	past, known := b.results[w.Request.Process]
	if x.First = !known || past.N < w.Request.N; !x.First {
		return
	}
	x.Outcome = Outcome{N: w.Request.N, Operation: w.Operation, Result: trace.OK, Balance: x.Balance, ToBalance: x.ToBalance}
	if w.Op == trace.OpFence {
		x.Outcome.Result, x.Outcome.Reason = w.Result, w.Reason
	}
	b.results[w.Request.Process] = x.Outcome
}

// move changes a balance, and the rights of the branch at which that was decided.
func (b *Branch) move(x *Execution, account string, origin int, change int64) {
	b.ledger.Add(account, change)
	b.changeRights(x, account, origin, change)
}

func (b *Branch) changeRights(x *Execution, account string, branch int, change int64) {
	amount := b.causal.rights.Add(account, branch, change)
	x.Rights = append(x.Rights, Right{Share{account, b.cfg.Branches[branch]}, amount})
}

// retryCausal asks again for what requests wait for, and ends the wait of a restored branch for peers that do not answer.
func (b *Branch) retryCausal() {
	if b.unheard > 0 {
		if b.causal.starts++; b.causal.starts >= b.cfg.StartRetries {
			for i := range b.peers {
				b.heard(&b.peers[i])
			}
			b.advance()
		}
	}
	for _, w := range slices.Clone(b.causal.open) {
		switch {
		case b.waiters[w.id] != w:
		case w.ask != nil:
			b.askAgain(w)
		default:
			w.fences = false
			b.attempt(w)
		}
	}
}

// expireCausal answers a request that waits for rights, fences or a write, when its time is over.
func (b *Branch) expireCausal(w *waiter) {
	ask := w.ask
	b.closeRequest(w)
	if ask != nil {
		b.refuse(w, ReasonRights, fmt.Sprintf("%s may withdraw %d from %q, asked for %d, and has not heard from %s",
			b.cfg.Name, b.causal.rights.Of(w.op.Account, b.self), w.op.Account, w.op.Amount, b.unanswered(ask)))
		return
	}
	b.refuse(w, ReasonOutcomeUnknown, fmt.Sprintf("%s was sent to %v before, and not all of them say what became of it", w.request, w.tried))
}
