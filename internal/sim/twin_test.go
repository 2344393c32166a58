package sim_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

// simulated returns the logs of a small random bank.
func simulated(t testing.TB, seed uint64) ([]checktest.Log, checktest.Options) {
	r := rand.New(rand.NewPCG(seed, 0))
	spec := sim.DefaultSpec()
	spec.Seed, spec.Branches, spec.Customers, spec.Requests = seed, 1+r.IntN(5), 1+r.IntN(5), 10+r.IntN(30)
	spec.Accounts, spec.Opening, spec.Roaming = 1+r.IntN(3), r.Int64N(300), r.Float64()
	cfg, err := spec.Config()
	if err != nil {
		t.Fatal(err)
	}
	buffers, writers := map[string]*bytes.Buffer{}, map[string]*trace.Writer{}
	cfg.Sink = func(process string) (sim.Sink, error) {
		buffers[process] = &bytes.Buffer{}
		writers[process] = trace.NewWriter(buffers[process])
		return writers[process], nil
	}
	result, err := sim.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var logs []checktest.Log
	names := append(cfg.Branches, cfg.Customers...)
	for _, name := range names {
		if err := writers[name].Flush(); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, checktest.Read(name, buffers[name].Bytes()))
	}
	return logs, checktest.Options{Strict: true, Settled: result.Settled, Processes: names, Mode: "total"}
}

// What the real bank records keeps every rule: no violation and no warning, strict or not.
func TestSimulatedBankKeepsEveryRule(t *testing.T) {
	for seed := range uint64(31) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			logs, opt := simulated(t, seed)
			events := 0
			for _, log := range logs {
				for _, record := range log.Records {
					if record.Event != nil {
						events++
					}
				}
			}
			if events == 0 {
				t.Fatal("a simulation without events proves nothing")
			}
			for _, f := range checktest.Check(logs, opt) {
				t.Errorf("%d events: %+v", events, f)
			}
		})
	}
}
