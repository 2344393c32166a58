package sim

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

var (
	seeds     = flag.Uint64("seeds", 120, "how many seeds TestCampaign runs")
	firstSeed = flag.Uint64("first-seed", 0, "the first seed of TestCampaign")
)

// faultySpec draws a small bank and some faults, for each seed others.
func faultySpec(seed uint64) Spec {
	s := randomSpec(seed)
	r := rand.New(rand.NewPCG(seed, 1))
	s.Faults = map[string]float64{}
	for _, name := range faultNames() {
		if name == "lost-disk" {
			continue
		}
		if r.IntN(2) == 0 {
			s.Faults[name] = usual(name) * (0.2 + 3*r.Float64())
		}
	}
	s.Think = between(r, 0, 40e6)
	if s.Faults["crash"] > 0 && r.IntN(4) == 0 {
		s.Faults["lost-disk"] = r.Float64()
	}
	return s
}

// checked runs a configuration and checks its trace, also that of a run which failed. The logs come in order of process.
func checked(ctx context.Context, cfg Config, a ablation) (r *Result, report *check.Report, logs []byte, err error) {
	buffers := map[string]*bytes.Buffer{}
	writers := map[string]*trace.Writer{}
	cfg.Sink = func(process string) (Sink, error) {
		buffers[process] = &bytes.Buffer{}
		writers[process] = trace.NewWriter(buffers[process])
		return writers[process], nil
	}
	r, err = run(ctx, cfg, a)
	info := &trace.Run{Mode: cfg.Mode, Settled: err == nil && r.Settled}
	var sources []check.Source
	for _, process := range slices.Sorted(maps.Keys(writers)) {
		err = errors.Join(err, writers[process].Flush())
		info.Processes = append(info.Processes, process)
		sources = append(sources, check.Bytes(process, buffers[process].Bytes()))
		logs = append(logs, buffers[process].Bytes()...)
	}
	report, checkErr := check.Check(ctx, sources, check.Options{Run: info})
	return r, report, logs, errors.Join(err, checkErr)
}

// wrong says what is wrong with a run: "" if nothing is.
func wrong(ctx context.Context, s Spec) (what string, r *Result, logs []byte) {
	cfg, err := s.Config()
	if err != nil {
		return err.Error(), nil, nil
	}
	r, report, logs, err := checked(ctx, cfg, ablation{})
	switch {
	case err != nil:
		return err.Error(), r, logs
	case report.Verdict != check.Pass:
		var b strings.Builder
		if err := report.WriteText(&b, check.TextOptions{MaxFindings: 4}); err != nil {
			return err.Error(), r, logs
		}
		return b.String(), r, logs
	}
	for i := range r.Accounts {
		if fmt.Sprint(r.Accounts[i]) != fmt.Sprint(r.Accounts[0]) {
			return fmt.Sprintf("%v at branch-1, %v at branch-%d", r.Accounts[0], r.Accounts[i], i+1), r, logs
		}
	}
	return "", r, logs
}

// shrink looks for a smaller Spec that goes wrong too: fewer faults, branches, customers and requests.
func shrink(ctx context.Context, s Spec) Spec {
	for {
		smaller := func() (Spec, bool) {
			for _, candidate := range smallerThan(s) {
				if what, _, _ := wrong(ctx, candidate); what != "" {
					return candidate, true
				}
			}
			return s, false
		}
		next, found := smaller()
		if !found {
			return s
		}
		s = next
	}
}

func smallerThan(s Spec) []Spec {
	var all []Spec
	for _, name := range slices.Sorted(maps.Keys(s.Faults)) {
		c := s
		c.Faults = maps.Clone(s.Faults)
		delete(c.Faults, name)
		all = append(all, c)
	}
	for _, pick := range []func(*Spec) *int{
		func(s *Spec) *int { return &s.Requests },
		func(s *Spec) *int { return &s.Customers },
		func(s *Spec) *int { return &s.Branches },
		func(s *Spec) *int { return &s.Accounts },
	} {
		for n := *pick(&s); n > 1; {
			n /= 2
			c := s
			*pick(&c) = *pick(&s) - n
			all = append(all, c)
		}
	}
	return all
}

