package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// SoakConfig says how to run a bank at full load.
type SoakConfig struct {
	Binary   string        // of bank-trace
	Dir      string        // for the data folders and the trace; new or empty
	Mode     string        // of the bank
	Time     time.Duration // how long
	Report   time.Duration // between two lines of the report; 0 means a minute
	Callers  int           // 0 means 64
	Branches int           // 0 means 3
	Check    bool          // check the trace at the end
	Out      io.Writer

	// MaxTrace is the size of the trace in bytes at which the run is given up, lest it fill the disk; 0 means no limit.
	MaxTrace float64
}

// load counts what the callers do.
type load struct {
	began                time.Time
	ok, refused, unknown atomic.Int64
	net                  atomic.Int64 // acknowledged deposits less acknowledged withdrawals
}

// Soak keeps a bank busy with Callers customers in this process, which record nothing, each with one request under way at
// any time, and writes down what the folders of the branches come to. At the end the branches agree, their money is what
// was acknowledged, and they stop when they are asked to.
func Soak(ctx context.Context, cfg SoakConfig) (err error) {
	if cfg.Report == 0 {
		cfg.Report = time.Minute
	}
	if cfg.Callers == 0 {
		cfg.Callers = 64
	}
	if cfg.Branches == 0 {
		cfg.Branches = 3
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	opening := map[string]int64{"main": 1_000_000, "savings": 1_000_000, "rent": 0}
	b, err := newBank(cfg.Dir, cfg.Binary, cfg.Mode, cfg.Branches, opening, fail)
	if err != nil {
		return err
	}
	defer b.close()
	for _, one := range b.branches {
		if err := one.start(); err != nil {
			return err
		}
	}
	if _, err := b.settle(ctx, time.Minute); err != nil {
		return err
	}
	l := &load{began: time.Now()}
	loading, done := context.WithTimeout(ctx, cfg.Time)
	defer done()
	callers, loading := errgroup.WithContext(loading)
	for i := range cfg.Callers {
		callers.Go(func() error { return l.call(loading, b, fmt.Sprintf("customer-%d", i+1)) })
	}
	callers.Go(func() error { return l.watch(loading, b, cfg) })
	if err := errors.Join(callers.Wait(), context.Cause(ctx)); err != nil {
		return err
	}
	fmt.Fprintf(cfg.Out, "at the end of the load: %s\n", l.line(b, l.ok.Load()))
	if err := l.end(ctx, b); err != nil {
		return err
	}
	fmt.Fprintf(cfg.Out, "stopped: %s\n", l.line(b, l.ok.Load()))
	if cfg.Check {
		return b.checkWithoutCustomers(ctx, cfg.Out)
	}
	return nil
}

// call is one customer's life.
func (l *load) call(ctx context.Context, b *bank, name string) (err error) {
	c, err := client.New(client.Config{Name: name, Branches: b.addresses(), Timeout: time.Minute, AttemptTimeout: 20 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for ctx.Err() == nil {
		op := someWrite(rand.IntN, slices.Sorted(maps.Keys(b.opening)))
		// Not with ctx: a request that is given up half-way would make the sum of all inexact.
		_, err := c.Do(context.WithoutCancel(ctx), b.branches[rand.IntN(len(b.branches))].name(), op)
		var refusal *client.Error
		switch {
		case err == nil:
			l.ok.Add(1)
			l.net.Add(gain(op))
		case !errors.As(err, &refusal):
			return err
		case refusal.Unknown:
			l.unknown.Add(1)
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		default:
			l.refused.Add(1)
			if refusal.Reason != "INSUFFICIENT_FUNDS" {
				return err
			}
		}
	}
	return nil
}

// someWrite draws a request for one of the accounts.
func someWrite(draw func(int) int, accounts []string) customer.Operation {
	i := draw(len(accounts))
	op := customer.Operation{Account: accounts[i], Amount: int64(1 + draw(100))}
	switch n := draw(10); {
	case n < 4:
		op.Op = trace.OpDeposit
	case n < 7:
		op.Op = trace.OpWithdraw
	default:
		op.Op, op.ToAccount = trace.OpTransfer, accounts[(i+1+draw(len(accounts)-1))%len(accounts)]
	}
	return op
}

// gain is what a write that takes effect adds to all accounts together.
func gain(op customer.Operation) int64 {
	switch op.Op {
	case trace.OpDeposit:
		return op.Amount
	case trace.OpWithdraw:
		return -op.Amount
	}
	return 0
}

// watch writes a line of the report now and then.
func (l *load) watch(ctx context.Context, b *bank, cfg SoakConfig) error {
	tick := time.NewTicker(cfg.Report)
	defer tick.Stop()
	var before int64
	last := l.began
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if has := size(b.trace()); cfg.MaxTrace > 0 && has > cfg.MaxTrace {
				return fmt.Errorf("given up: %s, and the trace has come to %.0f MB, the limit is %.0f MB", l.line(b, l.ok.Load()), has/1e6, cfg.MaxTrace/1e6)
			}
			ok := l.ok.Load()
			rate := float64(ok-before) / now.Sub(last).Seconds()
			before, last = ok, now
			fmt.Fprintf(cfg.Out, "%s; %.0f requests/s since the line before\n", l.line(b, ok), rate)
		}
	}
}

// line tells the state of the run.
func (l *load) line(b *bank, ok int64) string {
	elapsed := time.Since(l.began)
	var text strings.Builder
	fmt.Fprintf(&text, "%v: %d ok, %d refused, %d unknown, %.0f requests/s;", elapsed.Round(time.Second),
		ok, l.refused.Load(), l.unknown.Load(), float64(ok)/elapsed.Seconds())
	for _, one := range b.branches {
		fmt.Fprintf(&text, " data-%d %.1f MB", one.id, size(one.data())/1e6)
		if memory := one.memory(); memory > 0 {
			fmt.Fprintf(&text, " (memory %.0f MB)", memory/1e6)
		}
		text.WriteByte(',')
	}
	fmt.Fprintf(&text, " trace %.1f MB", size(b.trace())/1e6)
	return text.String()
}

// end settles the bank, holds its money against what was acknowledged, and stops it.
func (l *load) end(ctx context.Context, b *bank) error {
	all, err := b.settle(ctx, 2*time.Minute)
	if err != nil {
		return err
	}
	sum := l.net.Load()
	for _, balance := range b.opening {
		sum += balance
	}
	var errs []error
	for _, s := range all {
		has := int64(0)
		for _, balance := range balances(s) {
			has += balance
		}
		if has != sum && l.unknown.Load() == 0 {
			errs = append(errs, fmt.Errorf("%s has %d in all, and by what was acknowledged it should be %d", s.Process, has, sum))
		}
		if !maps.Equal(balances(s), balances(all[0])) {
			errs = append(errs, fmt.Errorf("%s has %v, %s %v", s.Process, balances(s), all[0].Process, balances(all[0])))
		}
	}
	if l.ok.Load() == 0 {
		errs = append(errs, errors.New("no request was answered with ok"))
	}
	return errors.Join(append(errs, b.stop(time.Minute), b.writeRun(nil, true))...)
}

// size returns the bytes of all files below a folder.
func size(dir string) float64 {
	var sum int64
	// A file that goes away meanwhile, as a store's do, counts as nothing.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return float64(sum)
}

// memory returns the bytes of memory that the branch's process has, 0 where it has ended or the system does not tell.
func (b *branch) memory() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.process.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return float64(kib) * 1024
		}
	}
	return 0
}

// checkWithoutCustomers checks a trace in which the customers' logs are missing, and nothing else may be amiss.
func (b *bank) checkWithoutCustomers(ctx context.Context, out io.Writer) error {
	began := time.Now()
	text, err := exec.CommandContext(ctx, b.binary, "check", "--report", "json", b.trace()).Output()
	var report struct {
		Verdict string
		Events  int64
		Rules   []struct{ Rule, Status string }
	}
	if jsonErr := json.Unmarshal(text, &report); jsonErr != nil {
		return fmt.Errorf("check: %w", errors.Join(err, jsonErr))
	}
	passed := 0
	for _, r := range report.Rules {
		switch {
		case r.Status == "fail" && r.Rule != "log/missing":
			return fmt.Errorf("check: %s fails", r.Rule)
		case r.Status == "pass":
			passed++
		}
	}
	fmt.Fprintf(out, "checked: %d events in %v, %d rules pass, none but log/missing (the customers') fails\n",
		report.Events, time.Since(began).Round(time.Second), passed)
	if passed == 0 || report.Events == 0 {
		return errors.New("check: nothing was checked")
	}
	return nil
}
