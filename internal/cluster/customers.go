package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// customers lets every customer of the scenario go through its steps, all at once.
func (r *inside) customers(ctx context.Context) error {
	// The ports are open: a connection that is slow to stand on a busy machine is waited for.
	conns := client.NewConns(grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	defer conns.Close()
	all, ctx := errgroup.WithContext(ctx)
	for _, c := range r.cfg.Scenario.Customers {
		cfg := client.Config{Name: c.Name(), Branches: r.addresses, Conns: conns, Timeout: r.cfg.Timeout,
			AttemptTimeout: r.cfg.Timeout, Attempts: 1} // the branches stay up, and a course's outputs have each request once
		if r.cfg.Log != nil {
			log, err := r.cfg.Log(c.Name())
			if err != nil {
				return errors.Join(err, all.Wait())
			}
			cfg.Log = log
		}
		all.Go(func() error { return r.customer(ctx, cfg, c.Steps) })
	}
	return all.Wait()
}

func (r *inside) customer(ctx context.Context, cfg client.Config, steps []scenario.Step) (err error) {
	c, err := client.New(cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", cfg.Name, err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return Follow(ctx, c, steps, func(_ customer.Operation, _ client.Result, failed *client.Error) { r.count(OutcomeOf(failed)) })
}

// Follow has a customer go through steps, one after the other, and tells how each request ended: failed is nil where it
// ended with ok. It ends with ctx, whose cause is the error then, or when a request cannot be made at all.
func Follow(ctx context.Context, c *client.Client, steps []scenario.Step, tell func(op customer.Operation, r client.Result, failed *client.Error)) error {
	for _, step := range steps {
		if step.Op == scenario.OpWait {
			if err := pause(ctx, step.Wait); err != nil {
				return err
			}
			continue
		}
		kind, err := trace.ParseOp(step.Op)
		if err != nil {
			return fmt.Errorf("%s: step %d: %w", c.Name(), step.ID, err)
		}
		op := customer.Operation{Op: kind, Account: step.Account, ToAccount: step.ToAccount, Amount: step.Amount}
		result, err := c.Do(ctx, scenario.Branch{ID: step.Branch}.Name(), op)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var failed *client.Error
		if err != nil && !errors.As(err, &failed) {
			return fmt.Errorf("%s: step %d: %w", c.Name(), step.ID, err)
		}
		tell(op, result, failed)
	}
	return nil
}

// Outcome is how a request ended.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"  // it has no effect
	Unknown Outcome = "unknown" // nobody can say whether it has
)

// OutcomeOf returns the outcome of a request that ended so; nil is OK.
func OutcomeOf(failed *client.Error) Outcome {
	switch {
	case failed == nil:
		return OK
	case failed.Unknown:
		return Unknown
	}
	return Failed
}

// count files the outcome of a request.
func (r *run) count(o Outcome) {
	switch o {
	case OK:
		r.ok.Add(1)
	case Unknown:
		r.unknown.Add(1)
	default:
		r.failed.Add(1)
	}
	n := r.requests.Add(1)
	if r.cfg.Progress != nil {
		r.cfg.Progress(n)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
