package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// checkFlags are the flags of `check`.
type checkFlags struct {
	strict, allowTruncated bool
	rules                  []string
	report                 string
	maxFindings            int
}

func newCheck(c *console) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check TRACE...",
		Short: "Check that a trace keeps every rule",
		Long: `Reads the logs of a trace (a folder, log files, or - for standard input) as a
stream and reports every rule that is violated, with both places.

Exit status: 0 every rule that had something to check holds, 1 a violation was
found, 2 it could not be decided.`,
		Example: `  bank-trace check /tmp/t
  bank-trace check branch-1.jsonl branch-2.jsonl
  cat *.jsonl | bank-trace check -
  bank-trace check --rules clock,message --report json /tmp/t`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("check: no trace given; name a folder, log files, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return checkTrace(cmd.Context(), c, f, args) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.strict, "strict", false, "clocks must not skip values either (clock/not-exact)")
	fl.StringSliceVar(&f.rules, "rules", nil, "check only these rules or families (see: bank-trace rules)")
	fl.StringVar(&f.report, "report", "text", "form of the report: text or json")
	fl.IntVar(&f.maxFindings, "max-findings", 20, "findings to print in a text report; all are counted")
	fl.BoolVar(&f.allowTruncated, "allow-truncated", false, "a log that was cut off is a warning")
	return cmd
}

func checkTrace(ctx context.Context, c *console, f checkFlags, paths []string) error {
	if f.report != "text" && f.report != "json" {
		return fmt.Errorf("--report %q: give text or json", f.report)
	}
	folder, err := trace.Find(paths...)
	if err != nil {
		return err
	}
	bar := newBar(c.err, "events", -1)
	report, err := check.Check(ctx, check.Folder(folder), check.Options{
		Strict: f.strict, Rules: f.rules, AllowTruncated: f.allowTruncated, Run: folder.Run, Stdin: c.stdin,
		Progress: func(events, _ int64) { bar.set(events) },
	})
	bar.done()
	if err != nil {
		return err
	}
	if err := c.report(report, f); err != nil {
		return err
	}
	switch report.ExitStatus() {
	case exitHolds:
		return nil
	case exitViolation:
		return errViolation
	}
	return errUndecided
}

func (c *console) report(r *check.Report, f checkFlags) error {
	if f.report == "json" {
		return r.WriteJSON(c.out)
	}
	return r.WriteText(c.out, check.TextOptions{MaxFindings: f.maxFindings, Color: terminal(c.out)})
}
