package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func sessionRules() []Rule {
	return []Rule{
		{
			Name: "session/read-your-writes",
			Statement: "What a request sees covers every write of the same customer whose ok reply the customer had " +
				"received before it sent the request, at whichever branch.",
			Reason: "A customer whose deposit was confirmed and is then not in the balance thinks that the money is gone.",
			Source: "D. B. Terry et al., \"Session Guarantees for Weakly Consistent Replicated Data\", PDIS 1994; " +
				"narrowed to writes whose reply had come",
			Mistake: "The customer went to another branch, and that branch answered before it had caught up.",
			Exit:    1,
		},
	}
}

// session is what the first pass remembers of a customer.
type session struct {
	p       *proc
	suspect bool
	checked int64

	covers  clock.Vector        // the writes whose ok replies it received; replaced, never changed
	sent    uint64              // highest request sent
	writes  bool                // the request sent last is a write
	needs   clock.Vector        // what that request must see: covers, when it was sent
	written map[uint64]trace.ID // requests after the last acknowledged one -> the write that was executed for it
	acked   uint64              // highest request whose ok reply was received
}

// sessionFamily checks what each customer's requests saw.
//
//  1. Per customer a vector is kept: the writes whose ok replies it received. Which write a request became is what the
//     first ok execute for that request says, which comes before the reply in a correct trace.
//  2. A request needs what that vector is when the request is first sent. The execute that answers it has sees, which
//     must cover the need.
//  3. Whatever does not fit this course, such as an execute for a request that is no longer the last, an ok reply before
//     any execute, or a need that is not covered, makes the customer suspect.
//  4. The second pass collects all events of the suspect customers that matter and does steps 1 and 2 again when all of
//     them are known, so that what was read first does not matter.
type sessionFamily struct {
	*engine
	*tally
	sessions map[*proc]*session
	exact    map[*proc]*history
}

func newSessionFamily(e *engine) *sessionFamily {
	return &sessionFamily{
		engine: e, tally: e.tally, sessions: map[*proc]*session{}, exact: map[*proc]*history{},
	}
}

func (f *sessionFamily) session(p *proc) *session {
	s := f.sessions[p]
	if s == nil {
		s = &session{p: p, written: map[uint64]trace.ID{}}
		f.sessions[p] = s
	}
	return s
}

func (f *sessionFamily) first(v *visit) {
	if v.e.Request.IsZero() {
		return
	}
	switch {
	case isRequest(v):
		f.session(v.p).request(v.e)
	case isAcknowledged(v):
		f.session(v.p).reply(v.e)
	case v.e.Step == trace.StepExecute:
		f.session(f.process(v.e.Request.Process)).execute(v)
	}
}

// isRequest reports whether a customer sends a request of its own.
func isRequest(v *visit) bool {
	return v.e.Step == trace.StepRequest && v.e.Kind == trace.Send && v.e.Request.Process == v.p.name
}

// isAcknowledged reports whether a customer receives an ok reply to a request of its own.
func isAcknowledged(v *visit) bool {
	return v.e.Step == trace.StepRespond && v.e.Kind == trace.Receive && v.e.Request.Process == v.p.name &&
		v.e.Result == trace.OK
}

// isWritten reports whether a write of a request took effect.
func isWritten(e *trace.Event) bool {
	return e.Step == trace.StepExecute && !e.Write.IsZero() && e.Result == trace.OK
}

// answers reports whether an execute is the one that a request's answer comes from, and says what it saw. A branch's
// query that says nothing saw nothing: an empty vector is left out of a log.
func answers(v *visit) bool {
	if v.e.Write.IsZero() {
		return len(v.e.Sees) > 0 || v.p.branch && v.e.Op == trace.OpQuery
	}
	return len(v.e.Sees) > 0 && v.e.Write.Process == v.p.name
}

func (s *session) request(e *trace.Event) {
	switch n := e.Request.N; {
	case n < s.sent:
		s.suspect = true
	case n > s.sent:
		s.sent, s.needs, s.writes = n, s.covers, e.Op != trace.OpQuery
	}
}

func (s *session) reply(e *trace.Event) {
	n := e.Request.N
	w, ok := s.written[n]
	switch {
	case n < s.sent || n > s.sent || n <= s.acked || s.writes && !ok:
		s.suspect = true
		return
	case ok:
		s.covers = s.covers.Clone().Merge(clock.Vector{{Process: w.Process, N: w.N}})
	}
	s.acked = n
	for k := range s.written {
		if k <= n {
			delete(s.written, k)
		}
	}
}

