package viewer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// TestWithinBlocks compares the messages between two clocks with looking at every message, where these fill many blocks.
func TestWithinBlocks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	events := map[string][]trace.Event{}
	now := uint64(0)
	for i := range uint64(10 * messageBlock) {
		now += r.Uint64N(3) + 1
		from := fmt.Sprint("p", r.IntN(3))
		events[from] = append(events[from], trace.Event{Process: from, Seq: uint64(len(events[from]) + 1), Clock: now, Kind: trace.Send, Peer: "q"})
		sent := events[from][len(events[from])-1]
		events["q"] = append(events["q"], trace.Event{
			Process: "q", Seq: i + 1, Clock: now + 1 + r.Uint64N(2)*r.Uint64N(900), Kind: trace.Receive, Peer: from, Cause: sent.Seq,
		})
	}
	dir := t.TempDir()
	logsOf(t, dir, events)
	v := opened(t, dir)
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	ix := v.now.index
	for range 3000 {
		lo := r.Uint64N(now + 10)
		hi := lo + r.Uint64N(40)
		want := 0
		for _, m := range ix.messages.all {
			if ix.low(m) <= hi && ix.high(m) >= lo {
				want++
			}
		}
		got := 0
		ix.within(lo, hi, func(m message) bool {
			if ix.low(m) > hi || ix.high(m) < lo {
				t.Fatalf("%d to %d: %v is not under way", lo, hi, m)
			}
			got++
			return true
		})
		if got != want {
			t.Fatalf("%d to %d: %d messages, want %d", lo, hi, got, want)
		}
	}
}
