package mutate

import (
	"fmt"
	"math/rand/v2"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// receiveTooEarly stamps a receive as early as its own log allows, not after its send: what a process does that goes on
// with its own clock and does not look at the message's.
func receiveTooEarly(t *Trace, at func(*trace.Event) bool, r *rand.Rand) (Change, error) {
	type place struct{ receive, before *trace.Event }
	var places []place
	t.events(func(e, before *trace.Event) {
		own := uint64(0)
		if before != nil {
			own = before.Clock
		}
		if e.Kind == trace.Receive && own < e.Stamp && at(e) {
			places = append(places, place{e, before})
		}
	})
	if len(places) == 0 {
		return Change{}, ErrNoPlace
	}
	p := places[r.IntN(len(places))]
	was, own := p.receive.Clock, uint64(0)
	if p.before != nil {
		own = p.before.Clock
	}
	p.receive.Clock = own + 1
	return Change{
		Event: p.receive.Ref(),
		Text: fmt.Sprintf("%s received a message sent at clock %d; its clock was %d, and is now %d: its own clock plus 1, as if the message had carried none",
			p.receive.Ref(), p.receive.Stamp, was, p.receive.Clock),
	}, nil
}