func (s *session) execute(v *visit) {
	if s.suspect {
		return
	}
	e, n := v.e, v.e.Request.N
	if isWritten(e) && n > s.acked {
		if w, ok := s.written[n]; ok && w != e.Write {
			s.suspect = true
		}
		s.written[n] = e.Write
	}
	if !answers(v) {
		return
	}
	switch {
	case n == s.sent && e.Sees.Covers(s.needs), n < s.sent && n > 0 && e.Sees.Covers(s.covers):
		s.checked++
	default:
		s.suspect = true
	}
}

func (f *sessionFamily) end() {
	for p, s := range f.sessions {
		switch {
		case !p.hasLog():
		case s.suspect:
			f.exact[p] = newHistory(p)
		default:
			f.checked[sessionOwnWrites] += s.checked
		}
	}
	f.sessions = nil
}

func (f *sessionFamily) suspects() bool { return len(f.exact) > 0 }

func (f *sessionFamily) again(v *visit) {
	if len(f.exact) == 0 || v.e.Request.IsZero() {
		return
	}
	h := f.exact[f.process(v.e.Request.Process)]
	if h == nil {
		return
	}
	switch n := v.e.Request.N; {
	case isRequest(v):
		h.steps = append(h.steps, step{n, true})
	case isAcknowledged(v):
		h.steps = append(h.steps, step{n, false})
	case v.e.Step == trace.StepExecute:
		h.execute(v)
	}
}

// step is a request or an ok reply, in the customer's order.
type step struct {
	n    uint64
	sent bool
}

// read is an execute that answers a request.
type read struct {
	spot
	n    uint64
	sees clock.Vector
}

// history is all that matters of a suspect customer.
type history struct {
	p       *proc
	steps   []step
	written map[uint64]trace.ID // request -> the least write that took effect for it
	done    map[trace.ID]spot   // write -> its execute at its origin, or at the first replica by name
	reads   []read
}

func newHistory(p *proc) *history {
	return &history{p: p, written: map[uint64]trace.ID{}, done: map[trace.ID]spot{}}
}

func (h *history) execute(v *visit) {
	e := v.e
	if isWritten(e) {
		if w, ok := h.written[e.Request.N]; !ok || cmp.Or(cmp.Compare(e.Write.Process, w.Process), cmp.Compare(e.Write.N, w.N)) < 0 {
			h.written[e.Request.N] = e.Write
		}
		at, ok := h.done[e.Write]
		if !ok || at.name() != e.Write.Process && (v.p.name == e.Write.Process || v.p.name < at.name()) {
			h.done[e.Write] = v.spot()
		}
	}
	if answers(v) {
		h.reads = append(h.reads, read{v.spot(), e.Request.N, e.Sees.Clone()})
	}
}

func (f *sessionFamily) settle() {
	for _, h := range f.exact {
		needs := h.needs()
		for _, r := range h.reads {
			need, sent := needs[r.n]
			if !sent {
				continue
			}
			f.checked[sessionOwnWrites]++
			i := slices.IndexFunc(need, func(e clock.Entry) bool { return r.sees.Get(e.Process) < e.N })
			if i >= 0 {
				f.unseen(h, r, trace.ID{Process: need[i].Process, N: need[i].N})
			}
		}
	}
}

// needs returns, by request, what it must see.
func (h *history) needs() map[uint64]clock.Vector {
	needs := map[uint64]clock.Vector{}
	var covers clock.Vector
	for _, s := range h.steps {
		if s.sent {
			if _, again := needs[s.n]; !again {
				needs[s.n] = covers
			}
			continue
		}
		if w, ok := h.written[s.n]; ok {
			covers = covers.Clone().Merge(clock.Vector{{Process: w.Process, N: w.N}})
		}
	}
	return needs
}

func (f *sessionFamily) unseen(h *history, r read, w trace.ID) {
	request := trace.ID{Process: h.p.name, N: r.n}
	f.add(sessionOwnWrites, finding{
		event: r.spot,
		other: h.done[w],
		message: fmt.Sprintf("%s answers %s from %s, without %s: a write of %s that had been confirmed before it sent %s.",
			r.ref(), request, r.sees, w, h.p.name, request),
		expected: fmt.Sprintf("sees with %s at %d or more", w.Process, w.N),
	})
}
