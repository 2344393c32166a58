package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says how to torture a bank.
type Config struct {
	Binary    string // of bank-trace
	Dir       string // for all that the run leaves; new or empty
	Mode      string // of the bank
	Seed      uint64 // of all choices; what comes of them depends on the timing too
	Branches  int    // 0 means 5
	Customers int    // 0 means 20

	// The torture ends after Time or with Kills kills of branches, whichever comes first; 0 means no limit. It goes on,
	// three times as long at most, until Least has happened.
	Time  time.Duration
	Kills int64
	Pace  time.Duration // between two kills of branches, on average; 0 means 1 s
	Least Least
}

// Least is what must have happened for a run to have tested anything.
type Least struct{ BranchKills, BranchIncarnations, CustomerKills, Cuts, Retries, OK int64 }

// counts is what has happened so far.
type counts struct{ branchKills, customerKills, cuts, blocks atomic.Int64 }

// Result is what a run did.
type Result struct {
	Seed                                      uint64
	BranchKills, CustomerKills, Cuts, Blocks  int64
	Requests, OK, Refused, Unanswered, Untold int64 // Untold: ended, and no command lived to say how
	Retries, Copies                           int64 // Copies: of writes, found out when they were executed
	Agreements                                int64 // executions of grants and fences, in mode causal
	BranchIncarnations, CustomerIncarnations  int64
	Events                                    int64
	Tortured, Elapsed                         time.Duration
}

// String gives the counts.
func (r *Result) String() string {
	return fmt.Sprintf("seed %d: %d kills of branches, %d of customers, %d connections cut, %d links blocked; "+
		"%d requests (%d ok, %d refused, %d unanswered, %d whose end was told by the logs alone), %d retries, %d copies of writes, %d executions of grants and fences; "+
		"%d events, %d incarnations of branches and %d of customers; tortured for %v, %v in all",
		r.Seed, r.BranchKills, r.CustomerKills, r.Cuts, r.Blocks, r.Requests, r.OK, r.Refused, r.Unanswered, r.Untold,
		r.Retries, r.Copies, r.Agreements, r.Events, r.BranchIncarnations, r.CustomerIncarnations, r.Tortured.Round(100*time.Millisecond), r.Elapsed.Round(100*time.Millisecond))
}

// world is a bank with all that is about it.
type world struct {
	cfg       Config
	bank      *bank
	proxies   []*proxy
	customers []*roamer
	counts    counts
}

// Torture runs a bank of processes, kills and cuts at random, and holds what is left against what was said: all replicas
// have the same balances, the sum is exact, each acknowledged request is in them once and no refused one is, and the
// checker finds nothing wrong. The Result is there also with an error, as far as the run came.
func Torture(ctx context.Context, cfg Config) (*Result, error) {
	if cfg.Branches == 0 {
		cfg.Branches = 5
	}
	if cfg.Customers == 0 {
		cfg.Customers = 20
	}
	if cfg.Pace == 0 {
		cfg.Pace = time.Second
	}
	began := time.Now()
	r := &Result{Seed: cfg.Seed}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	w := &world{cfg: cfg}
	defer w.close()
	err := w.prepare(fail)
	if err == nil {
		_, err = w.bank.settle(ctx, 30*time.Second)
	}
	if err == nil {
		err = w.torment(ctx, fail)
	}
	r.Tortured = time.Since(began)
	r.BranchKills, r.CustomerKills = w.counts.branchKills.Load(), w.counts.customerKills.Load()
	r.Cuts, r.Blocks = w.counts.cuts.Load(), w.counts.blocks.Load()
	if err == nil {
		err = w.reckon(ctx, r)
	}
	r.Elapsed = time.Since(began)
	if err == nil {
		err = cfg.Least.met(r)
	}
	return r, err
}

