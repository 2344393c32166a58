package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/internal/cluster"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

//go:embed demo.yaml
var demoScenario []byte

// demoFlags are the flags of `demo`.
type demoFlags struct {
	dir, mode string
	all       bool
	overwrite bool
}

func newDemo(c *console) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a small bank, tell one request's story, check it, and show a violation",
		Long: `Three branches that are real gRPC servers, three customers, one account. Tells what
happened to one request with the clock of every step, checks the whole trace, and
then checks a copy in which one clock is wrong. Needs no file, and exits 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd.Context(), c, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.mode, "mode", scenario.ModeTotal, "when writes execute: total or causal")
	fl.BoolVar(&f.all, "all", false, "tell every event, not only one request's story")
	fl.StringVarP(&f.dir, "out", "o", "", "keep the trace in this folder, and the broken copy in its folder broken")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a trace that is in the folder already")
	return cmd
}

func demo(ctx context.Context, c *console, f demoFlags) error {
	s, err := scenario.Parse("demo.yaml", demoScenario)
	if err != nil {
		return err
	}
	if s.Mode = f.mode; s.Mode != scenario.ModeTotal && s.Mode != scenario.ModeCausal {
		return fmt.Errorf("demo: --mode %q is none of total, causal", f.mode)
	}
	tmp, err := os.MkdirTemp("", "bank-trace-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	dir := f.dir
	if dir == "" {
		dir = filepath.Join(tmp, "trace")
	}
	fmt.Fprint(c.out, `Three branches of one bank, each a gRPC server, each with account main at 400.
Customer 1 deposits 170 at branch 1, then asks at branch 2 what main has.
Customers 2 and 3 each withdraw 300, at the same time, at branches 2 and 3.

`)
	result, err := record(ctx, c, s, "", dir, runFlags{timeout: 30 * time.Second, overwrite: f.overwrite})
	if err != nil {
		return err
	}
	if err := tellStory(c, dir, f.all, s.Mode == scenario.ModeCausal); err != nil {
		return err
	}
	tellTotals(c, result)
	if err := tellVerdict(ctx, c, dir); err != nil {
		return err
	}
	broken := filepath.Join(tmp, "broken")
	if f.dir != "" {
		broken = filepath.Join(f.dir, "broken")
	}
	if err := tellViolation(ctx, c, dir, broken); err != nil {
		return err
	}
	tellWhatNext(c, f.dir)
	return nil
}

// tellWhatNext prints the commands to try after the demo. Where the trace was not kept, the first of them keeps it.
func tellWhatNext(c *console, dir string) {
	fmt.Fprintln(c.out, "Next, try:")
	if dir == "" {
		dir = "my-trace"
		fmt.Fprintf(c.out, "  %-38s keep the trace: a log for each process\n", "bank-trace demo -o "+dir)
	}
	for _, next := range [][2]string{
		{"bank-trace view " + dir, "look at it in the browser"},
		{"bank-trace break " + dir + " --rule " + shownRule + " -o broken", ""},
		{"bank-trace view broken --finding 1", "what is wrong, and why"},
		{"bank-trace check " + dir, "every rule, and what it was checked on"},
		{"bank-trace explain " + shownRule, ""},
		{"bank-trace run examples/roaming.yaml", "a scenario of your own"},
	} {
		fmt.Fprintln(c.out, strings.TrimRight(fmt.Sprintf("  %-38s %s", next[0], next[1]), " "))
	}
	fmt.Fprintln(c.out, "(From a clone, write go run ./cmd/bank-trace for bank-trace.)")
}

// deposit is the request whose story the demo tells.
func deposit() trace.ID { return trace.ID{Process: "customer-1", N: 1} }

func tellStory(c *console, dir string, all, causal bool) error {
	events, err := readEvents(dir)
	if err != nil {
		return err
	}
	if all {
		fmt.Fprint(c.out, "Everything that happened, by the clocks:\n\n")
		return wholeStory(events, causal).write(c.out, 0)
	}
	fmt.Fprint(c.out, `What became of the deposit. Every process keeps a Lamport clock: one more for
each step, and a message takes the clock of its sending along; its receiver goes
on from the later of the two, max(own, message) + 1.

`)
	return newStory(events, deposit(), causal).write(c.out, storyRows)
}

func tellTotals(c *console, r *cluster.Result) {
	fmt.Fprintf(c.out, "\n%d requests: %d ok, %d refused, as 300 was no longer there. Now main has\n", r.Requests, r.OK, r.Failed)
	for i, b := range r.Branches {
		if i > 0 {
			fmt.Fprint(c.out, ", ")
		}
		fmt.Fprintf(c.out, "%d at %s", b.Accounts[0].Amount, b.Name)
	}
	fmt.Fprintln(c.out, ".")
}

func tellVerdict(ctx context.Context, c *console, dir string) error {
	report, err := checkFolder(ctx, dir)
	if err != nil {
		return err
	}
	rules := 0
	for _, r := range report.Rules {
		if r.Checked > 0 {
			rules++
		}
	}
	fmt.Fprintf(c.out, "The logs, checked: %s. %d events, %d messages, %d processes, %d rules.\n",
		report.Verdict, report.Events, report.Messages, report.Processes, rules)
	if report.ExitStatus() != exitHolds {
		return errors.Join(c.report(report, checkFlags{maxFindings: 20}), errors.New("demo: its own trace does not hold; this is a bug, please report it"))
	}
	return nil
}

// tellViolation checks a copy of the trace in which one receive was stamped too early.
func tellViolation(ctx context.Context, c *console, dir, broken string) error {
	folder, err := trace.Find(dir)
	if err != nil {
		return err
	}
	t, err := mutate.Read(folder)
	if err != nil {
		return err
	}
	// The deposit's first receive that a wrong clock fits in: one that the story has shown.
	inStory := func(e *trace.Event) bool { return e.Request == deposit() && e.Kind == trace.Receive }
	change, err := mutate.Break(t, shownRule, inStory, 1)
	if err != nil {
		return err
	}
	d, err := trace.Create(broken, true)
	if err != nil {
		return err
	}
	if err := t.Write(d); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "\n%s.\n\n", wrap("Now a copy with one clock wrong: "+change.Text, 80, 0))
	report, err := checkFolder(ctx, broken)
	if err != nil {
		return err
	}
	if report.ExitStatus() != exitViolation {
		return fmt.Errorf("demo: the broken copy has verdict %s; this is a bug, please report it", report.Verdict)
	}
	return report.WriteText(c.out, check.TextOptions{MaxFindings: 1, Color: terminal(c.out), Brief: true})
}

func checkFolder(ctx context.Context, dir string) (*check.Report, error) {
	folder, err := trace.Find(dir)
	if err != nil {
		return nil, err
	}
	return check.Check(ctx, check.Folder(folder), check.Options{Run: folder.Run})
}
