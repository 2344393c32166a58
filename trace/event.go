package trace

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// ID names a request or a write: the N-th of its process, counted from 1. The zero ID stands for none.
type ID struct {
	Process string
	N       uint64
}

// IsZero reports whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String writes the ID as process/n, as in logs; "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return id.Process + "/" + strconv.FormatUint(id.N, 10)
}

// ParseID reads process/n. The process may itself contain a slash: the last one counts.
func ParseID(s string) (ID, error) {
	i := strings.LastIndexByte(s, '/')
	if i <= 0 {
		return ID{}, fmt.Errorf("%q is not of the form process/n", s)
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 64)
	if err != nil || n == 0 || n > clock.Max || s[i+1] == '0' || s[i+1] == '+' {
		return ID{}, fmt.Errorf("%q is not of the form process/n with n from 1 to 2^53", s)
	}
	return ID{s[:i], n}, nil
}

// Ref names an event: the Seq-th of its process.
type Ref struct {
	Process string
	Seq     uint64
}

// String writes the event's name as process:seq.
func (r Ref) String() string { return r.Process + ":" + strconv.FormatUint(r.Seq, 10) }

// ParseRef reads process:seq. The process may itself contain a colon: the last one counts.
func ParseRef(s string) (Ref, error) {
	if i := strings.LastIndexByte(s, ':'); i > 0 {
		if seq, err := strconv.ParseUint(s[i+1:], 10, 64); err == nil && seq > 0 && seq <= clock.Max {
			return Ref{s[:i], seq}, nil
		}
	}
	return Ref{}, fmt.Errorf("%q is no event; write it as process:seq, branch-1:5 for example", s)
}

// Balance is an account's balance in minor units, where Known.
type Balance struct {
	Amount int64
	Known  bool
}

// KnownBalance returns a balance of amount.
func KnownBalance(amount int64) Balance { return Balance{amount, true} }

// AccountBalance is one account and its balance in minor units.
type AccountBalance struct {
	Account string
	Amount  int64
}

// Event is one record of a log: something that happened in one process. Which fields an event has is in the package
// documentation; a field that it has not is at its zero value.
type Event struct {
	Process string
	Seq     uint64 // number in its process, from 1
	Clock   uint64 // Lamport time
	Kind    Kind
	Step    Step
	Op      Op
	Result  Result

	Peer  string // send, receive: the other process
	Cause uint64 // receive: seq of the peer's send event
	Stamp uint64 // receive: the clock that the message carried; 0 where the log does not say

	Request ID           // the customer's request that led to this event
	Write   ID           // (origin, n)
	At      uint64       // the write's timestamp: the clock of its order event
	Deps    clock.Vector // order in mode causal: the writes that must be executed before

	Account   string
	ToAccount string // transfer
	ToBranch  string // grant of rights
	Amount    int64  // minor units

	Balance   Balance // after the operation
	ToBalance Balance // of ToAccount

	Sees     clock.Vector     // version vector behind a result or a snapshot
	Answers  uint64           // respond (send): seq of the request's receive
	Has      clock.Vector     // acknowledge, sync: version vector held
	Balances []AccountBalance // snapshot: in rising order of account

	Wall int64  // unix nanoseconds; never used to order anything
	Note string // free text
}

// Ref returns the event's name.
func (e *Event) Ref() Ref { return Ref{e.Process, e.Seq} }

// CauseRef returns the name of the send event that a receive event received.
func (e *Event) CauseRef() Ref { return Ref{e.Peer, e.Cause} }

// Header is the first record of a log, and of each incarnation in it.
type Header struct {
	Format      string // Format, or a later version of it
	Process     string
	Role        string // "branch" or "customer"; "" in foreign logs
	Incarnation uint64 // from 1
	Mode        string // "total" or "causal"; "" where it means nothing
	Peers       []string
	Opening     []AccountBalance // replicated balances before the first write; in rising order of account
	Ends        bool             // the log promises an End record
	First       uint64           // seq of the first event of a slice; 0 means 1
}

// End is the last record of a log that was closed.
type End struct {
	Process string
	Events  uint64 // total over all incarnations
	Clock   uint64 // of the last event
}

// Format is the name of the format that this package writes.
const Format = "bank-trace/1"
