package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func messageRules() []Rule {
	const source = "a message is known by its sender and the seq of its send event"
	return []Rule{
		{
			Name:      "message/orphan-receive",
			Statement: "What a receive names as its cause is a send in the log of its peer.",
			Reason:    "A message that nobody sent has no place in happens-before.",
			Source:    source,
			Mistake:   "The send was not logged, or the receiver recorded the number of another message.",
			Exit:      1,
		}, {
			Name:      "message/duplicate-receive",
			Statement: "A send is received at most once.",
			Reason:    "A message that is taken twice takes effect twice.",
			Source:    source,
			Mistake:   "The network repeated a message and the receiver did not drop the copy.",
			Exit:      1,
		}, {
			Name:      "message/misdelivered",
			Statement: "A message is received by the process that its send names as peer.",
			Reason:    "A process that acts on another's messages does what it was not asked for.",
			Source:    source,
			Mistake:   "The sender logged the wrong peer, or a router mixed up two connections.",
			Exit:      1,
		}, {
			Name:      "message/lost",
			Statement: "A send is received, where the log of its receiver has ended.",
			Reason:    "Networks lose messages, and a correct system lives with it: this is a warning.",
			Source:    source,
			Mistake:   "The receiver was stopped before it had read everything, or does not log some of its receives.",
			Exit:      0,
		},
	}
}

// message names a message: its sender's id and the seq of its send event.
type message struct {
	from int32
	seq  uint64
}

func (m message) key() numbered { return numbered{m.from, m.seq} }

// flight is a send whose receive has not been read.
type flight struct {
	to      int32 // id of the addressee; -1 where the send does not name it
	replies bool  // messageFamily.replies has what it tells
	clock   uint64
	at      place
}

// reply is what a respond tells its customer, so that it can be compared with what the customer received.
type reply struct {
	responds  bool
	request   trace.ID
	result    trace.Result
	balance   trace.Balance
	toBalance trace.Balance
}

func replyOf(e *trace.Event) reply {
	if e.Step != trace.StepRespond {
		return reply{}
	}
	return reply{true, e.Request, e.Result, e.Balance, e.ToBalance}
}

// altered reports whether both are replies, and not the same.
func (r *reply) altered(o *reply) bool { return r.responds && o.responds && *r != *o }

// arrival is a receive event.
type arrival struct {
	spot
	stamp  uint64
	before uint64 // clock of the receiver before it
	known  bool   // before is known
	reply  reply
	prev   spot // the event before it; known in the second pass
}

// inexact reports whether the clock is not the least that is allowed after a message with that clock.
func (a *arrival) inexact(sent uint64) bool { return a.known && a.clock != max(a.before, sent)+1 }

// early is what arrived of a message whose send has not been read.
type early struct {
	arrival
	count   int64
	inexact bool // by its own stamp, one of them
}

// exchange is all that the logs say of a suspect message.
type exchange struct {
	found    bool // the event that the receives name
	kind     trace.Kind
	sent     spot
	to       *proc
	reply    reply
	arrivals []arrival
}

// messageFamily pairs sends with receives.
//
//  1. A send goes on record as in flight; a receive takes its send off the record. Where the receive is read first,
//     because clocks are wrong, it waits for its send. So it does not matter which is read first.
//  2. A pair that does not fit (clocks, stamp, addressee, what a reply says) makes its message suspect.
//  3. At the end, a receive that still waits had no send, or had its send taken by another receive. If no log could
//     show the send it is uncovered; else the message is suspect.
//  4. What waits beyond a bounded amount of memory goes to files, see message_spill.go.
//  5. What is still in flight is lost if the log of the addressee has ended.
//  6. The second pass collects all there is of the suspect messages, and the findings are made from that: of several
//     receives the addressee's own comes first, then that with the least clock, and the others are duplicates.
type messageFamily struct {
	*engine
	*tally
	flights window[flight]
	replies map[message]reply // of those in flight
	early   map[message]early
	spilled spilled
	suspect map[message]*exchange
}

func newMessageFamily(e *engine) *messageFamily {
	f := &messageFamily{
		engine: e, tally: e.tally,
		replies: map[message]reply{}, early: map[message]early{}, suspect: map[message]*exchange{},
	}
	if e.opt.keep < fewSlots*flightSize {
		f.flights.tight = true
	}
	return f
}

func (f *messageFamily) wants(k trace.Kind, _ trace.Step) bool { return k != trace.Local }

func (f *messageFamily) first(v *visit) {
	switch v.e.Kind {
	case trace.Send:
		if v.repeated { // its name is taken, so no receive can mean it
			return
		}
		f.messages++
		f.send(v)
	case trace.Receive:
		if v.peer != nil {
			f.receive(v)
		}
	}
}

