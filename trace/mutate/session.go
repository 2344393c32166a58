package mutate

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func sessionMutations() []Mutation {
	const delayed = "a customer who went to another branch, and whose two writes, to different accounts, another branch executed in a row"
	inTotal := []string{"replica/order-differs", "replica/dependency-missing"} // of mode total; of mode causal
	return []Mutation{
		{
			Rule:    "session/read-your-writes",
			Mistake: "a branch answered a customer who came from another branch before it had caught up with that one",
			Needs: "a customer whose write was confirmed by one branch, and who then made a query at another, which had ordered nothing of its own since " +
				"(more requests, and customers who roam)",
			apply: func(ed *editor) (Change, error) { return answerBehind(ed, true) },
		}, {
			Rule:    "session/monotonic-reads",
			Mistake: "a customer was sent to a replica that was further behind than the one it had read from",
			Needs: "a customer who made a query at one branch and then at another, which had ordered nothing of its own since " +
				"(more requests, and customers who roam)",
			apply: func(ed *editor) (Change, error) { return answerBehind(ed, false) },
		}, {
			Rule:    "session/monotonic-writes",
			Mistake: "writes of one customer came by way of two branches, and were executed as they came in",
			Needs:   delayed,
			Implies: inTotal, // a write that was confirmed before the other was ordered comes before it in every order
			apply:   func(ed *editor) (Change, error) { return breakSession(ed, true) },
		}, {
			Rule:    "session/writes-follow-reads",
			Mistake: "a branch executed a write without one that its customer had seen before",
			Needs:   "a customer who saw a write and then made one, both of which another branch executed in a row, to different accounts",
			Implies: inTotal,
			apply:   func(ed *editor) (Change, error) { return breakSession(ed, false) },
		},
	}
}

// session is what a customer knew, in its own order.
type session struct {
	acked  map[trace.ID]int // request -> its place among those that were answered ok, from 0
	before map[trace.ID]int // request -> how many had been answered ok when it was first sent
	seen   []clock.Vector   // what the queries among the first n answers had seen
}

// follow notes what a customer knew at each request.
func (ed *editor) follow(p *proc) {
	s := &session{acked: map[trace.ID]int{}, before: map[trace.ID]int{}, seen: []clock.Vector{nil}}
	for _, e := range p.events {
		switch {
		case isAsk(e) && e.Request.Process == p.name:
			if _, again := s.before[e.Request]; !again {
				s.before[e.Request] = len(s.acked)
			}
		case isReply(e) && e.Result == trace.OK && e.Request.Process == p.name:
			if _, again := s.acked[e.Request]; again {
				continue
			}
			saw := s.seen[len(s.acked)]
			if respond := ed.sendOf(e); respond != nil && len(ed.seen[respond]) > 0 {
				saw = saw.Clone().Merge(ed.seen[respond])
			}
			s.acked[e.Request] = len(s.acked)
			s.seen = append(s.seen, saw)
		}
	}
	ed.sessions[p.name] = s
}

// wrote reports whether a write that took effect was confirmed to the customer of a later request before it sent that.
func (ed *editor) wrote(write *trace.Event, later trace.ID) bool {
	if write.Request.Process != later.Process || write.Request == later || write.Result != trace.OK {
		return false
	}
	s := ed.sessions[later.Process]
	if s == nil {
		return false
	}
	place, acked := s.acked[write.Request]
	known, sent := s.before[later]
	return acked && sent && place < known
}

// saw reports whether the customer of a request had seen a write in the answer to a query before it sent the request.
func (ed *editor) saw(write trace.ID, later trace.ID) bool {
	s := ed.sessions[later.Process]
	if s == nil {
		return false
	}
	known, sent := s.before[later]
	return sent && s.seen[known].Get(write.Process) >= write.N
}

// foreign reports whether an execute is of another branch's write, says nothing that depends on what came before it but
// its balances, and is not what an answer of its branch waited for.
func (ed *editor) foreign(p *proc, e *trace.Event) bool {
	return isWrite(e) && e.Write.Process != p.name && len(e.Sees) == 0 && !ed.told[e]
}

// answerBehind makes a branch answer a query before it executes some writes that it had executed by then: of which one
// had been confirmed to the customer (own), or had been seen by it.
func answerBehind(ed *editor, own bool) (Change, error) {
	var places []*behind
	for _, x := range ed.chosen(func(p *proc, e *trace.Event) bool { return isQuery(e) && p.branch() && len(ed.queried[e.Request]) == 1 }) {
		if b := ed.unseen(x, own); b != nil {
			places = append(places, b)
		}
	}
	at, err := pick(ed, places)
	if err != nil {
		return Change{}, err
	}
	x, p := at.query, ed.byName[at.query.Process]
	was, first := x.Sees.String(), ed.index[at.block[0]]
	for _, e := range at.block {
		hide(x, e)
		for _, q := range at.between {
			if ed.index[q] > ed.index[e] {
				hide(q, e)
			}
		}
	}
	before, known := p.balance(first, x.Account)
	for _, e := range append([]*trace.Event{x}, p.events[ed.index[x]:]...) {
		if known && e.Balance.Known && (e == x || ed.decisive[e] == x) {
			ed.tell(e, func(e *trace.Event) { e.Balance.Amount = before })
		}
	}
	ed.moveAfter(x, at.block...)
	late := "write " + at.block[0].Write.String()
	if n := len(at.block); n > 1 {
		late = fmt.Sprintf("a run of %d writes, %s to %s", n, at.block[0].Write, at.block[n-1].Write)
	}
	return Change{
		Event: x.Ref(),
		Text: fmt.Sprintf("%s answers %s from %s, not from %s: %s, executed before it, now comes after it",
			x.Ref(), x.Request, x.Sees, was, late),
	}, nil
}

// behind is a query and what can be executed after it that was executed before it.
type behind struct {
	query   *trace.Event
	block   []*trace.Event // executes of writes, in their order
	between []*trace.Event // other queries among them
}

// unseen returns the least block of executes before a query that would have to be missing from its answer for the one
// session rule to be violated and not the other; nil where there is none.
func (ed *editor) unseen(query *trace.Event, own bool) *behind {
	p, b := ed.byName[query.Process], &behind{query: query}
	for i := ed.index[query] - 1; i >= 0; i-- {
		e := p.events[i]
		switch {
		case isQuery(e) && e.Request.Process == query.Request.Process:
			return nil // what its customer saw would be hidden too
		case isQuery(e):
			b.between = append(b.between, e)
			continue
		case isExecute(e) && !ed.foreign(p, e) || e.Step == trace.StepSnapshot:
			return nil
		case !isExecute(e):
			continue
		}
		b.block = append(b.block, e)
		wrote, saw := ed.wrote(e, query.Request), ed.saw(e.Write, query.Request)
		if !wrote && !saw {
			continue
		}
		slices.Reverse(b.block)
		if wrote == saw || wrote != own || !ed.indifferent(b) {
			return nil
		}
		return b
	}
	return nil
}

// indifferent reports whether the queries between need not see the writes before them, and give no balance of theirs.
func (ed *editor) indifferent(b *behind) bool {
	for _, q := range b.between {
		for _, e := range b.block {
			if ed.index[e] < ed.index[q] && (ed.wrote(e, q.Request) || ed.saw(e.Write, q.Request) || sharesAccount(q, e)) {
				return false
			}
		}
	}
	return true
}
