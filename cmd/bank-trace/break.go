package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// breakFlags are the flags of `break`.
type breakFlags struct {
	rule, dir, at string
	seed          uint64
	overwrite     bool
	list, table   bool
}

func newBreak(c *console) *cobra.Command {
	var f breakFlags
	cmd := &cobra.Command{
		Use:   "break TRACE --rule RULE -o DIR",
		Short: "Copy a trace with one rule violated, for teaching and for testing checkers",
		Long: `Writes a copy of a valid trace in which one rule is violated, as a real mistake
would do it, and no other rule but those that this one brings with it. The same
trace, rule and seed give the same copy. The trace itself stays as it is.

Numbers and balances that depend on what was changed follow it, so that the rule
itself is what is wrong. Clocks may then skip values: check the copy with
--strict only if the rule is clock/not-exact.`,
		Example: `  bank-trace generate --seed 7 -o /tmp/t
  bank-trace break /tmp/t --rule session/read-your-writes -o /tmp/broken
  bank-trace check /tmp/broken
  bank-trace break --list`,
		Args: func(_ *cobra.Command, args []string) error { return f.check(args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.list:
				return listMutations(c)
			case f.table:
				return tableOfRules(cmd.Context(), c, args)
			}
			return breakTrace(cmd.Context(), c, f, args[0])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.rule, "rule", "", "the rule to violate (see: bank-trace break --list)")
	fl.StringVarP(&f.dir, "out", "o", "", "folder for the copy")
	fl.StringVar(&f.at, "at", "", "change this event, process:seq, instead of one that the seed chooses")
	fl.Uint64Var(&f.seed, "seed", 1, "chooses among the places that would do")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a trace that is in the folder already")
	fl.BoolVar(&f.list, "list", false, "list the rules, each with the mistake that is imitated")
	fl.BoolVar(&f.table, "table", false, "break every rule and show what check says of it; without TRACE on generated ones. Writes nothing")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("rule", brokenRules))
	return cmd
}