func (f *messageFamily) send(v *visit) {
	m := message{v.p.id, v.e.Seq}
	s := flight{to: -1, replies: v.e.Step == trace.StepRespond, clock: v.e.Clock, at: v.at}
	if v.peer != nil {
		s.to = v.peer.id
	}
	first, waits := f.early[m]
	if !waits {
		f.flights.put(m.key(), s)
		if s.replies {
			f.replies[m] = replyOf(v.e)
		}
		f.spillFlights()
		return
	}
	delete(f.early, m)
	f.late(m, s, replyOf(v.e), &first)
}

// late pairs a send with the first of the receives that were read before it.
func (f *messageFamily) late(m message, s flight, told reply, first *early) {
	f.pair(m, s, told, &first.arrival)
	if first.count > 1 {
		f.checked[messageOrphan] += first.count - 1
		f.suspect[m] = &exchange{}
	}
}

func (f *messageFamily) receive(v *visit) {
	m := message{v.peer.id, v.e.Cause}
	a := newArrival(v)
	if s, open := f.flights.take(m.key()); open {
		told := reply{}
		if s.replies {
			told = f.replies[m]
			delete(f.replies, m)
		}
		f.pair(m, s, told, &a)
		return
	}
	first, waits := f.early[m]
	if !waits {
		first.arrival = a
	}
	first.count++
	first.inexact = first.inexact || f.on[clockNotExact] && a.stamp != 0 && a.inexact(a.stamp)
	f.early[m] = first
	f.spillEarly()
}

func newArrival(v *visit) arrival {
	before, known := v.before()
	return arrival{spot: v.spot(), stamp: v.e.Stamp, before: before, known: known, reply: replyOf(v.e)}
}

// pair counts a pair and makes its message suspect if it does not fit.
func (f *messageFamily) pair(m message, s flight, told reply, a *arrival) {
	f.count(s.to >= 0, a)
	f.checked[messageOrphan]++
	f.checked[messageLost]++
	if a.clock <= s.clock || a.stamp != 0 && a.stamp != s.clock || s.to >= 0 && s.to != a.p.id ||
		f.on[clockNotExact] && a.inexact(s.clock) || told.altered(&a.reply) {
		f.suspect[m] = &exchange{}
	}
}

// count counts a pair of send and receive for the rules about pairs.
func (f *messageFamily) count(addressed bool, a *arrival) {
	f.checked[messageDuplicate]++
	f.checked[clockNotAfterSend]++
	if a.stamp != 0 {
		f.checked[clockStampMismatch]++
	} else if a.known && f.on[clockNotExact] {
		f.checked[clockNotExact]++
	}
	if addressed {
		f.checked[messageMisdelivered]++
	}
}

func (f *messageFamily) end() {
	if len(f.spilled) > 0 {
		f.endSpilled()
	} else {
		for m, first := range f.early {
			f.unsent(m, &first)
		}
		f.flights.each(func(k numbered, s flight) bool {
			f.unreceived(message{k.id, k.n}, s)
			return false
		})
	}
	f.early, f.replies, f.flights = nil, nil, window[flight]{}
}

// unsent judges receives whose send was not read, or was taken by another receive.
func (f *messageFamily) unsent(m message, first *early) {
	if !f.procs[m.from].covers(m.seq) {
		f.uncovered += first.count
		if first.inexact {
			f.suspect[m] = &exchange{}
		}
		return
	}
	f.checked[messageOrphan] += first.count
	f.suspect[m] = &exchange{}
}

// unreceived judges a send whose receive was not read.
func (f *messageFamily) unreceived(m message, s flight) {
	if s.to < 0 || !f.procs[s.to].whole() || f.procs[s.to].slice() || len(f.procs[s.to].unreadable) > 0 {
		f.inFlight++
		return
	}
	f.checked[messageLost]++
	f.add(messageLost, finding{
		event: spot{f.procs[m.from], m.seq, s.clock, s.at},
		message: fmt.Sprintf("%s:%d was sent to %s, whose log has ended without receiving it.",
			f.procs[m.from].name, m.seq, f.procs[s.to].name),
	})
}

func (f *messageFamily) suspects() bool { return len(f.suspect) > 0 }

func (f *messageFamily) again(v *visit) {
	if len(f.suspect) == 0 {
		return
	}
	if x := f.suspect[message{v.p.id, v.e.Seq}]; x != nil && !v.repeated {
		x.found, x.kind, x.sent, x.to, x.reply = true, v.e.Kind, v.spot(), v.peer, replyOf(v.e)
	}
	if v.e.Kind != trace.Receive || v.peer == nil {
		return
	}
	if x := f.suspect[message{v.peer.id, v.e.Cause}]; x != nil {
		a := newArrival(v)
		a.prev = v.p.previousIfAny()
		x.arrivals = append(x.arrivals, a)
	}
}

