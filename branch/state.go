package branch

import (
	"container/heap"
	"errors"
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/branch/ledger"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// State is what a branch must keep to go on after a crash. The zero value is a branch that has recorded nothing.
type State struct {
	Seq, Clock uint64              // of the newest event
	Writes     map[string][]*Write // by origin: what is held without a gap and still needed, in order
	Executed   clock.Vector
	Balances   map[string]int64 // of the accounts that a write has touched
	Results    map[string]Outcome
	Taken      map[string]uint64 // process -> highest seq of its messages taken

	// In mode causal.
	Rights map[Share]int64  // where a write has changed them
	Fences map[Fence]uint64 // requests up to this number of the customer are never executed by the branch as their origin
	Grants map[Grantee]Ask  // the newest ask of each for which this branch has granted rights
}

// Share names a branch's rights to an account.
type Share struct{ Account, Branch string }

// Fence names what a branch does not do: requests of a customer.
type Fence struct{ Customer, Branch string }

// Grantee is who asks for rights: a branch, for a customer's request.
type Grantee struct{ Branch, Customer string }

// Ask numbers an ask for rights: by the request, and of several for one request.
type Ask struct{ Request, Number uint64 }

// Outcome is the remembered result of a customer's newest executed request. A customer has one request under way and
// numbers them upward, so a request with a lower number is never executed again: N is its own watermark.
type Outcome struct {
	N uint64
	Operation
	Result             trace.Result
	Balance, ToBalance trace.Balance
	Reason             Reason
}

// Durable is how one or more steps change the State, Events aside. It must be stored as one whole, with the events of the
// same steps, before any of their messages and replies leave.
type Durable struct {
	Held     []*Write    // taken into the histories, each the next of its origin
	Executed []Execution // in order
	Taken    []Taken
	Dropped  []trace.ID // this write and those before it of the same origin are needed no longer
	Adopted  *State     // the state that a branch begins with which joins again, before all else; nil in all other steps
}

// Execution is one write taking effect.
type Execution struct {
	Write              *Write
	Balance, ToBalance trace.Balance // after it
	First              bool          // its request was not executed before: Outcome is to be remembered
	Outcome            Outcome
	Rights             []Right // after it, where it changed them
	Fenced             bool    // it is a fence of its request by its origin
	Granted            bool    // it is a grant of this branch
}

// Right is what a branch may withdraw.
type Right struct {
	Share
	Amount int64
}

// Taken says up to which seq a process's messages were taken.
type Taken struct {
	Process string
	Seq     uint64
}

// Reset empties the change and keeps its storage.
func (d *Durable) Reset() {
	clear(d.Held)
	clear(d.Executed)
	clear(d.Taken)
	d.Held, d.Executed, d.Taken, d.Dropped, d.Adopted = d.Held[:0], d.Executed[:0], d.Taken[:0], d.Dropped[:0], nil
}

// Apply changes the state as some steps did that recorded events.
func (s *State) Apply(d *Durable, events []trace.Event) {
	if d.Adopted != nil {
		*s = *d.Adopted
	}
	if s.Grants == nil {
		s.Grants = map[Grantee]Ask{} // a snapshot has none
	}
	if s.Writes == nil {
		*s = State{Seq: s.Seq, Clock: s.Clock, Writes: map[string][]*Write{}, Balances: map[string]int64{},
			Results: map[string]Outcome{}, Taken: map[string]uint64{},
			Rights: map[Share]int64{}, Fences: map[Fence]uint64{}, Grants: map[Grantee]Ask{}}
	}
	if n := len(events); n > 0 {
		s.Seq, s.Clock = events[n-1].Seq, events[n-1].Clock
	}
	for _, w := range d.Held {
		s.Writes[w.ID.Process] = append(s.Writes[w.ID.Process], w)
	}
	for _, x := range d.Executed {
		s.Executed = s.Executed.Set(x.Write.ID.Process, x.Write.ID.N)
		if x.Balance.Known {
			s.Balances[x.Write.Account] = x.Balance.Amount
		}
		if x.ToBalance.Known {
			s.Balances[x.Write.ToAccount] = x.ToBalance.Amount
		}
		if x.First {
			s.Results[x.Write.Request.Process] = x.Outcome
		}
		for _, r := range x.Rights {
			s.Rights[r.Share] = r.Amount
		}
		if x.Fenced {
			s.Fences[x.Write.fence()] = x.Write.Request.N
		}
		if x.Granted {
			s.Grants[x.Write.grantee()] = Ask{x.Write.Request.N, x.Write.Number}
		}
	}
	for _, t := range d.Taken {
		s.Taken[t.Process] = t.Seq
	}
	for _, id := range d.Dropped {
		writes := s.Writes[id.Process]
		for len(writes) > 0 && writes[0].ID.N <= id.N {
			writes = writes[1:]
		}
		s.Writes[id.Process] = writes
	}
}

// ErrOldCopy is what an OldCopyError unwraps to.
var ErrOldCopy = errors.New("the state is an old copy")

// OldCopyError says that a peer knows of something that this branch did and its own state does not: the disk was put
// back, and to go on would use numbers again that others have seen.
type OldCopyError struct {
	Branch, Peer string
	What         string // what the peer knows
	Knows, Has   uint64
}

func (e *OldCopyError) Error() string {
	return fmt.Sprintf("%v: %s knows %s %d of %s, whose own state ends at %d; bring the newest copy of the data back",
		ErrOldCopy, e.Peer, e.What, e.Knows, e.Branch, e.Has)
}

func (e *OldCopyError) Unwrap() error { return ErrOldCopy }

// Restore returns the branch that a state belongs to. It orders nothing, promises nothing and answers no customer until
// every peer has answered a sync of it, or shows itself to be new. The state is the branch's from then on.
func Restore(cfg Config, s State) (*Branch, error) {
	b, err := New(cfg)
	if err != nil {
		return nil, err
	}
	b.seq = trace.ResumeSequencer(b.cfg.Name, s.Seq, s.Clock)
	b.restored = s.Seq
	if err := b.restoreLedger(s); err != nil {
		return nil, err
	}
	if s.Results != nil {
		b.results = s.Results
	}
	for process, seq := range s.Taken {
		if p := b.peer(process); p != nil {
			p.taken = seq
		} else {
			b.taken[process] = seq
		}
	}
	for origin, name := range b.cfg.Branches {
		if err := b.restoreHistory(origin, s.Executed.Get(name), s.Writes[name]); err != nil {
			return nil, err
		}
	}
	if b.causal != nil {
		if err := b.causal.restore(&s, b); err != nil {
			return nil, err
		}
	}
	for i := range b.peers {
		if p := &b.peers[i]; i != b.self {
			own := &b.histories[b.self]
			p.next, p.firstSend, p.sends = own.held()+1, own.first, make([]uint64, len(own.writes))
			p.unheard = true
			b.unheard++
		}
	}
	return b, nil
}

func (b *Branch) restoreLedger(s State) error {
	balances := map[string]int64{}
	for account := range b.cfg.Opening {
		balances[account] = b.cfg.Opening[account]
	}
	for account, balance := range s.Balances {
		if _, ok := balances[account]; !ok {
			return fmt.Errorf("branch: the state has account %q, which the bank has not", account)
		}
		balances[account] = balance
	}
	money, err := ledger.Restore(balances)
	if err != nil {
		return fmt.Errorf("branch: state: %w", err)
	}
	b.ledger = money
	return nil
}

func (b *Branch) restoreHistory(origin int, executed uint64, writes []*Write) error {
	h := &b.histories[origin]
	b.executed[origin] = executed
	h.first = executed + 1
	if len(writes) > 0 {
		h.first = writes[0].ID.N
	}
	h.writes = writes
	if h.held() < executed || h.first > executed+1 {
		return fmt.Errorf("branch: the state holds writes %d to %d of %s and has executed %d",
			h.first, h.held(), b.cfg.Branches[origin], executed)
	}
	for i, w := range writes {
		if w.ID.N != h.first+uint64(i) {
			return fmt.Errorf("branch: the state has write %s where %d of %s belongs", w.ID, h.first+uint64(i), b.cfg.Branches[origin])
		}
		switch {
		case w.ID.N <= executed:
		case b.causal == nil:
			heap.Push(&b.pending, w)
		default:
			b.causal.need(w)
		}
		b.peers[origin].horizon = w.At
	}
	return nil
}

// heard counts a peer that has shown what it knows of this branch. With the last one a restored branch is back.
func (b *Branch) heard(p *peer) {
	if !p.unheard {
		return
	}
	p.unheard = false
	if b.unheard--; b.unheard == 0 {
		b.unacknowledged = true // the promises that were held back
	}
}

// outdated stops the branch if a peer knows more of it than it does itself.
func (b *Branch) outdated(p *peer, what string, knows, has uint64) {
	if knows > has && b.out.Fatal == nil {
		b.out.Fatal = &OldCopyError{Branch: b.cfg.Name, Peer: p.name, What: what, Knows: knows, Has: has}
	}
}

// Knowledge is what a handshake tells a peer of what is known of it.
type Knowledge struct {
	Seq uint64 // highest seq of its messages taken
	N   uint64 // of its newest write known
}

// Knows returns what this branch knows of another.
func (b *Branch) Knows(name string) Knowledge {
	p := b.peer(name)
	if p == nil {
		return Knowledge{}
	}
	return Knowledge{Seq: p.taken, N: b.known(b.index[name])}
}
