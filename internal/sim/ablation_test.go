package sim

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// What an ablation may be found by, besides rules of the checker.
const (
	liveness = "liveness" // the bank does not settle
	refused  = "refused"  // a branch notices that its disk is an old copy
)

// ablated takes one thing out that the bank cannot do without.
type ablated struct {
	name   string
	faults string
	by     string // what finds it
	within uint64 // seeds
	make   func() ablation
}

func ablations() []ablated {
	return []ablated{
		{"clock restored too low after a crash", "crash=10", "clock/not-increasing", 10, func() ablation {
			return ablation{onRestart: func(_ string, s *branch.State) { s.Clock /= 2 }}
		}},
		{"send before the commit", "crash=10,slow-disk=0.5", "message/orphan-receive", 20, func() ablation {
			return ablation{sendEarly: true, onHandshake: forget, onMessage: func(_ *branch.Branch, m *branch.Message) { m.Seen = 0 }}
		}},
		{"promise without upto", "loss=0.1", "replica/order-differs", 20, func() ablation {
			return ablation{onMessage: func(_ *branch.Branch, m *branch.Message) { m.Upto = 0 }}
		}},
		{"promise read when the frame is built", "slow-disk=0.5", "replica/order-differs", 20, func() ablation {
			return ablation{onMessage: func(b *branch.Branch, m *branch.Message) { m.Promise = b.Now() }}
		}},
		{"acknowledge to the origin only", "", liveness, 10, acknowledgeToOrigin},
		{"no unanswered-sync retry", "loss=0.05", liveness, 10, func() ablation { return ablation{noRetry: true} }},
		{"no filter for old messages after a restart", "crash=40,duplicate=0.5", "message/duplicate-receive", 50, func() ablation {
			return ablation{onRestart: func(_ string, s *branch.State) { clear(s.Taken) }}
		}},
		{"token ignored", "delay=0.3", "session/read-your-writes", 20, func() ablation {
			return ablation{onCall: func(c *customer.Call) { c.Token = nil }}
		}},
		{"result remembered in another commit than its effect", "crash=10,slow-disk=0.3,loss=0.1", "replica/diverged", 200, forgetResults},
		{"old copy of a disk, noticed", "crash=10", refused, 10, oldCopy},
		{"old copy of a disk, not noticed", "crash=10", "log/sequence-gap", 10, func() ablation {
			a := oldCopy()
			a.onHandshake = forget
			a.onMessage = func(_ *branch.Branch, m *branch.Message) {
				m.Seen = 0
				m.Has = slices.DeleteFunc(m.Has.Clone(), func(e clock.Entry) bool { return e.Process == m.To })
			}
			return a
		}},
	}
}

// forget takes out of a handshake what one branch knows of the other.
func forget(up *branch.PeerUp) { up.Knows = branch.Knowledge{} }

// acknowledgeToOrigin drops acknowledgements to branches whose writes they do not acknowledge.
func acknowledgeToOrigin() ablation {
	return ablation{onBatch: func(batch []branch.Input, _ string, out *branch.Effects) {
		origins := map[string]bool{}
		for _, in := range batch {
			if m, ok := in.(*branch.Message); ok && m.Step == trace.StepPropagate {
				origins[m.Write.ID.Process] = true
			}
		}
		out.Messages = slices.DeleteFunc(out.Messages, func(m branch.Message) bool {
			return m.Step == trace.StepAcknowledge && !origins[m.To]
		})
	}}
}

// forgetResults stores the results of a batch together with the next.
func forgetResults() ablation {
	late := map[string][]branch.Execution{}
	return ablation{
		onBatch: func(_ []branch.Input, id string, out *branch.Effects) {
			before := late[id]
			late[id] = slices.Clone(out.Durable.Executed)
			for i := range out.Durable.Executed {
				out.Durable.Executed[i].First = false
			}
			out.Durable.Executed = append(before, out.Durable.Executed...)
		},
		onRestart: func(id string, _ *branch.State) { delete(late, id) },
	}
}

// oldCopy puts the disk back to where it was at the restart before.
func oldCopy() ablation {
	old := map[string]branch.State{}
	return ablation{onRestart: func(id string, s *branch.State) {
		if last, again := old[id]; again && last.Seq < s.Seq {
			*s = copyOf(last)
			return
		}
		old[id] = copyOf(*s)
	}}
}

func copyOf(s branch.State) branch.State {
	s.Executed = s.Executed.Clone()
	s.Writes, s.Balances, s.Results, s.Taken = maps.Clone(s.Writes), maps.Clone(s.Balances), maps.Clone(s.Results), maps.Clone(s.Taken)
	for origin, writes := range s.Writes {
		s.Writes[origin] = slices.Clone(writes)
	}
	return s
}

// foundBy returns everything that is wrong with a run.
func foundBy(report *check.Report, err error) []string {
	var by []string
	switch {
	case errors.Is(err, errUnsettled):
		by = append(by, liveness)
	case errors.Is(err, branch.ErrOldCopy):
		by = append(by, refused)
	case err != nil:
		by = append(by, "error: "+err.Error())
	}
	for _, r := range report.Rules {
		if r.Status == check.StatusFail {
			by = append(by, r.Rule)
		}
	}
	return by
}

// TestAblations takes out one thing after the other: each must be found, within a stated number of seeds, by the rule
// that one would expect; and without the ablation the same seeds find nothing.
func TestAblations(t *testing.T)       { ablate(t, branch.ModeTotal, ablations()) }
func TestCausalAblations(t *testing.T) { ablate(t, branch.ModeCausal, causalAblations()) }

func ablate(t *testing.T, mode string, all []ablated) {
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			faults, err := ParseFaults(a.faults)
			if err != nil {
				t.Fatal(err)
			}
			other := map[string]int{}
			for seed := range a.within {
				cfg := ablationConfig(t, seed, mode, faults)
				_, report, _, err := checked(t.Context(), cfg, a.make())
				if report == nil {
					t.Fatal(err)
				}
				by := foundBy(report, err)
				if slices.Contains(by, a.by) {
					_, report, _, err := checked(t.Context(), ablationConfig(t, seed, mode, faults), ablation{})
					if clean := foundBy(report, err); len(clean) > 0 {
						t.Fatalf("seed %d finds %v without the ablation too", seed, clean)
					}
					t.Logf("found by %s at seed %d, with %s; other seeds found %v", a.by, seed, strings.Join(by, ", "), other)
					return
				}
				for _, x := range by {
					other[x]++
				}
			}
			t.Errorf("not found by %s in %d seeds; found by %v", a.by, a.within, other)
		})
	}
}

func ablationConfig(t *testing.T, seed uint64, mode string, faults map[string]float64) Config {
	s := DefaultSpec()
	s.Mode = mode
	s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Opening = seed, 4, 6, 120, 2, 300
	s.Roaming, s.Mix.Query, s.Faults = 0.7, 5, faults
	cfg := config(t, s)
	cfg.Quiet = 3 * time.Second
	return cfg
}
