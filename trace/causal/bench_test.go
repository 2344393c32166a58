package causal

import (
	"fmt"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// ring returns the graph of n events: each process in turn receives from the one before, does something, and sends to the next.
func ring(b *testing.B, processes, n int) *Graph {
	b.Helper()
	names := make([]string, processes)
	for i := range names {
		names[i] = fmt.Sprintf("p%04d", i)
	}
	seq := make([]uint64, processes)
	g, err := New(func(yield func(*trace.Event) bool) {
		for i := 0; i < n; i++ {
			at := i / 3 % processes
			from := (at + processes - 1) % processes
			seq[at]++
			e := trace.Event{Process: names[at], Seq: seq[at], Clock: uint64(i + 1), Kind: [...]trace.Kind{trace.Receive, trace.Local, trace.Send}[i%3]}
			switch e.Kind {
			case trace.Receive:
				e.Peer, e.Cause = names[from], seq[from]
			case trace.Send:
				e.Peer = names[(at+1)%processes]
			}
			if !yield(&e) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func BenchmarkGraph(b *testing.B) {
	g := ring(b, 100, 1_000_000)
	first, last := At{0, 0}, At{99, g.Len(99) - 1}
	b.Run("Past", func(b *testing.B) {
		for b.Loop() {
			if p, err := g.Past(last); err != nil || !p.Has(first) {
				b.Fatal(p, err)
			}
		}
	})
	b.Run("Future", func(b *testing.B) {
		for b.Loop() {
			if f, err := g.Future(first); err != nil || !f.Has(last) {
				b.Fatal(f, err)
			}
		}
	})
	b.Run("Path", func(b *testing.B) {
		for b.Loop() {
			if p, ok, err := g.Path(first, last); err != nil || !ok || p.Messages != 99 {
				b.Fatal(p, ok, err)
			}
		}
	})
}
