package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// randomSpec draws a small bank with a random workload.
func randomSpec(seed uint64) Spec {
	r := rand.New(rand.NewPCG(seed, 0))
	s := DefaultSpec()
	s.Seed, s.Branches, s.Customers, s.Requests = seed, 1+r.IntN(7), 1+r.IntN(8), 10+r.IntN(90)
	s.Accounts, s.Opening, s.Roaming = 1+r.IntN(3), r.Int64N(500), r.Float64()
	return s
}

// config returns what a Spec describes.
func config(t testing.TB, s Spec) Config {
	t.Helper()
	cfg, err := s.Config()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestRandomWorkloadsSettleAlike(t *testing.T) {
	refused := int64(0)
	for seed := range uint64(500) {
		cfg := config(t, randomSpec(seed))
		r, err := Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != int64(cfg.Mix.Requests) {
			t.Fatalf("seed %d: %d of %d requests answered", seed, r.Requests, cfg.Mix.Requests)
		}
		for i := range r.Accounts {
			if diff := cmp.Diff(r.Accounts[0], r.Accounts[i]); diff != "" {
				t.Fatalf("seed %d: branch-1 and branch-%d differ:\n%s", seed, i+1, diff)
			}
		}
		refused += r.Requests - r.OK
	}
	if refused == 0 {
		t.Error("no workload had a request that was not ok")
	}
}

// recorded is a Sink that keeps the events of all processes, and checks the condition of Lamport 1978 as they come.
type recorded struct {
	sends  map[trace.Ref]uint64
	clocks map[string]uint64
	seqs   map[string]uint64
	orders map[string][]clock.Timestamp
	errs   []error
}

func (r *recorded) Header(*trace.Header) error { return nil }
func (r *recorded) End(*trace.End) error       { return nil }
func (r *recorded) Event(e *trace.Event) error {
	if e.Clock <= r.clocks[e.Process] || e.Seq != r.seqs[e.Process]+1 {
		r.errs = append(r.errs, fmt.Errorf("%v at clock %d follows seq %d at %d", e.Ref(), e.Clock, r.seqs[e.Process], r.clocks[e.Process]))
	}
	r.clocks[e.Process], r.seqs[e.Process] = e.Clock, e.Seq
	switch e.Kind {
	case trace.Send:
		r.sends[e.Ref()] = e.Clock
	case trace.Receive:
		if sent, ok := r.sends[e.CauseRef()]; !ok || sent >= e.Clock || sent != e.Stamp {
			r.errs = append(r.errs, fmt.Errorf("%v at %d receives %v sent at %d", e.Ref(), e.Clock, e.CauseRef(), sent))
		}
		delete(r.sends, e.CauseRef())
	}
	if e.Step == trace.StepExecute && !e.Write.IsZero() {
		r.orders[e.Process] = append(r.orders[e.Process], clock.Timestamp{Clock: e.At, Process: e.Write.Process})
	}
	return nil
}

func TestClocksAndOrder(t *testing.T) {
	for seed := range uint64(50) {
		r := &recorded{sends: map[trace.Ref]uint64{}, clocks: map[string]uint64{}, seqs: map[string]uint64{}, orders: map[string][]clock.Timestamp{}}
		cfg := config(t, randomSpec(seed))
		cfg.Sink = func(string) (Sink, error) { return r, nil }
		if _, err := Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		for _, err := range r.errs {
			t.Errorf("seed %d: %v", seed, err)
		}
		if len(r.sends) > 0 {
			t.Errorf("seed %d: %d messages were never received", seed, len(r.sends))
		}
		for _, name := range cfg.Branches {
			order := r.orders[name]
			for i := 1; i < len(order); i++ {
				if !order[i-1].Less(order[i]) {
					t.Errorf("seed %d: %s executes %v after %v", seed, name, order[i], order[i-1])
				}
			}
			if diff := cmp.Diff(r.orders[cfg.Branches[0]], order); diff != "" {
				t.Errorf("seed %d: %s executes another sequence than %s:\n%s", seed, name, cfg.Branches[0], diff)
			}
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	logs := func() map[string]string {
		buffers := map[string]*bytes.Buffer{}
		writers := map[string]*trace.Writer{}
		cfg := config(t, randomSpec(7))
		cfg.Sink = func(process string) (Sink, error) {
			buffers[process] = &bytes.Buffer{}
			writers[process] = trace.NewWriter(buffers[process])
			return writers[process], nil
		}
		if _, err := Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for process, w := range writers {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			all[process] = buffers[process].String()
		}
		return all
	}
	if diff := cmp.Diff(logs(), logs()); diff != "" {
		t.Error(diff)
	}
}

func TestTwoWithdrawalsAtOnce(t *testing.T) {
	for seed := range uint64(500) {
		withdraw := func(branch int) []Step {
			s := Step{Branch: branch}
			s.Op, s.Account, s.Amount = trace.OpWithdraw, "main", 300
			return []Step{s}
		}
		r, err := Run(t.Context(), Config{
			Seed: seed, Branches: Names("branch", 3), Customers: Names("customer", 2), Opening: map[string]int64{"main": 400},
			Workload: &list{withdraw(0), withdraw(1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.OK != 1 || r.Accounts[0][0].Amount != 100 {
			t.Fatalf("seed %d: %d withdrawals of 300 from 400 succeeded, %v is left", seed, r.OK, r.Accounts[0])
		}
	}
}

// list is a workload of fixed steps by customer.
type list [][]Step

func (l *list) Next(i int) (Step, bool) {
	if len((*l)[i]) == 0 {
		return Step{}, false
	}
	s := (*l)[i][0]
	(*l)[i] = (*l)[i][1:]
	return s, true
}
