package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// branchNode is the shell of one branch: an inbox, and batches as in the server. What arrived while the last batch was
// under way goes in the next.
type branchNode struct {
	*simulation
	core     *branch.Branch
	sink     Sink
	handling *rand.Rand
	inbox    []branch.Input
	awake    bool
	effects  branch.Effects
	callers  map[uint64]caller // by waiter
	waiter   uint64
	id       string
}

// caller is who gets the reply to a request.
type caller struct {
	customer *customerNode
	n        uint64
}

func (s *simulation) newBranch(i int) (*branchNode, error) {
	cfg := branch.Config{Name: s.cfg.Branches[i], Branches: s.cfg.Branches, Mode: s.cfg.Mode, Opening: s.cfg.Opening}
	core, err := branch.New(cfg)
	if err != nil {
		return nil, err
	}
	n := &branchNode{simulation: s, core: core, id: cfg.Name, callers: map[uint64]caller{},
		handling: source(s.cfg.Seed, "handling "+cfg.Name)}
	if n.sink, err = s.cfg.Sink(cfg.Name); err != nil {
		return nil, err
	}
	h := cfg.Header(1)
	return n, n.sink.Header(&h)
}

func (n *branchNode) name() string { return n.id }

func (n *branchNode) accounts() []trace.AccountBalance {
	var all []trace.AccountBalance
	for _, a := range n.core.Accounts() {
		all = append(all, trace.AccountBalance{Account: a.Name, Amount: a.Balance})
	}
	return all
}

// deliver puts an input into the inbox and wakes the branch if it sleeps.
func (n *branchNode) deliver(in branch.Input) {
	n.inbox = append(n.inbox, in)
	if !n.awake {
		n.awake = true
		n.after(between(n.handling, n.cfg.Handling[0], n.cfg.Handling[1]), n.handle)
	}
}

// call delivers a customer's request.
func (n *branchNode) call(c *customerNode, call customer.Call) {
	n.waiter++
	n.callers[n.waiter] = caller{c, call.N}
	n.deliver(&branch.Request{Waiter: n.waiter, Stamp: call.Stamp, N: call.N, Operation: branch.Operation(call.Operation), Token: call.Token})
}

// handle takes one batch: steps, a flush, then the log, then messages and replies.
func (n *branchNode) handle() error {
	batch := n.inbox
	n.inbox, n.awake = nil, false
	n.effects.Reset()
	for _, in := range batch {
		n.core.Step(in, &n.effects)
	}
	n.core.Step(branch.Flush{}, &n.effects)
	if len(n.effects.Refused) > 0 {
		return fmt.Errorf("%s refused a message: %w", n.id, n.effects.Refused[0])
	}
	for i := range n.effects.Events {
		if err := n.record(n.sink, &n.effects.Events[i]); err != nil {
			return err
		}
	}
	for i := range n.effects.Messages {
		m := n.effects.Messages[i]
		n.network.send(n.id, m.To, func() error {
			n.branches[n.network.place[m.To]].deliver(&m)
			return nil
		})
	}
	for _, r := range n.effects.Replies {
		c := n.callers[r.Waiter]
		delete(n.callers, r.Waiter)
		reply := customer.Reply{N: c.n, Stamp: r.Stamp, Result: r.Result, Balance: r.Balance, ToBalance: r.ToBalance, Sees: r.Sees}
		n.network.send(n.id, c.customer.session.Name(), func() error { return c.customer.reply(reply) })
	}
	return nil
}

// customerNode is the shell of one customer: it thinks, asks, and waits for the answer.
type customerNode struct {
	*simulation
	place   int
	session *customer.Session
	sink    Sink
}

func (s *simulation) newCustomer(i int) (*customerNode, error) {
	c := &customerNode{simulation: s, place: i, session: customer.NewSession(s.cfg.Customers[i])}
	var err error
	if c.sink, err = s.cfg.Sink(c.session.Name()); err != nil {
		return nil, err
	}
	h := c.session.Header(1, s.cfg.Branches)
	return c, c.sink.Header(&h)
}

// next begins the customer's next step after its pause.
func (c *customerNode) next() {
	step, ok := c.workload.Next(c.place)
	if !ok {
		c.working--
		return
	}
	c.after(step.Think, func() error {
		to := c.branches[step.Branch]
		call, e, err := c.session.Request(to.id, step.Operation)
		if err != nil {
			return err
		}
		if err := c.record(c.sink, &e); err != nil {
			return err
		}
		c.network.send(c.session.Name(), to.id, func() error {
			to.call(c, call)
			return nil
		})
		return nil
	})
}

// reply takes an answer and goes on.
func (c *customerNode) reply(r customer.Reply) error {
	e, err := c.session.Reply(r)
	if err != nil {
		return err
	}
	c.result.Requests++
	if r.Result == trace.OK {
		c.result.OK++
	}
	if err := c.record(c.sink, &e); err != nil {
		return err
	}
	c.next()
	return nil
}
