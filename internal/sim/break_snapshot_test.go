package sim

import (
	"slices"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// lossy returns the trace of a small random bank whose branches lose their disks, so that it has snapshots.
func lossy(t testing.TB, seed uint64) *mutate.Trace {
	spec := DefaultSpec()
	spec.Seed, spec.Branches, spec.Customers, spec.Accounts = seed, 2+int(seed%3), 2+int(seed%3), 1+int(seed%4)
	spec.Requests, spec.Roaming = 30, 0.5
	spec.Faults = map[string]float64{"crash": 40, "lost-disk": 1}
	return recordedFor(t, spec)
}

// Each mutation does the same to a trace with snapshots. Warnings are those of the crashes.
func TestBreakWithSnapshots(t *testing.T) {
	var all []*mutate.Trace
	snapshots := 0
	for seed := range uint64(9) {
		all = append(all, lossy(t, seed))
		for _, log := range all[seed].Logs {
			for _, r := range log.Records {
				if r.Event != nil && r.Event.Step == trace.StepSnapshot {
					snapshots++
				}
			}
		}
	}
	if snapshots < 10 {
		t.Fatalf("%d snapshots prove little", snapshots)
	}
	places := breakAll(t, all, func(t *testing.T, b broken) {
		var sources []check.Source
		for name, text := range texts(t, b.Trace) {
			sources = append(sources, check.Bytes(name, text))
		}
		report, err := check.Check(t.Context(), sources, check.Options{Strict: b.change.Rule == "clock/not-exact", Run: b.Run})
		if err != nil {
			t.Fatal(err)
		}
		hit := false
		for _, f := range report.Findings {
			switch {
			case f.Rule == b.change.Rule:
				hit = hit || b.named(&f, f.Event) || b.named(&f, f.Other)
			case f.Rule == "message/lost", f.Rule == "request/unanswered", slices.Contains(b.change.Implies, f.Rule):
			default:
				t.Errorf("%s: %s: %s", b.change.Text, f.Rule, f.Message)
			}
		}
		if !hit {
			t.Errorf("%s: no finding of %s at %s", b.change.Text, b.change.Rule, b.change.Event)
		}
	})
	if len(places) < 30 {
		t.Errorf("only %d mutations had a place: %v", len(places), places)
	}
}
