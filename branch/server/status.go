package server

import (
	"context"
	"sync"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Status is what a branch knows at one moment, between two batches.
type Status struct {
	Name     string
	Clock    uint64 // of the latest event
	Events   uint64 // recorded so far
	Executed clock.Vector
	Held     clock.Vector // writes held without a gap
	Pending  int          // writes held but not executed
	Waiting  int          // requests under way
	// Recovering says that the branch was started with a store and waits for every peer to say what it knows.
	Recovering bool
	Accounts   []trace.AccountBalance
	Peers      []PeerStatus // in rising order of name
}

// PeerStatus is what a branch knows of another.
type PeerStatus struct {
	Name  string
	Up    bool   // a connection stands
	Sent  uint64 // messages to it: send events
	Taken uint64 // messages from it: receive events
}

// Peer returns the status of the peer with that name; ok is false if there is none.
func (s *Status) Peer(name string) (p PeerStatus, ok bool) {
	for _, p := range s.Peers {
		if p.Name == name {
			return p, true
		}
	}
	return PeerStatus{}, false
}

// question has the owner look at something between two batches. What was seen may be told only when done is closed: it is
// stored and recorded then.
type question struct {
	look func(*owner)
	done chan struct{}
}

func (q question) take(o *owner) int {
	o.next.asked = append(o.next.asked, q)
	return 0
}

// ask has the owner look at something. It waits until Serve has begun, and fails with ctx's error or ErrStopped; look may
// then still be called.
func (s *Server) ask(ctx context.Context, look func(*owner)) error {
	q := question{look, make(chan struct{})}
	select {
	case s.owner.arrivals <- q:
	case <-s.owner.finished:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-q.done:
		return nil
	case <-s.owner.finished:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *owner) status() Status {
	s := Status{
		Name: o.cfg.Branch.Name, Clock: o.core.Now(), Events: o.core.Events(),
		Executed: o.core.Executed().Clone(), Held: o.core.Held(),
		Pending: o.core.Pending(), Waiting: len(o.calls), Recovering: o.core.Recovering(),
	}
	for _, a := range o.core.Accounts() {
		s.Accounts = append(s.Accounts, trace.AccountBalance{Account: a.Name, Amount: a.Balance})
	}
	for _, name := range o.cfg.Branch.Branches {
		if p := o.peers[name]; p != nil {
			s.Peers = append(s.Peers, PeerStatus{Name: name, Up: p.link != nil, Sent: p.sent, Taken: p.taken})
		}
	}
	return s
}

// Status returns what the branch knows now. It waits until Serve has begun, and fails with ctx's error or ErrStopped.
func (s *Server) Status(ctx context.Context) (Status, error) {
	seen := new(Status)
	if err := s.ask(ctx, func(o *owner) { *seen = o.status() }); err != nil {
		return Status{}, err
	}
	return *seen, nil
}

// Changed returns a channel that is closed when the branch next records an event or a connection to a peer comes or
// goes, or when Serve ends. To wait for a state, take the channel, look at Status, and only then wait.
func (s *Server) Changed() <-chan struct{} { return s.owner.changes.next() }

// changes lets many wait for the next change.
type changes struct {
	mu      sync.Mutex
	waiting chan struct{} // nil while nobody waits
	over    bool
}

func (c *changes) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = make(chan struct{})
		if c.over {
			close(c.waiting)
		}
	}
	return c.waiting
}

func (c *changes) happened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting != nil && !c.over {
		close(c.waiting)
		c.waiting = nil
	}
}

// end says that nothing will change any more.
func (c *changes) end() {
	c.happened()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}
