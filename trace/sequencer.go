package trace

import "github.com/seed-8ff1fc32/bank-trace/clock"

// Sequencer numbers and stamps the events of one process: it ticks the Lamport clock, gives the event its seq and
// hands it back, as one step. It has no lock and does no I/O; it lives in a core, and its events are effects of that
// core. The zero value is not usable: see NewSequencer.
type Sequencer struct {
	process string
	seq     uint64
	clock   clock.Clock
}

// NewSequencer returns the sequencer of a process that has recorded nothing yet.
func NewSequencer(process string) Sequencer { return Sequencer{process: process} }

// ResumeSequencer returns the sequencer of a process whose last event was number seq, with clock now.
func ResumeSequencer(process string, seq, now uint64) Sequencer {
	return Sequencer{process: process, seq: seq, clock: clock.At(now)}
}

// Process returns the name of the process.
func (s *Sequencer) Process() string { return s.process }

// Seq returns the number of the latest event, 0 before the first.
func (s *Sequencer) Seq() uint64 { return s.seq }

// Now returns the clock of the latest event, 0 before the first.
func (s *Sequencer) Now() uint64 { return s.clock.Now() }

// Check reports whether a message with this stamp may be received, as [clock.Clock.Check] does.
func (s *Sequencer) Check(from clock.Stamp, jump uint64) error { return s.clock.Check(from, jump) }

// Local makes e a local event: clock+1. It sets Process, Seq, Clock and Kind.
func (s *Sequencer) Local(e *Event) {
	s.fill(e, Local, s.clock.Tick())
}

// Send makes e the sending of a message to e.Peer: clock+1. It returns the stamp that the message must carry.
func (s *Sequencer) Send(e *Event) clock.Stamp {
	s.fill(e, Send, s.clock.Tick())
	return clock.Stamp{Process: s.process, Seq: e.Seq, Clock: e.Clock}
}

// Receive makes e the receiving of the message with stamp from: max(clock, stamp)+1. It sets Peer, Cause and Stamp
// from the stamp. Callers refuse absurd stamps first, see Check.
func (s *Sequencer) Receive(from clock.Stamp, e *Event) {
	e.Peer, e.Cause, e.Stamp = from.Process, from.Seq, from.Clock
	s.fill(e, Receive, s.clock.Receive(from.Clock))
}

func (s *Sequencer) fill(e *Event, kind Kind, now uint64) {
	s.seq++
	e.Process, e.Seq, e.Clock, e.Kind = s.process, s.seq, now, kind
}