// brokenRules completes the name of a rule that can be broken.
func brokenRules(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, m := range mutate.Mutations() {
		names = append(names, cobra.CompletionWithDesc(m.Rule, m.Mistake))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (f breakFlags) check(args []string) error {
	switch {
	case f.list && f.table:
		return errors.New("break: --list or --table, not both")
	case f.list || f.table:
		if len(args) > 1 || f.list && len(args) > 0 {
			return fmt.Errorf("break: what is %q for? --list takes no trace, and --table one at most", args[len(args)-1])
		}
		return nil
	case len(args) != 1:
		return fmt.Errorf("break: name one trace, a folder; make one with bank-trace generate -o /tmp/t")
	case args[0] == trace.Stdin:
		return errors.New("break: standard input cannot be broken; name a folder or a log")
	case f.rule == "":
		return errors.New("break: say which rule to violate: --rule RULE (see: bank-trace break --list)")
	case f.dir == "":
		return errors.New("break: say where the copy goes: -o DIR")
	}
	return nil
}

func listMutations(c *console) error {
	for _, m := range mutate.Mutations() {
		if _, err := fmt.Fprintf(c.out, "%-30s %s\n", m.Rule, wrap(m.Mistake, 48, 31)); err != nil {
			return err
		}
	}
	return nil
}

// place returns what tells the event that --at names from the others; nil where it names none.
func (f breakFlags) place(t *mutate.Trace) (func(*trace.Event) bool, error) {
	if f.at == "" {
		return nil, nil
	}
	ref, err := trace.ParseRef(f.at)
	if err != nil {
		return nil, fmt.Errorf("--at: %w", err)
	}
	at := func(e *trace.Event) bool { return e.Ref() == ref }
	for _, l := range t.Logs {
		if slices.ContainsFunc(l.Records, func(r mutate.Record) bool { return r.Event != nil && at(r.Event) }) {
			return at, nil
		}
	}
	return nil, fmt.Errorf("--at %s: the trace has no such event", ref)
}

func breakTrace(ctx context.Context, c *console, f breakFlags, path string) error {
	if !slices.Contains(mutate.Rules(), f.rule) {
		return fmt.Errorf("break: no rule is called %q (see: bank-trace break --list)", f.rule)
	}
	t, err := readWhole(path)
	if err != nil {
		return err
	}
	if err := apart(path, f.dir); err != nil {
		return err
	}
	at, err := f.place(t)
	if err != nil {
		return err
	}
	change, err := mutate.Break(t, f.rule, at, f.seed)
	if err != nil {
		if at != nil && errors.Is(err, mutate.ErrNoPlace) {
			return fmt.Errorf("break: nothing to change at %s: %w; leave --at out to let --seed choose", f.at, err)
		}
		return fmt.Errorf("break: %w", err)
	}
	d, err := trace.Create(f.dir, f.overwrite)
	if err != nil {
		return err
	}
	if err := t.Write(d); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\n", wrap(change.Rule+": "+change.Text+".", 80, 0))
	if change.Line > 0 {
		fmt.Fprintf(c.out, "The place is line %d of the log of %s.\n", change.Line, change.Event.Process)
	}
	if len(change.Implies) > 0 {
		fmt.Fprintf(c.out, "%s\n", wrap("What may be violated with it: "+strings.Join(change.Implies, ", ")+".", 80, 0))
	}
	return tellNext(ctx, c, f.dir, change)
}

func readWhole(path string) (*mutate.Trace, error) {
	folder, err := trace.Find(path)
	if err != nil {
		return nil, err
	}
	t, err := mutate.Read(folder)
	if err != nil {
		return nil, fmt.Errorf("break: %w", err)
	}
	return t, nil
}

// apart makes sure that the copy does not replace the trace that it is a copy of.
func apart(path, dir string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if info, err = os.Stat(filepath.Dir(path)); err != nil {
			return err
		}
	}
	if there, err := os.Stat(dir); err == nil && os.SameFile(info, there) {
		return fmt.Errorf("break: %s holds the trace itself; write the copy into another folder", dir)
	}
	return nil
}

// tableOfRules breaks every rule and prints what was changed and what check finds.
func tableOfRules(ctx context.Context, c *console, args []string) error {
	traces, err := tableTraces(ctx, args)
	if err != nil {
		return err
	}
	missed := 0
	for _, m := range mutate.Mutations() {
		change, report, err := firstBroken(ctx, m.Rule, traces)
		if errors.Is(err, mutate.ErrNoPlace) && len(args) > 0 {
			fmt.Fprintf(c.out, "%s\n%s\n\n", m.Rule, entry("Place", "none: "+err.Error()))
			continue
		}
		if err != nil {
			return err
		}
		said := "nothing"
		if f := findingOf(report, change); f != nil {
			said = f.Message
		} else {
			missed++
		}
		_, err = fmt.Fprintf(c.out, "%s\n%s\n%s\n%s\n\n", m.Rule, entry("Mistake", m.Mistake+"."), entry("Change", change.Text+"."), entry("Finding", said))
		if err != nil {
			return err
		}
	}
	if missed > 0 {
		return fmt.Errorf("break: check found %d of the broken rules not; this is a bug, please report it", missed)
	}
	return nil
}

func entry(name, text string) string { return fmt.Sprintf("  %-9s%s", name+":", wrap(text, 69, 11)) }

// tableTraces returns the trace that is named; else simulated ones of small banks, and one of mode causal.
func tableTraces(ctx context.Context, args []string) ([]*mutate.Trace, error) {
	if len(args) > 0 {
		t, err := readWhole(args[0])
		return []*mutate.Trace{t}, err
	}
	var all []*mutate.Trace
	for seed := range uint64(8) {
		t, err := simulate(ctx, seed+1)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	causal, err := mutate.Causal()
	return append(all, causal), err
}

// simulate returns the trace of a small bank.
func simulate(ctx context.Context, seed uint64) (*mutate.Trace, error) {
	spec := sim.DefaultSpec()
	spec.Seed, spec.Branches, spec.Requests, spec.Roaming = seed, 4, 60, 0.8
	return simulateSpec(ctx, spec)
}

// simulateSpec returns the trace of a simulation, in memory.
func simulateSpec(ctx context.Context, spec sim.Spec) (*mutate.Trace, error) {
	cfg, err := spec.Config()
	if err != nil {
		return nil, err
	}
	logs := map[string]*bytes.Buffer{}
	writers := map[string]*trace.Writer{}
	cfg.Sink = func(process string) (sim.Sink, error) {
		logs[process] = new(bytes.Buffer)
		writers[process] = trace.NewWriter(logs[process])
		return writers[process], nil
	}
	result, err := sim.Run(ctx, cfg)
	if err != nil {
		return nil, err
	}
	t := &mutate.Trace{Run: &trace.Run{Format: trace.Format, Mode: spec.Mode, Settled: result.Settled}}
	for _, process := range slices.Concat(cfg.Branches, cfg.Customers) {
		if err := writers[process].Flush(); err != nil {
			return nil, err
		}
		log, err := mutate.ReadLog(process, logs[process])
		if err != nil {
			return nil, err
		}
		t.Logs = append(t.Logs, log)
		t.Run.Processes = append(t.Run.Processes, process)
	}
	return t, nil
}

// firstBroken breaks the rule in the first of the traces that has a place for it, and checks that.
func firstBroken(ctx context.Context, rule string, traces []*mutate.Trace) (mutate.Change, *check.Report, error) {
	var none error
	for _, t := range traces {
		t = t.Clone()
		change, err := mutate.Break(t, rule, nil, 1)
		if errors.Is(err, mutate.ErrNoPlace) {
			none = cmp.Or(none, err)
			continue
		}
		if err != nil {
			return change, nil, err
		}
		var sources []check.Source
		for i := range t.Logs {
			var text bytes.Buffer
			if err := t.Logs[i].Write(&text); err != nil {
				return change, nil, err
			}
			sources = append(sources, check.Bytes(t.Logs[i].Name, text.Bytes()))
		}
		report, err := check.Check(ctx, sources, check.Options{Strict: rule == "clock/not-exact", Run: t.Run})
		return change, report, err
	}
	return mutate.Change{}, nil, none
}

// findingOf returns the finding of the broken rule that names what was changed, else the first of that rule; nil where
// there is none.
func findingOf(r *check.Report, change mutate.Change) (found *check.Finding) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Rule != change.Rule {
			continue
		}
		for _, p := range []*check.Place{f.Event, f.Other} {
			if p != nil && p.Process == change.Event.Process && p.Seq == change.Event.Seq {
				return f
			}
		}
		found = cmp.Or(found, f)
	}
	return found
}
