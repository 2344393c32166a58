package check

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

const lamport = "L. Lamport, \"Time, Clocks, and the Ordering of Events in a Distributed System\", CACM 21(7), 1978"

func clockRules() []Rule {
	return []Rule{
		{
			Name:      "clock/not-increasing",
			Statement: "Within a process each event's clock is higher than that of the event before, restarts included.",
			Reason:    "Of two events of one process the earlier happened before the later, so its clock must be lower.",
			Source:    lamport + ", condition C1",
			Mistake:   "The clock was read again after its lock was released, or was not kept over a restart.",
			Exit:      1,
		}, {
			Name:      "clock/receive-not-after-send",
			Statement: "The clock of a receive is higher than the clock of its send.",
			Reason:    "A message is sent before it is received, so the send must have the lower clock.",
			Source:    lamport + ", condition C2",
			Mistake: "The receiver took the stamp without adding 1, or ignored it; or the send was logged only after " +
				"the reply had come back.",
			Exit: 1,
		}, {
			Name:      "clock/stamp-mismatch",
			Statement: "The stamp that a receive took from its message is the clock of the send.",
			Reason:    "The receiver sets its clock by the stamp; a stamp from another moment orders it after the wrong event.",
			Source:    lamport + ", implementation rule IR2(a)",
			Mistake:   "The sender read its clock once for the log and again for the message.",
			Exit:      1,
		}, {
			Name: "clock/not-exact",
			Statement: "Each clock is the least that the rules allow: one more than before, or for a receive one more " +
				"than the higher of clock and stamp.",
			Reason:  "Skipped values are legal, but an implementation that skips them did something that it does not log.",
			Source:  lamport + ", implementation rules IR1 and IR2; --strict only",
			Mistake: "The clock ticked twice for one event, or for an event that was not logged.",
			Exit:    1,
		},
	}
}

// clockFamily checks what one log alone says of its clocks. The clocks of a pair of send and receive are checked where
// the pair is made, see messageFamily.
//
//  1. An event's clock must be higher than that of the event before it in its log.
//  2. With --strict, that of a local or send event must be exactly one more. Where events are missing before it, or a log
//     begins in the middle, the clock before is not known and nothing is checked.
type clockFamily struct {
	*engine
	*tally
}

func (f *clockFamily) wants(trace.Kind, trace.Step) bool { return true }

func (f *clockFamily) first(v *visit) {
	p := v.p
	if p.last.any {
		f.checked[clockNotIncreasing]++
		if v.e.Clock <= p.last.clock {
			f.graph().backwards(v.e.Clock, p.last.clock)
			f.add(clockNotIncreasing, finding{
				event: v.spot(),
				other: p.previous(),
				message: fmt.Sprintf("%s has clock %d, and the event before it, %s:%d, has clock %d.",
					v.e.Ref(), v.e.Clock, p.name, p.last.seq, p.last.clock),
				expected: fmt.Sprintf("a clock of at least %d", p.last.clock+1),
			})
		}
	}
	if !f.on[clockNotExact] {
		return
	}
	before, known := v.before()
	paired := v.e.Kind == trace.Receive && v.peer != nil // then the send's clock counts, see messageFamily
	if !known || v.e.Kind == trace.Receive && v.e.Stamp == 0 {
		return
	}
	f.checked[clockNotExact]++
	if paired {
		return
	}
	f.exact(v.spot(), p.previousIfAny(), before, v.e.Stamp)
}

// before returns the clock of the process before the event, where it is known.
func (v *visit) before() (uint64, bool) {
	if v.p.last.any {
		return v.p.last.clock, v.e.Seq == v.p.last.seq+1
	}
	return 0, v.e.Seq == 1
}

// exact checks a clock against the least that is allowed; stamp is 0 for what is no receive.
func (t *tally) exact(s, other spot, before, stamp uint64) {
	want := max(before, stamp) + 1
	if s.clock == want {
		return
	}
	message := fmt.Sprintf("%s has clock %d, where the clock before was %d", s.ref(), s.clock, before)
	if stamp > 0 {
		message += fmt.Sprintf(" and the message carried %d", stamp)
	}
	t.add(clockNotExact, finding{event: s, other: other, message: message + ".", expected: fmt.Sprintf("clock %d", want)})
}

func (f *clockFamily) end()           {}
func (f *clockFamily) suspects() bool { return false }
func (f *clockFamily) again(*visit)   {}
func (f *clockFamily) settle()        {}
