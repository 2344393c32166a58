package sim

import (
	"bytes"
	"testing"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// done counts, by branch, what was executed at its origin within a piece of virtual time, and what was asked there.
type done struct{ queries, deposits, withdrawals, asked map[string]int }

func doneWithin(t *testing.T, logs []byte, from, to time.Duration) done {
	t.Helper()
	d := done{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
	for r := trace.NewReader(bytes.NewReader(logs), "logs"); r.Scan(); {
		e, ok := r.Record().(*trace.Event)
		if !ok || e.Wall < int64(from) || e.Wall > int64(to) {
			continue
		}
		switch {
		case e.Step == trace.StepRequest && e.Kind == trace.Receive:
			d.asked[e.Process]++
		case e.Step != trace.StepExecute || e.Result != trace.OK:
		case e.Op == trace.OpQuery:
			d.queries[e.Process]++
		case e.Write.Process == e.Process && e.Op == trace.OpDeposit:
			d.deposits[e.Process]++
		case e.Write.Process == e.Process && e.Op == trace.OpWithdraw:
			d.withdrawals[e.Process]++
		}
	}
	return d
}

// TestABranchThatIsCutOff keeps one branch and its customers away from the others for three seconds. In mode causal it goes
// on: deposits, queries, and withdrawals within its rights. In mode total queries go on and writes wait. Afterwards all
// replicas agree, and the checker finds nothing.
func TestABranchThatIsCutOff(t *testing.T) {
	const from, to = 200 * time.Millisecond, 3 * time.Second
	for _, mode := range []string{branch.ModeTotal, branch.ModeCausal} {
		s := DefaultSpec()
		s.Mode, s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Opening = mode, 11, 3, 6, 3000, 2, 3000
		s.Roaming, s.MaxAmount, s.Think = 0, 20, 10*time.Millisecond
		s.Schedule = []Incident{{At: from / 2, For: to - from/2, Partition: []string{"branch-3", "customer-3", "customer-6"}}}
		r, report, logs, err := checked(t.Context(), config(t, s), ablation{})
		if err != nil || report.ExitStatus() != 0 || !r.Settled {
			t.Fatalf("mode %s: %v, exit status %d", mode, err, report.ExitStatus())
		}
		for i := range r.Executed {
			if !r.Executed[i].Equal(r.Executed[0]) {
				t.Errorf("mode %s: replicas have executed %v", mode, r.Executed)
			}
		}
		d := doneWithin(t, logs, from, to)
		t.Logf("mode %s, cut off from %v to %v: asked %v, queries %v, deposits %v, withdrawals %v", mode, from, to, d.asked, d.queries, d.deposits, d.withdrawals)
		for _, b := range []string{"branch-1", "branch-3"} {
			writes := d.deposits[b] + d.withdrawals[b]
			if mode == branch.ModeTotal && writes > 0 {
				t.Errorf("mode total: %s executes %d writes of its own without the others", b, writes)
			}
			if mode == branch.ModeCausal && (d.deposits[b] < 20 || d.withdrawals[b] < 20 || d.queries[b] < 20) {
				t.Errorf("mode causal: %s does not go on", b)
			}
		}
	}
}

// TestTenThousandWithdrawals at five branches under faults of every kind never overdraw: the checker looks at every balance
// at every replica.
func TestTenThousandWithdrawals(t *testing.T) {
	s := DefaultSpec()
	s.Mode, s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Opening = branch.ModeCausal, 5, 5, 40, 12000, 1, 200000
	s.Mix.Query, s.Mix.Deposit, s.Mix.Transfer, s.Mix.Withdraw = 0, 1, 0, 9
	s.Roaming, s.MaxAmount = 0.3, 100
	s.Faults = map[string]float64{"partition": 2, "one-way": 1, "loss": 0.05, "crash": 2, "delay": 0.1, "slow-disk": 0.05}
	r, report, logs, err := checked(t.Context(), config(t, s), ablation{})
	if err != nil || report.ExitStatus() != 0 {
		t.Fatalf("%v, exit status %d", err, report.ExitStatus())
	}
	asked, covered, refused, grants := map[trace.ID]bool{}, 0, 0, 0
	for lines := trace.NewReader(bytes.NewReader(logs), "logs"); lines.Scan(); {
		e, ok := lines.Record().(*trace.Event)
		switch {
		case !ok:
		case e.Step == trace.StepRequest && e.Op == trace.OpWithdraw:
			asked[e.Request] = true
		case e.Step == trace.StepExecute && e.Op == trace.OpWithdraw && e.Write.Process == e.Process:
			covered++
		case e.Step == trace.StepRespond && e.Kind == trace.Receive && e.Result == trace.Insufficient:
			refused++
		case e.Step == trace.StepOrder && e.Op == trace.OpGrant:
			grants++
		}
	}
	t.Logf("%d withdrawals: %d executed, %d refused as not covered, %d unknown in the end; %d grants of rights; %d kills, %d partitions, %d messages lost",
		len(asked), covered, refused, r.Unknown, grants, r.Kills, r.Partitions, r.Lost)
	if len(asked) < 10000 || refused < 1000 || grants < 100 || r.Kills < 20 || r.Partitions < 20 {
		t.Error("the run tested too little")
	}
}
