// Package customer is the core of a customer's session: its Lamport clock, its numbering of requests and its session
// token. It is pure: it makes events and calls, and others carry them. A customer has one request outstanding and may
// call a different branch each time (roaming); the token is what makes every branch show it its own writes.
package customer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// ErrOutstanding says that the request before has neither been answered nor given up.
var ErrOutstanding = errors.New("a request is outstanding")

// ErrNotAwaited says that a reply does not belong to the outstanding request; it is dropped unrecorded.
var ErrNotAwaited = errors.New("reply is not awaited")

// Operation is what a customer asks for.
type Operation struct {
	Op        trace.Op // OpQuery, OpDeposit, OpWithdraw or OpTransfer
	Account   string
	ToAccount string // OpTransfer
	Amount    int64  // minor units; 0 for OpQuery
}

// Call is a request on its way to a branch.
type Call struct {
	Branch string
	Stamp  clock.Stamp // of the send event
	N      uint64      // the request is (Stamp.Process, N)
	Operation
	Token clock.Vector // what the answering branch must have executed
	Tried []string     // every branch that the request was ever sent to, this one included
}

// Reply is a branch's answer.
type Reply struct {
	N         uint64      // of the request that it answers
	Stamp     clock.Stamp // of the respond event
	Result    trace.Result
	Balance   trace.Balance
	ToBalance trace.Balance
	Sees      clock.Vector // version vector behind the result
	Again     bool         // nothing is settled by it: the request stays outstanding
}

// Session is the state of one customer. One goroutine owns it.
type Session struct {
	seq         trace.Sequencer
	incarnation uint64 // of the newest header
	n           uint64 // of the newest request
	outstanding bool
	op          Operation         // of the newest request
	tried       []string          // the branches that the newest request was sent to
	token       clock.Vector      // merge of all replies' vectors
	taken       map[string]uint64 // branch -> highest seq of its messages taken
}

// NewSession returns the session of a customer that has done nothing yet.
func NewSession(name string) *Session {
	return &Session{seq: trace.NewSequencer(name), taken: map[string]uint64{}}
}

// Name returns the customer's process name.
func (s *Session) Name() string { return s.seq.Process() }

// Token returns the version vector of everything that the session has seen. The caller must not change it.
func (s *Session) Token() clock.Vector { return s.token }

// Events returns how many events the session has recorded.
func (s *Session) Events() uint64 { return s.seq.Seq() }

// Now returns the session's Lamport clock.
func (s *Session) Now() uint64 { return s.seq.Now() }

// Header begins an incarnation, counted from 1, and returns the header that it has in the customer's log.
func (s *Session) Header(incarnation uint64, branches []string) trace.Header {
	s.incarnation = incarnation
	return trace.Header{Format: trace.Format, Process: s.Name(), Role: "customer", Incarnation: incarnation, Peers: branches, Ends: true}
}

// Request begins the next request and returns the call to make with its send event. The error wraps ErrOutstanding.
func (s *Session) Request(branch string, op Operation) (Call, trace.Event, error) {
	if s.outstanding {
		return Call{}, trace.Event{}, fmt.Errorf("%w: %s/%d", ErrOutstanding, s.Name(), s.n)
	}
	s.n++
	s.outstanding, s.op, s.tried = true, op, s.tried[:0]
	call, e := s.call(branch)
	return call, e, nil
}

// Retry makes the outstanding request once more, at the same branch or another, and returns the call with its send event.
// The error wraps ErrNotAwaited if no request is outstanding.
func (s *Session) Retry(branch string) (Call, trace.Event, error) {
	if !s.outstanding {
		return Call{}, trace.Event{}, fmt.Errorf("%w: no request is outstanding", ErrNotAwaited)
	}
	call, e := s.call(branch)
	return call, e, nil
}

// Outstanding reports whether a request waits for its answer.
func (s *Session) Outstanding() bool { return s.outstanding }

// N returns the number of the newest request, 0 before the first.
func (s *Session) N() uint64 { return s.n }

func (s *Session) call(branch string) (Call, trace.Event) {
	e := trace.Event{
		Peer: branch, Request: trace.ID{Process: s.Name(), N: s.n}, Step: trace.StepRequest,
		Op: s.op.Op, Account: s.op.Account, ToAccount: s.op.ToAccount, Amount: s.op.Amount,
	}
	if !slices.Contains(s.tried, branch) {
		s.tried = append(s.tried, branch)
	}
	stamp := s.seq.Send(&e)
	return Call{Branch: branch, Stamp: stamp, N: s.n, Operation: s.op, Token: s.token.Clone(), Tried: slices.Clone(s.tried)}, e
}

// Reply takes the answer to the outstanding request and returns its receive event. The error wraps ErrNotAwaited or
// clock.ErrStamp; nothing has happened then.
func (s *Session) Reply(r Reply) (trace.Event, error) {
	if !s.outstanding || r.N != s.n || r.Stamp.Seq <= s.taken[r.Stamp.Process] {
		return trace.Event{}, fmt.Errorf("%w: %s:%d answers request %d", ErrNotAwaited, r.Stamp.Process, r.Stamp.Seq, r.N)
	}
	if err := s.seq.Check(r.Stamp, clock.Max); err != nil {
		return trace.Event{}, err
	}
	s.outstanding = r.Again
	s.taken[r.Stamp.Process] = r.Stamp.Seq
	s.token = s.token.Merge(r.Sees)
	e := trace.Event{
		Request: trace.ID{Process: s.Name(), N: s.n}, Step: trace.StepRespond,
		Balance: r.Balance, ToBalance: r.ToBalance, Result: r.Result,
	}
	s.seq.Receive(r.Stamp, &e)
	return e, nil
}

// GiveUp stops waiting for the outstanding request: its outcome stays unknown.
func (s *Session) GiveUp() { s.outstanding = false }
