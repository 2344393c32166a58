package viewer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// TestTileTwin compares tiles with what looking at every event and message gives.
func TestTileTwin(t *testing.T) {
	t.Parallel()
	onRandom(t, func(t *rapid.T, ix *index, events map[string][]trace.Event) {
		z := rapid.IntRange(0, 8).Draw(t, "z")
		i := int64(rapid.IntRange(0, 30).Draw(t, "i"))
		shown := make([]bool, len(ix.lanes))
		for p := range shown {
			shown[p] = rapid.IntRange(0, 3).Draw(t, "shown") > 0
		}
		got, err := ix.tileOf(z, i, shown)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := uint64(i)<<z, uint64(i+1)<<z-1
		var want [][]int64
		most := 0
		for p, l := range ix.lanes {
			n := 0
			for pos, e := range events[l.name] {
				if shown[p] && e.Clock >= lo && e.Clock <= hi {
					n++
					want = append(want, []int64{int64(p), int64(pos), int64(e.Seq), int64(e.Clock), int64(e.Kind)})
				}
			}
			most = max(most, n)
		}
		if got.Exact != (most <= tileLane) {
			t.Fatalf("exact is %v, with %d events of a process", got.Exact, most)
		}
		if !got.Exact {
			return
		}
		var have [][]int64
		for e := range slices.Chunk(got.Events, 7) {
			have = append(have, []int64{e[0], e[1], e[2], e[3], e[4] & int64(markKind)})
		}
		slices.SortFunc(want, slices.Compare)
		slices.SortFunc(have, slices.Compare)
		if d := gocmp.Diff(want, have); d != "" {
			t.Fatalf("events of tile %d/%d (-want +got):\n%s", z, i, d)
		}
		if d := gocmp.Diff(messagesOf(ix, events, lo, hi, shown), sorted(got.Messages, 6)); d != "" {
			t.Fatalf("messages of tile %d/%d (-want +got):\n%s", z, i, d)
		}
	})
}

func sorted(flat []int64, n int) [][]int64 {
	var rows [][]int64
	for row := range slices.Chunk(flat, n) {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, slices.Compare)
	return rows
}

// messagesOf returns the messages that are under way between two clocks.
func messagesOf(ix *index, events map[string][]trace.Event, lo, hi uint64, shown []bool) [][]int64 {
	var found [][]int64
	for q, to := range ix.lanes {
		for rpos, r := range events[to.name] {
			if r.Kind != trace.Receive {
				continue
			}
			for p, from := range ix.lanes {
				for pos, s := range events[from.name] {
					if s.Kind == trace.Send && s.Ref() == r.CauseRef() && shown[p] && shown[q] &&
						min(s.Clock, r.Clock) <= hi && max(s.Clock, r.Clock) >= lo {
						found = append(found, []int64{int64(p), int64(pos), int64(s.Clock), int64(q), int64(rpos), int64(r.Clock)})
					}
				}
			}
		}
	}
	slices.SortFunc(found, slices.Compare)
	return found
}

// TestCountTwin sees that counts and flows leave nothing out.
func TestCountTwin(t *testing.T) {
	t.Parallel()
	onRandom(t, func(t *rapid.T, ix *index, events map[string][]trace.Event) {
		z := rapid.IntRange(0, 11).Draw(t, "z")
		all, _ := ix.shown("")
		for i := range int64(2048 >> z) {
			lo, hi := uint64(i)<<z, uint64(i+1)<<z-1
			got := &tile{Z: z, I: i}
			ix.count(got, lo, z, all)
			ix.flows(got, lo, hi, z, all)
			counts := map[[2]int64]int64{} // process, kind -> events
			for c := range slices.Chunk(got.Cells, 6) {
				if c[1] < 0 || c[1] >= tileBuckets {
					t.Fatalf("cell %d", c[1])
				}
				for k := range int64(3) {
					counts[[2]int64{c[0], k + 1}] += c[2+k]
				}
			}
			for p, l := range ix.lanes {
				for _, e := range events[l.name] {
					if e.Clock >= lo && e.Clock <= hi {
						counts[[2]int64{int64(p), int64(e.Kind)}]--
					}
				}
			}
			for k, n := range counts {
				if n != 0 {
					t.Fatalf("tile %d/%d: %d events too many of process and kind %v", z, i, n, k)
				}
			}
			sum := int64(0)
			for f := range slices.Chunk(got.Flows, 5) {
				sum += f[2]
			}
			for _, m := range ix.messages.all {
				if low := ix.low(m); low >= lo && low <= hi {
					sum--
				}
			}
			if sum != 0 {
				t.Fatalf("tile %d/%d: %d messages too many", z, i, sum)
			}
		}
	})
}

