package causal_test

import (
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

func TestExpect(t *testing.T) {
	event := func(seq, clock uint64) *trace.Event {
		return &trace.Event{Process: "a", Seq: seq, Clock: clock, Kind: trace.Local}
	}
	receive := func(seq, stamp uint64) *trace.Event {
		return &trace.Event{Process: "a", Seq: seq, Clock: 1, Kind: trace.Receive, Peer: "b", Cause: 1, Stamp: stamp}
	}
	send := &trace.Event{Process: "b", Seq: 1, Clock: 7, Kind: trace.Send}
	for name, c := range map[string]struct {
		e, before, send *trace.Event
		want            causal.ExpectedClock
	}{
		"first":                 {event(1, 1), nil, nil, causal.ExpectedClock{Known: true, Least: 1}},
		"next":                  {event(2, 9), event(1, 4), nil, causal.ExpectedClock{Known: true, Least: 5, Own: 4}},
		"after a gap":           {event(3, 9), event(1, 4), nil, causal.ExpectedClock{Least: 5, Own: 4}},
		"of a slice":            {event(3, 9), nil, nil, causal.ExpectedClock{Least: 1}},
		"by the message":        {receive(2, 7), event(1, 4), send, causal.ExpectedClock{Known: true, Least: 8, Own: 4, Message: 7}},
		"by the event before":   {receive(2, 7), event(1, 9), send, causal.ExpectedClock{Known: true, Least: 10, Own: 9, Message: 7}},
		"the send, not a stamp": {receive(2, 3), event(1, 4), send, causal.ExpectedClock{Known: true, Least: 8, Own: 4, Message: 7}},
		"an orphan with stamp":  {receive(1, 3), nil, nil, causal.ExpectedClock{Known: true, Least: 4, Message: 3, Stamp: true}},
		"an orphan without":     {receive(2, 0), event(1, 4), nil, causal.ExpectedClock{Least: 5, Own: 4}},
	} {
		if got := causal.Expect(c.e, c.before, c.send); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
