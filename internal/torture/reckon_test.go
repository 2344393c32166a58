package torture

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// soundRun is a run of two branches and one customer in which nothing is wrong: 500 at first, 70 put in, 30 taken, one
// withdrawal refused on the record and one off it, and a request whose command was killed before it could speak.
func soundRun() (*world, *ledger, []*bankv1.GetStatusResponse) {
	deposit := customer.Operation{Op: trace.OpDeposit, Account: "main", Amount: 70}
	withdraw := customer.Operation{Op: trace.OpWithdraw, Account: "main", Amount: 30}
	greedy := customer.Operation{Op: trace.OpWithdraw, Account: "main", Amount: 90000}
	c := &roamer{name: "customer-1", commands: 7, requests: []told{
		{deposit, trace.OK}, {withdraw, trace.ResultNone}, {greedy, trace.Insufficient}, {greedy, trace.Refused},
		{customer.Operation{Op: trace.OpQuery, Account: "main"}, trace.OK},
	}}
	b := &bank{branches: []*branch{{id: 1, starts: 3}, {id: 2, starts: 1}}}
	everywhere := map[string]int{"branch-1": 1, "branch-2": 1}
	id := func(n uint64) trace.ID { return trace.ID{Process: "customer-1", N: n} }
	l := &ledger{
		opening: map[string]int64{"main": 500},
		requests: map[trace.ID]*entry{
			id(1): {op: deposit, sends: 2, result: trace.OK, executed: everywhere},
			id(2): {op: withdraw, sends: 1, result: trace.OK, executed: map[string]int{"branch-1": 1, "branch-2": 1}},
			id(3): {op: greedy, sends: 1, result: trace.Insufficient, executed: map[string]int{}},
			id(4): {op: greedy, sends: 3, executed: map[string]int{}},
			id(5): {op: c.requests[4].op, sends: 1, result: trace.OK, executed: map[string]int{}},
		},
		accounts:     map[string]map[string]int64{"branch-1": {"main": 540}, "branch-2": {"main": 540}},
		incarnations: map[string]uint64{"branch-1": 3, "branch-2": 1, "customer-1": 6},
	}
	var all []*bankv1.GetStatusResponse
	for _, one := range b.branches {
		all = append(all, &bankv1.GetStatusResponse{Process: one.name(), Accounts: []*bankv1.AccountBalance{{Account: "main", Balance: 540}}})
	}
	return &world{bank: b, customers: []*roamer{c}}, l, all
}

func TestCompareFindsEveryContradiction(t *testing.T) {
	first := trace.ID{Process: "customer-1", N: 1}
	tests := []struct {
		what  string
		plant func(*world, *ledger, []*bankv1.GetStatusResponse)
		want  string // "" where nothing is wrong
	}{
		{"nothing", func(*world, *ledger, []*bankv1.GetStatusResponse) {}, ""},
		{"an acknowledged write is lost at one branch", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) {
			l.requests[first].executed = map[string]int{"branch-1": 1}
		}, "took effect 0 times at branch-2"},
		{"it is doubled at one branch", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) {
			l.requests[first].executed = map[string]int{"branch-1": 1, "branch-2": 2}
		}, "took effect 2 times at branch-2"},
		{"a refused write took effect", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) {
			l.requests[trace.ID{Process: "customer-1", N: 3}].executed["branch-1"] = 1
		}, "ended with insufficient, and took effect 1 times at branch-1"},
		{"one that was refused off the record did", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) {
			l.requests[trace.ID{Process: "customer-1", N: 4}].executed["branch-2"] = 1
		}, "took effect 1 times at branch-2"},
		{"a write without an answer took effect", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) {
			l.requests[trace.ID{Process: "customer-1", N: 2}].result = trace.ResultNone
		}, "took effect 1 times at branch-1"},
		{"command and log differ", func(w *world, _ *ledger, _ []*bankv1.GetStatusResponse) {
			w.customers[0].requests[0].result = trace.Insufficient
		}, "the command said insufficient, and the customer's log has ok"},
		{"asked and logged differ", func(w *world, _ *ledger, _ []*bankv1.GetStatusResponse) {
			w.customers[0].requests[0].op.Amount++
		}, "asked for was"},
		{"a request is in no log", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) { delete(l.requests, first) }, "no log knows of it"},
		{"a request came from nobody", func(w *world, l *ledger, _ []*bankv1.GetStatusResponse) {
			l.requests[trace.ID{Process: "customer-9", N: 1}] = &entry{}
		}, "the logs have 6 requests, and the customers made 5"},
		{"money came from nowhere, everywhere", func(_ *world, l *ledger, all []*bankv1.GetStatusResponse) {
			for _, s := range all {
				s.Accounts[0].Balance++
				l.accounts[s.Process]["main"]++
			}
		}, "should be 540"},
		{"a replica differs", func(_ *world, _ *ledger, all []*bankv1.GetStatusResponse) { all[1].Accounts[0].Balance-- }, "branch-2 has map[main:539], branch-1"},
		{"memory and log differ", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) { l.accounts["branch-2"]["main"] = 1 }, "by the writes in its log"},
		{"an account is overdrawn", func(_ *world, _ *ledger, all []*bankv1.GetStatusResponse) { all[0].Accounts[0].Balance = -1 }, "has -1 in main"},
		{"an incarnation too many", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) { l.incarnations["branch-2"]++ }, "was started 1 times, and its log has 2"},
		{"no incarnation", func(_ *world, l *ledger, _ []*bankv1.GetStatusResponse) { delete(l.incarnations, "customer-1") }, "its log has 0"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			w, l, all := soundRun()
			tt.plant(w, l, all)
			r := &Result{}
			err := w.compare(l, all, r)
			if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) && err != nil {
				t.Errorf("got %s; want %q", got, tt.want)
			}
			if tt.want == "" && (r.OK != 3 || r.Refused != 2 || r.Untold != 1 || r.Retries != 3 || r.BranchIncarnations != 4) {
				t.Errorf("counted %+v", r)
			}
		})
	}
}

