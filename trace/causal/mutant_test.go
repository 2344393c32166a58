package causal_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// TestMutants breaks a trace of the bank in every way that there is, and holds what is read of it to the twin, all pairs.
func TestMutants(t *testing.T) {
	answered, refused, cycles := 0, 0, 0
	for _, rule := range mutate.Rules() {
		for seed := range uint64(3) {
			whole, err := mutate.Causal()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mutate.Break(whole, rule, nil, seed); errors.Is(err, mutate.ErrNoPlace) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			dir, err := trace.Create(t.TempDir(), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := whole.Write(dir); err != nil {
				t.Fatal(err)
			}
			folder, err := trace.Find(dir.Path())
			if err != nil {
				t.Fatal(err)
			}
			read, err := causal.Read(t.Context(), folder, causal.Options{})
			var syntax *trace.SyntaxError
			if errors.As(err, &syntax) {
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", rule, err)
			}
			answered++
			if causal.Agree(t, read.Graph, logsOf(whole)) > 0 {
				cycles++
			}
			if err := read.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d mutants answered, %d of them with cycles, %d refused", answered, cycles, refused)
	if answered < 50 || cycles == 0 || refused == 0 {
		t.Errorf("%d mutants answered, %d of them with cycles, %d refused: this shows too little", answered, cycles, refused)
	}
}

// logsOf returns the events of each process in the order of its log.
func logsOf(whole *mutate.Trace) map[string][]trace.Event {
	logs := map[string][]trace.Event{}
	for _, l := range whole.Logs {
		for _, r := range l.Records {
			if r.Event != nil {
				logs[r.Event.Process] = append(logs[r.Event.Process], r.Event.Clone())
			}
		}
	}
	return logs
}

// all returns every event of a graph.
func all(g *causal.Graph) []causal.At {
	var events []causal.At
	for p := range g.Processes() {
		for pos := range g.Len(int32(p)) {
			events = append(events, causal.At{Process: int32(p), Pos: pos})
		}
	}
	return slices.Clip(events)
}
