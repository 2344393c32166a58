package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/internal/cluster"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

// runFlags are the flags of `run`.
type runFlags struct {
	dir, course string
	mode        string
	encoding    encodingFlag
	overwrite   bool
	processes   bool
	timeout     time.Duration
	view        bool
	noOpen      bool
}

func newRun(c *console) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a scenario on real branches and customers, and check its trace",
		Long: `Starts every branch of the scenario (our YAML, or a course input in JSON) as a gRPC
server on this machine, lets the customers at them, waits until everything has
settled, stops the branches, and checks the trace. With --processes every branch,
with durable state in a temporary folder, and every customer is a process of its
own; they end with this one, however it ends.

With --view the run is shown in the browser while it is under way: events appear as
they are logged, and then the verdict. The page stays until Ctrl-C.

Without -o the trace is in a temporary folder, which is kept only if something is
wrong.`,
		Example: `  bank-trace run examples/two-withdrawals.yaml -o /tmp/t
  bank-trace run examples/two-withdrawals.yaml --processes
  bank-trace run examples/two-withdrawals.yaml --view
  bank-trace run examples/course.json -o /tmp/t --course /tmp/answers`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("run: name one scenario file; examples/ has some")
			}
			if f.noOpen && !f.view {
				return errors.New("run: --no-open goes with --view")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runScenario(cmd.Context(), c, f, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.dir, "out", "o", "", "folder for the trace")
	fl.StringVar(&f.course, "course", "", "also write the course's output files into this folder")
	fl.StringVar(&f.mode, "mode", "", "when writes execute: total or causal (the scenario's own by default)")
	f.encoding.add(cmd, "what logs are written in", trace.Encodings()...)
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a trace that is in the folder already")
	fl.BoolVar(&f.processes, "processes", false, "run every branch and every customer as a process of its own")
	fl.BoolVar(&f.view, "view", false, "show the run in the browser while it is under way")
	fl.BoolVar(&f.noOpen, "no-open", false, "with --view, do not open the browser, only print the address")
	fl.DurationVar(&f.timeout, "timeout", 30*time.Second, "longest wait for the answer to one request")
	return cmd
}

func runScenario(ctx context.Context, c *console, f runFlags, path string) (err error) {
	s, err := scenario.Load(path)
	if err != nil {
		return err
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(c.err, "bank-trace: %s\n", w)
	}
	if f.mode != "" {
		s.Mode = f.mode
	}
	dir := f.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "bank-trace-run-"); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				err = os.RemoveAll(dir)
			} else {
				fmt.Fprintf(c.err, "bank-trace: the trace is kept in %s\n", dir)
			}
		}()
	}
	if !f.view {
		result, err := record(ctx, c, s, path, dir, f)
		if err != nil {
			return err
		}
		if err := tellResult(c, f, s, result, dir); err != nil {
			return err
		}
		return checkTrace(ctx, c, runChecks(), []string{dir})
	}
	page, err := showLive(ctx, c, f, s.Name, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.close()) }()
	result, err := record(ctx, c, s, path, dir, f)
	if err == nil {
		err = page.finish(ctx)
	}
	if err != nil {
		return err
	}
	if err := tellResult(c, f, s, result, dir); err != nil {
		return err
	}
	verdict := c.verdict(page.viewer.Report(), runChecks())
	if verdict != nil && !errors.Is(verdict, errViolation) && !errors.Is(verdict, errUndecided) {
		return verdict
	}
	return errors.Join(verdict, page.stay(ctx, c))
}

// runChecks says how the trace of a run is checked.
func runChecks() checkFlags { return checkFlags{report: "text", maxFindings: 20} }

// tellResult prints what a run did.
func tellResult(c *console, f runFlags, s *scenario.Scenario, result *cluster.Result, dir string) error {
	fmt.Fprintf(c.out, "%s: %d branches, %d customers; %d requests in %v: %d ok, %d refused, %d of unknown outcome\n",
		s.Name, len(s.Branches), len(s.Customers), result.Requests, result.Elapsed.Round(time.Millisecond),
		result.OK, result.Failed, result.Unknown)
	for _, a := range result.Branches[0].Accounts {
		fmt.Fprintf(c.out, "%s: %d at every branch\n", a.Account, a.Amount)
	}
	if f.course != "" {
		if err := writeCourse(c, s, dir, f.course); err != nil {
			return err
		}
	}
	if f.dir != "" {
		fmt.Fprintf(c.out, "trace: %s\n", f.dir)
	}
	_, err := fmt.Fprintln(c.out)
	return err
}

// record runs a scenario and writes its trace into a folder.
func record(ctx context.Context, c *console, s *scenario.Scenario, path, dir string, f runFlags) (*cluster.Result, error) {
	rec, err := newRecording(dir, f.encoding.Encoding, f.overwrite)
	if err != nil {
		return nil, err
	}
	var total int64
	for _, customer := range s.Customers {
		for _, step := range customer.Steps {
			if step.Op != scenario.OpWait {
				total++
			}
		}
	}
	bar := newBar(c.err, "requests", total)
	cfg := cluster.Config{Scenario: s, Logger: c.logger(), Timeout: f.timeout, Progress: bar.set}
	var result *cluster.Result
	if f.processes {
		rec.processes = processNames(s)
		result, err = runProcesses(ctx, c, s, path, dir, cfg, f)
	} else {
		cfg.Log = func(process string) (cluster.Log, error) {
			l, err := rec.log(process)
			if err == nil && f.view && isCustomer(s, process) {
				return promptLog{l}, nil
			}
			return l, err
		}
		result, err = cluster.Run(ctx, cfg)
	}
	bar.done()
	run := &trace.Run{Mode: s.Mode, Scenario: s.Name, Settled: err == nil && result.Settled}
	if err := errors.Join(err, rec.close(run)); err != nil {
		return nil, err
	}
	return result, nil
}

// writeCourse writes the course's output files from a trace.
func writeCourse(c *console, s *scenario.Scenario, dir, out string) error {
	numbers := map[trace.ID]int{}
	for _, customer := range s.Customers {
		n := uint64(0)
		for _, step := range customer.Steps {
			if step.Op != scenario.OpWait {
				n++
				numbers[trace.ID{Process: customer.Name(), N: n}] = step.ID
			}
		}
	}
	course := convert.Course{Number: func(id trace.ID) int { return numbers[id] }}
	events, err := readEvents(dir)
	if err != nil {
		return err
	}
	for i := range events {
		if err := course.Add(&events[i]); err != nil {
			return err
		}
	}
	paths, err := course.Write(out, s.Roaming)
	for _, p := range paths {
		fmt.Fprintf(c.out, "wrote %s\n", p)
	}
	return err
}
