package branch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/branch/ledger"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// waiter is a request under way at this branch.
type waiter struct {
	id       uint64
	request  trace.ID
	op       Operation
	token    clock.Vector
	received uint64 // seq of the request's receive event
	ordered  bool   // it waits for its write, no longer for its token
	tried    []string
	fences   bool // in mode causal: the fences that it lacks were asked for since the last Retry
	ask      *ask // in mode causal: it waits for rights
}

// request takes a customer's call.
func (b *Branch) request(r *Request) {
	if reason, detail := b.unrecordable(r); reason != "" {
		b.out.Refused = append(b.out.Refused, fmt.Errorf("request %s/%d dropped: %s: %s", r.Stamp.Process, r.N, reason, detail))
		b.out.Replies = append(b.out.Replies, Reply{Waiter: r.Waiter, Result: trace.Refused, Reason: reason, Detail: detail})
		return
	}
	b.taken[r.Stamp.Process] = r.Stamp.Seq
	b.out.Durable.Taken = append(b.out.Durable.Taken, Taken{r.Stamp.Process, r.Stamp.Seq})
	id := trace.ID{Process: r.Stamp.Process, N: r.N}
	e := b.receive(r.Stamp, trace.Event{
		Request: id, Step: trace.StepRequest,
		Op: r.Op, Account: r.Account, ToAccount: r.ToAccount, Amount: r.Amount,
	})
	w := &waiter{id: r.Waiter, request: id, op: r.Operation, token: r.Token, received: e.Seq, tried: r.Tried}
	b.waiters[w.id] = w
	if reason, detail := b.invalid(w); reason != "" {
		b.refuse(w, reason, detail)
		return
	}
	if !b.ready(w) {
		if len(b.behind) >= b.cfg.MaxWaiters {
			b.refuse(w, ReasonOverloaded, fmt.Sprintf("%d requests wait for writes to arrive already", len(b.behind)))
			return
		}
		if reason, detail := b.lost(w, b.self, b.histories[b.self].held()); reason != "" && b.unheard == 0 {
			b.refuse(w, reason, detail)
			return
		}
		b.behind = append(b.behind, w)
		b.waits++
		b.pull(w)
		return
	}
	b.serve(w)
	b.advance()
}

// pull asks for the writes that a session has seen and this branch has never heard of: their origin, or if no connection
// to it stands all others, one of which may hold them. What was asked for before is not asked for again; that is for Retry.
func (b *Branch) pull(w *waiter) {
	for origin, name := range b.cfg.Branches {
		p := &b.peers[origin]
		n, held := w.token.Get(name), b.histories[origin].held()
		if origin == b.self || n <= max(held, p.pulled) {
			continue
		}
		p.pulled = n
		wants := []Range{{Origin: name, From: held + 1, To: min(n, held+maxBurst)}}
		if p.up {
			p.asked = b.sync(p, 0, wants)
			continue
		}
		for i := range b.peers {
			if other := &b.peers[i]; i != b.self && other.up {
				b.sync(other, 0, wants)
			}
		}
	}
}

// lost says what of a session's token can never be covered: an origin that has ordered upto writes by now cannot have
// ordered more when the session saw them, unless it has lost them.
func (b *Branch) lost(w *waiter, origin int, upto uint64) (Reason, string) {
	name := b.cfg.Branches[origin]
	if n := w.token.Get(name); n > upto {
		return ReasonDataLoss, fmt.Sprintf("the session has seen writes %d to %d of %s, which has ordered %d", upto+1, n, name, upto)
	}
	return "", ""
}

// answered ends the wait of requests for writes that their origin says it never ordered. The question was sent after they
// came, or they would have had it sent.
func (b *Branch) answered(p *peer, m *Message) {
	if p.asked == 0 || m.Answers < p.asked {
		return
	}
	for _, w := range slices.Clone(b.behind) {
		if reason, detail := b.lost(w, b.index[p.name], m.Upto); reason != "" && w.received <= m.Answers {
			b.behind = slices.DeleteFunc(b.behind, func(x *waiter) bool { return x == w })
			b.refuse(w, reason, detail)
		}
	}
	p.asked, p.pulled = 0, 0
}

// ready reports whether a request can be served: the branch is back from a restart and has executed what the session
// has seen.
func (b *Branch) ready(w *waiter) bool { return b.unheard == 0 && b.Executed().Covers(w.token) }