// prepare starts the branches, with a proxy for each connection between two of them.
func (w *world) prepare(fail func(error)) error {
	opening := map[string]int64{"main": 500, "savings": 500, "rent": 0}
	var err error
	if w.bank, err = newBank(w.cfg.Dir, w.cfg.Binary, w.cfg.Mode, w.cfg.Branches, opening, fail); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(w.cfg.Dir, "sessions"), 0o755); err != nil {
		return err
	}
	for _, from := range w.bank.branches {
		for _, to := range w.bank.branches {
			if from.name() >= to.name() {
				continue // of two branches the one with the lesser name dials
			}
			p, err := newProxy(from.name(), to.name(), to.address)
			if err != nil {
				return err
			}
			w.proxies = append(w.proxies, p)
			from.seen[to.name()] = p.address()
		}
	}
	for _, b := range w.bank.branches {
		if err := b.start(); err != nil {
			return err
		}
	}
	for i := range w.cfg.Customers {
		w.customers = append(w.customers, newRoamer(w.bank, i+1, w.cfg.Seed, &w.counts))
	}
	return nil
}

func (w *world) close() {
	for _, p := range w.proxies {
		p.close()
	}
	if w.bank != nil {
		w.bank.close()
	}
}

// torment lets the customers at the bank and makes things go wrong, until there was enough of it.
func (w *world) torment(ctx context.Context, fail context.CancelCauseFunc) error {
	tormenting, enough := context.WithCancel(ctx)
	defer enough()
	c := &chaos{bank: w.bank, proxies: w.proxies, pace: w.cfg.Pace, seed: w.cfg.Seed, counts: &w.counts, fail: fail}
	var evils sync.WaitGroup
	evils.Go(func() { c.branches(tormenting) })
	evils.Go(func() { c.links(tormenting) })
	evils.Go(func() {
		w.untilEnough(tormenting)
		enough()
	})
	var customers errgroup.Group
	for _, one := range w.customers {
		customers.Go(func() error {
			err := one.live(tormenting, ctx)
			if err != nil {
				fail(err)
			}
			return err
		})
	}
	err := customers.Wait()
	evils.Wait()
	return errors.Join(err, context.Cause(ctx))
}

// untilEnough waits for the end of the torture.
func (w *world) untilEnough(ctx context.Context) {
	began := time.Now()
	for wait(ctx, 50*time.Millisecond) {
		elapsed, kills := time.Since(began), w.counts.branchKills.Load()
		over := w.cfg.Time > 0 && elapsed >= w.cfg.Time || w.cfg.Kills > 0 && kills >= w.cfg.Kills
		least := w.cfg.Least
		vacuous := kills < least.BranchKills || w.counts.customerKills.Load() < least.CustomerKills || w.counts.cuts.Load() < least.Cuts
		if over && (!vacuous || w.cfg.Time > 0 && elapsed >= 3*w.cfg.Time) {
			return
		}
	}
}

// reckon settles and stops the bank, and holds its logs against what was said.
func (w *world) reckon(ctx context.Context, r *Result) error {
	var customers errgroup.Group
	for _, c := range w.customers {
		customers.Go(func() error { return c.rest(ctx) })
	}
	if err := errors.Join(customers.Wait(), context.Cause(ctx)); err != nil {
		return err
	}
	all, err := w.bank.settle(ctx, time.Minute)
	if err != nil {
		return err
	}
	if err := w.bank.stop(time.Minute); err != nil {
		return err
	}
	var names []string
	for _, c := range w.customers {
		names = append(names, c.name)
	}
	if err := w.bank.writeRun(names, true); err != nil {
		return err
	}
	logs, err := readLogs(w.bank.trace(), w.bank.opening)
	if err != nil {
		return err
	}
	return errors.Join(w.compare(logs, all, r), w.bank.check(ctx, r))
}

// met says whether a run tested too little.
func (l Least) met(r *Result) error {
	var short []string
	for _, n := range []struct {
		what     string
		got, min int64
	}{
		{"kills of branches", r.BranchKills, l.BranchKills},
		{"incarnations of branches", r.BranchIncarnations, l.BranchIncarnations}, {"kills of customers", r.CustomerKills, l.CustomerKills},
		{"cut connections", r.Cuts, l.Cuts}, {"retries", r.Retries, l.Retries}, {"requests that were ok", r.OK, l.OK},
	} {
		if n.got < n.min {
			short = append(short, fmt.Sprintf("%d %s, not %d", n.got, n.what, n.min))
		}
	}
	if len(short) == 0 {
		return nil
	}
	return fmt.Errorf("the run tested too little: it had %s", strings.Join(short, ", "))
}
