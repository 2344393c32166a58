package branch

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// maxBurst is how many writes are sent again or on demand in answer to one message.
const maxBurst = 1024

// peer is what a branch knows of another.
type peer struct {
	name    string
	up      bool
	unheard bool   // a restored branch waits for its answer
	taken   uint64 // highest seq of its messages taken; older ones are dropped
	horizon uint64 // all its writes up to this clock are held

	// The greatest promise that speaks of writes which are not held yet.
	promise, upto uint64

	has  []uint64 // by origin: the writes that it is known to hold without a gap
	next uint64   // n of the first own write that was never sent to it

	// Seq of the latest propagate to it of own write firstSend+i, for writes that it is not known to hold.
	sends     []uint64
	firstSend uint64

	stalled stall // at the last Retry

	pulled uint64 // n of its newest write that a session has had asked for
	asked  uint64 // seq of the sync with which it was asked itself; 0 while none is under way
}

// stall is what kept a branch waiting for a peer at a Retry; any of it found again at the next calls for a sync.
type stall struct {
	promise      *Write // the oldest unexecuted write lacks the peer's promise
	acknowledged uint64 // n of the first own write that it has not acknowledged; 0 if there is none
	held         uint64 // n of the first write of its own that is missing here; 0 if there is none
}

// backPromise raises the horizon to the kept promise once the writes that it speaks of are held.
func (p *peer) backPromise(held uint64) {
	if held >= p.upto {
		p.horizon = max(p.horizon, p.promise)
	}
}

// promised takes the promise of a message in: it counts at once if the writes up to upto are held, later if not.
func (p *peer) promised(promise, upto, held uint64) {
	if promise > p.promise {
		p.promise, p.upto = promise, upto
	}
	p.backPromise(held)
}

// message takes a message from another branch. A peer's messages are taken in rising seq only: an older or repeated
// one is dropped unrecorded and counts as lost.
func (b *Branch) message(m *Message) {
	p := b.peer(m.Stamp.Process)
	if err := b.unacceptable(p, m); err != nil {
		b.out.Refused = append(b.out.Refused, err)
		return
	}
	if m.Stamp.Seq <= p.taken {
		return
	}
	p.taken = m.Stamp.Seq
	b.out.Durable.Taken = append(b.out.Durable.Taken, Taken{p.name, p.taken})
	e := trace.Event{Step: m.Step}
	switch m.Step {
	case trace.StepPropagate:
		e.Write, e.At = m.Write.ID, m.Write.At
		e.Request, e.Note = m.Write.told()
	case trace.StepRightsAsk, trace.StepRightsGrant:
		e.Request, e.Account, e.Amount = m.Request, m.Account, m.Amount
	case trace.StepFence:
		e.Request = m.Request
	default:
		e.Has = m.Has
	}
	b.receive(m.Stamp, e)
	switch m.Step {
	case trace.StepPropagate:
		b.unacknowledged = true
		b.hold(m.Write)
	case trace.StepRightsAsk:
		b.askedForRights(p, m)
	case trace.StepRightsGrant:
		b.rightsAnswered(p, m)
	case trace.StepFence:
		b.fenceAsked(p, m)
	default:
		b.learn(p, m)
	}
	p.promised(m.Promise, m.Upto, b.histories[b.index[p.name]].held())
	b.advance()
}

