package viewer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// randomEvents draws a trace, faults included: clocks that stand still or fall, messages lost, received twice and never sent.
func randomEvents(t *rapid.T) map[string][]trace.Event {
	names := []string{"a", "b", "c/d", "e f"}[:rapid.IntRange(1, 4).Draw(t, "processes")]
	events := map[string][]trace.Event{}
	clocks := map[string]uint64{}
	var sent []trace.Ref
	for i := range rapid.IntRange(1, 120).Draw(t, "events") {
		name := rapid.SampledFrom(names).Draw(t, "process")
		clocks[name] = uint64(max(1, int(clocks[name])+rapid.IntRange(-1, 9).Draw(t, "tick")))
		e := trace.Event{
			Process: name, Seq: uint64(len(events[name]) + 1), Clock: clocks[name], Kind: trace.Local,
			Step:    rapid.SampledFrom([]trace.Step{trace.StepNone, trace.StepExecute, trace.StepOrder}).Draw(t, "step"),
			Account: rapid.SampledFrom([]string{"", "main", "x"}).Draw(t, "account"),
		}
		if rapid.Bool().Draw(t, "asked") {
			e.Request = trace.ID{Process: "e f", N: uint64(rapid.IntRange(1, 4).Draw(t, "n"))}
		}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			e.Kind, e.Peer = trace.Send, rapid.SampledFrom(names).Draw(t, "to")
			sent = append(sent, e.Ref())
		case 1:
			e.Kind, e.Peer, e.Cause = trace.Receive, names[0], uint64(i+1)
			if len(sent) > 0 {
				from := rapid.SampledFrom(sent).Draw(t, "from")
				e.Peer, e.Cause = from.Process, from.Seq
			}
		}
		events[name] = append(events[name], e)
	}
	return events
}

// logsOf writes the logs of a trace to a folder.
func logsOf(t interface {
	Fatal(...any)
	Helper()
}, dir string, events map[string][]trace.Event) {
	t.Helper()
	for name, list := range events {
		var text []byte
		for i := range list {
			text = trace.AppendEvent(text, &list[i])
		}
		if err := os.WriteFile(trace.LogPath(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// opened opens the trace in a folder.
func opened(t interface {
	Fatal(...any)
	Helper()
}, dir string) *Viewer {
	t.Helper()
	folder, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Open(context.Background(), folder, Options{Name: filepath.Base(dir)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// onRandom runs a check on random traces.
func onRandom(t *testing.T, does func(t *rapid.T, ix *index, events map[string][]trace.Event)) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		events := randomEvents(t)
		logsOf(t, dir, events)
		v := opened(t, dir)
		defer v.Close()
		does(t, v.now.index, events)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
}