func TestReadLogs(t *testing.T) {
	const (
		header = `{"format":"bank-trace/1","process":"branch-1","role":"branch","incarnation":%d,"mode":"total","peers":[],"opening":{"main":400},"ends":true}` + "\n"
		event  = `{"process":"branch-1","seq":%d,"clock":%d,"kind":"local","request":"customer-1/1","step":"execute","write":"branch-1/1","at":1,"op":"deposit","account":"main","amount":7,"balance":407,"result":"ok"}` + "\n"
		end    = `{"end":true,"process":"branch-1","events":2,"clock":2}` + "\n"
	)
	tests := []struct{ what, log, want string }{
		{"killed, restarted, stopped", fmt.Sprintf(header+event+header+event+end, 1, 1, 1, 2, 2, 2), ""},
		{"no end", fmt.Sprintf(header+event, 1, 1, 1), "does not end with an end record"},
		{"an incarnation is missing", fmt.Sprintf(header+header+end, 1, 3), "incarnation 3, not of branch-1's 2"},
		{"torn line", fmt.Sprintf(header, 1) + `{"process":"bra`, "branch-1.jsonl"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "branch-1.jsonl"), []byte(tt.log), 0o644); err != nil {
				t.Fatal(err)
			}
			l, err := readLogs(dir, map[string]int64{"main": 400})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v; want %q", err, tt.want)
			}
			if err == nil && (l.accounts["branch-1"]["main"] != 414 || l.incarnations["branch-1"] != 2 || l.events != 2) {
				t.Errorf("read %+v", l)
			}
		})
	}
}

func TestVacuousRunFails(t *testing.T) {
	min := Least{BranchKills: 4, BranchIncarnations: 7, CustomerKills: 4, Cuts: 4, Retries: 5, OK: 30}
	enough := Result{BranchKills: 4, BranchIncarnations: 7, CustomerKills: 4, Cuts: 4, Retries: 5, OK: 30}
	if err := min.met(&enough); err != nil {
		t.Error(err)
	}
	for i, spoil := range []func(*Result){
		func(r *Result) { r.BranchKills-- }, func(r *Result) { r.BranchIncarnations-- }, func(r *Result) { r.CustomerKills-- },
		func(r *Result) { r.Cuts-- }, func(r *Result) { r.Retries-- }, func(r *Result) { r.OK-- },
	} {
		r := enough
		spoil(&r)
		if err := min.met(&r); err == nil {
			t.Errorf("%d: a run that did too little passes", i)
		}
	}
}
