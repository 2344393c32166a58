package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
stream and reports every rule that is violated, with both places. Logs are JSON
Lines or protobuf, compressed or not; of a protobuf log the place is the number of
the record. Takes the course's output files too (customer_events.json and the
like), told by content.

Exit status: 0 every rule that had something to check holds, 1 a violation was
found, 2 it could not be decided.`,
		Example: `  bank-trace check /tmp/t
  bank-trace check branch-1.jsonl branch-2.jsonl
  cat *.jsonl | bank-trace check -
  zstdcat *.binpb.zst | bank-trace check -
  bank-trace check --rules clock,message --report json /tmp/t
  bank-trace check --report junit /tmp/t > report.xml`,
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
	fl.StringVar(&f.report, "report", "text", "form of the report: "+reportForms)
	fl.IntVar(&f.maxFindings, "max-findings", 20, "findings to print, 0 for all; all are counted, and json has up to 1,000 a rule")
	fl.BoolVar(&f.allowTruncated, "allow-truncated", false, "a log that was cut off is a warning")
	complete := map[string]cobra.CompletionFunc{
		"rules":  ruleList,
		"report": cobra.FixedCompletions(strings.Split(reportForms, ", "), cobra.ShellCompDirectiveNoFileComp),
	}
	for flag, f := range complete {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(flag, f))
	}
	return cmd
}

// reportForms lists what --report takes.
const reportForms = "text, json, junit, github"

func checkTrace(ctx context.Context, c *console, f checkFlags, paths []string) error {
	if !slices.Contains(strings.Split(reportForms, ", "), f.report) {
		return fmt.Errorf("--report %q: give one of %s", f.report, reportForms)
	}
	if f.maxFindings < 0 {
		return fmt.Errorf("--max-findings %d: give a number of findings, or 0 for all", f.maxFindings)
	}
	report, err := c.check(ctx, f, paths)
	if err != nil {
		return err
	}
	return c.verdict(report, f)
}

// verdict prints a report, and returns the error that stands for its exit status.
func (c *console) verdict(report *check.Report, f checkFlags) error {
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

// check checks the course's output files where the paths are those, and logs otherwise.
func (c *console) check(ctx context.Context, f checkFlags, paths []string) (*check.Report, error) {
	files, err := courseFiles(paths)
	if err != nil {
		return nil, err
	}
	if len(files) > 0 {
		return checkCourse(ctx, f, files)
	}
	folder, err := trace.Find(paths...)
	if err != nil {
		return nil, err
	}
	bar := newReading(c.err, sizeOf(folder))
	defer bar.done()
	return check.Check(ctx, check.Folder(folder), check.Options{
		Strict: f.strict, Rules: f.rules, AllowTruncated: f.allowTruncated, Run: folder.Run, Stdin: c.stdin,
		Progress: bar.set,
	})
}

func (c *console) report(r *check.Report, f checkFlags) error {
	switch f.report {
	case "json":
		return r.WriteJSON(c.out)
	case "junit":
		return r.WriteJUnit(c.out, f.maxFindings)
	case "github":
		return r.WriteGitHub(c.out, f.maxFindings)
	}
	return r.WriteText(c.out, check.TextOptions{MaxFindings: f.maxFindings, Color: terminal(c.out)})
}
