package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recording keeps the logs of a run in memory.
type recording map[string]*bytes.Buffer

func (r recording) log(process string) (Log, error) {
	r[process] = &bytes.Buffer{}
	return trace.NewWriter(r[process]), nil
}

// mustPass checks the logs of a settled run.
func (r recording) mustPass(t *testing.T, mode string) *check.Report {
	t.Helper()
	var sources []check.Source
	run := &trace.Run{Mode: mode, Settled: true}
	for process, log := range r {
		sources = append(sources, check.Bytes(process, log.Bytes()))
		run.Processes = append(run.Processes, process)
	}
	report, err := check.Check(t.Context(), sources, check.Options{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	if report.Verdict != check.Pass || report.InFlight != 0 || report.Uncovered != 0 {
		var text strings.Builder
		if err := report.WriteText(&text, check.TextOptions{MaxFindings: 5}); err != nil {
			t.Fatal(err)
		}
		t.Fatal(text.String())
	}
	return report
}

// balances returns what a customer's queries were told, in order.
func (r recording) balances(t *testing.T, customer string) []int64 {
	t.Helper()
	queries := map[trace.ID]bool{}
	var told []int64
	reader := trace.NewReader(r[customer], customer)
	for reader.Scan() {
		e, ok := reader.Record().(*trace.Event)
		switch {
		case ok && e.Kind == trace.Send && e.Op == trace.OpQuery:
			queries[e.Request] = true
		case ok && e.Kind == trace.Receive && queries[e.Request]:
			told = append(told, e.Balance.Amount)
		}
	}
	return told
}

func step(op string, branch int, account string, amount int64) scenario.Step {
	return scenario.Step{Op: op, Branch: branch, Account: account, Amount: amount}
}

func branches(n int, opening map[string]int64) []scenario.Branch {
	all := make([]scenario.Branch, n)
	for i := range all {
		all[i] = scenario.Branch{ID: i + 1, Opening: opening}
	}
	return all
}

// A customer deposits 400 at branch 1 and sees it at branch 2, withdraws it there and sees that, 200 times in a row, while
// ten others keep the bank busy.
func TestRoamingCustomerReadsItsWrites(t *testing.T) {
	const rounds = 200
	s := &scenario.Scenario{Mode: scenario.ModeTotal, Branches: branches(3, map[string]int64{"main": 0, "till": 5000})}
	roamer := scenario.Customer{ID: 1}
	for range rounds {
		roamer.Steps = append(roamer.Steps, step("deposit", 1, "main", 400), step("query", 2, "main", 0),
			step("withdraw", 2, "main", 400), step("query", 2, "main", 0))
	}
	s.Customers = append(s.Customers, roamer)
	for id := 2; id <= 11; id++ {
		busy := scenario.Customer{ID: id}
		for i := range rounds {
			busy.Steps = append(busy.Steps, step([]string{"deposit", "withdraw", "query"}[(i+id)%3], 1+(i+id)%3, "till", 0))
			if last := &busy.Steps[i]; last.Op != "query" {
				last.Amount = int64(1 + i%7)
			}
		}
		s.Customers = append(s.Customers, busy)
	}
	logs := recording{}
	result, err := Run(t.Context(), Config{Scenario: s, Log: logs.log})
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests != 14*rounds || result.Unknown > 0 {
		t.Fatalf("%d requests, %d of unknown outcome", result.Requests, result.Unknown)
	}
	logs.mustPass(t, s.Mode)
	told := logs.balances(t, "customer-1")
	if len(told) != 2*rounds {
		t.Fatalf("%d queries answered", len(told))
	}
	for i, balance := range told {
		if want := int64(400 * (1 - i%2)); balance != want {
			t.Fatalf("query %d: %d, want %d", i+1, balance, want)
		}
	}
}

// Two customers withdraw 300 each from 400 at two branches at once: exactly one succeeds, the same everywhere. 500 times,
// each on an account of its own.
func TestTwoWithdrawalsAtOnce(t *testing.T) {
	const runs = 500
	opening := map[string]int64{}
	var first, second []scenario.Step
	for i := range runs {
		account := fmt.Sprintf("account-%d", i)
		opening[account] = 400
		first = append(first, step("withdraw", 1, account, 300))
		second = append(second, step("withdraw", 2, account, 300))
	}
	logs := recording{}
	result, err := Run(t.Context(), Config{Log: logs.log, Scenario: &scenario.Scenario{
		Mode: scenario.ModeTotal, Branches: branches(2, opening),
		Customers: []scenario.Customer{{ID: 1, Steps: first}, {ID: 2, Steps: second}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if result.OK != runs || result.Failed != runs {
		t.Errorf("%d withdrawals succeeded and %d failed, of %d each", result.OK, result.Failed, runs)
	}
	for _, b := range result.Branches {
		for _, a := range b.Accounts {
			if a.Amount != 100 {
				t.Errorf("%s has %d in %s", b.Name, a.Amount, a.Account)
			}
		}
	}
	logs.mustPass(t, scenario.ModeTotal)
}

func TestStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("enough")
	customer := scenario.Customer{ID: 1}
	for range 100_000 {
		customer.Steps = append(customer.Steps, step("deposit", 1, "main", 1))
	}
	logs := recording{}
	_, err := Run(ctx, Config{Log: logs.log, Progress: func(n int64) {
		if n == 10 {
			cancel(stopped)
		}
	}, Scenario: &scenario.Scenario{
		Mode: scenario.ModeTotal, Branches: branches(2, map[string]int64{"main": 0}), Customers: []scenario.Customer{customer},
	}})
	if !errors.Is(err, stopped) {
		t.Fatalf("error %v", err)
	}
	for process, log := range logs {
		if text := log.String(); !strings.Contains(text, `{"end":true`) {
			t.Errorf("the log of %s has no end", process)
		}
	}
}