// report tells of a Spec that went wrong: whether it repeats, how to replay it, and the smallest case found.
func report(t *testing.T, s Spec, what string, logs []byte) {
	again, _, same := wrong(t.Context(), s)
	small := shrink(t.Context(), s)
	smallWhat, _, _ := wrong(t.Context(), small)
	t.Errorf("seed %d: %s\nthe same again: %v\nreplay: go test ./internal/sim -run TestCampaign -first-seed %d -seeds 1\nsmallest: %s\n%s",
		s.Seed, what, again == what && bytes.Equal(logs, same), s.Seed, small.Command(), smallWhat)
}

// TestCampaign runs many seeds, each with other faults, and checks every trace. A campaign in which too little happened
// fails too.
func TestCampaign(t *testing.T)       { campaign(t, branch.ModeTotal) }
func TestCausalCampaign(t *testing.T) { campaign(t, branch.ModeCausal) }

func campaign(t *testing.T, mode string) {
	if underRace {
		*seeds = min(*seeds, 30)
	}
	var total Result
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		s := faultySpec(seed)
		s.Mode = mode
		what, r, logs := wrong(t.Context(), s)
		if what != "" {
			report(t, s, what, logs)
			continue
		}
		total.add(r)
	}
	t.Logf("%d seeds: %d events, %d messages (%d lost, %d duplicated, %d overtaken), %d requests (%d ok, %d given up, %d retries, %d waits), %d kills, %d disks lost, %d partitions, %d pauses",
		*seeds, total.Events, total.Messages, total.Lost, total.Duplicated, total.Overtaken,
		total.Requests, total.OK, total.Unknown, total.Retries, total.Waits, total.Kills, total.Rejoins, total.Partitions, total.Pauses)
	if *seeds < 50 {
		return
	}
	n := int64(*seeds)
	for _, least := range []struct {
		what     string
		got, min int64
	}{
		{"kills", total.Kills, n}, {"lost disks", total.Rejoins, n / 10}, {"partitions", total.Partitions, n}, {"retries", total.Retries, 5 * n},
		{"session waits", total.Waits, n / 2}, {"lost messages", total.Lost, 10 * n}, {"requests that were ok", total.OK, 20 * n},
	} {
		if least.got < least.min {
			t.Errorf("only %d %s in %d seeds: the campaign tested too little, at least %d were expected", least.got, least.what, n, least.min)
		}
	}
}

func (r *Result) add(x *Result) {
	r.Events += x.Events
	r.Messages += x.Messages
	r.Requests += x.Requests
	r.OK += x.OK
	r.Unknown += x.Unknown
	r.Retries += x.Retries
	r.Waits += x.Waits
	r.Lost += x.Lost
	r.Duplicated += x.Duplicated
	r.Overtaken += x.Overtaken
	r.Kills += x.Kills
	r.Rejoins += x.Rejoins
	r.Partitions += x.Partitions
	r.Pauses += x.Pauses
}

// TestRegressions keeps the seeds that found a bug once.
func TestRegressions(t *testing.T) {
	for seed, bug := range map[uint64]string{
		356: "a restarted branch that was asked all the time never asked itself",
		511: "the same",
		838: "the same",
	} {
		s := faultySpec(seed)
		delete(s.Faults, "lost-disk") // it came later
		if what, _, _ := wrong(t.Context(), s); what != "" {
			t.Errorf("seed %d (%s): %s", seed, bug, what)
		}
	}
}

// TestCausalRegressions does the same for mode causal.
func TestCausalRegressions(t *testing.T) {
	for seed, bug := range map[uint64]string{
		280:   "a branch that joined again was told of events that were not durable, and took them for an old copy's",
		7420:  "a branch that joined again numbered a write before it had executed its own that its log knew",
		17468: "a peer took the old acknowledgements of a branch that joined again for new ones, and dropped what it needed",
		19807: "the same",
		13321: "a withdrawal that a rival was preferred to waited for ever in a world without faults",
	} {
		s := faultySpec(seed)
		s.Mode = branch.ModeCausal
		if what, _, _ := wrong(t.Context(), s); what != "" {
			t.Errorf("seed %d (%s): %s", seed, bug, what)
		}
	}
}

// TestSameSeedSameBytesUnderFaults runs some seeds twice.
func TestSameSeedSameBytesUnderFaults(t *testing.T) {
	for seed := range uint64(10) {
		_, _, first := wrong(t.Context(), faultySpec(seed))
		if _, _, second := wrong(t.Context(), faultySpec(seed)); !bytes.Equal(first, second) {
			t.Errorf("seed %d gives two different traces", seed)
		}
	}
}
