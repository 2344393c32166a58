package sim_test

import (
	"cmp"
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

var (
	mutants    = flag.Int("mutants", 1500, "random mutants that checker and twin are compared on; a tenth as many valid traces must pass")
	mutantSeed = flag.Uint64("mutant-seed", 1, "seed of the mutants")
)

// specimen is a valid trace.
type specimen struct {
	logs []checktest.Log
	opt  checktest.Options
}

// specimens returns small valid traces, every other one of a bank with faults, and every third with snapshots that go back.
func specimens(t testing.TB, count, events int) (all []specimen) {
	for seed := uint64(0); len(all) < count; seed++ {
		r := rand.New(rand.NewPCG(seed, 5))
		spec := sim.DefaultSpec()
		spec.Seed, spec.Branches, spec.Customers = seed, 1+int(seed%4), 1+r.IntN(3)
		spec.Requests, spec.Accounts = 3+r.IntN(9), 1+r.IntN(2)
		spec.Opening, spec.Roaming, spec.MaxAmount = r.Int64N(120), r.Float64(), 60
		if seed%2 == 1 {
			spec.Faults = map[string]float64{
				"loss": 0.1 * r.Float64(), "duplicate": 0.2, "reorder": 0.2, "delay": 0.1, "crash": 20 * r.Float64(), "partition": 5 * r.Float64(),
			}
		}
		s := recorded(t, spec)
		if s.events() > events {
			continue
		}
		if seed%3 == 2 {
			for range 1 + r.IntN(2) {
				s.takeSnapshot(r, seed%4 == 3)
			}
		}
		if seed%5 == 4 {
			s.causal()
		}
		all = append(all, s)
	}
	return all
}

// causal makes a trace one of mode causal: each write depends on what its branch had executed when it ordered it. What
// was executed before was ordered before, so every replica of a bank in mode total keeps to that.
func (s *specimen) causal() {
	s.opt.Mode = "causal"
	for _, log := range s.logs {
		var executed clock.Vector
		for _, record := range log.Records {
			switch e := record.Event; {
			case record.Header != nil && record.Header.Mode != "":
				record.Header.Mode = "causal"
			case e != nil && e.Step == trace.StepOrder:
				e.Deps = executed.Clone()
			case e != nil && e.Step == trace.StepExecute && !e.Write.IsZero():
				executed = executed.Set(e.Write.Process, e.Write.N)
			}
		}
	}
}

func (s specimen) events() (n int) {
	for _, log := range s.logs {
		n += len(log.Records)
	}
	return n
}

// recorded runs a simulation and returns its trace.
func recorded(t testing.TB, spec sim.Spec) specimen {
	cfg, err := spec.Config()
	if err != nil {
		t.Fatal(err)
	}
	logs := map[string]*checktest.Log{}
	cfg.Sink = func(process string) (sim.Sink, error) {
		logs[process] = &checktest.Log{Name: process}
		return keeper{logs[process]}, nil
	}
	result, err := sim.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := specimen{opt: checktest.Options{Settled: result.Settled, Mode: "total"}}
	for _, name := range slices.Concat(cfg.Branches, cfg.Customers) {
		s.logs = append(s.logs, *logs[name])
		s.opt.Processes = append(s.opt.Processes, name)
	}
	return s
}

// keeper is a Sink that keeps a log in memory.
type keeper struct{ log *checktest.Log }

func (k keeper) keep(r checktest.Record) error {
	k.log.Records = append(k.log.Records, r)
	return nil
}

func (k keeper) Header(h *trace.Header) error {
	c := h.Clone()
	return k.keep(checktest.Record{Header: &c})
}

func (k keeper) Event(e *trace.Event) error {
	c := e.Clone()
	return k.keep(checktest.Record{Event: &c})
}

func (k keeper) End(e *trace.End) error {
	c := *e
	return k.keep(checktest.Record{End: &c})
}

func (s specimen) clone() specimen {
	s.logs = slices.Clone(s.logs)
	for i := range s.logs {
		s.logs[i].Records = slices.Clone(s.logs[i].Records)
		for j, r := range s.logs[i].Records {
			if r.Event != nil {
				c := r.Event.Clone()
				s.logs[i].Records[j].Event = &c
			}
			if r.End != nil {
				c := *r.End
				s.logs[i].Records[j].End = &c
			}
			if r.Header != nil {
				c := r.Header.Clone()
				s.logs[i].Records[j].Header = &c
			}
		}
	}
	return s
}

// texts returns the logs as their files would be.
func (s specimen) texts() (names []string, texts [][]byte) {
	for _, log := range s.logs {
		var b []byte
		for _, r := range log.Records {
			switch {
			case r.Header != nil:
				b = trace.AppendHeader(b, r.Header)
			case r.Event != nil:
				b = trace.AppendEvent(b, r.Event)
			case r.End != nil:
				b = trace.AppendEnd(b, r.End)
			}
		}
		names, texts = append(names, log.Name), append(texts, b)
	}
	return names, texts
}

// fast returns what the checker found, as rule, event and other, and its report.
func fast(t testing.TB, s specimen) ([]string, *check.Report) {
	var sources []check.Source
	names, texts := s.texts()
	for i, name := range names {
		sources = append(sources, check.Bytes(name, texts[i]))
	}
	r, err := check.Check(context.Background(), sources, check.Options{
		Strict: s.opt.Strict, MaxFindings: 1 << 20,
		Run: &trace.Run{Mode: s.opt.Mode, Processes: s.opt.Processes, Settled: s.opt.Settled},
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range r.Findings {
		found = append(found, shape(f))
	}
	slices.Sort(found)
	return slices.Compact(found), r
}

// shape writes a finding of the checker as the twin has it.
func shape(f check.Finding) string {
	event, other := place(f.Event), place(f.Other)
	if f.Other != nil && f.Other.Seq == 0 && f.Event.Seq > 0 {
		other = "" // an opening
	}
	switch {
	case f.Rule == "log/missing":
		event, _, _ = strings.Cut(f.Message, " is named as a peer by ")
		event = strings.TrimPrefix(event, "The run had a process ")
		event, _, _ = strings.Cut(event, ", and no log")
		other = ""
	case f.Rule == "log/truncated", f.Rule == "money/not-conserved":
		event = f.Event.Process
	case f.Rule == "replica/missing-execute" && strings.Contains(f.Message, " never executed "), f.Rule == "money/acknowledged-but-lost":
		other = f.Other.Process
	}
	return f.Rule + " " + event + " " + other
}

func place(p *check.Place) string {
	switch {
	case p == nil:
		return ""
	case p.Process == "":
		return p.File
	case p.Seq == 0:
		return p.Process
	}
	return p.Ref()
}

// slow returns what the twin found, likewise.
func slow(s specimen) []string {
	names, texts := s.texts()
	var logs []checktest.Log
	for i, name := range names {
		logs = append(logs, checktest.Read(name, texts[i]))
	}
	var found []string
	for _, f := range checktest.Check(logs, s.opt) {
		if f.Rule == "log/malformed" && !strings.Contains(f.Event, ":") && slices.Contains(s.opt.Processes, f.Other) {
			f.Other = ""
		}
		found = append(found, f.Rule+" "+f.Event+" "+cmp.Or(f.Replica, f.Other))
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Whatever the faults, what the real cores record keeps every rule; lost messages and requests without reply are warnings.
func TestFaultyBankPasses(t *testing.T) {
	for i, s := range specimens(t, max(150, *mutants/10), 1000) {
		found, r := fast(t, s)
		if r.Verdict != check.Pass {
			t.Errorf("specimen %d: %s\n%s", i, r.Verdict, strings.Join(found, "\n"))
		}
		for _, f := range r.Findings {
			if f.Rule != "message/lost" && f.Rule != "request/unanswered" {
				t.Errorf("specimen %d: %s", i, f.Message)
			}
		}
	}
}

// Checker and twin find the same in random mutants of valid traces. -mutants says in how many.
func TestCheckerAgainstTwin(t *testing.T) {
	all := specimens(t, 24+*mutants/40, 150)
	broken := map[string]int{}
	for i := range *mutants {
		seed := *mutantSeed<<32 + uint64(i)
		m, changes := mutant(all[i%len(all)], seed)
		got, _ := fast(t, m)
		want := slow(m)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("specimen %d, seed %d: %s\n-twin +checker:\n%s", i%len(all), seed, strings.Join(changes, "; "), diff)
		}
		for _, f := range want {
			rule, _, _ := strings.Cut(f, " ")
			broken[rule]++
		}
	}
	var never []string
	for _, r := range check.Rules() {
		if broken[r.Name] == 0 {
			never = append(never, r.Name)
		}
	}
	t.Logf("%d mutants, %d rules broken; never: %v", *mutants, len(broken), never)
	if len(broken) < 35 && *mutants >= 1500 {
		t.Errorf("only %d rules were broken: %v", len(broken), broken)
	}
}