// unacceptable says what in a message cannot be right.
func (b *Branch) unacceptable(p *peer, m *Message) error {
	if p == nil || m.Stamp.Seq == 0 {
		return fmt.Errorf("message %s:%d dropped: its sender is no other branch of this bank", m.Stamp.Process, m.Stamp.Seq)
	}
	if err := b.seq.Check(m.Stamp, clock.MaxJump); err != nil {
		return fmt.Errorf("message dropped: %w", err)
	}
	if m.Promise > m.Stamp.Clock+clock.MaxJump {
		return fmt.Errorf("message %s:%d dropped: it promises %d at clock %d", m.Stamp.Process, m.Stamp.Seq, m.Promise, m.Stamp.Clock)
	}
	switch m.Step {
	case trace.StepAcknowledge, trace.StepSync:
		return nil
	case trace.StepRightsAsk, trace.StepRightsGrant, trace.StepFence:
		if b.causal == nil || m.Request.IsZero() {
			return fmt.Errorf("message %s:%d dropped: %s for request %s is nothing that this bank does", m.Stamp.Process, m.Stamp.Seq, m.Step, m.Request)
		}
		return nil
	case trace.StepPropagate:
		w := m.Write
		if w == nil {
			return fmt.Errorf("message %s:%d dropped: it carries no write", m.Stamp.Process, m.Stamp.Seq)
		}
		origin, known := b.index[w.ID.Process]
		sound := known && w.ID.N > 0 && w.At > 0 && w.At < m.Stamp.Clock && !w.Request.IsZero() &&
			(w.Op == trace.OpDeposit || w.Op == trace.OpWithdraw || w.Op == trace.OpTransfer ||
				b.causal != nil && (w.Op == trace.OpFence || w.Op == trace.OpGrant && b.peerOrSelf(w.ToBranch)))
		if sound && origin == b.self {
			b.outdated(p, "write", w.ID.N, b.histories[b.self].held())
		}
		if !sound {
			return fmt.Errorf("message %s:%d dropped: write %s at %d (%s) cannot exist", m.Stamp.Process, m.Stamp.Seq, w.ID, w.At, w.Operation)
		}
		return nil
	}
	return fmt.Errorf("message %s:%d dropped: step %q does not travel between branches", m.Stamp.Process, m.Stamp.Seq, m.Step)
}

// learn takes in what a peer holds, sends again what it must have lost, and answers a question.
func (b *Branch) learn(p *peer, m *Message) {
	for _, e := range m.Has {
		if origin, ok := b.index[e.Process]; ok && e.N > p.has[origin] {
			p.has[origin] = e.N
			b.trim(origin)
		}
	}
	b.outdated(p, "seq", m.Seen, b.seq.Seq())
	b.outdated(p, "write", p.has[b.self], b.histories[b.self].held())
	p.forgetSends(p.has[b.self])
	if m.Step == trace.StepSync && m.Answers > b.restored {
		b.heard(p)
	}
	if m.Step == trace.StepSync {
		b.answered(p, m)
	}
	if m.Step == trace.StepSync && m.Answers == 0 {
		b.sync(p, m.Stamp.Seq, nil)
		for _, r := range m.Wants {
			b.pushRange(p, r)
		}
	}
	b.pushLost(p, m.Seen)
	b.pushNew(p)
}

// forgetSends drops the record of sends for own writes up to n.
func (p *peer) forgetSends(n uint64) {
	if n >= p.firstSend {
		k := min(n-p.firstSend+1, uint64(len(p.sends)))
		p.sends = p.sends[k:]
		p.firstSend += k
	}
}

// pushNew sends own writes that were never sent to the peer, as long as the link stands.
func (b *Branch) pushNew(p *peer) {
	for ; p.up && p.next <= b.histories[b.self].held(); p.next++ {
		w := b.histories[b.self].get(p.next)
		if w == nil {
			continue // dropped, so the peer has it
		}
		p.recordSend(w.ID.N, b.propagate(p, w))
	}
}

// recordSend notes the latest send event of an own write.
func (p *peer) recordSend(n, seq uint64) {
	if len(p.sends) == 0 {
		p.firstSend = n
	}
	if i := n - p.firstSend; i < uint64(len(p.sends)) {
		p.sends[i] = seq
		return
	}
	p.sends = append(p.sends, seq)
}

// pushLost sends own writes again whose latest sending the peer has not taken although it has taken later messages.
func (b *Branch) pushLost(p *peer, seen uint64) {
	for i, burst := 0, 0; p.up && i < len(p.sends) && burst < maxBurst; i++ {
		if p.sends[i] > seen {
			continue
		}
		if w := b.histories[b.self].get(p.firstSend + uint64(i)); w != nil {
			p.sends[i] = b.propagate(p, w)
			burst++
		}
	}
}

// pushRange sends writes of any origin that the peer asked for and that are held here.
func (b *Branch) pushRange(p *peer, r Range) {
	origin, ok := b.index[r.Origin]
	if !ok {
		return
	}
	h := &b.histories[origin]
	from := max(r.From, h.first)
	for n := from; p.up && n <= min(r.To, h.held()) && n-from < maxBurst; n++ {
		seq := b.propagate(p, h.get(n))
		if origin == b.self {
			p.recordSend(n, seq)
		}
	}
}

// propagate sends one write to a peer and returns the seq of the send event.
func (b *Branch) propagate(p *peer, w *Write) uint64 {
	e := trace.Event{Step: trace.StepPropagate, Write: w.ID, At: w.At}
	e.Request, e.Note = w.told()
	return b.tell(p, e, Message{Write: w})
}

