package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/internal/cluster"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
)

// customerRunFlags are the flags of `customer run`.
type customerRunFlags struct {
	customerFlags
	scenario string
	attempts int
	attached bool
}

func newCustomerRun(c *console) *cobra.Command {
	var f customerRunFlags
	cmd := &cobra.Command{
		Use:   "run --scenario FILE --name customer-N",
		Short: "Make all the requests of one customer of a scenario",
		Long: `Goes through the steps of one customer of a scenario, one after the other, and
prints a line for each request. The bank runs already. With --session a customer
that was stopped or killed goes on, at the next start, with the step after.

Ends with 0 when all steps were made, whatever the answers were.`,
		Example: `  bank-trace customer run --scenario examples/two-withdrawals.yaml --name customer-2 \
      --branches 1=127.0.0.1:7001,2=127.0.0.1:7002 --session two.session --trace my-trace`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if f.attached {
				var stop context.CancelFunc
				ctx, stop = untilInputEnds(ctx, c.stdin)
				defer stop()
			}
			return followScenario(ctx, c, f)
		},
	}
	f.add(cmd, "")
	fl := cmd.Flags()
	fl.StringVar(&f.scenario, "scenario", "", "scenario file (required)")
	fl.IntVar(&f.attempts, "attempts", 0, "how often a request is made at most (until its time is over by default)")
	fl.BoolVar(&f.attached, "stop-with-input", false, "stop also when standard input ends, as it does with the program that holds its other end")
	for _, flag := range []string{"scenario", "name"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the flags are a few lines above
		}
	}
	return cmd
}

func followScenario(ctx context.Context, c *console, f customerRunFlags) (err error) {
	steps, err := stepsOf(f.scenario, f.name)
	if err != nil {
		return err
	}
	cfg := client.Config{Name: f.name, Timeout: f.timeout, Attempts: f.attempts}
	var options []grpc.DialOption
	if f.attempts == 1 { // it waits for a connection rather than fail for want of one
		cfg.AttemptTimeout, options = f.timeout, []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.WaitForReady(true))}
	}
	t, err := f.open(ctx, c, client.NewConns(options...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	for _, step := range steps {
		if name := branchName(step.Branch); step.Op != scenario.OpWait && t.branches[name] == "" {
			return fmt.Errorf("%s: step %d of %s asks %s, whose address is not given", f.scenario, step.ID, f.name, name)
		}
	}
	cl, err := t.customer(ctx, c, cfg)
	if err != nil {
		return err
	}
	if t.session != nil {
		made := t.session.State().N
		if steps = after(steps, made); made > 0 {
			fmt.Fprintf(c.err, "bank-trace: %s has made %d requests before and goes on with the next\n", f.name, made)
		}
	}
	var broken error
	err = cluster.Follow(ctx, cl, steps, func(op customer.Operation, r client.Result, failed *client.Error) {
		_, printed := fmt.Fprintln(c.out, outcomeLine(op, r, failed))
		broken = errors.Join(broken, printed)
		if failed != nil && cl.Unsettled() != nil {
			broken = errors.Join(broken, cl.GiveUp()) // its time is over, and the steps go on
		}
	})
	return errors.Join(err, broken)
}

// outcomeLine tells how a request ended; what stands before the colon is its cluster.Outcome.
func outcomeLine(op customer.Operation, r client.Result, failed *client.Error) string {
	if failed == nil {
		return resultLine(r, op)
	}
	return fmt.Sprintf("%s: %v", cluster.OutcomeOf(failed), failed)
}

// stepsOf returns the steps of one customer of a scenario.
func stepsOf(path, name string) ([]scenario.Step, error) {
	s, err := scenario.Load(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range s.Customers {
		if c.Name() == name {
			return c.Steps, nil
		}
		names = append(names, c.Name())
	}
	if len(names) > 10 {
		names = append(names[:10], "…")
	}
	return nil, fmt.Errorf("%s: there is no customer %q; there are %v", path, name, names)
}

// after drops the steps up to the n-th request.
func after(steps []scenario.Step, n uint64) []scenario.Step {
	for i, step := range steps {
		if n == 0 {
			return steps[i:]
		}
		if step.Op != scenario.OpWait {
			n--
		}
	}
	return nil
}
