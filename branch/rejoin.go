package branch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Rejoining says that a peer has lost its store and is about to join again: what it was known to hold, it may hold no
// longer. Its messages up to Seq are those of its former life, and are dropped; 0 where none can be under way any more.
type Rejoining struct {
	Peer string
	Seq  uint64
}

// Handover asks the branch for a Snapshot for a peer that joins again; it comes in Effects.Handovers under Waiter.
type Handover struct {
	Peer   string
	Waiter uint64 // the shell's name for who waits
}

func (Rejoining) isInput() {}
func (Handover) isInput()  {}

// Snapshot is a branch's state as another takes it over. It is immutable.
type Snapshot struct {
	Waiter   uint64
	To       string
	Messages []Message          // the sync that brings it, and propagates of what its giver has not executed yet
	Executed clock.Vector       // the writes in Balances and Results
	Balances map[string]int64   // of all accounts, in minor units
	Results  map[string]Outcome // customer -> result of its newest executed request
	Rights   map[Share]int64    // in mode causal, of all accounts and branches
	Fences   map[Fence]uint64   // in mode causal
	Writes   []*Write           // executed but still needed by some branch, or the taker's own; by origin, in order
}

// rejoining forgets what a peer held. What it holds now, its syncs will tell.
func (b *Branch) rejoining(in Rejoining) {
	p := b.peer(in.Peer)
	if p == nil {
		return
	}
	if in.Seq > p.taken {
		p.taken = in.Seq
		b.out.Durable.Taken = append(b.out.Durable.Taken, Taken{p.name, p.taken})
	}
	own := &b.histories[b.self]
	clear(p.has)
	p.next, p.firstSend, p.sends = own.held()+1, own.first, make([]uint64, len(own.writes))
	p.stalled = stall{}
}

// handover gives a peer this branch's state. The sync that brings it is an answer: it obliges none.
func (b *Branch) handover(in Handover) {
	p := b.peer(in.Peer)
	if p == nil {
		return
	}
	s := Snapshot{
		Waiter: in.Waiter, To: p.name,
		Executed: b.Executed(), Balances: map[string]int64{}, Results: maps.Clone(b.results),
	}
	for _, a := range b.ledger.Accounts() {
		s.Balances[a.Name] = a.Balance
	}
	if b.causal != nil {
		s.Fences, s.Rights = maps.Clone(b.causal.fences), map[Share]int64{}
		for _, account := range b.causal.rights.Accounts() {
			for i, name := range b.cfg.Branches {
				s.Rights[Share{account, name}] = b.causal.rights.Of(account, i)
			}
		}
	}
	told, has := len(b.out.Messages), b.Held()
	b.tell(p, trace.Event{Step: trace.StepSync, Has: has}, Message{Has: has})
	for origin := range b.histories {
		for _, w := range b.histories[origin].writes {
			if w.ID.N <= b.executed[origin] || w.ID.Process == p.name {
				s.Writes = append(s.Writes, w)
			} else {
				b.propagate(p, w)
			}
		}
	}
	s.Messages = slices.Clone(b.out.Messages[told:]) // they go with the snapshot
	b.out.Messages = b.out.Messages[:told]
	b.out.Handovers = append(b.out.Handovers, s)
}

// ErrLost is what a LostError unwraps to.
var ErrLost = errors.New("writes are lost")

// LostError says that a branch which joins again ordered writes that are nowhere any more. A customer may know that they
// took effect, so that to go on without them would break what it was told.
type LostError struct {
	Branch   string
	From, To uint64 // n of the writes
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%v: %s ordered %d to %d, which no branch holds; bring its data or its newest log back", ErrLost, e.Branch, e.From, e.To)
}

func (e *LostError) Unwrap() error { return ErrLost }

// Past is what is known of the life of a branch that joins again. The zero value knows nothing.
type Past struct {
	Seq, Clock uint64            // of the newest event
	Known      uint64            // n of the newest write that a peer has heard of
	Taken      map[string]uint64 // process -> highest seq of its messages that may have been taken
	Ordered    []*Write          // own writes, rising, without a gap
}

// Log takes in an event of the branch's log; all of them are to be taken in, in order. Writes up to held are not kept.
func (p *Past) Log(e *trace.Event, held uint64) {
	p.Seq, p.Clock = e.Seq, e.Clock
	switch {
	case e.Kind == trace.Receive:
		p.take(e.Peer, e.Cause)
	case e.Step == trace.StepOrder && e.Write.N > held:
		p.Ordered = append(p.Ordered, logged(e))
	}
}

