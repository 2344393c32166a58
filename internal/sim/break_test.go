package sim

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// memory is a Sink that keeps a log as mutations take it.
type memory struct{ log *mutate.Log }

func (m memory) Header(h *trace.Header) error {
	c := h.Clone()
	m.log.Records = append(m.log.Records, mutate.Record{Header: &c})
	return nil
}

func (m memory) Event(e *trace.Event) error {
	c := e.Clone()
	m.log.Records = append(m.log.Records, mutate.Record{Event: &c})
	return nil
}

func (m memory) End(e *trace.End) error {
	c := *e
	m.log.Records = append(m.log.Records, mutate.Record{End: &c})
	return nil
}

// simulated returns the trace of a small random bank, whose customers roam.
func simulated(t testing.TB, seed uint64, requests int) *mutate.Trace {
	r := rand.New(rand.NewPCG(seed, 4))
	spec := DefaultSpec()
	spec.Seed, spec.Branches, spec.Customers, spec.Accounts = seed, 1+int(seed%5), 1+r.IntN(5), 1+r.IntN(4)
	spec.Requests, spec.Opening, spec.Roaming = requests+r.IntN(requests), 100+r.Int64N(300), r.Float64()
	return recordedFor(t, spec)
}

// recordedFor runs a simulation and returns its trace.
func recordedFor(t testing.TB, spec Spec) *mutate.Trace {
	cfg, err := spec.Config()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]*mutate.Log{}
	cfg.Sink = func(process string) (Sink, error) {
		names[process] = &mutate.Log{Name: process}
		return memory{names[process]}, nil
	}
	result, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := &mutate.Trace{Run: &trace.Run{Format: trace.Format, Mode: "total", Settled: result.Settled}}
	for _, name := range slices.Concat(cfg.Branches, cfg.Customers) {
		all.Logs = append(all.Logs, *names[name])
		all.Run.Processes = append(all.Run.Processes, name)
	}
	return all
}

// texts returns the logs as their files would be, by name.
func texts(t testing.TB, all *mutate.Trace) map[string][]byte {
	logs := map[string][]byte{}
	for i := range all.Logs {
		var b bytes.Buffer
		if err := all.Logs[i].Write(&b); err != nil {
			t.Fatal(err)
		}
		logs[all.Logs[i].Name] = b.Bytes()
	}
	return logs
}

// broken is a trace after a mutation.
type broken struct {
	*mutate.Trace
	change mutate.Change
}

// traces returns simulated traces, and one of mode causal.
func traces(t *testing.T, seeds uint64, requests int) []*mutate.Trace {
	var all []*mutate.Trace
	for seed := range seeds {
		all = append(all, simulated(t, seed, requests))
	}
	causal, err := mutate.Causal()
	if err != nil {
		t.Fatal(err)
	}
	return append(all, causal)
}

// breakAll breaks each trace that has a place for it by each rule, and hands the broken copies over. It returns how many
// traces had a place, by rule.
func breakAll(t *testing.T, traces []*mutate.Trace, each func(t *testing.T, b broken)) map[string]int {
	places := map[string]int{}
	for _, rule := range mutate.Rules() {
		for i, all := range traces {
			c := all.Clone()
			change, err := mutate.Break(c, rule, nil, uint64(i))
			if errors.Is(err, mutate.ErrNoPlace) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			places[rule]++
			t.Run(fmt.Sprintf("%s/%d", rule, i), func(t *testing.T) { each(t, broken{c, change}) })
		}
	}
	return places
}

// Each mutation violates its rule where it says, and no other rule that this one does not imply.
func TestBreakThenCheck(t *testing.T) {
	for _, r := range check.Rules() {
		if !slices.Contains(mutate.Rules(), r.Name) {
			t.Errorf("there is no mutation for %s", r.Name)
		}
	}
	for _, rule := range mutate.Rules() {
		if _, ok := check.LookupRule(rule); !ok {
			t.Errorf("there is a mutation for %s, and check has no such rule", rule)
		}
	}
	places := breakAll(t, traces(t, 25, 40), func(t *testing.T, b broken) {
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
			case !slices.Contains(b.change.Implies, f.Rule):
				t.Errorf("%s: %s: %s", b.change.Text, f.Rule, f.Message)
			}
		}
		if !hit {
			t.Errorf("%s: no finding of %s at %s, but %+v", b.change.Text, b.change.Rule, b.change.Event, report.Findings)
		}
	})
	for _, rule := range mutate.Rules() {
		if places[rule] == 0 {
			t.Errorf("%s: no trace had a place for it, so nothing was shown", rule)
		}
	}
}

// named reports whether a place of a finding is the one that the change names.
func (b broken) named(f *check.Finding, p *check.Place) bool {
	here := b.change.Event
	switch {
	case b.change.Rule == "log/missing": // the place is where the lost log is named
		return strings.Contains(f.Message, here.Process)
	case b.change.Rule == "money/not-conserved": // the place is a branch
		return p != nil && strings.HasPrefix(p.Process, "branch-")
	case p == nil:
		return false
	case b.change.Line > 0:
		return p.File == here.Process && p.Line == b.change.Line
	}
	return p.Process == here.Process && p.Seq == here.Seq
}

// The same, by the dumb checker.
func TestBreakAgainstTheTwin(t *testing.T) {
	places := breakAll(t, traces(t, 5, 6), func(t *testing.T, b broken) {
		var logs []checktest.Log
		for name, text := range texts(t, b.Trace) {
			logs = append(logs, checktest.Read(name, text))
		}
		found := checktest.Check(logs, checktest.Options{
			Strict: b.change.Rule == "clock/not-exact", Settled: b.Run.Settled, Processes: b.Run.Processes, Mode: b.Run.Mode,
		})
		here := b.change.Event.String()
		if b.change.Event.Seq == 0 {
			here = b.change.Event.Process
		}
		hit := false
		for _, f := range found {
			switch {
			case f.Rule == b.change.Rule:
				hit = hit || f.Event == here || f.Other == here || b.change.Rule == "money/not-conserved"
			case !slices.Contains(b.change.Implies, f.Rule):
				t.Errorf("%s: %+v", b.change.Text, f)
			}
		}
		if !hit {
			t.Errorf("%s: no finding of %s at %s, but %+v", b.change.Text, b.change.Rule, here, found)
		}
	})
	if len(places) < len(mutate.Rules())*3/4 {
		t.Errorf("only %d of %d rules had a place in any trace", len(places), len(mutate.Rules()))
	}
}

// The same trace, rule and seed give the same copy, and the trace itself stays.
func TestBreakIsRepeatable(t *testing.T) {
	all := simulated(t, 3, 20)
	before := texts(t, all)
	for _, rule := range mutate.Rules() {
		for seed := range uint64(3) {
			a, b := all.Clone(), all.Clone()
			_, err := mutate.Break(a, rule, nil, seed)
			if errors.Is(err, mutate.ErrNoPlace) {
				continue
			}
			if _, err := mutate.Break(b, rule, nil, seed); err != nil {
				t.Fatal(err)
			}
			if !maps.EqualFunc(texts(t, a), texts(t, b), bytes.Equal) {
				t.Errorf("%s, seed %d: two copies differ", rule, seed)
			}
		}
	}
	if !maps.EqualFunc(before, texts(t, all), bytes.Equal) {
		t.Error("breaking copies has changed the trace")
	}
}
