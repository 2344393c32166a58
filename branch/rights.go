package branch

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// ask is one round of asking all other branches for rights that a withdrawal lacks.
type ask struct {
	number   uint64       // of the rounds for this request here, from 1
	since    uint64       // clock of the first round's first event
	answered []bool       // by branch
	join     clock.Vector // of what those who answered had executed
	granted  bool         // rights have come since the round began
	idle     bool         // a Retry has come since the round began
}

// askRights goes on with a withdrawal whose branch is short of rights:
//
//  1. Ask every other branch: those known to be rich for what is lacking, the others for what they have executed.
//  2. A branch gives what it can, by a durable write, and answers with its vector, the grant in it. It gives nothing to
//     a request that is younger than one of its own that is short of the same account.
//  3. If all have answered, this branch has executed the join of their vectors, and the balance there is below the
//     amount, the account does not cover it: the money is in no grant under way either.
//  4. If the balance would do, ask again, under a new number.
func (b *Branch) askRights(w *waiter) {
	a := w.ask
	if a == nil {
		b.beginAsk(w, 1, 0)
		return
	}
	if slices.Contains(a.answered, false) || !b.Executed().Covers(a.join) {
		return
	}
	if balance, _ := b.ledger.Balance(w.op.Account); balance < w.op.Amount {
		b.refuseForGood(w, trace.Insufficient, ReasonInsufficient)
		return
	}
	if a.granted || a.idle {
		b.beginAsk(w, a.number+1, a.since)
	}
}

func (b *Branch) beginAsk(w *waiter, number, since uint64) {
	if since == 0 {
		since = b.seq.Now() + 1
	}
	w.ask = &ask{number: number, since: since, answered: make([]bool, len(b.peers))}
	w.ask.answered[b.self] = true
	if len(b.peers) == 1 {
		b.askRights(w)
		return
	}
	b.sendAsks(w)
}

// sendAsks asks those who have not answered, the richest first.
func (b *Branch) sendAsks(w *waiter) {
	account := w.op.Account
	lacks := w.op.Amount - b.causal.rights.Of(account, b.self)
	var asked []int
	for i := range b.peers {
		if b.peers[i].up && !w.ask.answered[i] && i != b.self {
			asked = append(asked, i)
		}
	}
	slices.SortStableFunc(asked, func(x, y int) int {
		return cmp.Compare(b.causal.rights.Of(account, y), b.causal.rights.Of(account, x))
	})
	amounts := make([]int64, len(asked))
	for k, i := range asked {
		amounts[k] = max(0, min(lacks, b.causal.rights.Of(account, i)))
		lacks -= amounts[k]
	}
	if lacks > 0 && len(asked) > 0 {
		amounts[0] += lacks // it may have more by now than is known here
	}
	for k, i := range asked {
		amount := amounts[k]
		b.tell(&b.peers[i], trace.Event{Request: w.request, Step: trace.StepRightsAsk, Account: account, Amount: amount},
			Message{Request: w.request, Number: w.ask.number, Since: w.ask.since, Account: account, Amount: amount})
	}
}

// askAgain repeats a round to those who have not answered, or begins another if it came to nothing.
func (b *Branch) askAgain(w *waiter) {
	w.ask.idle = true
	if slices.Contains(w.ask.answered, false) {
		b.sendAsks(w)
		return
	}
	b.attempt(w)
}

// askedForRights answers another branch, which is short of rights.
func (b *Branch) askedForRights(p *peer, m *Message) {
	who := Grantee{p.name, m.Request.Process}
	before, again := b.causal.grants[who]
	again = again && (before.Request > m.Request.N || before.Request == m.Request.N && before.Number >= m.Number)
	has := b.causal.rights.Of(m.Account, b.self)
	amount := min(has, max(m.Amount, has/2))
	if m.Amount == 0 || again || b.unheard > 0 || b.needier(p, m) {
		amount = 0
	}
	if amount > 0 {
		b.orderCausal(&Write{
			Operation: Operation{Op: trace.OpGrant, Account: m.Account, Amount: amount},
			Request:   m.Request, ToBranch: p.name, Number: m.Number,
		})
		b.pushAll()
	}
	b.tell(p, trace.Event{Request: m.Request, Step: trace.StepRightsGrant, Account: m.Account, Amount: amount},
		Message{Request: m.Request, Number: m.Number, Has: b.Executed(), Account: m.Account, Amount: amount})
}

// needier reports whether a request of this branch is short of the same account and older than the one that asks.
func (b *Branch) needier(p *peer, m *Message) bool {
	theirs := clock.Timestamp{Clock: m.Since, Process: p.name}
	return slices.ContainsFunc(b.causal.open, func(w *waiter) bool {
		return w.ask != nil && w.op.Account == m.Account && clock.Timestamp{Clock: w.ask.since, Process: b.cfg.Name}.Less(theirs)
	})
}

// rightsAnswered takes the answer of one branch in.
func (b *Branch) rightsAnswered(p *peer, m *Message) {
	for _, w := range slices.Clone(b.causal.open) {
		if w.request != m.Request || w.ask == nil || w.ask.number != m.Number {
			continue
		}
		w.ask.answered[b.index[p.name]] = true
		w.ask.granted = w.ask.granted || m.Amount > 0
		w.ask.join = w.ask.join.Merge(m.Has)
		b.causal.needs = b.causal.needs.Merge(m.Has)
		b.attempt(w)
	}
}

// unanswered names the branches that have not answered an ask.
func (b *Branch) unanswered(a *ask) string {
	var names []string
	for i, done := range a.answered {
		if !done {
			names = append(names, b.peers[i].name)
		}
	}
	if len(names) == 0 {
		return "branches whose writes it lacks"
	}
	return strings.Join(names, ", ")
}

// lacksFence asks the other branches that a request was ever sent to for their fences, and reports whether one is missing.
func (b *Branch) lacksFence(w *waiter) bool {
	lacks := false
	for _, name := range w.tried {
		p := b.peer(name)
		if p == nil || b.causal.fences[Fence{w.request.Process, name}] >= w.request.N {
			continue
		}
		lacks = true
		if p.up && !w.fences {
			b.tell(p, trace.Event{Request: w.request, Step: trace.StepFence}, Message{Request: w.request})
		}
	}
	w.fences = true
	return lacks
}

// fencedHere reports whether this branch has promised not to execute a request.
func (b *Branch) fencedHere(request trace.ID) bool {
	return b.causal.fences[Fence{request.Process, b.cfg.Name}] >= request.N
}

// fenceAsked promises not to execute a request of which nothing is known here, and sends what is known.
func (b *Branch) fenceAsked(p *peer, m *Message) {
	past, known := b.results[m.Request.Process]
	if !(known && past.N >= m.Request.N) && !b.fencedHere(m.Request) && b.unheard == 0 {
		b.orderCausal(&Write{Operation: Operation{Op: trace.OpFence}, Request: m.Request})
		b.pushAll()
	}
	b.sync(p, m.Stamp.Seq, nil)
}
