package sim

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

var seeds = flag.Uint64("seeds", 200, "seeds of TestFaults")
var firstSeed = flag.Uint64("first-seed", 0, "first seed of TestFaults")

// faultyConfig draws a small bank and some faults, each seed others.
func faultyConfig(seed uint64) Config {
	cfg := randomConfig(seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, name := range faultNames() {
		if r.IntN(2) == 0 {
			rate := usual(name) * (0.2 + 3*r.Float64())
			if err := cfg.Faults.set(name, rate); err != nil {
				panic(err)
			}
		}
	}
	cfg.Mix.Think = between(r, 0, 40e6)
	return cfg
}

// checked runs a configuration and checks its trace.
func checked(ctx context.Context, cfg Config, a ablation) (*Result, *check.Report, error) {
	logs := map[string]*bytes.Buffer{}
	writers := []*trace.Writer{}
	cfg.Sink = func(process string) (Sink, error) {
		logs[process] = &bytes.Buffer{}
		w := trace.NewWriter(logs[process])
		writers = append(writers, w)
		return w, nil
	}
	result, err := run(ctx, cfg, a)
	if result == nil {
		return nil, nil, err
	}
	info := &trace.Run{Mode: "total", Settled: result.Settled}
	var sources []check.Source
	for _, w := range writers {
		if err := w.Flush(); err != nil {
			return nil, nil, err
		}
	}
	for process, log := range logs {
		info.Processes = append(info.Processes, process)
		sources = append(sources, check.Bytes(process, log.Bytes()))
	}
	report, checkErr := check.Check(ctx, sources, check.Options{Run: info})
	if err == nil {
		err = checkErr
	}
	return result, report, err
}

func text(r *check.Report) string {
	var b strings.Builder
	if err := r.WriteText(&b, check.TextOptions{MaxFindings: 4}); err != nil {
		return err.Error()
	}
	return b.String()
}

func TestFaults(t *testing.T) {
	var total Result
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		cfg := faultyConfig(seed)
		r, report, err := checked(t.Context(), cfg, ablation{})
		if err != nil {
			t.Errorf("seed %d, %s: %v", seed, cfg.Faults, err)
			continue
		}
		if report.Verdict != check.Pass {
			t.Errorf("seed %d, %s:\n%s", seed, cfg.Faults, text(report))
		}
		for i := range r.Accounts {
			if fmt.Sprint(r.Accounts[i]) != fmt.Sprint(r.Accounts[0]) {
				t.Errorf("seed %d: %v at branch-1, %v at branch-%d", seed, r.Accounts[0], r.Accounts[i], i+1)
			}
		}
		total.Events += r.Events
		total.Requests += r.Requests
		total.Retries += r.Retries
		total.Unknown += r.Unknown
		total.Kills += r.Kills
		total.Partitions += r.Partitions
		total.Pauses += r.Pauses
		total.Lost += r.Lost
		total.Duplicated += r.Duplicated
		total.Overtaken += r.Overtaken
		total.Waits += r.Waits
	}
	t.Logf("%+v", total)
}
