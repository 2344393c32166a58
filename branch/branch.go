// Package branch is the replica core of the bank: a pure state machine. Inputs go in by Step, effects come out; there
// is no goroutine, socket, file, wall clock or randomness in it, and the same inputs always give the same effects. The
// gRPC server and the simulator are two shells around it.
//
// In mode total the replicas are Lamport's 1978 state machine. A write gets a number and a timestamp at its origin
// (order) and goes to every other branch (propagate). Every message between branches carries a promise, the clock of its
// own send event: the sender will never again originate a write at or below it. Branch b's horizon of q is the highest
// clock up to which b is sure to hold all of q's writes. The held write with the least (timestamp, origin) executes as
// soon as every other branch's horizon has reached its timestamp, so all replicas execute the same writes in the same
// order and a withdrawal is decided alike everywhere.
//
// Links are taken for datagram links, which lose, repeat and reorder. A promise counts only with the writes that it
// speaks of (Upto), and a write that the peer lacks although it has taken later messages (Seen) is sent again.
package branch

import (
	"fmt"
	"math"

	"github.com/seed-8ff1fc32/bank-trace/branch/ledger"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Branch is the state of one replica. One goroutine owns it.
type Branch struct {
	cfg    Config
	seq    trace.Sequencer
	index  map[string]int // name -> place in cfg.Branches
	self   int
	ledger *ledger.Ledger
	causal *causal // what mode causal has beside; nil in mode total

	histories []history    // by origin
	pending   writeHeap    // held but not executed, least timestamp first
	executed  []uint64     // by origin: n of the newest executed write
	sees      clock.Vector // executed as a vector; nil when it must be built anew
	peers     []peer       // by branch; peers[self] is unused

	taken          map[string]uint64      // customer -> highest seq of its messages taken
	results        map[string]Outcome     // customer -> result of its newest executed request
	waiters        map[uint64]*waiter     // all requests under way here
	behind         []*waiter              // those that wait for their token, in order of arrival
	awaiting       map[trace.ID][]*waiter // those that wait for their write to execute
	unacknowledged bool                   // a propagate was received since the last Flush

	waits    uint64 // requests that were ever in behind
	restored uint64 // seq of the newest event of the state that the branch was restored from
	unheard  int    // peers that a restored branch waits for

	out *Effects // of the step under way
}

// New returns a branch that has recorded nothing yet.
func New(cfg Config) (*Branch, error) {
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, fmt.Errorf("branch: %w", err)
	}
	money, err := ledger.New(cfg.Opening)
	if err != nil {
		return nil, fmt.Errorf("branch: %w", err)
	}
	n := len(cfg.Branches)
	b := &Branch{
		cfg: cfg, seq: trace.NewSequencer(cfg.Name), index: make(map[string]int, n), ledger: money,
		histories: make([]history, n), executed: make([]uint64, n), peers: make([]peer, n),
		taken: map[string]uint64{}, results: map[string]Outcome{},
		waiters: map[uint64]*waiter{}, awaiting: map[trace.ID][]*waiter{},
	}
	for i, name := range cfg.Branches {
		b.index[name] = i
		b.histories[i].first = 1
		b.peers[i] = peer{name: name, has: make([]uint64, n), next: 1, firstSend: 1}
		if name == cfg.Name {
			b.self = i
		}
	}
	if cfg.Mode == ModeCausal {
		b.causal = newCausal(cfg)
	}
	return b, nil
}

// Step takes one input and appends what must be done to out.
func (b *Branch) Step(in Input, out *Effects) {
	b.out = out
	switch in := in.(type) {
	case *Request:
		b.request(in)
	case *Message:
		b.message(in)
	case PeerUp:
		b.peerUp(in)
	case PeerDown:
		if p := b.peer(in.Peer); p != nil {
			p.up = false
		}
	case Flush:
		b.flush()
	case Retry:
		b.retry()
	case Expire:
		b.expire(in)
	case Rejoining:
		b.rejoining(in)
	case Handover:
		b.handover(in)
	}
	b.out = nil
}

// Fresh reports whether the branch has recorded nothing yet.
func (b *Branch) Fresh() bool { return b.seq.Seq() == 0 }

// Recovering reports whether the branch was restored and waits for its peers to say what they know of it.
func (b *Branch) Recovering() bool { return b.unheard > 0 }

// Now returns the branch's Lamport clock.
func (b *Branch) Now() uint64 { return b.seq.Now() }

// Events returns how many events the branch has recorded.
func (b *Branch) Events() uint64 { return b.seq.Seq() }

// Pending returns how many writes the branch holds that it has not executed.
func (b *Branch) Pending() int {
	if b.causal == nil {
		return len(b.pending)
	}
	n := 0
	for origin := range b.histories {
		n += int(b.histories[origin].held() - b.executed[origin])
	}
	return n
}

// Waits returns how many requests had to wait for what their session token names.
func (b *Branch) Waits() uint64 { return b.waits }

// Executed returns the version vector of the writes that have taken effect here. The caller must not change it.
func (b *Branch) Executed() clock.Vector {
	if b.sees == nil {
		b.sees = b.vector(func(origin int) uint64 { return b.executed[origin] })
	}
	return b.sees
}

// Held returns the version vector of the writes that the branch holds without a gap.
func (b *Branch) Held() clock.Vector {
	return b.vector(func(origin int) uint64 { return b.histories[origin].held() })
}

// Accounts returns all accounts with their balances here, in rising order of name.
func (b *Branch) Accounts() []ledger.Account { return b.ledger.Accounts() }

func (b *Branch) vector(n func(origin int) uint64) clock.Vector {
	v := make(clock.Vector, 0, len(b.cfg.Branches))
	for i, name := range b.cfg.Branches {
		if n := n(i); n > 0 {
			v = append(v, clock.Entry{Process: name, N: n})
		}
	}
	return v
}

// peer returns the peer with that name, nil if there is none.
func (b *Branch) peer(name string) *peer {
	if i, ok := b.index[name]; ok && i != b.self {
		return &b.peers[i]
	}
	return nil
}

// local records a local event.
func (b *Branch) local(e trace.Event) trace.Event {
	b.seq.Local(&e)
	b.out.Events = append(b.out.Events, e)
	return e
}

// send records a send event and returns its stamp.
func (b *Branch) send(e trace.Event) clock.Stamp {
	stamp := b.seq.Send(&e)
	b.out.Events = append(b.out.Events, e)
	return stamp
}

// receive records a receive event.
func (b *Branch) receive(from clock.Stamp, e trace.Event) trace.Event {
	b.seq.Receive(from, &e)
	b.out.Events = append(b.out.Events, e)
	return e
}

// reach returns the least horizon of all other branches: every write at or below it may execute.
func (b *Branch) reach() uint64 {
	least := uint64(math.MaxUint64)
	for i := range b.peers {
		if i != b.self {
			least = min(least, b.peers[i].horizon)
		}
	}
	return least
}
