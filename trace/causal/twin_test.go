package causal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// twin is happens-before by brute force: every event is a node, every step an edge.
type twin struct {
	at    map[At]int
	nodes []At
	next  [][]edge
}

type edge struct {
	to      int
	message bool
}

// newTwin takes the events of each process in the order of its log.
func newTwin(g *Graph, logs map[string][]trace.Event) *twin {
	w := &twin{at: map[At]int{}}
	first := map[trace.Ref]int{}
	kind := []trace.Kind{}
	for p, name := range g.Processes() {
		for i, e := range logs[name] {
			n := len(w.nodes)
			w.nodes = append(w.nodes, At{int32(p), int32(i)})
			w.at[w.nodes[n]] = n
			kind = append(kind, e.Kind)
			if _, known := first[e.Ref()]; !known {
				first[e.Ref()] = n
			}
		}
	}
	w.next = make([][]edge, len(w.nodes))
	n := 0
	for _, name := range g.Processes() {
		for i, e := range logs[name] {
			if i > 0 {
				w.next[n-1] = append(w.next[n-1], edge{n, false})
			}
			if send, ok := first[e.CauseRef()]; e.Kind == trace.Receive && ok && kind[send] == trace.Send {
				w.next[send] = append(w.next[send], edge{n, true})
			}
			n++
		}
	}
	return w
}

// cost is the messages and the steps of a path.
type cost struct{ messages, steps int }

func (c cost) less(d cost) bool {
	return c.messages < d.messages || c.messages == d.messages && c.steps < d.steps
}

// reach returns the cost of the cheapest path of one step or more to each event, by relaxing edges until none gives any more.
func (w *twin) reach(from int) map[int]cost {
	found := map[int]cost{}
	relax := func(at int, c cost) []int {
		var better []int
		for _, e := range w.next[at] {
			d := cost{c.messages, c.steps + 1}
			if e.message {
				d.messages++
			}
			if old, ok := found[e.to]; !ok || d.less(old) {
				found[e.to] = d
				better = append(better, e.to)
			}
		}
		return better
	}
	for todo := relax(from, cost{}); len(todo) > 0; todo = todo[1:] {
		todo = append(todo, relax(todo[0], found[todo[0]])...)
	}
	return found
}

// randomLogs returns the logs of a faulty trace: orphans, duplicates, misdelivered messages, causes that are no sends, messages to oneself,
// numbers that repeat, skip and fall, and, of the causes, a share that lie in the future.
func randomLogs(r *rand.Rand, processes, events int, faults float64) map[string][]trace.Event {
	logs := map[string][]trace.Event{}
	name := func(i int) string { return fmt.Sprintf("p%d", i) }
	var sends []trace.Ref
	for range events {
		process := name(r.IntN(processes))
		log := logs[process]
		e := trace.Event{Process: process, Seq: 1, Clock: 1 + uint64(r.IntN(50)), Kind: trace.Kind(1 + r.IntN(3))}
		if n := len(log); n > 0 {
			e.Seq = log[n-1].Seq + 1
		}
		fault := r.Float64() < faults
		if fault && r.IntN(2) == 0 {
			e.Seq = 1 + uint64(r.IntN(2*len(log)+2))
		}
		switch {
		case e.Kind == trace.Send:
			e.Peer = name(r.IntN(processes))
			sends = append(sends, e.Ref())
		case e.Kind == trace.Receive && (fault || len(sends) == 0):
			e.Peer, e.Cause = name(r.IntN(processes+1)), 1+uint64(r.IntN(events/processes+2))
		case e.Kind == trace.Receive:
			send := sends[r.IntN(len(sends))]
			e.Peer, e.Cause = send.Process, send.Seq
		}
		logs[process] = append(log, e)
	}
	return logs
}

// graphOf returns the graph of logs, with so many messages held.
func graphOf(t interface{ Fatal(...any) }, logs map[string][]trace.Event, held int64) *Graph {
	b := newBuilder(held)
	for name, log := range logs {
		s := b.scan(0)
		if _, err := s.process(name); err != nil {
			t.Fatal(err)
		}
		for i := range log {
			if err := s.add(&log[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.graph()
}

// agree holds the graph to its twin, for all pairs of events.
func agree(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, g *Graph, logs map[string][]trace.Event) (both int) {
	w := newTwin(g, logs)
	reach := make([]map[int]cost, len(w.nodes))
	for i := range w.nodes {
		reach[i] = w.reach(i)
	}
	for i, a := range w.nodes {
		future, err := g.Future(a)
		if err != nil {
			t.Fatal(err)
		}
		for j, b := range w.nodes {
			relation, pastA, pastB, err := g.Relate(a, b)
			if err != nil {
				t.Fatal(err)
			}
			c, before := reach[i][j]
			_, after := reach[j][i]
			if pastB.Has(a) != before || pastA.Has(b) != after || future.Has(b) != before ||
				relation&Before != 0 != before || relation&After != 0 != after {
				t.Fatalf("%v and %v: %v, past %v %v, future %v; the twin says before %v, after %v",
					a, b, relation, pastA, pastB, future, before, after)
			}
			if relation == Both {
				both++
			}
			path, found, err := g.Path(a, b)
			if err != nil {
				t.Fatal(err)
			}
			if found != before || found && (cost{path.Messages, int(path.Steps)}) != c {
				t.Fatalf("%v to %v: path %+v found %v; the twin says %+v %v", a, b, path, found, c, before)
			}
			if found {
				w.walk(t, path, a, b)
			}
		}
	}
	return both
}

// walk follows a path, and counts for itself.
func (w *twin) walk(t interface{ Fatalf(string, ...any) }, path Path, a, b At) {
	var c cost
	if path.Events[0] != a || path.Events[len(path.Events)-1] != b {
		t.Fatalf("%v to %v: path %+v", a, b, path)
	}
	for i := 1; i < len(path.Events); i++ {
		x, y := path.Events[i-1], path.Events[i]
		switch {
		case x.Process == y.Process && x.Pos < y.Pos:
			c.steps += int(y.Pos - x.Pos)
		case slices.Contains(w.next[w.at[x]], edge{w.at[y], true}):
			c.messages++
			c.steps++
		default:
			t.Fatalf("%v to %v: %v leads not to %v in path %+v", a, b, x, y, path)
		}
	}
	if c.messages != path.Messages || int64(c.steps) != path.Steps {
		t.Fatalf("%v to %v: path %+v has %+v", a, b, path, c)
	}
}

// TestTwin holds all pairs of random traces to the twin, with messages in memory and in a file.
func TestTwin(t *testing.T) {
	both := 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		logs := randomLogs(rand.New(rand.NewPCG(seed, 1)), rapid.IntRange(1, 5).Draw(t, "processes"),
			rapid.IntRange(1, 40).Draw(t, "events"), rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "faults"))
		g := graphOf(t, logs, rapid.SampledFrom([]int64{0, 4, 1 << 20}).Draw(t, "held"))
		both += agree(t, g, logs)
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if both == 0 {
		t.Error("no pair was on a cycle, so nothing was shown of them")
	}
}

// TestAllPairs holds all pairs of traces of 300 events to the twin.
func TestAllPairs(t *testing.T) {
	for _, faults := range []float64{0, 0.03} {
		logs := randomLogs(rand.New(rand.NewPCG(7, 7)), 6, 300, faults)
		g := graphOf(t, logs, 1<<20)
		if g.Events() != 300 {
			t.Fatalf("%d events", g.Events())
		}
		agree(t, g, logs)
	}
}
