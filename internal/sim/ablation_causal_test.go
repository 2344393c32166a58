package sim

import (
	"slices"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func causalAblations() []ablated {
	return []ablated{
		{"rights granted before durable", "crash=10,slow-disk=0.5", "message/orphan-receive", 20, func() ablation {
			return ablation{sendEarly: true, onHandshake: forget, onMessage: func(_ *branch.Branch, m *branch.Message) { m.Seen = 0 }}
		}},
		{"dependency check left out", "delay=0.3,loss=0.1", "replica/dependency-missing", 20, func() ablation {
			return ablation{onMessage: func(_ *branch.Branch, m *branch.Message) {
				if m.Write != nil {
					m.Write = withDeps(m.Write, func(string, uint64) bool { return true })
				}
			}}
		}},
		{"deps without grants", "delay=0.3,loss=0.1", "replica/dependency-missing", 20, depsWithoutGrants},
		{"fence left out", "loss=0.3,partition=4", "money/not-conserved", 100, func() ablation {
			return ablation{onCall: func(c *customer.Call) { c.Tried = nil }}
		}},
		{"only the last branch fenced", "loss=0.3,partition=4", "money/not-conserved", 100, onlyTheLast},
		{"token ignored: own writes", "delay=0.3", "session/read-your-writes", 20, noToken},
		{"token ignored: reads", "delay=0.3", "session/monotonic-reads", 20, noToken},
		{"token ignored: order of writes", "delay=0.3", "session/monotonic-writes", 50, noToken},
		{"token ignored: writes after reads", "delay=0.3", "session/writes-follow-reads", 50, noToken},
	}
}

func noToken() ablation { return ablation{onCall: func(c *customer.Call) { c.Token = nil }} }

// withDeps returns a copy of a write that depends on less.
func withDeps(w *branch.Write, less func(origin string, n uint64) bool) *branch.Write {
	c := *w
	c.Deps = nil
	for _, e := range w.Deps {
		for e.N > 0 && less(e.Process, e.N) {
			e.N--
		}
		if e.N > 0 {
			c.Deps = append(c.Deps, e)
		}
	}
	return &c
}

// depsWithoutGrants has writes depend on no grant.
func depsWithoutGrants() ablation {
	grants := map[trace.ID]bool{}
	return ablation{onMessage: func(_ *branch.Branch, m *branch.Message) {
		if m.Write == nil {
			return
		}
		if m.Write.Op == trace.OpGrant {
			grants[m.Write.ID] = true
		}
		m.Write = withDeps(m.Write, func(origin string, n uint64) bool { return grants[trace.ID{Process: origin, N: n}] })
	}}
}

// onlyTheLast names, of the branches that a request was sent to, only the newest and the one before.
func onlyTheLast() ablation {
	last := map[string]string{}
	return ablation{onCall: func(c *customer.Call) {
		tried := []string{c.Branch}
		if before := last[c.Stamp.Process]; len(c.Tried) > 1 && before != "" {
			tried = append(tried, before)
		}
		last[c.Stamp.Process] = c.Branch
		c.Tried = tried
	}}
}

// TestMoneyUnderWayIsNotMissing deposits and withdraws at random branches, one request after the other, by a customer who
// does not tell a branch what it has seen. So a branch learns of a deposit elsewhere, and of rights under way, only by
// asking. It refuses just what mode total refuses; one that does not wait for the join of the answers refuses others.
func TestMoneyUnderWayIsNotMissing(t *testing.T) {
	refusals := func(mode string, faults map[string]float64, a ablation) (all []int64) {
		for seed := range uint64(20) {
			s := DefaultSpec()
			s.Mode, s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Opening = mode, seed, 5, 1, 40, 1, 100
			s.Mix.Query, s.Mix.Transfer, s.Mix.Deposit, s.Mix.Withdraw = 0, 0, 1, 1
			s.Roaming, s.MaxAmount, s.Faults = 1, 900, faults
			a.onCall = func(c *customer.Call) { c.Token = nil }
			r, _, _, err := checked(t.Context(), config(t, s), a)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if r.Unknown > 0 {
				t.Fatalf("seed %d: %d requests were given up", seed, r.Unknown)
			}
			all = append(all, r.Requests-r.OK)
		}
		return all
	}
	faults := map[string]float64{"loss": 0.05}
	want := refusals(branch.ModeTotal, nil, ablation{})
	if got := refusals(branch.ModeCausal, faults, ablation{}); !slices.Equal(got, want) {
		t.Errorf("%d withdrawals are refused, by seed; %d are not covered", got, want)
	}
	hasty := ablation{onMessage: func(_ *branch.Branch, m *branch.Message) {
		if m.Step == trace.StepRightsGrant {
			m.Has = nil
		}
	}}
	if got := refusals(branch.ModeCausal, faults, hasty); slices.Equal(got, want) {
		t.Errorf("without the join just what is not covered is refused, %d: the test shows nothing", got)
	}
}
