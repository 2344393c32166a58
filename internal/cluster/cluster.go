// Package cluster starts a whole bank on this machine, in this process (Run) or in one for every branch and customer
// (RunProcesses), lets a scenario's customers at it over real gRPC, waits until everything has settled, and stops it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Log takes what a process records. *trace.LogFile is one.
type Log interface {
	Header(*trace.Header) error
	Event(*trace.Event) error
	End(*trace.End) error
	Flush() error
}

// Config says what to run.
type Config struct {
	Scenario *scenario.Scenario
	Log      func(process string) (Log, error) // called for one process after the other; nil records nothing
	Logger   zerolog.Logger
	Timeout  time.Duration        // of each request; 0 means 30 s
	Settle   time.Duration        // how long the bank may take to settle after the last request; 0 means 60 s
	Progress func(finished int64) // called by many goroutines with the number of requests over; nil is fine
}

// Result is what a run did.
type Result struct {
	Requests int64 // that were made
	OK       int64
	Failed   int64 // refused: the balance did not cover it, say
	Unknown  int64 // that had no answer in time
	Elapsed  time.Duration
	Settled  bool
	Branches []server.Status // after the last request
}

// Branch is a branch under way, in this process or in another.
type Branch interface {
	Status(context.Context) (server.Status, error)
	// Changed returns a channel that is closed when it is time to look at the status again.
	Changed() <-chan struct{}
}

// run is a run under way.
type run struct {
	cfg                           Config
	branches                      []Branch
	requests, ok, failed, unknown atomic.Int64
}

func newRun(cfg Config) *run {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Settle == 0 {
		cfg.Settle = time.Minute
	}
	return &run{cfg: cfg}
}

// inside is a run within this process.
type inside struct {
	*run
	addresses map[string]string // of the branches
	listeners []net.Listener    // in step with servers
	servers   []*server.Server
}

// Run starts the branches, joins them, runs the customers, waits until all messages are received and all writes are executed
// everywhere, and only then stops the branches. When ctx ends it stops at once; what was recorded is whole.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r := &inside{run: newRun(cfg), addresses: map[string]string{}}
	if err := r.prepare(ctx); err != nil {
		return nil, fmt.Errorf("start the bank: %w", err)
	}
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	branches, serving := errgroup.WithContext(serving)
	for i, s := range r.servers {
		branches.Go(func() error { return s.Serve(serving, r.listeners[i]) })
	}
	result, err := r.conduct(serving, r.customers)
	stop(nil)
	return result, errors.Join(err, branches.Wait(), context.Cause(ctx))
}

// conduct waits until the branches are joined, runs the customers, and waits until everything has settled.
func (r *run) conduct(ctx context.Context, customers func(context.Context) error) (*Result, error) {
	_, err := r.await(ctx, disconnected)
	began := time.Now()
	if err == nil {
		err = customers(ctx)
	}
	result := r.result(time.Since(began))
	if err == nil {
		result.Branches, err = r.await(ctx, unsettled)
		result.Settled = err == nil
	}
	return result, err
}

// prepare opens a port for every branch and makes their servers.
func (r *inside) prepare(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			for _, l := range r.listeners {
				l.Close()
			}
		}
	}()
	var names []string
	for _, b := range r.cfg.Scenario.Branches {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		names = append(names, b.Name())
		r.listeners = append(r.listeners, l)
		r.addresses[b.Name()] = l.Addr().String()
	}
	for _, name := range names {
		cfg := server.Config{
			Branch: branch.Config{Name: name, Branches: names, Mode: r.cfg.Scenario.Mode, Opening: r.cfg.Scenario.Opening()},
			Peers:  r.addresses, Logger: r.cfg.Logger.With().Str("process", name).Logger(),
			RequestTimeout: r.cfg.Timeout,
		}
		if r.cfg.Log != nil {
			if cfg.Log, err = r.cfg.Log(name); err != nil {
				return err
			}
		}
		s, err := server.New(cfg)
		if err != nil {
			return err
		}
		r.servers, r.branches = append(r.servers, s), append(r.branches, s)
	}
	return nil
}

func (r *run) result(elapsed time.Duration) *Result {
	return &Result{
		Requests: r.requests.Load(), OK: r.ok.Load(), Failed: r.failed.Load(), Unknown: r.unknown.Load(), Elapsed: elapsed,
	}
}

// await waits until no branch lacks anything. Lacks returns the place of a branch that does and what it lacks, or -1.
func (r *run) await(ctx context.Context, lacks func([]server.Status) (int, string)) ([]server.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Settle)
	defer cancel()
	for {
		changed := make([]<-chan struct{}, len(r.branches))
		statuses := make([]server.Status, len(r.branches))
		for i, b := range r.branches {
			changed[i] = b.Changed()
			status, err := b.Status(ctx)
			if err != nil {
				return nil, fmt.Errorf("wait for the branches: %w", err)
			}
			statuses[i] = status
		}
		late, why := lacks(statuses)
		if late < 0 {
			return statuses, nil
		}
		select {
		case <-changed[late]:
		case <-ctx.Done():
			return statuses, fmt.Errorf("after %v %s", r.cfg.Settle, why)
		}
	}
}

// disconnected finds a branch that a peer's connection is missing at.
func disconnected(all []server.Status) (place int, why string) {
	for i, s := range all {
		for _, p := range s.Peers {
			if !p.Up {
				return i, fmt.Sprintf("%s has no connection to %s", s.Name, p.Name)
			}
		}
	}
	return -1, ""
}

// unsettled finds a branch that has not executed what another has, or not taken all that another sent to it.
func unsettled(all []server.Status) (place int, why string) {
	for i, s := range all {
		if s.Pending > 0 || !s.Executed.Equal(all[0].Executed) {
			return i, fmt.Sprintf("%s has executed %v and %s %v", s.Name, s.Executed, all[0].Name, all[0].Executed)
		}
		for _, from := range all {
			sent, _ := from.Peer(s.Name)
			taken, _ := s.Peer(from.Name)
			if sent.Sent != taken.Taken {
				return i, fmt.Sprintf("%s has taken %d of %d messages of %s", s.Name, taken.Taken, sent.Sent, from.Name)
			}
		}
	}
	return -1, ""
}
