package clock

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// event is what happened in a process: its clock, and the events before it as a set, kept without clocks.
type event struct {
	clock uint64
	past  map[int]bool
}

// Processes tick and exchange messages at random: a -> b implies C(a) < C(b), and the clock of b is the length of the
// longest chain of events that ends with b, which is what makes it the least clock that keeps the condition.
func TestClockCondition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const processes = 4
		var clocks [processes]Clock
		var last [processes]int // number of the process's latest event, 0 before the first
		events := []event{{}}
		var messages []int // send events; each may be received by anybody, any number of times
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			p := rapid.IntRange(0, processes-1).Draw(t, "process")
			e := event{past: map[int]bool{}}
			before := []int{last[p]}
			switch kind := rapid.IntRange(0, 2).Draw(t, "kind"); {
			case kind == 2 && len(messages) > 0:
				m := rapid.SampledFrom(messages).Draw(t, "message")
				before = append(before, m)
				e.clock = clocks[p].Receive(events[m].clock)
			default:
				e.clock = clocks[p].Tick()
				if kind == 1 {
					messages = append(messages, len(events))
				}
			}
			longest := uint64(0)
			for _, b := range before {
				if b == 0 {
					continue
				}
				e.past[b] = true
				for a := range events[b].past {
					e.past[a] = true
				}
			}
			for a := range e.past {
				if events[a].clock >= e.clock {
					t.Fatalf("event %d with clock %d happened before event %d with clock %d", a, events[a].clock, len(events), e.clock)
				}
				longest = max(longest, events[a].clock)
			}
			if e.clock != longest+1 || clocks[p].Now() != e.clock {
				t.Fatalf("event %d has clock %d, and the longest chain before it has %d events", len(events), e.clock, longest)
			}
			last[p] = len(events)
			events = append(events, e)
		}
	})
}

func TestAt(t *testing.T) {
	c := At(41)
	if c.Now() != 41 || c.Tick() != 42 || c.Receive(7) != 43 || c.Receive(99) != 100 {
		t.Fatalf("clock at 41 went wrong: now %d", c.Now())
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		now, stamp, jump, limit uint64
		ok                      bool
	}{
		{now: 0, stamp: 0, jump: 10, limit: 10},
		{now: 0, stamp: 1, jump: 10, ok: true},
		{now: 50, stamp: 1, jump: 10, ok: true},
		{now: 50, stamp: 60, jump: 10, ok: true},
		{now: 50, stamp: 61, jump: 10, limit: 60},
		{now: Max - 5, stamp: Max - 1, jump: 10, ok: true},
		{now: Max - 5, stamp: Max, jump: 10, limit: Max - 1},
		{now: 50, stamp: Max - 1, jump: 1<<64 - 1, ok: true},
		{now: Max, stamp: Max - 1, jump: 10, ok: true},
		{now: 5, stamp: 1<<64 - 1, jump: MaxJump, limit: 5 + MaxJump},
	} {
		s := Stamp{Process: "q", Seq: 3, Clock: c.stamp}
		err := At(c.now).Check(s, c.jump)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if c.ok {
			continue
		}
		var stamp *StampError
		if !errors.Is(err, ErrStamp) || !errors.As(err, &stamp) || *stamp != (StampError{Stamp: s, Now: c.now, Limit: c.limit}) {
			t.Errorf("%+v: %v", c, err)
		}
		want := fmt.Sprintf("stamp refused: q:3 carries clock %d, and a process at clock %d takes at most %d", c.stamp, c.now, c.limit)
		if c.stamp > 0 && err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
}

// A stamp that is taken keeps the clock that comes of it at or below Max.
func TestCheckKeepsClocksInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := At(rapid.OneOf(rapid.Uint64Range(0, 100), rapid.Uint64Range(Max-100, Max-1)).Draw(t, "now"))
		s := Stamp{Clock: rapid.OneOf(rapid.Uint64Range(0, 200), rapid.Uint64Range(Max-200, Max+1), rapid.Uint64()).Draw(t, "stamp")}
		jump := rapid.OneOf(rapid.Uint64Range(0, 200), rapid.Just(MaxJump), rapid.Uint64()).Draw(t, "jump")
		now := c.Now()
		if err := c.Check(s, jump); err != nil {
			return
		}
		if got := c.Receive(s.Clock); got > Max || got <= now || got <= s.Clock {
			t.Fatalf("clock %d and stamp %d, jump %d: %d", now, s.Clock, jump, got)
		}
		if s.Clock > now && s.Clock-now > jump {
			t.Fatalf("clock %d took stamp %d, which is more than %d ahead", now, s.Clock, jump)
		}
	})
}

// The order of timestamps is total: of two that differ exactly one comes first, and it is transitive. It extends the
// order of clocks, and names break ties bytewise.
func TestTotalOrder(t *testing.T) {
	timestamp := rapid.Custom(func(t *rapid.T) Timestamp {
		return Timestamp{rapid.Uint64Range(0, 3).Draw(t, "clock"), rapid.SampledFrom([]string{"", "a", "b", "B", "a0", "ä", "\xff"}).Draw(t, "process")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := timestamp.Draw(t, "a"), timestamp.Draw(t, "b"), timestamp.Draw(t, "c")
		if ab, ba := a.Compare(b), b.Compare(a); ab != -ba || (ab == 0) != (a == b) || ab < -1 || ab > 1 {
			t.Fatalf("%v against %v is %d, and %d the other way", a, b, ab, ba)
		}
		if a.Less(b) != (a.Compare(b) < 0) || a.Less(a) {
			t.Fatalf("Less and Compare differ for %v and %v", a, b)
		}
		if a.Less(b) && b.Less(c) && !a.Less(c) {
			t.Fatalf("%v < %v < %v, but not the first < the last", a, b, c)
		}
		if a.Clock < b.Clock && !a.Less(b) {
			t.Fatalf("%v does not come before %v", a, b)
		}
		if a.Clock == b.Clock && a.Less(b) != (string([]byte(a.Process)) < string([]byte(b.Process))) {
			t.Fatalf("%v and %v: the names do not decide", a, b)
		}
	})
}
