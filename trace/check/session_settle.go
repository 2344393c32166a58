package check

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// served is an execute for a request of a suspect customer: of a query, or of a write with success.
type served struct {
	spot
	n      uint64
	write  trace.ID
	sees   clock.Vector      // of a query
	blind  bool              // of a write: its replica's log does not tell what was executed before it
	before clock.Vector      // of a write: its replica's vector before it
	beyond map[string][]span // of a write: what the replica lacked below its highest numbers
	most   map[string]uint64 // with beyond: the highest numbers
}

// ack is the first ok reply to a request.
type ack struct {
	spot
	n      uint64
	branch *proc
	cause  uint64
	write  trace.ID
	saw    clock.Vector
}

// history is all that matters of a suspect customer.
type history struct {
	p     *proc
	sent  map[uint64]int // request -> how many acks the customer had when it sent it first
	acks  []ack
	acked map[uint64]bool
	deeds []served

	replied map[message]int // respond -> how many deeds came before it; in its own log, whatever its seq
}

func newHistory(p *proc) *history {
	return &history{p: p, sent: map[uint64]int{}, acked: map[uint64]bool{}, replied: map[message]int{}}
}

func (f *sessionFamily) again(v *visit) {
	if len(f.exact) == 0 || v.e.Request.IsZero() {
		return
	}
	h := f.exact[f.process(v.e.Request.Process)]
	if h == nil {
		return
	}
	switch n := v.e.Request.N; {
	case isOwn(v) && isAsk(v.e):
		if _, again := h.sent[n]; !again {
			h.sent[n] = len(h.acks)
		}
	case isOwn(v) && isReply(v.e) && v.e.Result == trace.OK:
		if !h.acked[n] {
			h.acked[n] = true
			h.acks = append(h.acks, ack{spot: v.spot(), n: n, branch: v.peer, cause: v.e.Cause})
		}
	case v.e.Step == trace.StepExecute && v.e.Write.IsZero():
		h.deeds = append(h.deeds, served{spot: v.spot(), n: n, sees: v.e.Sees.Clone()})
	case isEffect(v.e):
		h.deeds = append(h.deeds, f.written(v))
	case isRespond(v.e) && !v.repeated:
		h.replied[message{v.p.id, v.e.Seq}] = len(h.deeds)
	}
}

// written returns the deed of a write, with what its replica had executed.
func (f *sessionFamily) written(v *visit) served {
	r := f.replicaFamily().second2.of(v.p)
	d := served{spot: v.spot(), n: v.e.Request.N, write: v.e.Write, blind: r.blind(), before: r.vector.Clone()}
	if r.gaps == 0 {
		return d
	}
	d.beyond, d.most = map[string][]span{}, map[string]uint64{}
	for origin, t := range r.tracks {
		name := f.procs[origin].name
		d.beyond[name], d.most[name] = slices.Clone(t.holes), t.most
	}
	return d
}

// had reports whether a write had been executed before the deed at its replica.
func (d *served) had(w trace.ID) bool {
	if d.beyond == nil {
		return w.N <= d.before.Get(w.Process)
	}
	return w.N <= d.most[w.Process] &&
		!slices.ContainsFunc(d.beyond[w.Process], func(s span) bool { return s.lo <= w.N && w.N <= s.hi })
}

// settle goes over the deeds of each suspect customer.
//
//  1. Each ok reply gets the write that its request became, and what its query saw.
//  2. Sums are made of what was written and of what was seen up to each reply.
//  3. A deed whose vector covers the sum is in order. Else the latest reply that it contradicts is searched, backwards.
func (f *sessionFamily) settle() {
	for _, h := range f.exact {
		h.complete(f)
		written, seen := h.sums()
		for i := range h.deeds {
			d := &h.deeds[i]
			k, sent := h.sent[d.n]
			if !sent {
				continue
			}
			switch {
			case d.write.IsZero():
				if !d.sees.Covers(written[k]) {
					f.unseen(h, d, k)
				}
				if !d.sees.Covers(seen[k]) {
					f.goneBack(h, d, k)
				}
			case d.blind:
			default:
				if !d.before.Covers(written[k]) {
					f.overtaken(h, d, k)
				}
				if !d.before.Covers(seen[k]) {
					f.unfounded(h, d, k)
				}
			}
		}
	}
}

