package convert_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

// deposit is a deposit by customer 1 at branch 1 of two, and a refused withdrawal and a query by customer 2 at branch 2,
// with events that the course's files leave out.
func deposit() []trace.Event {
	one, two, three := trace.ID{Process: "customer-1", N: 1}, trace.ID{Process: "customer-2", N: 1}, trace.ID{Process: "customer-2", N: 2}
	return []trace.Event{
		{Process: "customer-2", Clock: 1, Kind: trace.Send, Peer: "branch-2", Request: two, Step: trace.StepRequest, Op: trace.OpWithdraw},
		{Process: "customer-1", Clock: 1, Kind: trace.Send, Peer: "branch-1", Request: one, Step: trace.StepRequest, Op: trace.OpDeposit},
		{Process: "branch-1", Clock: 2, Kind: trace.Receive, Peer: "customer-1", Request: one, Step: trace.StepRequest, Op: trace.OpDeposit},
		{Process: "branch-1", Clock: 3, Kind: trace.Local, Request: one, Step: trace.StepOrder},
		{Process: "branch-1", Clock: 4, Kind: trace.Send, Peer: "branch-2", Request: one, Step: trace.StepPropagate},
		{Process: "branch-2", Clock: 2, Kind: trace.Receive, Peer: "customer-2", Request: two, Step: trace.StepRequest, Op: trace.OpWithdraw},
		{Process: "branch-2", Clock: 3, Kind: trace.Send, Peer: "branch-1", Request: two, Step: trace.StepPropagate},
		{Process: "branch-2", Clock: 5, Kind: trace.Receive, Peer: "branch-1", Request: one, Step: trace.StepPropagate},
		{Process: "branch-2", Clock: 6, Kind: trace.Send, Peer: "branch-1", Step: trace.StepAcknowledge},
		{Process: "branch-1", Clock: 5, Kind: trace.Receive, Peer: "branch-2", Request: two, Step: trace.StepPropagate},
		{Process: "customer-1", Clock: 9, Kind: trace.Receive, Peer: "branch-1", Request: one, Step: trace.StepRespond, Result: trace.OK, Balance: trace.KnownBalance(570)},
		{Process: "customer-2", Clock: 9, Kind: trace.Receive, Peer: "branch-2", Request: two, Step: trace.StepRespond, Result: trace.Insufficient, Balance: trace.KnownBalance(570)},
		{Process: "customer-2", Clock: 10, Kind: trace.Send, Peer: "branch-1", Request: three, Step: trace.StepRequest, Op: trace.OpQuery},
		{Process: "branch-1", Clock: 11, Kind: trace.Receive, Peer: "customer-2", Request: three, Step: trace.StepRequest, Op: trace.OpQuery},
		{Process: "customer-2", Clock: 13, Kind: trace.Receive, Peer: "branch-1", Request: three, Step: trace.StepRespond, Result: trace.OK, Balance: trace.KnownBalance(0)},
	}
}

func TestCourseWrite(t *testing.T) {
	course := convert.Course{Number: func(id trace.ID) int {
		return map[string]int{"customer-1": 1, "customer-2": 2}[id.Process] + int(id.N) - 1
	}}
	for _, e := range deposit() {
		if err := course.Add(&e); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	paths, err := course.Write(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got.Files = append(got.Files, txtar.File{Name: filepath.Base(path), Data: data})
	}
	golden := filepath.Join("testdata", "course-out.txtar")
	if *update {
		if err := os.WriteFile(golden, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
	without, err := course.Write(filepath.Join(dir, "below"), false)
	if err != nil || len(without) != 3 {
		t.Errorf("without balances: %q, %v", without, err)
	}
}

func TestCourseAddRefusesOtherNames(t *testing.T) {
	for _, process := range []string{"shop", "branch-", "branch-x", "till-1"} {
		if err := new(convert.Course).Add(&trace.Event{Process: process}); err == nil {
			t.Errorf("process %q is taken", process)
		}
	}
	e := trace.Event{Process: "branch-1", Peer: "till", Kind: trace.Send, Step: trace.StepPropagate, Request: trace.ID{Process: "customer-1", N: 1}}
	if err := new(convert.Course).Add(&e); err == nil {
		t.Error("peer till is taken")
	}
}
