package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// ledger is what the logs of a run say, read without the checker.
type ledger struct {
	opening      map[string]int64
	requests     map[trace.ID]*entry
	accounts     map[string]map[string]int64 // branch -> account -> balance, from the writes that took effect there
	copies       int64
	agreements   int64 // executions of grants and fences
	events       int64
	incarnations map[string]uint64
}

// entry is what the logs say of one request.
type entry struct {
	op       customer.Operation
	sends    int64
	result   trace.Result   // that the customer received; ResultNone without an answer that settles
	executed map[string]int // branch -> how often it took effect there
}

// readLogs reads all logs of a trace. The error says which are no logs, or not one process's incarnations in order.
func readLogs(dir string, opening map[string]int64) (*ledger, error) {
	folder, err := trace.Find(dir)
	if err != nil {
		return nil, err
	}
	l := &ledger{opening: opening, requests: map[trace.ID]*entry{}, accounts: map[string]map[string]int64{}, incarnations: map[string]uint64{}}
	var errs []error
	for _, log := range folder.Logs {
		errs = append(errs, l.read(log))
	}
	return l, errors.Join(errs...)
}

func (l *ledger) read(log trace.Log) (err error) {
	r, err := log.Open(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	whole := false
	for r.Scan() {
		whole = false
		switch rec := r.Record().(type) {
		case *trace.Header:
			if l.incarnations[log.Name]++; rec.Incarnation != l.incarnations[log.Name] || rec.Process != log.Name {
				return fmt.Errorf("%s:%d: header of %s's incarnation %d, not of %s's %d", r.File(), r.Line(),
					rec.Process, rec.Incarnation, log.Name, l.incarnations[log.Name])
			}
			if rec.Role == "branch" && l.accounts[log.Name] == nil {
				l.accounts[log.Name] = maps.Clone(l.opening)
			}
		case *trace.Event:
			l.events++
			l.take(rec)
		case *trace.End:
			whole = true
		case *trace.SyntaxError:
			return rec
		}
	}
	if r.Err() == nil && !whole {
		return fmt.Errorf("%s does not end with an end record", r.File())
	}
	return r.Err()
}

// take takes in an event.
func (l *ledger) take(e *trace.Event) {
	if e.Step != trace.StepRequest && e.Step != trace.StepRespond && e.Step != trace.StepExecute {
		return
	}
	if e.Op == trace.OpGrant || e.Op == trace.OpFence {
		l.agreements++
		return // between branches
	}
	q := l.requests[e.Request]
	if q == nil {
		q = &entry{executed: map[string]int{}}
		l.requests[e.Request] = q
	}
	switch {
	case e.Step == trace.StepRequest && e.Kind == trace.Send:
		q.op = customer.Operation{Op: e.Op, Account: e.Account, ToAccount: e.ToAccount, Amount: e.Amount}
		q.sends++
	case e.Step == trace.StepRespond && e.Kind == trace.Receive && e.Result != trace.Unknown:
		q.result = e.Result
	case e.Step == trace.StepExecute && e.Op != trace.OpQuery && e.Result == trace.Duplicate:
		l.copies++
	case e.Step == trace.StepExecute && e.Op != trace.OpQuery && e.Result == trace.OK:
		q.executed[e.Process]++
		has := l.accounts[e.Process]
		switch e.Op {
		case trace.OpDeposit:
			has[e.Account] += e.Amount
		case trace.OpWithdraw:
			has[e.Account] -= e.Amount
		case trace.OpTransfer:
			has[e.Account] -= e.Amount
			has[e.ToAccount] += e.Amount
		}
	}
}

// most is how many contradictions are listed.
const most = 20

// compare holds against each other what the commands said, what the logs say and what the branches had at the end.
func (w *world) compare(l *ledger, all []*bankv1.GetStatusResponse, r *Result) error {
	var errs []error
	known, sum := 0, int64(0)
	for _, balance := range l.opening {
		sum += balance
	}
	for _, c := range w.customers {
		for i, t := range c.requests {
			id := trace.ID{Process: c.name, N: uint64(i + 1)}
			q := l.requests[id]
			if q == nil {
				errs = append(errs, fmt.Errorf("%s was made, and no log knows of it", id))
				continue
			}
			known++
			r.count(t, q)
			errs = append(errs, w.compareOne(id, t, q))
			if q.result == trace.OK {
				sum += gain(q.op)
			}
		}
	}
	if known != len(l.requests) {
		errs = append(errs, fmt.Errorf("the logs have %d requests, and the customers made %d", len(l.requests), known))
	}
	for _, s := range all {
		errs = append(errs, w.compareAccounts(s, l.accounts[s.Process], sum))
		if !maps.Equal(balances(s), balances(all[0])) {
			errs = append(errs, fmt.Errorf("%s has %v, %s %v", s.Process, balances(s), all[0].Process, balances(all[0])))
		}
	}
	r.Events, r.Copies, r.Agreements = l.events, l.copies, l.agreements
	for _, b := range w.bank.branches {
		n := l.incarnations[b.name()]
		r.BranchIncarnations += int64(n)
		errs = append(errs, compareIncarnations(b.name(), n, b.starts))
	}
	for _, c := range w.customers {
		n := l.incarnations[c.name]
		r.CustomerIncarnations += int64(n)
		errs = append(errs, compareIncarnations(c.name, n, c.commands))
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) > most {
		errs = append(errs[:most], fmt.Errorf("and %d more", len(errs)-most))
	}
	return errors.Join(errs...)
}

func (r *Result) count(t told, q *entry) {
	r.Requests++
	r.Retries += q.sends - 1
	switch {
	case q.result == trace.OK:
		r.OK++
	case q.result != trace.ResultNone || t.result == trace.Refused:
		r.Refused++
	default:
		r.Unanswered++
	}
	if t.result == trace.ResultNone && q.result != trace.ResultNone {
		r.Untold++
	}
}

// compareOne says what is wrong with one request, nil if nothing is.
func (w *world) compareOne(id trace.ID, t told, q *entry) error {
	if q.op != t.op {
		return fmt.Errorf("%s: asked for was %+v, and the customer's log has %+v", id, t.op, q.op)
	}
	// A refusal that no branch recorded has no receive event.
	unrecorded := t.result == trace.Refused && q.result == trace.ResultNone
	if t.result != trace.ResultNone && t.result != q.result && !unrecorded {
		return fmt.Errorf("%s: the command said %s, and the customer's log has %s", id, t.result, q.result)
	}
	if t.op.Op == trace.OpQuery {
		return nil
	}
	want := 0
	if q.result == trace.OK {
		want = 1
	}
	for _, b := range w.bank.branches {
		if n := q.executed[b.name()]; n != want {
			return fmt.Errorf("%s: the %s ended with %s, and took effect %d times at %s", id, t.op.Op, q.result, n, b.name())
		}
	}
	return nil
}

// compareIncarnations says what is wrong with the number of a process's incarnations. One that was killed early has left
// no header.
func compareIncarnations(name string, logged, started uint64) error {
	if logged < 1 || logged > started {
		return fmt.Errorf("%s was started %d times, and its log has %d incarnations", name, started, logged)
	}
	return nil
}

// compareAccounts says what is wrong with what a branch had at the end.
func (w *world) compareAccounts(s *bankv1.GetStatusResponse, logged map[string]int64, sum int64) error {
	has := int64(0)
	for account, balance := range balances(s) {
		has += balance
		if balance < 0 {
			return fmt.Errorf("%s has %d in %s", s.Process, balance, account)
		}
	}
	if has != sum {
		return fmt.Errorf("%s has %d in all, and by what was acknowledged it should be %d", s.Process, has, sum)
	}
	if !maps.Equal(logged, balances(s)) {
		return fmt.Errorf("%s has %v, and by the writes in its log it should be %v", s.Process, balances(s), logged)
	}
	return nil
}

// check runs the checker over the trace, which must pass, and have seen all of it.
func (b *bank) check(ctx context.Context, r *Result) error {
	text, err := exec.CommandContext(ctx, b.binary, "check", "--report", "json", b.trace()).Output()
	if err != nil {
		readable, _ := exec.CommandContext(ctx, b.binary, "check", b.trace()).CombinedOutput()
		return fmt.Errorf("check: %w\n%s", err, readable)
	}
	var report struct {
		Verdict   string
		Events    int64
		Processes int
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if report.Verdict != "pass" || report.Events != r.Events || report.Processes == 0 {
		return fmt.Errorf("check: %s over %d events of %d processes, and the logs have %d events", report.Verdict, report.Events, report.Processes, r.Events)
	}
	return nil
}