// sync asks a peer for its position, or answers its question number answers. It returns the seq of the send event.
func (b *Branch) sync(p *peer, answers uint64, wants []Range) uint64 {
	has := b.Held()
	return b.tell(p, trace.Event{Step: trace.StepSync, Has: has}, Message{Has: has, Answers: answers, Wants: wants})
}

// tell records the send event of a message to a peer and sends it. Promise, Upto and Seen are fixed with the event.
func (b *Branch) tell(p *peer, e trace.Event, m Message) uint64 {
	e.Peer = p.name
	m.To, m.Step = p.name, e.Step
	m.Stamp = b.send(e)
	m.Upto, m.Seen = b.histories[b.self].held(), p.taken
	if b.unheard == 0 {
		m.Promise = m.Stamp.Clock // until then, writes that this branch has forgotten could exist
	}
	b.out.Messages = append(b.out.Messages, m)
	return m.Stamp.Seq
}

// flush acknowledges to every peer whose link stands, once for all writes received since the last flush.
func (b *Branch) flush() {
	if !b.unacknowledged {
		return
	}
	b.unacknowledged = false
	has := b.Held()
	for i := range b.peers {
		if p := &b.peers[i]; i != b.self && p.up {
			b.tell(p, trace.Event{Step: trace.StepAcknowledge, Has: has}, Message{Has: has})
		}
	}
}

// peerUp greets a peer whose link stands again, unless both sides are new, and sends what it was never sent.
func (b *Branch) peerUp(in PeerUp) {
	p := b.peer(in.Peer)
	if p == nil {
		b.out.Refused = append(b.out.Refused, fmt.Errorf("peer %q is no other branch of this bank", in.Peer))
		return
	}
	b.outdated(p, "seq", in.Knows.Seq, b.seq.Seq())
	b.outdated(p, "write", in.Knows.N, b.histories[b.self].held())
	p.up = true
	if in.Fresh {
		b.heard(p)
	}
	if !in.Fresh || !b.Fresh() {
		b.sync(p, 0, b.wants(p))
	}
	b.pushNew(p)
	b.advance()
}

// retry asks every peer for its position that this branch has been waiting for since the last Retry.
func (b *Branch) retry() {
	if b.causal != nil {
		b.retryCausal()
	}
	for i := range b.peers {
		p := &b.peers[i]
		if i == b.self || !p.up {
			continue
		}
		last, now := p.stalled, b.stall(i)
		p.stalled = now
		wants := b.wants(p)
		same := now.promise != nil && now.promise == last.promise ||
			now.acknowledged > 0 && now.acknowledged == last.acknowledged ||
			now.held > 0 && now.held == last.held
		if same || p.unheard || len(wants) > 0 {
			b.sync(p, 0, wants)
		}
	}
}

// stall finds what this branch waits for from a peer.
func (b *Branch) stall(i int) stall {
	var s stall
	p := &b.peers[i]
	if len(b.pending) > 0 && p.horizon < b.pending[0].At {
		s.promise = b.pending[0]
	}
	if p.has[b.self] < b.histories[b.self].held() {
		s.acknowledged = p.has[b.self] + 1
	}
	if held := b.histories[i].held(); p.upto > held {
		s.held = held + 1
	}
	return s
}

// wants lists the writes that are known to exist, are missing here, and whose origin cannot be asked itself.
func (b *Branch) wants(p *peer) []Range {
	var wants []Range
	for origin := range b.histories {
		if origin == b.self || b.peers[origin].up {
			continue
		}
		held := b.histories[origin].held()
		if known := min(b.known(origin), p.has[origin]); known > held {
			wants = append(wants, Range{Origin: b.cfg.Branches[origin], From: held + 1, To: min(known, held+maxBurst)})
		}
	}
	return wants
}

// known returns n of the newest write of an origin that this branch has heard of.
func (b *Branch) known(origin int) uint64 {
	n := b.peers[origin].upto
	for i := range b.peers {
		if i != b.self {
			n = max(n, b.peers[i].has[origin])
		}
	}
	for _, w := range b.behind {
		n = max(n, w.token.Get(b.cfg.Branches[origin]))
	}
	if b.causal != nil {
		n = max(n, b.causal.needs.Get(b.cfg.Branches[origin]))
	}
	return n
}
