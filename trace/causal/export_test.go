package causal

import "github.com/seed-8ff1fc32/bank-trace/trace"

// Agree holds a graph to its twin for all pairs of events, and returns how many of them are on a cycle.
func Agree(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, g *Graph, logs map[string][]trace.Event) (both int) {
	return agree(t, g, logs)
}

// Marks returns the number of places in the logs from which reading can go on.
func (t *Trace) Marks() int {
	n := 0
	for _, s := range t.sources {
		n += len(s.marks)
	}
	return n
}

// Spilled reports whether messages are in a file.
func (g *Graph) Spilled() bool { return g.spill.file != nil }