// complete finds what each acknowledged request wrote and saw.
func (h *history) complete(f *sessionFamily) {
	effects := map[uint64]*served{}
	reads := map[[2]uint64][]int{} // by request and branch
	for i := range h.deeds {
		d := &h.deeds[i]
		if d.write.IsZero() {
			key := [2]uint64{d.n, uint64(d.p.id)}
			reads[key] = append(reads[key], i)
		} else if old := effects[d.n]; old == nil || compareSpots(d.spot, old.spot) < 0 {
			effects[d.n] = d
		}
	}
	for i := range h.acks {
		a := &h.acks[i]
		if d := effects[a.n]; d != nil {
			a.write = d.write
		}
		if a.branch == nil {
			continue
		}
		known := f.messageFamily().sent(message{a.branch.id, a.cause})
		deeds, placed := h.replied[message{a.branch.id, a.cause}]
		for _, j := range reads[[2]uint64{a.n, uint64(a.branch.id)}] {
			d := &h.deeds[j]
			if placed && j < deeds || !placed && (!known || d.seq < a.cause) {
				a.saw = d.sees
			}
		}
	}
}

// sums returns what the first k acknowledged requests wrote and saw, for each k.
func (h *history) sums() (written, seen []clock.Vector) {
	written, seen = make([]clock.Vector, len(h.acks)+1), make([]clock.Vector, len(h.acks)+1)
	for k, a := range h.acks {
		written[k+1], seen[k+1] = written[k], seen[k]
		if a.write.N > written[k].Get(a.write.Process) {
			written[k+1] = written[k].Clone().Set(a.write.Process, a.write.N)
		}
		if !seen[k].Covers(a.saw) {
			seen[k+1] = seen[k].Clone().Merge(a.saw)
		}
	}
	return written, seen
}

// latest returns the latest of the first k replies that fits, other than that to the deed's own request.
func (h *history) latest(d *served, k int, fits func(a *ack) bool) *ack {
	for i := k - 1; i >= 0; i-- {
		if a := &h.acks[i]; a.n != d.n && fits(a) {
			return a
		}
	}
	return nil
}

func (h *history) request(n uint64) trace.ID { return trace.ID{Process: h.p.name, N: n} }

func (f *sessionFamily) unseen(h *history, d *served, k int) {
	a := h.latest(d, k, func(a *ack) bool { return a.write.N > d.sees.Get(a.write.Process) })
	if a == nil {
		return
	}
	f.add(sessionOwnWrites, finding{
		event: d.spot, other: a.spot,
		message: fmt.Sprintf("%s answers %s from %s, without %s: the write of %s, whose ok %s had received at %s before it sent %s.",
			d.ref(), h.request(d.n), d.sees, a.write, h.request(a.n), h.p.name, a.ref(), h.request(d.n)),
		expected: fmt.Sprintf("sees with %s at %d or more", a.write.Process, a.write.N),
	})
}

func (f *sessionFamily) goneBack(h *history, d *served, k int) {
	a := h.latest(d, k, func(a *ack) bool { return !d.sees.Covers(a.saw) })
	if a == nil {
		return
	}
	f.add(sessionReads, finding{
		event: d.spot, other: a.spot,
		message: fmt.Sprintf("%s answers %s from %s. The reply %s to %s, which %s had received before, was from %s.",
			d.ref(), h.request(d.n), d.sees, a.ref(), h.request(a.n), h.p.name, a.saw),
		expected: fmt.Sprintf("sees that covers %s", a.saw),
	})
}

func (f *sessionFamily) overtaken(h *history, d *served, k int) {
	a := h.latest(d, k, func(a *ack) bool { return !a.write.IsZero() && !d.had(a.write) })
	if a == nil {
		return
	}
	f.add(sessionWrites, finding{
		event: d.spot, other: a.spot,
		message: fmt.Sprintf("%s executes %s for %s, and %s had not executed %s: the write of %s, whose ok %s had received at %s before.",
			d.ref(), d.write, h.request(d.n), d.p.name, a.write, h.request(a.n), h.p.name, a.ref()),
		expected: fmt.Sprintf("an execute of %s at %s before", a.write, d.p.name),
	})
}

func (f *sessionFamily) unfounded(h *history, d *served, k int) {
	a := h.latest(d, k, func(a *ack) bool { return !d.before.Covers(a.saw) })
	if a == nil {
		return
	}
	f.add(sessionFollow, finding{
		event: d.spot, other: a.spot,
		message: fmt.Sprintf("%s executes %s for %s, and %s had executed %s. The reply %s to %s, which %s had received before, was from %s.",
			d.ref(), d.write, h.request(d.n), d.p.name, d.before, a.ref(), h.request(a.n), h.p.name, a.saw),
		expected: fmt.Sprintf("all of %s executed before", a.saw),
	})
}
