package cluster

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// kinds returns the different kinds of events in the logs, without what differs from run to run.
func (r recording) kinds(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	for process, log := range r {
		reader := trace.NewReader(bytes.NewReader(log.Bytes()), process)
		for reader.Scan() {
			// A real machine may stand still for longer than branches wait before they ask each other with a sync.
			if e, ok := reader.Record().(*trace.Event); ok && e.Step != trace.StepSync {
				seen[e.Kind.String()+" "+e.Step.String()+" "+e.Op.String()+" "+e.Result.String()] = true
			}
		}
		if err := reader.Err(); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for kind := range seen {
		all = append(all, kind)
	}
	slices.Sort(all)
	return all
}

func checkedRules(r *check.Report) []string {
	var all []string
	for _, rule := range r.Rules {
		all = append(all, rule.Rule+" "+string(rule.Status))
	}
	return all
}

// The same workload through real gRPC and through the simulator: the same kinds of events, the same rules checked, the
// same verdict.
func TestSimulatorIsLikeTheRealThing(t *testing.T) {
	s := &scenario.Scenario{Mode: scenario.ModeTotal, Branches: branches(3, map[string]int64{"main": 400, "savings": 50})}
	for id := 1; id <= 4; id++ {
		c := scenario.Customer{ID: id}
		for i := range 20 {
			at := 1 + (id+i)%3
			c.Steps = append(c.Steps, step("deposit", at, "main", 10), step("query", 1+at%3, "main", 0),
				step("withdraw", at, "main", 10), step("withdraw", at, "savings", 1<<40),
				scenario.Step{Op: "transfer", Branch: at, Account: "main", ToAccount: "savings", Amount: 1})
		}
		s.Customers = append(s.Customers, c)
	}
	real := recording{}
	if _, err := Run(t.Context(), Config{Scenario: s, Log: real.log}); err != nil {
		t.Fatal(err)
	}
	simulated := recording{}
	var writers []*trace.Writer
	_, err := sim.Run(t.Context(), sim.Config{
		Seed: 1, Branches: sim.Names("branch", 3), Customers: sim.Names("customer", 4), Opening: s.Opening(),
		Workload: sim.FromScenario(s),
		Sink: func(process string) (sim.Sink, error) {
			simulated[process] = &bytes.Buffer{}
			w := trace.NewWriter(simulated[process])
			writers = append(writers, w)
			return w, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range writers {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(real.kinds(t), simulated.kinds(t)); diff != "" {
		t.Errorf("kinds of events, real and simulated:\n%s", diff)
	}
	if diff := cmp.Diff(checkedRules(real.mustPass(t, s.Mode)), checkedRules(simulated.mustPass(t, s.Mode))); diff != "" {
		t.Errorf("rules, real and simulated:\n%s", diff)
	}
}
