package sim

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// modeEvents simulates one workload in a mode and returns its events by clock.
func modeEvents(t *testing.T, mode string, requests int, change func(*Spec)) []trace.Event {
	s := DefaultSpec()
	s.Mode, s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Opening = mode, 2, 5, 10, requests, 2, 5000
	if change != nil {
		change(&s)
	}
	_, report, logs, err := checked(t.Context(), config(t, s), ablation{})
	if err != nil || report.ExitStatus() != 0 {
		t.Fatalf("mode %s: %v", mode, err)
	}
	var events []trace.Event
	for r := trace.NewReader(bytes.NewReader(logs), "logs"); r.Scan(); {
		if e, ok := r.Record().(*trace.Event); ok {
			events = append(events, e.Clone())
		}
	}
	slices.SortFunc(events, func(a, b trace.Event) int {
		return cmp.Or(cmp.Compare(a.Clock, b.Clock), strings.Compare(a.Process, b.Process))
	})
	return events
}

// costs counts messages between branches for each write that took effect, and how long branches took to answer for one.
func costs(events []trace.Event) (perWrite map[trace.Step]float64, median time.Duration) {
	perWrite = map[trace.Step]float64{}
	asked, ordered := map[trace.ID]int64{}, map[trace.ID]bool{}
	var waits []int64
	for i := range events {
		e := &events[i]
		switch {
		case e.Step == trace.StepRequest && e.Kind == trace.Receive && e.Op != trace.OpQuery:
			asked[e.Request] = e.Wall
		case e.Step == trace.StepRespond && e.Kind == trace.Send && asked[e.Request] > 0:
			waits = append(waits, e.Wall-asked[e.Request])
		case e.Step == trace.StepOrder && !e.Request.IsZero():
			ordered[e.Write] = true
		case e.Kind == trace.Send && e.Step != trace.StepRequest && e.Step != trace.StepRespond:
			perWrite[e.Step]++
		}
	}
	for step := range perWrite {
		perWrite[step] /= float64(len(ordered))
	}
	slices.Sort(waits)
	return perWrite, time.Duration(waits[len(waits)/2])
}

func costTable(t *testing.T) string {
	modes := []string{branch.ModeTotal, branch.ModeCausal}
	var b strings.Builder
	b.WriteString("| messages between branches, for each write | total | causal |\n|---|---|---|\n")
	per, median := map[string]map[trace.Step]float64{}, map[string]time.Duration{}
	steps := map[trace.Step]bool{}
	for _, mode := range modes {
		per[mode], median[mode] = costs(modeEvents(t, mode, 2000, nil))
		for step := range per[mode] {
			steps[step] = true
		}
	}
	all := map[string]float64{}
	for _, step := range slices.Sorted(maps.Keys(steps)) {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f |\n", step, per[modes[0]][step], per[modes[1]][step])
		for _, mode := range modes {
			all[mode] += per[mode][step]
		}
	}
	fmt.Fprintf(&b, "| all | %.2f | %.2f |\n", all[modes[0]], all[modes[1]])
	fmt.Fprintf(&b, "| median time from a write's request to its answer, at the branch (virtual) | %v | %v |\n",
		median[modes[0]].Round(10*time.Microsecond), median[modes[1]].Round(10*time.Microsecond))
	return b.String()
}

// withdrawal shows a withdrawal of most that an account has, which no branch may do alone in mode causal.
func withdrawal(t *testing.T, mode string) string {
	var events []trace.Event
	for seed := uint64(1); !slices.ContainsFunc(events, func(e trace.Event) bool { return e.Step == trace.StepRequest && e.Amount > 60 }); seed++ {
		events = modeEvents(t, mode, 1, func(s *Spec) {
			s.Seed, s.Branches, s.Customers, s.Accounts, s.Opening, s.MaxAmount = seed, 3, 1, 1, 100, 90
			s.Mix.Query, s.Mix.Deposit, s.Mix.Transfer, s.Mix.Withdraw = 0, 0, 0, 1
		})
	}
	var b strings.Builder
	b.WriteString("```\n")
	for i := range events {
		e := &events[i]
		fmt.Fprintf(&b, "%3d  %-10s  %-7s  %s", e.Clock, e.Process, e.Kind, e.Step)
		if e.Peer != "" {
			fmt.Fprintf(&b, " %s %s", map[trace.Kind]string{trace.Send: "to", trace.Receive: "from"}[e.Kind], e.Peer)
		}
		if e.Op != trace.OpNone {
			fmt.Fprintf(&b, ": %s", e.Op)
		}
		if e.Amount > 0 {
			fmt.Fprintf(&b, " %d", e.Amount)
		}
		if e.ToBranch != "" {
			fmt.Fprintf(&b, " to %s", e.ToBranch)
		}
		if e.Balance.Known {
			fmt.Fprintf(&b, ", balance %d", e.Balance.Amount)
		}
		b.WriteString("\n")
	}
	b.WriteString("```\n")
	return b.String()
}

// TestModesPage keeps the figures and traces of docs/modes.md equal to what the simulator gives. -update writes them anew.
func TestModesPage(t *testing.T) {
	const path = "../../docs/modes.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for name, part := range map[string]string{
		"cost": costTable(t), "total": withdrawal(t, branch.ModeTotal), "causal": withdrawal(t, branch.ModeCausal),
	} {
		begin, end := "<!-- "+name+" -->\n", "<!-- end "+name+" -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no place for %q", path, name)
		}
		text = before + begin + part + end + after
	}
	if flag.Lookup("update").Value.String() == "true" { // it is declared by the tests from outside the package
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != string(page) {
		t.Errorf("%s is not what the simulator gives; run go test ./internal/sim -run ModesPage -update", path)
	}
}
