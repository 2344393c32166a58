// Package sim is the bank in a bottle: branches and customers in one goroutine, under virtual time and seeded
// randomness. It drives the very same cores as the gRPC server and client, so a trace of any size comes from a seed, the
// same on every machine.
//
// What happens next is what stands first on one agenda, ordered by (virtual time, number). Every concern (each link's
// delays, each customer's workload) draws from a random source of its own. No decision depends on the order of a map.
package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Sink takes the log of one process. *trace.Writer is one.
type Sink interface {
	Header(*trace.Header) error
	Event(*trace.Event) error
	End(*trace.End) error
}

// Config says what to simulate.
type Config struct {
	Seed      uint64
	Branches  []string // process names, 1 to 64
	Customers []string // process names
	Mode      string   // "" means total
	Opening   map[string]int64
	Workload  Workload                           // nil means Mix
	Mix       Mix                                // with Workload nil
	Sink      func(process string) (Sink, error) // nil records nothing

	Delay    [2]time.Duration     // of messages, least and most; zero means 0.2 to 2 ms
	Handling [2]time.Duration     // from a branch's waking to its next batch; zero means 10 to 100 µs
	Limit    time.Duration        // virtual time after which a simulation that has not settled fails; zero means 1 h after the last request
	Progress func(answered int64) // called now and then with the requests answered
}

// Result is what a simulation did.
type Result struct {
	Events   int64
	Messages int64 // sent, of every kind
	Requests int64 // answered
	OK       int64 // requests that ended with ok
	Virtual  time.Duration
	Settled  bool                     // every message received and every write executed everywhere
	Executed []clock.Vector           // by branch
	Accounts [][]trace.AccountBalance // by branch
}

// Names returns prefix-1 … prefix-n.
func Names(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", prefix, i+1)
	}
	return names
}

// simulation is one run under way.
type simulation struct {
	world
	cfg       Config
	workload  Workload
	network   *network
	branches  []*branchNode
	customers []*customerNode
	working   int // customers that have steps left
	result    Result
}

// Run simulates until every customer is done and the bank has settled. It fails when the bank does not settle, when a
// sink fails, or when ctx ends.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	s, err := newSimulation(cfg)
	if err != nil {
		return nil, fmt.Errorf("simulation: %w", err)
	}
	if err := s.start(); err != nil {
		return nil, fmt.Errorf("simulation, seed %d: %w", cfg.Seed, err)
	}
	for steps := 0; len(s.agenda) > 0; steps++ {
		if steps%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("simulation stopped: %w", context.Cause(ctx))
			}
			if s.cfg.Progress != nil {
				s.cfg.Progress(s.result.Requests)
			}
		}
		if err := s.step(); err != nil {
			return nil, fmt.Errorf("simulation, seed %d, at %v: %w", cfg.Seed, s.now, err)
		}
	}
	return s.finish()
}

func newSimulation(cfg Config) (*simulation, error) {
	if cfg.Delay == ([2]time.Duration{}) {
		cfg.Delay = [2]time.Duration{200 * time.Microsecond, 2 * time.Millisecond}
	}
	if cfg.Handling == ([2]time.Duration{}) {
		cfg.Handling = [2]time.Duration{10 * time.Microsecond, 100 * time.Microsecond}
	}
	if cfg.Sink == nil {
		cfg.Sink = func(string) (Sink, error) { return discard{}, nil }
	}
	s := &simulation{cfg: cfg, workload: cfg.Workload}
	if s.workload == nil {
		s.workload = cfg.Mix.workload(cfg.Seed)
	}
	s.network = newNetwork(s)
	for i := range cfg.Branches {
		n, err := s.newBranch(i)
		if err != nil {
			return nil, err
		}
		s.branches = append(s.branches, n)
	}
	for i := range cfg.Customers {
		n, err := s.newCustomer(i)
		if err != nil {
			return nil, err
		}
		s.customers = append(s.customers, n)
	}
	return s, nil
}

// start joins the branches, each pair once and both sides new, and sends the customers on their way.
func (s *simulation) start() error {
	for _, n := range s.branches {
		for _, peer := range s.cfg.Branches {
			if peer != n.name() {
				n.deliver(branch.PeerUp{Peer: peer, Fresh: true})
			}
		}
	}
	s.working = len(s.customers)
	for _, c := range s.customers {
		c.next()
	}
	return nil
}

func (s *simulation) finish() (*Result, error) {
	r := &s.result
	r.Virtual = s.now
	r.Settled = s.working == 0
	for _, n := range s.branches {
		r.Executed = append(r.Executed, n.core.Executed())
		r.Accounts = append(r.Accounts, n.accounts())
		r.Settled = r.Settled && n.core.Pending() == 0 && n.core.Executed().Equal(r.Executed[0])
		if err := n.sink.End(&trace.End{Process: n.name(), Events: n.core.Events(), Clock: n.core.Now()}); err != nil {
			return nil, err
		}
	}
	for _, c := range s.customers {
		if err := c.sink.End(&trace.End{Process: c.session.Name(), Events: c.session.Events(), Clock: c.session.Now()}); err != nil {
			return nil, err
		}
	}
	if !r.Settled {
		return r, fmt.Errorf("simulation, seed %d: the bank did not settle: %d customers wait", s.cfg.Seed, s.working)
	}
	return r, nil
}

// record writes an event to its process's log, with the virtual time as wall time.
func (s *simulation) record(sink Sink, e *trace.Event) error {
	s.result.Events++
	e.Wall = int64(s.now)
	return sink.Event(e)
}

// discard is a Sink that keeps nothing.
type discard struct{}

func (discard) Header(*trace.Header) error { return nil }
func (discard) Event(*trace.Event) error   { return nil }
func (discard) End(*trace.End) error       { return nil }