func (f *messageFamily) settle() {
	for m, x := range f.suspect {
		if !x.found || x.kind != trace.Send {
			for _, a := range x.arrivals {
				if f.procs[m.from].covers(m.seq) {
					f.orphan(m, x, a)
				}
				if a.stamp != 0 && a.known {
					f.exact(a.spot, a.prev, a.before, a.stamp)
				}
			}
			continue
		}
		slices.SortFunc(x.arrivals, func(a, b arrival) int {
			return cmp.Or(
				-compareBool(x.to == a.p, x.to == b.p),
				compareSpots(a.spot, b.spot),
			)
		})
		for i, a := range x.arrivals {
			if i > 0 {
				f.count(x.to != nil, &a)
				f.duplicate(x, a)
			}
			f.misfit(x, a)
		}
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (f *messageFamily) orphan(m message, x *exchange, a arrival) {
	from := f.procs[m.from]
	ref := trace.Ref{Process: from.name, Seq: m.seq}
	o := finding{event: a.spot, expected: fmt.Sprintf("%s to be a send", ref)}
	switch {
	case x.found && x.kind == trace.Receive:
		o.other = x.sent
		o.message = fmt.Sprintf("%s receives message %s, which is itself a receive.", a.ref(), ref)
	case x.found:
		o.other = x.sent
		o.message = fmt.Sprintf("%s receives message %s, which is a local event.", a.ref(), ref)
	case m.seq > from.most:
		o.message = fmt.Sprintf("%s receives message %s, which was never sent: the log of %s ends with event %d.",
			a.ref(), ref, from.name, from.most)
	default:
		o.message = fmt.Sprintf("%s receives message %s, which is not in the log of %s.", a.ref(), ref, from.name)
	}
	f.add(messageOrphan, o)
}

func (f *messageFamily) duplicate(x *exchange, a arrival) {
	f.add(messageDuplicate, finding{
		event:    a.spot,
		other:    x.arrivals[0].spot,
		message:  fmt.Sprintf("%s receives message %s, which %s received already.", a.ref(), x.sent.ref(), x.arrivals[0].ref()),
		expected: "one receive of each message",
	})
}

// misfit reports what does not fit between a send and one of its receives.
func (f *messageFamily) misfit(x *exchange, a arrival) {
	s := x.sent
	if x.to != nil && x.to != a.p {
		f.add(messageMisdelivered, finding{
			event: a.spot, other: s,
			message:  fmt.Sprintf("%s receives message %s, which was sent to %s.", a.ref(), s.ref(), x.to.name),
			expected: "a receive at " + x.to.name,
		})
	}
	if a.clock <= s.clock {
		f.graph().backwards(a.clock, s.clock)
		f.add(clockNotAfterSend, finding{
			event: a.spot, other: s,
			message: fmt.Sprintf("%s receives at clock %d what %s sent at clock %d. A receive must be later than its send.",
				a.ref(), a.clock, s.ref(), s.clock),
			expected: fmt.Sprintf("a clock of at least %d", s.clock+1),
		})
	}
	if a.stamp != 0 && a.stamp != s.clock {
		f.add(clockStampMismatch, finding{
			event: a.spot, other: s,
			message:  fmt.Sprintf("%s took stamp %d from its message, and %s was sent at clock %d.", a.ref(), a.stamp, s.ref(), s.clock),
			expected: fmt.Sprintf("stamp %d", s.clock),
		})
	}
	if a.known {
		f.exact(a.spot, s, a.before, s.clock)
	}
	if x.reply.altered(&a.reply) {
		f.add(requestDiffers, finding{
			event: a.spot, other: s,
			message:  fmt.Sprintf("%s receives %s, and %s sent %s.", a.ref(), a.reply, s.ref(), x.reply),
			expected: x.reply.String(),
		})
	}
}

// String says what the reply tells.
func (r reply) String() string {
	return fmt.Sprintf("the reply to %s with %s", r.request, outcome{r.result, r.balance, r.toBalance})
}

// sent reports whether the trace has the send of a message; the second pass is over.
func (f *messageFamily) sent(m message) bool {
	if x := f.suspect[m]; x != nil {
		return x.found && x.kind == trace.Send
	}
	return f.procs[m.from].covers(m.seq)
}

func (s spot) ref() trace.Ref { return trace.Ref{Process: s.name(), Seq: s.seq} }
