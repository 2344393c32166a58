// Package sim is the bank in a bottle: branches and customers in one goroutine, under virtual time and seeded
// randomness. It drives the very same cores as the gRPC server and client, so a trace of any size comes from a seed, the
// same on every machine.
//
// What happens next is what stands first on one agenda, ordered by (virtual time, number). Every concern (each link's
// delays, each customer's workload) draws from a random source of its own. No decision depends on the order of a map.
package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
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

	Faults   Faults               // what goes wrong until every customer is done
	Schedule []Incident           // faults at set times
	Delay    [2]time.Duration     // of messages, least and most; zero means 0.2 to 2 ms
	Handling [2]time.Duration     // from a branch's waking to its next batch; zero means 10 to 100 µs
	Quiet    time.Duration        // virtual time that a bank with faults has to settle in once they are over; zero means 1 min
	Progress func(answered int64) // called now and then with the requests answered
}

// The waits of a world with faults.
const (
	retryInterval = 50 * time.Millisecond
	sessionWait   = 100 * time.Millisecond
	requestWait   = 400 * time.Millisecond
	customerWait  = 150 * time.Millisecond
	maxTries      = 12
)

// Result is what a simulation did.
type Result struct {
	Events   int64
	Messages int64 // sent, of every kind
	Requests int64 // answered for good
	OK       int64 // requests that ended with ok
	Unknown  int64 // requests that were given up
	Retries  int64 // attempts after the first
	Waits    int64 // requests that had to wait for what their session had seen

	Lost, Duplicated, Overtaken int64 // messages
	Kills, Partitions, Pauses   int64
	Rejoins                     int64 // of branches whose disk was lost
	Virtual                     time.Duration
	Settled                     bool                     // all is quiet and every write is executed everywhere
	Executed                    []clock.Vector           // by branch
	Accounts                    [][]trace.AccountBalance // by branch
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
	faulty    bool // something may go wrong
	calm      bool // the fault phase is over
	deadline  time.Duration
	workload  Workload
	network   *network
	chaos     *chaos
	linked    map[[2]string]bool // pairs of branches with a standing connection
	branches  []*branchNode
	customers []*customerNode
	working   int // customers that have steps left
	underway  int // messages
	waits     uint64
	skews     map[string]time.Duration // of wall clocks
	ablation  ablation
	result    Result
}

// ablation takes something out that the bank cannot do without. Only tests set it.
type ablation struct {
	sendEarly   bool // messages and replies leave before they are durable
	noRetry     bool // the retry interval never passes
	onBatch     func(batch []branch.Input, id string, out *branch.Effects)
	onMessage   func(from *branch.Branch, m *branch.Message) // as a message leaves
	onHandshake func(*branch.PeerUp)
	onCall      func(*customer.Call)
	onRestart   func(id string, s *branch.State)
}

// Run simulates until every customer is done and the bank has settled. It fails when the bank does not settle, when a
// sink fails, or when ctx ends.
func Run(ctx context.Context, cfg Config) (*Result, error) { return run(ctx, cfg, ablation{}) }

func run(ctx context.Context, cfg Config, a ablation) (*Result, error) {
	s, err := newSimulation(cfg)
	if err != nil {
		return nil, fmt.Errorf("simulation: %w", err)
	}
	s.ablation = a
	if err := s.start(); err != nil {
		return nil, fmt.Errorf("simulation, seed %d: %w", cfg.Seed, err)
	}
	for steps := 0; len(s.agenda) > 0 && !s.over(); steps++ {
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

// over reports whether a world with faults has come to its end. One without ends when nothing is left to happen.
func (s *simulation) over() bool {
	return s.faulty && s.calm && (s.settled() || s.now > s.deadline)
}

// settled reports whether every customer is done, nothing is under way, and every write is executed everywhere.
func (s *simulation) settled() bool {
	if s.working > 0 || s.underway > 0 {
		return false
	}
	for _, n := range s.branches {
		if !n.up || n.awake || len(n.commits) > 0 || n.core.Pending() > 0 || !n.core.Executed().Equal(s.branches[0].core.Executed()) {
			return false
		}
	}
	return true
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
	if cfg.Quiet == 0 {
		cfg.Quiet = time.Minute
	}
	s := &simulation{cfg: cfg, faulty: cfg.Faults != (Faults{}) || len(cfg.Schedule) > 0, workload: cfg.Workload, linked: map[[2]string]bool{}}
	s.chaos = &chaos{simulation: s}
	if s.workload == nil {
		s.workload = cfg.Mix.workload(cfg.Seed)
	}
	if cfg.Faults.Skew > 0 {
		s.skews = map[string]time.Duration{}
		r := source(cfg.Seed, "skew")
		for _, name := range slices.Concat(cfg.Branches, cfg.Customers) {
			s.skews[name] = between(r, 0, 2*cfg.Faults.Skew)
		}
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
	s.relink()
	s.working = len(s.customers)
	for _, c := range s.customers {
		c.next()
	}
	if s.faulty {
		s.chaos.start()
		s.tick()
	}
	return nil
}

func (s *simulation) relink() { s.chaos.relink() }

// tick passes the retry interval to every branch. Once all customers are done it ends the fault phase: what is cut heals,
// and the bank has to settle.
func (s *simulation) tick() {
	s.after(retryInterval, func() error {
		for _, n := range s.branches {
			if n.up && !s.ablation.noRetry {
				n.deliver(branch.Retry{})
			}
		}
		if s.working == 0 && !s.calm {
			s.calm, s.deadline = true, s.now+s.cfg.Quiet
			s.chaos.cuts = nil
			s.relink()
		}
		s.tick()
		return nil
	})
}

func (s *simulation) finish() (*Result, error) {
	r := &s.result
	r.Virtual, r.Settled, r.Waits = s.now, s.settled(), int64(s.waits)
	for _, n := range s.branches {
		r.Waits += int64(n.core.Waits())
		r.Executed = append(r.Executed, n.core.Executed())
		r.Accounts = append(r.Accounts, n.accounts())
		if err := n.sink.End(&trace.End{Process: n.id, Events: n.core.Events(), Clock: n.core.Now()}); err != nil {
			return nil, err
		}
	}
	for _, c := range s.customers {
		if err := c.sink.End(&trace.End{Process: c.session.Name(), Events: c.session.Events(), Clock: c.session.Now()}); err != nil {
			return nil, err
		}
	}
	if !r.Settled {
		return r, fmt.Errorf("simulation, seed %d: %w in %v: %s", s.cfg.Seed, errUnsettled, s.now, s.unsettled())
	}
	return r, nil
}

// errUnsettled says that the bank was still busy, or waiting in vain, when its time was up.
var errUnsettled = errors.New("the bank did not settle")

// unsettled says what is not as it should be at the end.
func (s *simulation) unsettled() string {
	text := fmt.Sprintf("%d customers wait, %d messages are under way", s.working, s.underway)
	for _, n := range s.branches {
		text += fmt.Sprintf("; %s has %d writes pending and has executed %v", n.id, n.core.Pending(), n.core.Executed())
	}
	return text
}

// record writes an event to its process's log, with the virtual time as wall time.
func (s *simulation) record(sink Sink, e *trace.Event) error {
	s.result.Events++
	e.Wall = int64(s.now + s.skews[e.Process])
	return sink.Event(e)
}

// discard is a Sink that keeps nothing.
type discard struct{}

func (discard) Header(*trace.Header) error { return nil }
func (discard) Event(*trace.Event) error   { return nil }
func (discard) End(*trace.End) error       { return nil }
