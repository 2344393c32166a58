package mutate

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func messageMutations() []Mutation {
	return []Mutation{
		{
			Rule:    "message/orphan-receive",
			Mistake: "a send was logged as a local step",
			Needs:   "a message that was received and is no request",
			apply:   hideSend,
		}, {
			Rule:    "message/duplicate-receive",
			Mistake: "the network repeated a message, and the receiver did not drop the copy that came late",
			Needs:   "a message that was received",
			apply:   receiveAgain,
		}, {
			Rule:    "message/misdelivered",
			Mistake: "the sender logged the wrong peer",
			Needs:   "a message that was received, and a third process",
			apply:   wrongPeer,
		}, {
			Rule:    "message/lost",
			Mistake: "a message was sent once more, and that copy never arrived",
			Needs:   "a message between branches (two branches at least) to one whose log has ended",
			apply:   lostResend,
		},
	}
}

// ofCustomers reports whether an event is of a customer's request: other rules follow those closely.
func ofCustomers(e *trace.Event) bool {
	return e.Step == trace.StepRequest || e.Step == trace.StepRespond
}

func hideSend(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		return e.Kind == trace.Send && e.Step != trace.StepRequest && len(ed.received[e]) > 0
	}))
	if err != nil {
		return Change{}, err
	}
	receive := ed.received[e][0]
	e.Kind, e.Peer = trace.Local, ""
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s was a send to %s and is a local event; %s still received it", e.Ref(), receive.Process, receive.Ref()),
	}, nil
}

func receiveAgain(ed *editor) (Change, error) {
	fits := func(bank bool) func(*proc, *trace.Event) bool {
		return func(_ *proc, e *trace.Event) bool {
			return e.Kind == trace.Receive && ed.sendOf(e) != nil && ofCustomers(e) != bank
		}
	}
	e, err := pick(ed, ed.chosen(fits(true)), ed.chosen(fits(false)))
	if err != nil {
		return Change{}, err
	}
	send := ed.sendOf(e)
	again := ed.append(ed.byName[e.Process], e.Clone(), send)
	return Change{
		Event: again.Ref(),
		Text:  fmt.Sprintf("%s receives message %s once more, which %s received already", again.Ref(), send.Ref(), e.Ref()),
	}, nil
}

func wrongPeer(ed *editor) (Change, error) {
	others := func(e *trace.Event, alike bool) (names []string) {
		for _, p := range ed.procs {
			if p.name != e.Process && p.name != e.Peer && (p.branch() == ed.byName[e.Peer].branch()) == alike {
				names = append(names, p.name)
			}
		}
		return names
	}
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		return e.Kind == trace.Send && len(ed.received[e]) > 0 && ed.byName[e.Peer] != nil && len(others(e, true))+len(others(e, false)) > 0
	}))
	if err != nil {
		return Change{}, err
	}
	was := e.Peer
	e.Peer, err = pick(ed, others(e, true), others(e, false))
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s names %s as the one it sends to; %s received it", e.Ref(), e.Peer, was),
	}, err
}

func lostResend(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		to := ed.byName[e.Peer]
		return e.Kind == trace.Send && !ofCustomers(e) && to != nil && to.ended
	}))
	if err != nil {
		return Change{}, err
	}
	again := ed.append(ed.byName[e.Process], e.Clone(), nil)
	return Change{
		Event: again.Ref(),
		Text:  fmt.Sprintf("%s sends to %s once more what %s sent, and nobody receives it", again.Ref(), e.Peer, e.Ref()),
	}, nil
}
