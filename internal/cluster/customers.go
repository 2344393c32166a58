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
func (r *run) customers(ctx context.Context) error {
	// The ports are open: a connection that is slow to stand on a busy machine is waited for.
	conns := client.NewConns(grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	defer conns.Close()
	names := map[int]string{}
	for _, b := range r.cfg.Scenario.Branches {
		names[b.ID] = b.Name()
	}
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
		all.Go(func() error { return r.customer(ctx, cfg, c.Steps, names) })
	}
	return all.Wait()
}

func (r *run) customer(ctx context.Context, cfg client.Config, steps []scenario.Step, branches map[int]string) (err error) {
	c, err := client.New(cfg)
	if err != nil {
		return fmt.Errorf("%s: %w", cfg.Name, err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, step := range steps {
		if step.Op == scenario.OpWait {
			if err := pause(ctx, step.Wait); err != nil {
				return err
			}
			continue
		}
		op, err := trace.ParseOp(step.Op)
		if err != nil {
			return fmt.Errorf("%s: step %d: %w", cfg.Name, step.ID, err)
		}
		_, err = c.Do(ctx, branches[step.Branch], customer.Operation{
			Op: op, Account: step.Account, ToAccount: step.ToAccount, Amount: step.Amount,
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.count(err); err != nil {
			return fmt.Errorf("%s: %w", cfg.Name, err)
		}
	}
	return nil
}

// count files the outcome of a request. An error that is no outcome of a request is returned.
func (r *run) count(err error) error {
	var failed *client.Error
	switch {
	case err == nil:
		r.ok.Add(1)
	case !errors.As(err, &failed):
		return err
	case failed.Unknown:
		r.unknown.Add(1)
	default:
		r.failed.Add(1)
	}
	n := r.requests.Add(1)
	if r.cfg.Progress != nil {
		r.cfg.Progress(n)
	}
	return nil
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
