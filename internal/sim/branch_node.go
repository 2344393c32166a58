package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// branchNode is the shell of one branch: an inbox, and batches as in the server. What arrived while the last batch was
// under way goes in the next. A batch is written to the disk's cache; when it is durable its events go to the log, and
// then its messages and replies leave, while the core may have stepped on.
type branchNode struct {
	*simulation
	id     string
	cfg    branch.Config
	core   *branch.Branch
	sink   Sink
	random *rand.Rand // of the times that the branch and its disk take

	up          bool
	incarnation uint64
	paused      time.Duration // it stands still until then
	inbox       []branch.Input
	awake       bool
	callers     map[uint64]caller // by waiter
	waiter      uint64

	disk    *store.Memory    // nil in a world without crashes
	commits []branch.Effects // written to the disk's cache, in order
	durable time.Duration    // when the newest commit is done
	logged  uint64           // seq of the newest event in the log
	past    branch.Past      // what the log tells of the branch; kept where disks are lost
}

// caller is who gets the reply to a request.
type caller struct {
	customer *customerNode
	n        uint64
}

func (s *simulation) newBranch(i int) (*branchNode, error) {
	n := &branchNode{simulation: s, id: s.cfg.Branches[i], up: true, incarnation: 1,
		callers: map[uint64]caller{}, random: source(s.cfg.Seed, "times "+s.cfg.Branches[i])}
	n.cfg = branch.Config{Name: n.id, Branches: s.cfg.Branches, Mode: s.cfg.Mode, Opening: s.cfg.Opening}
	if s.cfg.Faults.Crash > 0 || s.cfg.Faults.SlowDisk > 0 || len(s.cfg.Schedule) > 0 {
		n.disk = store.NewMemory()
	}
	var err error
	if n.core, err = branch.New(n.cfg); err != nil {
		return nil, err
	}
	if n.sink, err = s.cfg.Sink(n.id); err != nil {
		return nil, err
	}
	h := n.cfg.Header(1)
	return n, n.sink.Header(&h)
}

func (n *branchNode) accounts() []trace.AccountBalance {
	var all []trace.AccountBalance
	for _, a := range n.core.Accounts() {
		all = append(all, trace.AccountBalance{Account: a.Name, Amount: a.Balance})
	}
	return all
}

// handshake is what this branch tells a peer when a connection to it begins to stand.
func (n *branchNode) handshake(to *branchNode) branch.PeerUp {
	up := branch.PeerUp{Peer: n.id, Fresh: n.core.Fresh(), Knows: n.core.Knows(to.id)}
	if n.ablation.onHandshake != nil {
		n.ablation.onHandshake(&up)
	}
	return up
}

func (n *branchNode) hangUp(peer *branchNode) {
	if n.up {
		n.deliver(branch.PeerDown{Peer: peer.id})
	}
}

// deliver puts an input into the inbox and wakes the branch if it sleeps.
func (n *branchNode) deliver(in branch.Input) {
	n.inbox = append(n.inbox, in)
	if !n.awake {
		n.awake = true
		n.sleep(between(n.random, n.simulation.cfg.Handling[0], n.simulation.cfg.Handling[1]))
	}
}

func (n *branchNode) sleep(d time.Duration) {
	incarnation := n.incarnation
	n.after(d, func() error {
		switch {
		case incarnation != n.incarnation || !n.up:
			return nil // it was killed meanwhile
		case n.paused > n.now:
			n.sleep(n.paused - n.now)
			return nil
		}
		return n.handle()
	})
}

// call delivers a customer's request, and limits its wait in a world where it could be in vain.
func (n *branchNode) call(c *customerNode, call customer.Call) {
	n.waiter++
	waiter := n.waiter
	n.callers[waiter] = caller{c, call.N}
	if n.ablation.onCall != nil {
		n.ablation.onCall(&call)
	}
	n.deliver(&branch.Request{Waiter: waiter, Stamp: call.Stamp, N: call.N, Operation: branch.Operation(call.Operation), Token: call.Token, Tried: call.Tried})
	if n.faulty {
		incarnation := n.incarnation
		expire := func(in branch.Expire) func() error {
			return func() error {
				if _, waits := n.callers[waiter]; waits && n.up && n.incarnation == incarnation {
					n.deliver(in)
				}
				return nil
			}
		}
		n.after(sessionWait, expire(branch.Expire{Waiter: waiter, Behind: true}))
		n.after(requestWait, expire(branch.Expire{Waiter: waiter}))
	}
}

