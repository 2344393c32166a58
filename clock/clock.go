// Package clock holds logical time: the Lamport clock of one process, the stamp that a message carries, the total
// order of timestamps, and version vectors.
//
// The clock is the one of L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System",
// Communications of the ACM 21(7), 1978. Its two implementation rules are
//
//	IR1  a process increments its clock between any two successive events;
//	IR2  a message carries the clock of its sending, and the receiver sets its clock greater than or equal to its
//	     present value and greater than the one that the message carries.
//
// So a -> b (a happens before b) implies C(a) < C(b). The converse does not hold: C(a) < C(b) says only that b did
// not happen before a.
//
// Here every event ticks first: a local or send event has clock+1, a receive has max(clock, stamp)+1, and the first
// event of a process has clock 1.
package clock

import (
	"cmp"
	"errors"
	"fmt"
)

// Max is the largest clock: 2^53, the largest integer that every reader of a trace (JavaScript among them) holds
// exactly.
const Max uint64 = 1 << 53

// MaxJump is how far a stamp may lie ahead of the clock that receives it: 2^40 events, twelve days at a million events
// a second. A stamp further ahead is a fault or an attack, and would use up everybody's clock for good.
const MaxJump uint64 = 1 << 40

// ErrStamp is what the error of a refused stamp wraps.
var ErrStamp = errors.New("stamp refused")

// StampError says why a stamp was refused. It unwraps to ErrStamp.
type StampError struct {
	Stamp Stamp
	Now   uint64 // clock of the process that refused it
	Limit uint64 // the largest clock that it would have taken
}

func (e *StampError) Error() string {
	return fmt.Sprintf("%s: %s:%d carries clock %d, and a process at clock %d takes at most %d",
		ErrStamp, e.Stamp.Process, e.Stamp.Seq, e.Stamp.Clock, e.Now, e.Limit)
}

func (e *StampError) Unwrap() error { return ErrStamp }

// Clock is the Lamport clock of one process. The zero value is a clock before its first event. It is not safe for
// concurrent use: whoever owns the process's state owns its clock.
type Clock struct {
	now uint64
}

// At returns a clock that stands at now, as after an event with that clock.
func At(now uint64) Clock { return Clock{now: now} }

// Now returns the clock of the latest event, 0 before the first.
func (c Clock) Now() uint64 { return c.now }

// Tick counts a local or send event and returns its clock (IR1).
func (c *Clock) Tick() uint64 {
	c.now++
	return c.now
}

// Receive counts the receiving of a message whose stamp carries clock t and returns the clock of the receive event,
// max(now, t)+1 (IR2).
func (c *Clock) Receive(t uint64) uint64 {
	c.now = max(c.now, t) + 1
	return c.now
}

// Check reports whether a stamp may be received: its clock is at least 1, below Max, and no more than jump ahead. The
// error is a *StampError.
func (c Clock) Check(s Stamp, jump uint64) error {
	limit := Max - 1
	if c.now < limit && jump < limit-c.now {
		limit = c.now + jump
	}
	if s.Clock < 1 || s.Clock > limit {
		return &StampError{Stamp: s, Now: c.now, Limit: limit}
	}
	return nil
}

// Stamp is what a message carries: the process that sent it, the number of the send event in that process, and the
// clock which that event recorded.
type Stamp struct {
	Process string
	Seq     uint64
	Clock   uint64
}

// Timestamp is a point of the total order: a clock, and the process that breaks ties.
type Timestamp struct {
	Clock   uint64
	Process string
}

// Compare orders timestamps by clock, then by process name bytewise: the relation => of Lamport 1978, which extends
// happens-before to a total order. It returns -1, 0 or +1.
func (t Timestamp) Compare(u Timestamp) int {
	if c := cmp.Compare(t.Clock, u.Clock); c != 0 {
		return c
	}
	return cmp.Compare(t.Process, u.Process)
}

// Less reports whether t comes before u in the total order.
func (t Timestamp) Less(u Timestamp) bool { return t.Compare(u) < 0 }