// unrecordable says why a request cannot even be recorded as received.
func (b *Branch) unrecordable(r *Request) (Reason, string) {
	if _, isBranch := b.index[r.Stamp.Process]; isBranch || r.Stamp.Process == "" || r.Stamp.Seq == 0 || r.N == 0 {
		return ReasonRequestInvalid, fmt.Sprintf("stamp %s:%d with request number %d is no customer's", r.Stamp.Process, r.Stamp.Seq, r.N)
	}
	if err := b.seq.Check(r.Stamp, clock.MaxJump); err != nil {
		return ReasonStampRefused, err.Error()
	}
	if taken := b.taken[r.Stamp.Process]; r.Stamp.Seq <= taken {
		return ReasonStaleMessage, fmt.Sprintf("message %s:%d comes after %s:%d, which was taken before",
			r.Stamp.Process, r.Stamp.Seq, r.Stamp.Process, taken)
	}
	return "", ""
}

// invalid says why a request can never be executed here.
func (b *Branch) invalid(w *waiter) (Reason, string) {
	for _, e := range w.token {
		if _, ok := b.index[e.Process]; !ok {
			return ReasonRequestInvalid, fmt.Sprintf("the session token names %q, which is no branch of this bank", e.Process)
		}
	}
	if w.op.Op < trace.OpQuery || w.op.Op > trace.OpTransfer {
		return ReasonRequestInvalid, fmt.Sprintf("operation %q is no customer's", w.op.Op)
	}
	accounts := []string{w.op.Account}
	if w.op.Op == trace.OpTransfer {
		accounts = append(accounts, w.op.ToAccount)
	}
	for _, account := range accounts {
		if _, err := b.ledger.Balance(account); err != nil {
			return ReasonAccountUnknown, err.Error()
		}
	}
	switch {
	case w.op.Op == trace.OpQuery:
		return "", ""
	case w.op.Amount < 1 || w.op.Amount > ledger.MaxAmount:
		return ReasonAmount, fmt.Sprintf("%v: %d", ledger.ErrAmount, w.op.Amount)
	case w.op.Op == trace.OpTransfer && w.op.Account == w.op.ToAccount:
		return ReasonSameAccount, fmt.Sprintf("%v: %q", ledger.ErrSameAccount, w.op.Account)
	}
	return "", ""
}

// serve goes on with a request whose token is covered.
func (b *Branch) serve(w *waiter) {
	if w.op.Op == trace.OpQuery {
		b.answerQuery(w)
		return
	}
	if past, ok := b.results[w.request.Process]; ok && past.N >= w.request.N {
		b.answer(w, past)
		return
	}
	w.ordered = true
	if b.causal != nil {
		if len(b.causal.open) >= b.cfg.MaxWaiters {
			b.refuse(w, ReasonOverloaded, fmt.Sprintf("%d requests wait for rights or other branches already", len(b.causal.open)))
			return
		}
		b.causal.open = append(b.causal.open, w)
		b.attempt(w)
		return
	}
	if b.holdsWriteOf(w.request) {
		b.awaiting[w.request] = append(b.awaiting[w.request], w)
		return
	}
	if len(b.pending) >= b.cfg.MaxPending {
		b.refuse(w, ReasonOverloaded, fmt.Sprintf("%d writes wait for %s", len(b.pending), b.laggards()))
		return
	}
	b.awaiting[w.request] = append(b.awaiting[w.request], w)
	b.order(w.op, w.request)
}

// holdsWriteOf reports whether an unexecuted write of the request is held, from whichever origin.
func (b *Branch) holdsWriteOf(request trace.ID) bool {
	if len(b.awaiting[request]) > 0 {
		return true
	}
	return slices.ContainsFunc(b.pending, func(w *Write) bool { return w.Request == request })
}

// order gives a write its number and its timestamp, and propagates it.
func (b *Branch) order(op Operation, request trace.ID) {
	w := &Write{
		ID:        trace.ID{Process: b.cfg.Name, N: b.histories[b.self].held() + 1},
		At:        b.seq.Now() + 1,
		Operation: op, Request: request,
	}
	b.local(trace.Event{
		Request: request, Step: trace.StepOrder, Write: w.ID, At: w.At,
		Op: op.Op, Account: op.Account, ToAccount: op.ToAccount, Amount: op.Amount,
	})
	b.hold(w)
	for i := range b.peers {
		if i != b.self {
			b.pushNew(&b.peers[i])
		}
	}
}

func (b *Branch) answerQuery(w *waiter) {
	balance, _ := b.ledger.Balance(w.op.Account)
	b.local(trace.Event{
		Request: w.request, Step: trace.StepExecute, Op: trace.OpQuery, Account: w.op.Account,
		Balance: trace.KnownBalance(balance), Result: trace.OK, Sees: b.Executed(),
	})
	b.respond(w, Reply{Result: trace.OK, Balance: trace.KnownBalance(balance)})
}

