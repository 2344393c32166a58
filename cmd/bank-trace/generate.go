package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// generateFlags are the flags of `generate`.
type generateFlags struct {
	branches, customers, requests, accounts int
	opening                                 int64
	seed                                    uint64
	dir                                     string
	overwrite                               bool
}

func newGenerate(c *console) *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use:   "generate -o DIR",
		Short: "Simulate the bank and write a reproducible trace of any size",
		Long: `Runs branches and customers in a simulator: the same code as the real bank, under
virtual time and seeded randomness. The same flags and seed give the same bytes.`,
		Example: `  bank-trace generate -o /tmp/t
  bank-trace generate --branches 8 --customers 64 --requests 100000 --seed 7 -o /tmp/t
  bank-trace check /tmp/t`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				f.seed = rand.Uint64N(1 << 32)
			}
			return generate(cmd, c, f)
		},
	}
	fl := cmd.Flags()
	fl.IntVarP(&f.branches, "branches", "b", 3, "number of branches, 1 to 64")
	fl.IntVarP(&f.customers, "customers", "c", 4, "number of customers")
	fl.IntVarP(&f.requests, "requests", "r", 100, "requests of all customers together")
	fl.IntVar(&f.accounts, "accounts", 3, "number of accounts; the first, main, is used the most")
	fl.Int64Var(&f.opening, "opening", 1000, "opening balance of each account, in minor units")
	fl.Uint64Var(&f.seed, "seed", 0, "seed of all randomness (a random one by default)")
	fl.StringVarP(&f.dir, "out", "o", "", "folder for the trace (required)")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a trace that is in the folder already")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is three lines above
	}
	return cmd
}

func (f generateFlags) check() error {
	for _, n := range []struct {
		name       string
		n, lo, hi  int
		suggestion string
	}{
		{"--branches", f.branches, 1, branch.MaxBranches, "a bank has 1 to 64 branches"},
		{"--customers", f.customers, 1, 10_000, "give 1 to 10000"},
		{"--requests", f.requests, 1, 1 << 40, "give at least 1"},
		{"--accounts", f.accounts, 1, 10_000, "give 1 to 10000"},
	} {
		if n.n < n.lo || n.n > n.hi {
			return fmt.Errorf("%s %d: %s", n.name, n.n, n.suggestion)
		}
	}
	return nil
}

func generate(cmd *cobra.Command, c *console, f generateFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	rec, err := newRecording(f.dir, f.overwrite)
	if err != nil {
		return err
	}
	accounts, opening := []string{"main"}, map[string]int64{"main": f.opening}
	for i := 2; i <= f.accounts; i++ {
		name := fmt.Sprintf("account-%d", i)
		accounts = append(accounts, name)
		opening[name] = f.opening
	}
	cfg := sim.Config{
		Seed: f.seed, Branches: sim.Names("branch", f.branches), Customers: sim.Names("customer", f.customers),
		Opening: opening, Mix: sim.DefaultMix(f.branches, f.customers, f.requests, accounts),
		Sink: func(process string) (sim.Sink, error) { return rec.log(process) },
	}
	bar := newBar(c.err, "requests", int64(f.requests))
	cfg.Progress = func(answered int64) { bar.set(answered) }
	result, err := sim.Run(cmd.Context(), cfg)
	bar.done()
	run := &trace.Run{Mode: branch.ModeTotal, Seed: &f.seed, Scenario: "generate", Settled: err == nil && result.Settled}
	if err := errors.Join(err, rec.close(run)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, `%s: %d branches, %d customers, seed %d
%d requests answered, %d of them ok; %d messages, %d events in %v of virtual time
Next: bank-trace check %s
`, f.dir, f.branches, f.customers, f.seed, result.Requests, result.OK, result.Messages, result.Events, result.Virtual, f.dir)
	return err
}
