package trace

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// sent is a message that may be received any number of times, or never.
type sent struct {
	stamp clock.Stamp
	past  map[Ref]bool // the send event and all that happened before it
}

// Processes exchange messages at random: every clock is the one of the blueprint's rules, and of two events of which one
// happened before the other, it has the smaller clock. Happens-before is kept as sets, without clocks.
func TestSequencerClockRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const processes = 3
		var seqs [processes]Sequencer
		var last [processes]Event
		var pasts [processes]map[Ref]bool
		for i := range seqs {
			seqs[i] = NewSequencer(fmt.Sprint("p", i))
			pasts[i] = map[Ref]bool{}
		}
		clocks := map[Ref]uint64{}
		var flying []sent
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			i := rapid.IntRange(0, processes-1).Draw(t, "process")
			s, e := &seqs[i], Event{}
			want := last[i].Clock + 1
			var stamp clock.Stamp
			switch kind := rapid.IntRange(0, 2).Draw(t, "kind"); {
			case kind == 0:
				s.Local(&e)
			case kind == 1 || len(flying) == 0:
				e.Peer = "p0"
				stamp = s.Send(&e)
			default:
				m := rapid.SampledFrom(flying).Draw(t, "message")
				s.Receive(m.stamp, &e)
				want = max(last[i].Clock, m.stamp.Clock) + 1
				for ref := range m.past {
					pasts[i][ref] = true
				}
				if e.CauseRef() != (Ref{m.stamp.Process, m.stamp.Seq}) || e.Stamp != m.stamp.Clock || e.Kind != Receive {
					t.Fatalf("received %+v as %+v", m.stamp, e)
				}
			}
			if e.Clock != want || e.Seq != last[i].Seq+1 || e.Process != s.Process() || s.Seq() != e.Seq || s.Now() != e.Clock {
				t.Fatalf("%+v after %+v: clock should be %d", e, last[i], want)
			}
			for ref := range pasts[i] {
				if clocks[ref] >= e.Clock {
					t.Fatalf("%v with clock %d happened before %v with clock %d", ref, clocks[ref], e.Ref(), e.Clock)
				}
			}
			clocks[e.Ref()], pasts[i][e.Ref()], last[i] = e.Clock, true, e
			if e.Kind == Send {
				if stamp != (clock.Stamp{Process: e.Process, Seq: e.Seq, Clock: e.Clock}) {
					t.Fatalf("stamp %+v is not that of %+v", stamp, e)
				}
				past := map[Ref]bool{}
				for ref := range pasts[i] {
					past[ref] = true
				}
				flying = append(flying, sent{stamp, past})
			}
		}
	})
}

// A sequencer that is resumed goes on as if it had never stopped.
func TestResumeSequencer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := NewSequencer("p")
		stopped := NewSequencer("p")
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			if rapid.Bool().Draw(t, "stop") {
				stopped = ResumeSequencer("p", stopped.Seq(), stopped.Now())
			}
			var a, b Event
			if jump := rapid.Uint64Range(0, 20).Draw(t, "stamp"); jump > 0 {
				from := clock.Stamp{Process: "q", Seq: jump, Clock: jump}
				whole.Receive(from, &a)
				stopped.Receive(from, &b)
			} else {
				whole.Local(&a)
				stopped.Local(&b)
			}
			if a.Ref() != b.Ref() || a.Clock != b.Clock {
				t.Fatalf("%+v is not %+v", a, b)
			}
		}
	})
}

func TestSequencerCheck(t *testing.T) {
	s := ResumeSequencer("p", 5, 100)
	for now, ok := range map[uint64]bool{0: false, 1: true, 110: true, 111: false, clock.Max: false} {
		if err := s.Check(clock.Stamp{Process: "q", Seq: 1, Clock: now}, 10); (err == nil) != ok {
			t.Errorf("stamp %d at clock 100, jump 10: %v", now, err)
		}
	}
}