// logged returns the write that an order event tells of.
func logged(e *trace.Event) *Write {
	w := &Write{
		ID: e.Write, At: e.At, Request: e.Request, Deps: e.Deps.Clone(), ToBranch: e.ToBranch, Result: e.Result,
		Operation: Operation{Op: e.Op, Account: e.Account, ToAccount: e.ToAccount, Amount: e.Amount},
	}
	if w.Request.IsZero() { // a grant or fence, whose note has it, see Write.told
		w.Request, _ = trace.ParseID(strings.TrimPrefix(e.Note, noteFor))
	}
	switch {
	case w.Op != trace.OpFence:
		w.Result = trace.ResultNone
	case w.Result == trace.Insufficient:
		w.Reason = ReasonInsufficient
	case w.Result == trace.Refused:
		w.Reason = ReasonBalanceLimit
	}
	return w
}

// Standing is what a peer tells a branch that joins again.
type Standing struct {
	Knows      Knowledge // of the branch
	Holds      uint64    // n of the newest of the branch's writes that it holds without a gap
	Seq, Clock uint64    // of its own newest event
}

// Standing returns what this branch tells a peer that joins again.
func (b *Branch) Standing(name string) Standing {
	s := Standing{Knows: b.Knows(name), Seq: b.seq.Seq(), Clock: b.seq.Now()}
	if i, ok := b.index[name]; ok {
		s.Holds = b.histories[i].held()
	}
	return s
}

// Peer takes in what a peer has told. What it sent before is over: its messages count from here on.
func (p *Past) Peer(name string, s Standing) {
	p.Known = max(p.Known, s.Knows.N)
	p.take(name, s.Seq)
}

func (p *Past) take(process string, seq uint64) {
	if p.Taken == nil {
		p.Taken = map[string]uint64{}
	}
	p.Taken[process] = max(p.Taken[process], seq)
}

// Rejoin returns a branch whose own state is lost and that takes a peer's over. To out it adds the state to store, and
// with it the branch's first events: its receive of the snapshot, the local event of taking it over, and the receives of
// the writes that came along. The branch then behaves as one that was restored. The error is a *LostError where a write is
// missing.
func Rejoin(cfg Config, s *Snapshot, past Past, out *Effects) (*Branch, error) {
	state := &State{
		Seq: past.Seq, Clock: past.Clock, Executed: s.Executed.Clone(), Balances: maps.Clone(s.Balances),
		Results: maps.Clone(s.Results), Writes: map[string][]*Write{}, Taken: maps.Clone(past.Taken),
		Rights: maps.Clone(s.Rights), Fences: maps.Clone(s.Fences),
	}
	if state.Taken == nil {
		state.Taken = map[string]uint64{}
	}
	bringer := &s.Messages[0]
	state.Taken[bringer.Stamp.Process] = bringer.Stamp.Seq
	for _, w := range s.Writes {
		state.Writes[w.ID.Process] = append(state.Writes[w.ID.Process], w)
	}
	held := state.Executed.Get(cfg.Name)
	if own := state.Writes[cfg.Name]; len(own) > 0 {
		held = own[len(own)-1].ID.N
	}
	for _, w := range past.Ordered {
		if w.ID.N == held+1 {
			state.Writes[cfg.Name] = append(state.Writes[cfg.Name], w)
			held++
		}
	}
	if held < past.Known {
		return nil, &LostError{cfg.Name, held + 1, past.Known}
	}
	b, err := Restore(cfg, state.clone())
	if err != nil {
		return nil, err
	}
	if err := b.seq.Check(bringer.Stamp, clock.MaxJump); err != nil {
		return nil, fmt.Errorf("branch: snapshot: %w", err)
	}
	b.out = out
	out.Durable.Adopted = state
	b.receive(bringer.Stamp, trace.Event{Step: trace.StepSync, Has: bringer.Has})
	taken := trace.Event{Step: trace.StepSnapshot, Sees: b.Executed()}
	for _, a := range b.ledger.Accounts() {
		taken.Balances = append(taken.Balances, trace.AccountBalance{Account: a.Name, Amount: a.Balance})
	}
	b.local(taken)
	for i := range s.Messages[1:] {
		b.message(&s.Messages[1+i])
	}
	b.out = nil
	return b, out.Fatal
}

// clone copies what a branch changes of a state that it is restored from.
func (s *State) clone() State {
	c := *s
	c.Writes = maps.Clone(s.Writes)
	for origin, writes := range c.Writes {
		c.Writes[origin] = slices.Clone(writes)
	}
	c.Results, c.Fences, c.Grants = maps.Clone(s.Results), maps.Clone(s.Fences), maps.Clone(s.Grants)
	return c
}