// TestSearchTwin compares a search with looking at every event.
func TestSearchTwin(t *testing.T) {
	t.Parallel()
	onRandom(t, func(t *rapid.T, ix *index, events map[string][]trace.Event) {
		parts := map[string]func(*trace.Event) bool{
			"process=a":     func(e *trace.Event) bool { return e.Process == "a" },
			"c/d":           func(e *trace.Event) bool { return e.Process == "c/d" },
			"clock=3..20":   func(e *trace.Event) bool { return e.Clock >= 3 && e.Clock <= 20 },
			"send":          func(e *trace.Event) bool { return e.Kind == trace.Send },
			"step=execute":  func(e *trace.Event) bool { return e.Step == trace.StepExecute },
			"account=main":  func(e *trace.Event) bool { return e.Account == "main" },
			"peer=a":        func(e *trace.Event) bool { return e.Peer == "a" },
			"kind=receive":  func(e *trace.Event) bool { return e.Kind == trace.Receive },
			"clock=1":       func(e *trace.Event) bool { return e.Clock == 1 },
			"account=never": func(e *trace.Event) bool { return e.Account == "never" },
		}
		keys := rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(parts))), 1, 3, func(s string) string {
			key, _, _ := strings.Cut(s, "=")
			return map[string]string{"c/d": "process", "send": "kind"}[s] + key
		}).Draw(t, "query")
		if ix.process("c/d") < 0 && slices.Contains(keys, "c/d") {
			t.Skip("c/d is no process here")
		}
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		q, err := ix.parseQuery(strings.Join(keys, " "))
		if err != nil {
			t.Fatal(err)
		}
		if last := lastOfKind(keys); last != nil {
			keys = last
		}
		var want []causal.At
		for p, l := range ix.lanes {
			for pos := range events[l.name] {
				fits := true
				for _, k := range keys {
					fits = fits && parts[k](&events[l.name][pos])
				}
				if fits {
					want = append(want, causal.At{Process: int32(p), Pos: int32(pos)})
				}
			}
		}
		slices.SortFunc(want, func(a, b causal.At) int { return cmp.Or(cmp.Compare(ix.clock(a), ix.clock(b)), compareAt(a, b)) })
		got := ix.search(q, limit)
		if got.Total != int64(len(want)) || len(got.Events) != min(limit, len(want)) {
			t.Fatalf("%v: found %d and %d, want %d", keys, got.Total, len(got.Events), len(want))
		}
		for i, e := range got.Events {
			if at := (causal.At{Process: e.Process, Pos: e.Pos}); ix.clock(at) != ix.clock(want[i]) || !slices.Contains(want, at) {
				t.Fatalf("%v: the %d-th is %v, want %v", keys, i, at, want[i])
			}
		}
	})
}

// lastOfKind drops what a later part of the same key replaces.
func lastOfKind(keys []string) []string {
	of := func(s string) string {
		key, _, ok := strings.Cut(s, "=")
		if !ok {
			key = map[string]string{"c/d": "process", "send": "kind"}[s]
		}
		return key
	}
	var kept []string
	for i, k := range keys {
		if !slices.ContainsFunc(keys[i+1:], func(later string) bool { return of(later) == of(k) }) {
			kept = append(kept, k)
		}
	}
	return kept
}

// TestNearTwin compares the nearest event with looking at all of them.
func TestNearTwin(t *testing.T) {
	t.Parallel()
	onRandom(t, func(t *rapid.T, ix *index, events map[string][]trace.Event) {
		c := uint64(rapid.IntRange(0, 400).Draw(t, "clock"))
		for _, l := range ix.lanes {
			pos, ok := l.near(c)
			if ok != (len(events[l.name]) > 0) {
				t.Fatalf("%s: %v", l.name, ok)
			}
			far := func(e *trace.Event) uint64 { return max(e.Clock, c) - min(e.Clock, c) }
			for i := range events[l.name] {
				if far(&events[l.name][i]) < far(&events[l.name][pos]) {
					t.Fatalf("%s: %d is nearer to %d than %d", l.name, events[l.name][i].Clock, c, events[l.name][pos].Clock)
				}
			}
		}
	})
}
