package mutate

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func causalityMutations() []Mutation {
	return []Mutation{{
		Rule:    "causality/cycle",
		Mistake: "a receive was logged before the send that it came in answer to: the send was logged only when its call had returned",
		Needs:   "a process that sent to another and received from it afterwards, which is the first by name of all that are involved",
		Implies: []string{"clock/receive-not-after-send"}, // in time nothing goes round in a circle
		apply:   answerBeforeQuestion,
	}}
}

// answerBeforeQuestion moves a receive to before a send without which its message would not have been sent.
func answerBeforeQuestion(ed *editor) (Change, error) {
	type place struct{ receive, question *trace.Event }
	var places []place
	for _, e := range ed.chosen(func(_ *proc, e *trace.Event) bool { return e.Kind == trace.Receive && !ofCustomers(e) }) {
		answer := ed.sendOf(e)
		if answer == nil {
			continue
		}
		if question := ed.question(e, answer); question != nil && ed.firstOfKnot(e, answer, question) {
			places = append(places, place{e, question})
		}
	}
	at, err := pick(ed, places)
	if err != nil {
		return Change{}, err
	}
	answer, p := ed.sendOf(at.receive), ed.byName[at.receive.Process]
	ed.shift(at.question.Clock-1, 1)
	ed.remove(at.receive)
	ed.insertBefore(at.receive, at.question)
	at.receive.Clock, at.receive.Wall = at.question.Clock-1, at.question.Wall
	ed.renumber(p)
	return Change{
		Event: at.receive.Ref(),
		Text: fmt.Sprintf("%s receives %s, and comes before %s, which %s came after",
			at.receive.Ref(), answer.Ref(), at.question.Ref(), answer.Ref()),
	}, nil
}

// question returns the latest send before a receive that had reached the sender of its message, answer, before that sent
// it; nil where there is none.
func (ed *editor) question(receive, answer *trace.Event) *trace.Event {
	events := ed.byName[receive.Process].events
	for i := ed.index[receive] - 1; i >= 0; i-- {
		for _, there := range ed.received[events[i]] {
			if there.Process == answer.Process && ed.index[there] < ed.index[answer] {
				return events[i]
			}
		}
	}
	return nil
}

// firstOfKnot reports whether no receive on the way from the question to the answer is at a process whose name comes
// before that of the receive. In a valid trace clocks rise along the way, which bounds the search.
func (ed *editor) firstOfKnot(receive, answer, question *trace.Event) bool {
	after := map[*trace.Event]bool{question: true} // whether the question happened before it
	var follows func(e *trace.Event) bool
	first := true
	follows = func(e *trace.Event) bool {
		known, ok := after[e]
		if ok || e.Clock <= question.Clock {
			return known
		}
		after[e] = false
		if before := ed.before(e); before != nil && follows(before) {
			after[e] = true
		}
		if e.Kind == trace.Receive {
			if s := ed.sendOf(e); s != nil && follows(s) {
				after[e] = true
			}
			first = first && (!after[e] || e.Process >= receive.Process)
		}
		return after[e]
	}
	return follows(answer) && first
}
