package branch

import (
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Operation is what a customer asks for.
type Operation struct {
	Op        trace.Op // OpQuery, OpDeposit, OpWithdraw or OpTransfer
	Account   string
	ToAccount string // OpTransfer
	Amount    int64  // minor units; 0 for OpQuery
}

// Write is one ordered change of the bank's state. Writes are immutable once ordered and may be shared.
type Write struct {
	ID trace.ID // (origin, n), n dense from 1
	At uint64   // its timestamp: the clock of its order event
	Operation
	Request trace.ID // the request that asked for it

	// In mode causal.
	Deps     clock.Vector // what must be executed before
	ToBranch string       // grant: the branch that gets the rights
	Number   uint64       // grant: of the ask that it answers
	Result   trace.Result // fence: how the request ended for good; ResultNone where it is only not to be executed here
	Reason   Reason       // fence: why
}

func (w *Write) timestamp() clock.Timestamp {
	return clock.Timestamp{Clock: w.At, Process: w.ID.Process}
}

// Message goes from one branch to another. Step says which fields of the body it has.
type Message struct {
	To      string
	Stamp   clock.Stamp // of its send event
	Promise uint64      // the sender originates nothing at or below this clock any more
	Upto    uint64      // n of the sender's newest write that was ordered before the send event
	Seen    uint64      // highest seq of the addressee's messages that the sender had taken

	Step    trace.Step   // StepPropagate, StepAcknowledge, StepSync, StepRightsAsk, StepRightsGrant or StepFence
	Write   *Write       // propagate
	Has     clock.Vector // acknowledge, sync: what the sender holds; rights-grant: what it has executed
	Answers uint64       // sync: seq of the question's send event; 0 in a question
	Wants   []Range      // sync: what the asker wants to be sent

	Request trace.ID // rights-ask, rights-grant, fence: what it is for
	Number  uint64   // rights-ask: of the asks for this request at its branch; rights-grant: the same
	Since   uint64   // rights-ask: clock at which the request first asked; the older goes first
	Account string   // rights-ask
	Amount  int64    // rights-ask: minor units that the asker lacks, from this branch
}

// Range is a piece of one origin's history, both ends included.
type Range struct {
	Origin   string
	From, To uint64
}

// Input is one thing that happens to a branch: *Request, *Message, PeerUp, PeerDown, Flush, Retry, Expire, Rejoining or
// Handover.
type Input interface{ isInput() }

// Request is a customer's call.
type Request struct {
	Waiter uint64 // the shell's name for the caller, unique while it waits; it comes back in the Reply
	Stamp  clock.Stamp
	N      uint64 // the request is (Stamp.Process, N)
	Operation
	Token clock.Vector // what the answering branch must have executed
	Tried []string     // every branch that the request was ever sent to
}

// PeerUp says that a connection to a peer stands. Fresh says that the peer had recorded nothing at the handshake, Knows
// what it knew of this branch.
type PeerUp struct {
	Peer  string
	Fresh bool
	Knows Knowledge
}

// PeerDown says that the connection to a peer is gone; messages under way in it may be lost.
type PeerDown struct{ Peer string }

// Flush ends a batch: what was received since the last one is acknowledged.
type Flush struct{}

// Retry says that the retry interval has passed once more.
type Retry struct{}

// Expire says that a caller waits no longer. With Behind it ends only the wait for a session token: a request that is
// past it goes on.
type Expire struct {
	Waiter uint64
	Behind bool
}

func (*Request) isInput() {}
func (*Message) isInput() {}
func (PeerUp) isInput()   {}
func (PeerDown) isInput() {}
func (Flush) isInput()    {}
func (Retry) isInput()    {}
func (Expire) isInput()   {}

// Reply answers a Request.
type Reply struct {
	Waiter    uint64
	Stamp     clock.Stamp // of the respond event; zero where the request was dropped unrecorded
	Result    trace.Result
	Balance   trace.Balance
	ToBalance trace.Balance
	Sees      clock.Vector // version vector behind the result
	Reason    Reason       // why the result is not OK; "" if it is
	Detail    string       // the values behind Reason, for a person
}

// Reason says why a request did not end with OK. It is the reason of the gRPC ErrorInfo.
type Reason string

// The reasons.
const (
	ReasonInsufficient   Reason = "INSUFFICIENT_FUNDS"
	ReasonAccountUnknown Reason = "ACCOUNT_UNKNOWN"
	ReasonAmount         Reason = "AMOUNT_INVALID"
	ReasonSameAccount    Reason = "SAME_ACCOUNT"
	ReasonBalanceLimit   Reason = "BALANCE_LIMIT"
	ReasonConflict       Reason = "REQUEST_CONFLICT"
	ReasonOverloaded     Reason = "OVERLOADED"
	ReasonSessionBehind  Reason = "SESSION_BEHIND"
	ReasonOutcomeUnknown Reason = "OUTCOME_UNKNOWN"
	ReasonStampRefused   Reason = "STAMP_REFUSED"
	ReasonStaleMessage   Reason = "STALE_MESSAGE"
	ReasonRecovering     Reason = "RECOVERING"
	ReasonRequestInvalid Reason = "REQUEST_INVALID"
	ReasonRights         Reason = "RIGHTS_UNREACHABLE"
	ReasonDataLoss       Reason = "SESSION_LOST"
	ReasonFenced         Reason = "REQUEST_FENCED"
)

// Transient reports whether the request may well succeed when it is made again. Such an answer says nothing of what
// became of the same request elsewhere, so its result is trace.Unknown.
func (r Reason) Transient() bool {
	switch r {
	case ReasonOverloaded, ReasonSessionBehind, ReasonRecovering, ReasonOutcomeUnknown, ReasonStaleMessage, ReasonRights:
		return true
	}
	return false
}

// Effects is what a shell must do after one or more steps: store Durable and Events as one whole, write Events to the
// log, then let Messages and Replies go, in that order. Slices are in the order in which things happened.
type Effects struct {
	Durable  Durable
	Events   []trace.Event
	Messages []Message
	Replies  []Reply
	// Handovers answer Handover inputs; as messages, they leave when the events are stored and logged.
	Handovers []Snapshot
	// Refused holds messages that were dropped unrecorded because something in them cannot be right.
	Refused []error
	// Fatal says that the branch must stop at once, and let nothing of these effects out.
	Fatal error
}

// Reset empties the effects and keeps their storage.
func (e *Effects) Reset() {
	clear(e.Events)
	clear(e.Messages)
	clear(e.Replies)
	clear(e.Handovers)
	e.Durable.Reset()
	e.Events, e.Messages, e.Replies, e.Handovers = e.Events[:0], e.Messages[:0], e.Replies[:0], e.Handovers[:0]
	e.Refused, e.Fatal = nil, nil
}
