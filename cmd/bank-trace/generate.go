package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// generateFlags are the flags of `generate`. Those of the simulation itself are kept as a sim.Spec.
type generateFlags struct {
	spec             sim.Spec
	faults, workload string
	dir              string
	overwrite        bool
}

func newGenerate(c *console) *cobra.Command {
	f := generateFlags{spec: sim.DefaultSpec()}
	cmd := &cobra.Command{
		Use:   "generate -o DIR",
		Short: "Simulate the bank and write a reproducible trace of any size",
		Long: `Runs branches and customers in a simulator: the same code as the real bank, under
virtual time and seeded randomness. The same flags and seed give the same bytes.

Faults are named with a rate, or without for a usual one: shares of messages for
delay, reorder, duplicate and loss, of commits for slow-disk; so many a second of
virtual time for partition, one-way, crash and pause; seconds for skew. They stop
when the last customer is done; then the bank has to settle.

A workload file (YAML) may say all that the flags say, and also the mix of
operations and faults at set times; flags go before it. docs/workload.md has one.`,
		Example: `  bank-trace generate -o /tmp/t
  bank-trace generate --branches 8 --customers 64 --requests 100000 --seed 7 -o /tmp/t
  bank-trace generate --faults loss=0.01,crash,partition -o /tmp/t
  bank-trace check /tmp/t`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return generate(cmd, c, f) },
	}
	fl, s := cmd.Flags(), &f.spec
	fl.IntVarP(&s.Branches, "branches", "b", s.Branches, "number of branches, 1 to 64")
	fl.IntVarP(&s.Customers, "customers", "c", s.Customers, "number of customers")
	fl.IntVarP(&s.Requests, "requests", "r", s.Requests, "requests of all customers together")
	fl.IntVar(&s.Accounts, "accounts", s.Accounts, "number of accounts; the first, main, is used the most")
	fl.Int64Var(&s.Opening, "opening", s.Opening, "opening balance of each account, in minor units")
	fl.Float64Var(&s.Roaming, "roaming", s.Roaming, "share of requests that go to a random branch")
	fl.DurationVar(&s.Think, "think", s.Think, "longest pause of a customer between requests")
	fl.StringVar(&s.Mode, "mode", s.Mode, "when writes execute: total or causal")
	fl.Uint64Var(&s.Seed, "seed", 0, "seed of all randomness (a random one by default)")
	fl.StringVar(&f.faults, "faults", "", "what goes wrong: delay reorder duplicate loss partition one-way crash pause slow-disk skew, or all")
	fl.StringVar(&f.workload, "workload", "", "YAML file with the workload")
	fl.StringVarP(&f.dir, "out", "o", "", "folder for the trace (required)")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a trace that is in the folder already")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is two lines above
	}
	return cmd
}

// merged returns what the flags and the workload file say together. A flag that was given goes before the file.
func (f generateFlags) merged(cmd *cobra.Command) (sim.Spec, error) {
	s := sim.DefaultSpec()
	if f.workload != "" {
		data, err := os.ReadFile(f.workload)
		if err != nil {
			return s, err
		}
		if s, err = sim.ParseSpec(data, s); err != nil {
			return s, fmt.Errorf("%s: %w", f.workload, err)
		}
	}
	for name, set := range map[string]func(){
		"branches":  func() { s.Branches = f.spec.Branches },
		"customers": func() { s.Customers = f.spec.Customers },
		"requests":  func() { s.Requests = f.spec.Requests },
		"accounts":  func() { s.Accounts = f.spec.Accounts },
		"opening":   func() { s.Opening = f.spec.Opening },
		"roaming":   func() { s.Roaming = f.spec.Roaming },
		"think":     func() { s.Think = f.spec.Think },
		"mode":      func() { s.Mode = f.spec.Mode },
		"seed":      func() { s.Seed = f.spec.Seed },
	} {
		if cmd.Flags().Changed(name) {
			set()
		}
	}
	if s.Seed == 0 && !cmd.Flags().Changed("seed") {
		s.Seed = 1 + rand.Uint64N(1<<32)
	}
	if f.faults != "" {
		var err error
		if s.Faults, err = sim.ParseFaults(f.faults); err != nil {
			return s, err
		}
	}
	return s, nil
}

func generate(cmd *cobra.Command, c *console, f generateFlags) error {
	s, err := f.merged(cmd)
	if err != nil {
		return err
	}
	cfg, err := s.Config()
	if err != nil {
		return fmt.Errorf("generate: %s%w", strings.TrimPrefix(f.workload+": ", ": "), err)
	}
	rec, err := newRecording(f.dir, f.overwrite)
	if err != nil {
		return err
	}
	bar := newBar(c.err, "requests", int64(s.Requests))
	cfg.Progress = bar.set
	cfg.Sink = func(process string) (sim.Sink, error) { return rec.log(process) }
	result, err := sim.Run(cmd.Context(), cfg)
	bar.done()
	run := &trace.Run{Mode: s.Mode, Seed: &s.Seed, Scenario: "generate", Settled: err == nil && result.Settled}
	if err := errors.Join(err, rec.close(run)); err != nil {
		return err
	}
	return c.tellGenerated(f.dir, s, result)
}

// tellGenerated says what a simulation did.
func (c *console) tellGenerated(dir string, s sim.Spec, r *sim.Result) error {
	fmt.Fprintf(c.out, "%s: %d branches, %d customers, seed %d\n", dir, s.Branches, s.Customers, s.Seed)
	fmt.Fprintf(c.out, "%d requests answered, %d of them ok; %d events, %d messages in %v of virtual time\n",
		r.Requests, r.OK, r.Events, r.Messages, r.Virtual)
	if len(s.Faults)+len(s.Schedule) > 0 {
		fmt.Fprintf(c.out, "%d kills, %d partitions, %d pauses; messages: %d lost, %d duplicated, %d overtaken\n",
			r.Kills, r.Partitions, r.Pauses, r.Lost, r.Duplicated, r.Overtaken)
		fmt.Fprintf(c.out, "%d retries, %d requests given up, %d waits for what a session had seen\n", r.Retries, r.Unknown, r.Waits)
	}
	_, err := fmt.Fprintf(c.out, "Next: bank-trace check %s\n", dir)
	return err
}
