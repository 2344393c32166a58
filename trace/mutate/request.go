package mutate

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func requestMutations() []Mutation {
	return []Mutation{
		{
			Rule:    "request/unanswered",
			Mistake: "an error on the way out of a handler was dropped, and with it the answer",
			Needs:   "a request that was answered once, of a customer whose log has ended",
			apply:   dropAnswer,
		}, {
			Rule:    "request/answered-twice",
			Mistake: "a handler answered when its deadline passed, and again when the work was done",
			Needs:   "a request whose answer was received",
			apply:   answerAgain,
		}, {
			Rule:    "request/answer-differs",
			Mistake: "the answer was made from the balance as it was before the write",
			Needs:   "a request that was answered ok with a balance",
			apply:   staleAnswer,
		}, {
			Rule:    "request/answered-unexecuted",
			Mistake: "the branch answered as soon as the write was sent out, and executed it later",
			Needs:   "a request that was answered ok by the branch that executed it",
			apply:   answerEarly,
		}, {
			Rule:    "request/altered",
			Mistake: "the amount was read from the wrong field between the receive and the order",
			Needs:   "a request for a write that its branch received once and ordered",
			apply:   otherAmount,
		},
	}
}

// dropAnswer takes both ends of a reply away.
func dropAnswer(ed *editor) (Change, error) {
	asks, replies := map[trace.ID]int{}, map[trace.ID][]*trace.Event{}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if isAsk(e) {
				asks[e.Request]++
			} else if isReply(e) {
				replies[e.Request] = append(replies[e.Request], e)
			}
		}
	}
	ask, err := pick(ed, ed.chosen(func(p *proc, e *trace.Event) bool {
		if !isAsk(e) || asks[e.Request] != 1 || e.Request.Process != p.name || len(replies[e.Request]) != 1 || !p.ended {
			return false
		}
		s := ed.sendOf(replies[e.Request][0])
		return s != nil && len(ed.received[s]) == 1
	}))
	if err != nil {
		return Change{}, err
	}
	reply := replies[ask.Request][0]
	respond := ed.sendOf(reply)
	ed.remove(respond)
	ed.remove(reply)
	text := fmt.Sprintf("the answer to %s is taken out: %s sent it, %s received it", ask.Request, respond.Ref(), reply.Ref())
	ed.renumber(ed.byName[respond.Process])
	ed.renumber(ed.byName[reply.Process])
	return Change{Event: ask.Ref(), Text: text}, nil
}

func answerAgain(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		return isRespond(e) && e.Answers > 0 && len(ed.received[e]) == 1
	}))
	if err != nil {
		return Change{}, err
	}
	reply := ed.received[e][0]
	again := ed.append(ed.byName[e.Process], e.Clone(), nil)
	ed.append(ed.byName[reply.Process], reply.Clone(), again)
	return Change{
		Event: again.Ref(),
		Text:  fmt.Sprintf("%s answers %s once more, as %s did, and the customer receives that too", again.Ref(), e.Request, e.Ref()),
	}, nil
}

// tell sets what a respond says, at both ends.
func (ed *editor) tell(respond *trace.Event, set func(e *trace.Event)) {
	set(respond)
	for _, e := range ed.received[respond] {
		set(e)
	}
}

// staleAnswer answers with the balance before the write; or, where only queries are answered, with one unit too much.
func staleAnswer(ed *editor) (Change, error) {
	fits := func(write bool) func(*proc, *trace.Event) bool {
		return func(_ *proc, e *trace.Event) bool {
			x := ed.decisive[e]
			return x != nil && e.Result == trace.OK && x.Result == trace.OK && e.Balance.Known && e.Balance == x.Balance &&
				write == (effect(x, x.Account) != 0)
		}
	}
	e, err := pick(ed, ed.chosen(fits(true)), ed.chosen(fits(false)))
	if err != nil {
		return Change{}, err
	}
	x, was := ed.decisive[e], e.Balance.Amount
	now := was - effect(x, x.Account)
	if now == was {
		now++
	}
	ed.tell(e, func(e *trace.Event) { e.Balance.Amount = now })
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s answers with a balance of %d; %s, which executed %s, left %d", e.Ref(), now, x.Ref(), e.Request, was),
	}, nil
}

// early returns the event after which a respond to a write that succeeded can stand so that no branch has executed the
// write before: the last of the sends that follow on its order. For a query it is the event before its execute. It is
// nil where there is none.
func (ed *editor) early(respond *trace.Event) *trace.Event {
	x := ed.decisive[respond]
	if x == nil || x.Result != trace.OK || respond.Result != trace.OK || len(ed.received[respond]) == 0 {
		return nil
	}
	p := ed.byName[respond.Process]
	if isQuery(x) {
		if len(ed.queried[x.Request]) != 1 {
			return nil
		}
		return ed.before(x)
	}
	order := ed.ordered[x.Write]
	if order == nil || order.Process != p.name || len(ed.orders[x.Request]) != 1 {
		return nil
	}
	i := ed.index[order]
	for i+1 < len(p.events) && p.events[i+1].Kind == trace.Send {
		i++
	}
	if i >= ed.index[x] {
		return nil
	}
	return p.events[i]
}

func answerEarly(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool { return isRespond(e) && ed.early(e) != nil }))
	if err != nil {
		return Change{}, err
	}
	ed.moveAfter(ed.early(e), e)
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s answers %s, and comes before %s, which executes it", e.Ref(), e.Request, ed.decisive[e].Ref()),
	}, nil
}

func otherAmount(ed *editor) (Change, error) {
	receives := map[trace.ID]int{}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if e.Step == trace.StepRequest && e.Kind == trace.Receive {
				receives[e.Request]++
			}
		}
	}
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		if e.Step != trace.StepRequest || e.Kind != trace.Receive || receives[e.Request] != 1 || len(ed.orders[e.Request]) != 1 {
			return false
		}
		o := ed.orders[e.Request][0]
		return o.Process == e.Process && o.Seq > e.Seq && o.Op == e.Op && o.Amount == e.Amount && e.Amount > 0
	}))
	if err != nil {
		return Change{}, err
	}
	e.Amount++
	o := ed.orders[e.Request][0]
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s receives a %s of %d; %s orders one of %d", e.Ref(), e.Op, e.Amount, o.Ref(), o.Amount),
	}, nil
}
