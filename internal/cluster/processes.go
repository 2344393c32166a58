package cluster

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
)

// Processes says how the processes of a run are started. Their standard input, output and error are the run's: a process
// stops by itself, and in order, when its standard input ends.
type Processes struct {
	// Branch returns the command of a branch that listens at a port of its own choosing. Peers has the addresses of the
	// other branches by id; that of a branch which dials this one is "".
	Branch func(id int, peers map[int]string) *exec.Cmd
	// Serves returns the address in the line of standard error by which a branch says that its port is open.
	Serves func(process, line string) (address string, ok bool)
	// Open returns the branch that serves at an address.
	Open func(address string) (Branch, error)
	// Customer returns the command of a customer, which goes through its steps and writes a line to standard output for each
	// request: the Outcome, a colon, and anything. Branches has the addresses by id.
	Customer func(name string, branches map[int]string) *exec.Cmd
	// Output is called by many goroutines with each line of standard error; nil is fine.
	Output func(process, line string)
}

// outside is a run of processes.
type outside struct {
	*run
	how       Processes
	fail      context.CancelCauseFunc
	addresses map[int]string // of the branches that are started
	started   []*process     // branches
}

// RunProcesses is like Run, but every branch and every customer is a process of its own, which records for itself:
// Config.Log is not used. When it returns, all of them have ended. The error is a *ProcessError where one of them ended
// before its time, or with an error.
func RunProcesses(ctx context.Context, cfg Config, how Processes) (*Result, error) {
	r := &outside{run: newRun(cfg), how: how, addresses: map[int]string{}}
	serving, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r.fail = fail
	if err := r.startBranches(serving); err != nil {
		return nil, errors.Join(fmt.Errorf("start the bank: %w", err), r.stop())
	}
	result, err := r.conduct(serving, r.customers)
	if cause := context.Cause(serving); cause != nil {
		err = cause // what went wrong first, rather than what came of it
	}
	return result, errors.Join(err, r.stop())
}

// startBranches starts one branch after the other, the last to be dialled first: each learns from the command line where
// those serve that it dials, and no port has to be chosen before it is open.
func (r *outside) startBranches(ctx context.Context) error {
	branches := slices.Clone(r.cfg.Scenario.Branches)
	slices.SortFunc(branches, func(a, b scenario.Branch) int { return strings.Compare(b.Name(), a.Name()) })
	for _, b := range branches {
		peers := map[int]string{}
		for _, other := range branches {
			if other.ID != b.ID {
				peers[other.ID] = r.addresses[other.ID]
			}
		}
		address, err := r.startBranch(ctx, b, peers)
		if err != nil {
			return err
		}
		r.addresses[b.ID] = address
		status, err := r.how.Open(address)
		if err != nil {
			return err
		}
		r.branches = append(r.branches, status)
	}
	return nil
}

// startBranch starts a branch and returns the address at which it serves.
func (r *outside) startBranch(ctx context.Context, b scenario.Branch, peers map[int]string) (string, error) {
	serves := make(chan string, 1)
	var once sync.Once
	p, err := start(b.Name(), r.how.Branch(b.ID, peers), nil, func(line string) {
		if address, ok := r.how.Serves(b.Name(), line); ok {
			once.Do(func() { serves <- address })
		}
		r.said(b.Name(), line)
	})
	if err != nil {
		return "", err
	}
	r.started = append(r.started, p)
	go func() {
		<-p.ended
		if !p.stopping() {
			r.fail(p.failure())
		}
	}()
	late := time.NewTimer(r.cfg.Settle)
	defer late.Stop()
	select {
	case address := <-serves:
		return address, nil
	case <-late.C:
		return "", fmt.Errorf("%s has not opened its port after %v", b.Name(), r.cfg.Settle)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// customers starts every customer of the scenario, all at once, and waits for their end.
func (r *outside) customers(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, c := range r.cfg.Scenario.Customers {
		all.Go(func() error {
			p, err := start(c.Name(), r.how.Customer(c.Name(), r.addresses), r.request, func(line string) { r.said(c.Name(), line) })
			if err != nil {
				return err
			}
			select {
			case <-p.ended:
			case <-ctx.Done():
				_ = p.stop() // in whichever way: this one has done nothing wrong
				return context.Cause(ctx)
			}
			if p.err != nil {
				return p.failure()
			}
			return nil
		})
	}
	return all.Wait()
}

// request counts a request by the line that a customer writes about it.
func (r *outside) request(line string) {
	outcome, _, _ := strings.Cut(line, ":")
	r.count(Outcome(outcome))
}

func (r *outside) said(process, line string) {
	if r.how.Output != nil {
		r.how.Output(process, line)
	}
}

// stop ends the branches, all at once, and waits for them.
func (r *outside) stop() error {
	errs := make([]error, len(r.started))
	var all sync.WaitGroup
	for i, p := range r.started {
		all.Go(func() { errs[i] = p.stop() })
	}
	all.Wait()
	return errors.Join(errs...)
}