// handle takes one batch: steps, then a flush.
func (n *branchNode) handle() error {
	batch := n.inbox
	n.inbox, n.awake = nil, false
	var out branch.Effects
	for _, in := range batch {
		n.core.Step(in, &out)
	}
	n.core.Step(branch.Flush{}, &out)
	if n.ablation.onBatch != nil {
		n.ablation.onBatch(batch, n.id, &out)
	}
	if out.Fatal != nil {
		return fmt.Errorf("%s stops: %w", n.id, out.Fatal)
	}
	if len(out.Refused) > 0 && !n.faulty {
		return fmt.Errorf("%s refused a message: %w", n.id, out.Refused[0])
	}
	if n.disk == nil {
		if err := n.record(&out); err != nil {
			return err
		}
		n.release(&out)
		return nil
	}
	return n.commit(out)
}

// commit writes a batch to the disk's cache and lets its effects go once it is durable.
func (n *branchNode) commit(out branch.Effects) error {
	n.disk.Write(store.Batch{Durable: &out.Durable, Events: out.Events})
	n.commits = append(n.commits, out)
	takes := between(n.random, 20*time.Microsecond, 200*time.Microsecond)
	if n.random.Float64() < n.simulation.cfg.Faults.SlowDisk && !n.calm {
		takes = between(n.random, takes, slowCommit)
	}
	n.durable = max(n.durable, n.now+takes)
	incarnation := n.incarnation
	if n.ablation.sendEarly {
		n.release(&out)
	}
	n.at(n.durable, func() error {
		if incarnation != n.incarnation || !n.up {
			return nil // lost, or found again at the restart
		}
		n.disk.Sync(1)
		done := n.commits[0]
		n.commits = n.commits[1:]
		if err := n.record(&done); err != nil {
			return err
		}
		if !n.ablation.sendEarly {
			n.release(&done)
		}
		return nil
	})
	return nil
}

// record writes the events of a batch to the log.
func (n *branchNode) record(out *branch.Effects) error {
	for i := range out.Events {
		if err := n.log(&out.Events[i]); err != nil {
			return err
		}
	}
	if n.disk == nil {
		return nil
	}
	return n.disk.Logged(n.logged)
}

// release lets messages and replies go.
func (n *branchNode) release(out *branch.Effects) {
	for i := range out.Messages {
		m := &out.Messages[i]
		to := n.branches[n.network.place[m.To]]
		if n.ablation.onMessage != nil {
			n.ablation.onMessage(n.core, m)
		}
		n.network.send(n.id, m.To, func() error {
			if to.up {
				to.deliver(m)
			}
			return nil
		})
	}
	for i := range out.Handovers {
		n.handedOver(&out.Handovers[i])
	}
	for _, r := range out.Replies {
		c, ok := n.callers[r.Waiter]
		delete(n.callers, r.Waiter)
		if !ok || r.Stamp.Seq == 0 {
			continue // its caller will try again
		}
		reply := customer.Reply{N: c.n, Stamp: r.Stamp, Result: r.Result, Balance: r.Balance, ToBalance: r.ToBalance,
			Sees: r.Sees, Again: n.faulty && r.Reason.Transient()}
		n.network.send(n.id, c.customer.session.Name(), func() error { return c.customer.reply(reply) })
	}
}

func (n *branchNode) log(e *trace.Event) error {
	n.logged = e.Seq
	if n.simulation.cfg.Faults.LostDisk > 0 {
		n.past.Log(e, 0)
	}
	return n.simulation.record(n.sink, e)
}

// crash kills the branch. Of the commits under way some have reached the disk, though nobody was told.
func (n *branchNode) crash(r *rand.Rand) {
	n.result.Kills++
	n.up = false
	n.incarnation++
	n.inbox, n.awake, n.commits, n.durable, n.paused = nil, false, nil, 0, 0
	clear(n.callers)
	n.waits += n.core.Waits()
	n.disk.Crash(r.IntN(n.disk.Cached() + 1))
	n.relink()
}

// restart brings the branch back from its disk: first what the log lacks, then a header, then the rest.
func (n *branchNode) restart() error {
	state, err := n.disk.Load()
	if err != nil {
		return err
	}
	if n.ablation.onRestart != nil {
		n.ablation.onRestart(n.id, &state)
	}
	if err := n.disk.Events(n.logged, n.log); err != nil {
		return err
	}
	if err := n.disk.Logged(n.logged); err != nil {
		return err
	}
	h := n.cfg.Header(n.incarnation)
	if err := n.sink.Header(&h); err != nil {
		return err
	}
	if n.core, err = branch.Restore(n.cfg, state); err != nil {
		return err
	}
	n.up = true
	n.relink()
	return nil
}
