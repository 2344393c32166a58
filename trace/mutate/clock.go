package mutate

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func clockMutations() []Mutation {
	return []Mutation{
		{
			Rule:    "clock/not-increasing",
			Mistake: "two goroutines read the clock before either had moved it on",
			Needs:   "a local event, or a receive of an old message, that is not the first of its process",
			apply:   clockStands,
		}, {
			Rule:    "clock/receive-not-after-send",
			Mistake: "the receiver went on with its own clock and did not look at the one in the message",
			Needs:   "a receive whose message was sent at a later clock than its receiver had",
			apply:   receiveTooEarly,
		}, {
			Rule:    "clock/stamp-mismatch",
			Mistake: "the sender read its clock once for the log and, one event later, again for the message",
			Needs:   "a receive with a stamp",
			Implies: []string{"clock/not-exact"},
			apply:   stampReadAgain,
		}, {
			Rule:    "clock/not-exact",
			Mistake: "the clock ticked twice for one event",
			Needs:   "an event that is no send and no order, after which the clock of its process jumps or its log ends",
			apply:   tickTwice,
		},
	}
}

// clockStands gives an event the clock of the one before it.
func clockStands(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		before := ed.before(e)
		switch {
		case before == nil || e.Step == trace.StepOrder:
			return false
		case e.Kind == trace.Local:
			return true
		}
		s := ed.sendOf(e)
		return e.Kind == trace.Receive && s != nil && s.Clock < before.Clock
	}))
	if err != nil {
		return Change{}, err
	}
	was := e.Clock
	e.Clock = ed.before(e).Clock
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s had clock %d and has %d, that of %s before it", e.Ref(), was, e.Clock, ed.before(e).Ref()),
	}, nil
}

// receiveTooEarly stamps a receive as early as its own log allows, not after its send: what a process does that goes on
// with its own clock and does not look at the message's.
func receiveTooEarly(ed *editor) (Change, error) {
	own := func(e *trace.Event) uint64 {
		if before := ed.before(e); before != nil {
			return before.Clock
		}
		return 0
	}
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool {
		s := ed.sendOf(e)
		return e.Kind == trace.Receive && s != nil && own(e) < s.Clock
	}))
	if err != nil {
		return Change{}, err
	}
	was := e.Clock
	e.Clock = own(e) + 1
	return Change{
		Event: e.Ref(),
		Text: fmt.Sprintf("%s received a message sent at clock %d; its clock was %d, and is now %d: its own clock plus 1, as if the message had carried none",
			e.Ref(), ed.sendOf(e).Clock, was, e.Clock),
	}, nil
}

// stampReadAgain makes a message carry a clock that is one higher than its send's; where it can, one that the receiver's
// own clock was past, so that nothing else is wrong.
func stampReadAgain(ed *editor) (Change, error) {
	stamped := func(_ *proc, e *trace.Event) bool {
		return e.Kind == trace.Receive && e.Stamp > 0 && ed.sendOf(e) != nil
	}
	e, err := pick(ed, ed.chosen(func(p *proc, e *trace.Event) bool {
		return stamped(p, e) && e.Stamp+1 < e.Clock
	}), ed.chosen(stamped))
	if err != nil {
		return Change{}, err
	}
	e.Stamp++
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("the message that %s received carries clock %d, and %s sent it at %d", e.Ref(), e.Stamp, ed.sendOf(e).Ref(), ed.sendOf(e).Clock),
	}, nil
}

// tickTwice makes a clock skip one value, where nothing later tells the difference.
func tickTwice(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(p *proc, e *trace.Event) bool {
		if e.Kind == trace.Send || e.Step == trace.StepOrder || e.Kind == trace.Receive && e.Stamp == 0 {
			return false
		}
		if before := ed.before(e); before == nil && e.Seq != 1 || before != nil && before.Seq+1 != e.Seq {
			return false // what the clock was before is not known
		}
		i := ed.index[e] + 1
		return i == len(p.events) || p.events[i].Clock > e.Clock+1
	}))
	if err != nil {
		return Change{}, err
	}
	e.Clock++
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s had clock %d and has %d: one value is skipped", e.Ref(), e.Clock-1, e.Clock),
	}, nil
}