// answer gives a request the remembered outcome of its own execution, or says why there is none for it.
func (b *Branch) answer(w *waiter, past Outcome) {
	switch {
	case past.N > w.request.N:
		b.refuse(w, ReasonOutcomeUnknown,
			fmt.Sprintf("%s/%d was executed since, and results are kept for the newest request alone", w.request.Process, past.N))
	case past.Operation != w.op && past.Op != trace.OpFence:
		b.respond(w, Reply{Result: trace.Conflict, Reason: ReasonConflict,
			Detail: fmt.Sprintf("%s was executed before as %s (payload %s), and now asks for %s (payload %s)",
				w.request, past.Operation, past.Operation.payload(), w.op, w.op.payload())})
	default:
		r := Reply{Result: past.Result, Balance: past.Balance, ToBalance: past.ToBalance, Reason: past.Reason}
		if r.Reason == ReasonInsufficient && r.Balance.Known {
			r.Detail = fmt.Sprintf("%q has %d, asked for %d", w.op.Account, past.Balance.Amount, w.op.Amount)
		}
		b.respond(w, r)
	}
}

func (b *Branch) refuse(w *waiter, reason Reason, detail string) {
	result := trace.Refused
	if reason.Transient() {
		result = trace.Unknown
	}
	b.respond(w, Reply{Result: result, Reason: reason, Detail: detail})
}

// respond sends the reply of a request; the request is then no longer under way here.
func (b *Branch) respond(w *waiter, r Reply) {
	delete(b.waiters, w.id)
	r.Waiter, r.Sees = w.id, b.Executed()
	r.Stamp = b.send(trace.Event{
		Peer: w.request.Process, Request: w.request, Step: trace.StepRespond,
		Balance: r.Balance, ToBalance: r.ToBalance, Result: r.Result, Answers: w.received,
	})
	b.out.Replies = append(b.out.Replies, r)
}

// expire answers a request whose caller waits no longer: it was not taken, or nobody can know yet what became of it.
func (b *Branch) expire(in Expire) {
	w := b.waiters[in.Waiter]
	if w == nil || w.ordered && in.Behind {
		return
	}
	if w.ordered && b.causal != nil {
		b.expireCausal(w)
		return
	}
	if w.ordered {
		b.awaiting[w.request] = slices.DeleteFunc(b.awaiting[w.request], func(x *waiter) bool { return x == w })
		if len(b.awaiting[w.request]) == 0 {
			delete(b.awaiting, w.request)
		}
		b.refuse(w, ReasonOutcomeUnknown, fmt.Sprintf("the write waits for %s", b.laggards()))
		return
	}
	b.behind = slices.DeleteFunc(b.behind, func(x *waiter) bool { return x == w })
	if b.unheard > 0 {
		b.refuse(w, ReasonRecovering, fmt.Sprintf("%s was restarted and waits for %s", b.cfg.Name, b.silent()))
		return
	}
	b.refuse(w, ReasonSessionBehind, fmt.Sprintf("the session has seen %v, and %s has executed %v: it lacks writes of %s",
		w.token, b.cfg.Name, b.Executed(), b.lacking(w)))
}

// lacking names the origins of the writes that a session has seen and this branch has not executed.
func (b *Branch) lacking(w *waiter) string {
	var names []string
	for _, e := range w.token {
		if e.N > b.Executed().Get(e.Process) {
			names = append(names, e.Process)
		}
	}
	return strings.Join(names, ", ")
}

// laggards names the branches whose promises the oldest unexecuted write still lacks.
func (b *Branch) laggards() string {
	if len(b.pending) == 0 {
		return "nothing"
	}
	var names []string
	for i := range b.peers {
		if i != b.self && b.peers[i].horizon < b.pending[0].At {
			names = append(names, b.peers[i].name)
		}
	}
	return strings.Join(names, ", ")
}

// silent names the peers that a restored branch waits for.
func (b *Branch) silent() string {
	var names []string
	for i := range b.peers {
		if b.peers[i].unheard {
			names = append(names, b.peers[i].name)
		}
	}
	return strings.Join(names, ", ")
}

// String writes the operation as a person would say it.
func (o Operation) String() string {
	switch o.Op {
	case trace.OpQuery:
		return fmt.Sprintf("query of %q", o.Account)
	case trace.OpTransfer:
		return fmt.Sprintf("transfer of %d from %q to %q", o.Amount, o.Account, o.ToAccount)
	}
	return fmt.Sprintf("%s of %d at %q", o.Op, o.Amount, o.Account)
}

// reasonOf translates the ledger's errors.
func reasonOf(err error) (trace.Result, Reason) {
	switch {
	case err == nil:
		return trace.OK, ""
	case errors.Is(err, ledger.ErrInsufficient):
		return trace.Insufficient, ReasonInsufficient
	case errors.Is(err, ledger.ErrLimit):
		return trace.Refused, ReasonBalanceLimit
	}
	return trace.Refused, ReasonRequestInvalid
}
