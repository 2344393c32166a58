package check

import (
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// session is what the first pass remembers of a customer.
type session struct {
	p       *proc
	suspect bool
	queries int64
	writes  int64

	sent   uint64       // highest request sent
	ahead  uint64       // highest request that a branch spoke of before it was sent
	knows  clock.Vector // the writes whose ok replies it received, and what its queries saw; replaced, never changed
	recent [recent]ask  // by number
}

// ask is one of the latest requests of a customer, from its first send on. It may be sent again, executed at several
// branches and answered more than once, late too.
type ask struct {
	n      uint64
	query  bool
	needs  clock.Vector // what it must see: what its customer knew when it was first sent
	effect trace.ID     // the write that it became; none so far
	acked  bool         // its first ok reply was received
	// Until then:
	reads []sight // of a query: what each branch saw that executed it, the latest time
	told  []told  // and what lies behind each of their replies
}

// sight is what a branch saw when it executed a query.
type sight struct {
	branch *proc
	sees   clock.Vector
}

// told is a reply that is on its way.
type told struct {
	respond message
	sees    clock.Vector
}

// ask returns what is remembered of a request, nil if it was not sent so far or is too old.
func (s *session) ask(n uint64) *ask {
	if a := &s.recent[n%recent]; a.n == n {
		return a
	}
	return nil
}

// sessionFamily checks what each customer's requests saw and came after.
//
//  1. Per customer a vector is kept of what it knows: the writes whose ok replies it received, and what the queries saw
//     whose ok replies it received; the first reply to a request counts. Which write a request became is what its first
//     ok execute says, and what a query saw is what the execute before the reply says, in the log of the branch that
//     replies; all that comes before the reply in a correct trace.
//  2. A request needs what that vector is when the request is first sent. A query's sees must cover it; a write keeps
//     the need while it is open, and before each ok execute the replica's vector must cover it. This is kept of a
//     customer's latest few requests, so that what a retry leaves behind fits in.
//  3. Whatever does not fit this course, such as an event for an older request, an ok reply before any execute, or a need
//     that is not covered, makes the customer suspect.
//  4. The second pass collects all events of the suspect customers that matter, and session_settle.go does the same
//     when all of them are known, so that what was read first does not matter.
type sessionFamily struct {
	*engine
	*tally
	sessions []*session // by process
	exact    map[*proc]*history
}

func newSessionFamily(e *engine) *sessionFamily {
	return &sessionFamily{engine: e, tally: e.tally, exact: map[*proc]*history{}}
}

func (f *sessionFamily) session(p *proc) *session {
	s := reach(&f.sessions, p.id)
	if *s == nil {
		*s = &session{p: p}
	}
	return *s
}

// doubt makes the customer of a request suspect.
func (f *sessionFamily) doubt(q trace.ID) {
	if !q.IsZero() {
		f.session(f.process(q.Process)).suspect = true
	}
}

func (f *sessionFamily) wants(_ trace.Kind, s trace.Step) bool {
	return s == trace.StepRequest || s == trace.StepExecute || s == trace.StepRespond
}

func (f *sessionFamily) first(v *visit) {
	if v.e.Request.IsZero() {
		return
	}
	switch {
	case isOwn(v) && isAsk(v.e):
		f.session(v.p).sends(v.e)
	case isOwn(v) && isReply(v.e) && v.e.Result == trace.OK:
		f.session(v.p).reply(v)
	case v.e.Step == trace.StepExecute && v.e.Write.IsZero():
		f.session(f.process(v.e.Request.Process)).read(v)
	case isEffect(v.e):
		f.session(f.process(v.e.Request.Process)).writes++
	case isRespond(v.e) && v.e.Result == trace.OK && !v.repeated:
		f.session(f.process(v.e.Request.Process)).answer(v)
	}
}

// isOwn reports whether an event is of its process's own request.
func isOwn(v *visit) bool { return v.e.Request.Process == v.p.name }

// isEffect reports whether a write of a request took effect.
func isEffect(e *trace.Event) bool {
	return e.Step == trace.StepExecute && !e.Write.IsZero() && e.Result == trace.OK
}

func (s *session) sends(e *trace.Event) {
	n := e.Request.N
	switch {
	case n <= s.ahead:
		s.suspect = true
	case n > s.sent:
		s.sent = n
		s.recent[n%recent] = ask{n: n, query: e.Op == trace.OpQuery, needs: s.knows}
	case s.ask(n) == nil:
		s.suspect = true
	}
}

// late takes an event of a request that is not remembered: it was not sent so far, or long ago.
func (s *session) late(n uint64) {
	if n > s.sent {
		s.ahead = max(s.ahead, n)
	} else {
		s.suspect = true
	}
}

// read takes the execute of a query.
func (s *session) read(v *visit) {
	s.queries++
	if s.suspect {
		return
	}
	a, sees := s.ask(v.e.Request.N), v.e.Sees
	switch {
	case a == nil:
		s.late(v.e.Request.N)
		return
	case !a.query || !sees.Covers(a.needs):
		s.suspect = true
		return
	case a.acked:
		return
	}
	for i := range a.reads {
		if r := &a.reads[i]; r.branch == v.p {
			r.sees = sees.Clone()
			return
		}
	}
	a.reads = append(a.reads, sight{v.p, sees.Clone()})
}

// answer takes an ok reply to a query as it is sent.
func (s *session) answer(v *visit) {
	a := s.ask(v.e.Request.N)
	if a == nil || a.acked || s.suspect {
		return
	}
	for _, r := range a.reads {
		if r.branch == v.p {
			a.told = append(a.told, told{message{v.p.id, v.e.Seq}, r.sees})
		}
	}
}

// reply takes an ok reply as it is received.
func (s *session) reply(v *visit) {
	a := s.ask(v.e.Request.N)
	if s.suspect || a == nil || v.peer == nil {
		s.suspect = true
		return
	}
	if a.acked {
		return
	}
	written := !a.effect.IsZero()
	if written == a.query {
		s.suspect = true
		return
	}
	if written {
		s.knows = s.knows.Clone().Merge(clock.Vector{{Process: a.effect.Process, N: a.effect.N}})
	} else if sees, ok := a.behind(message{v.peer.id, v.e.Cause}); !ok {
		s.suspect = true
		return
	} else if !s.knows.Covers(sees) {
		s.knows = s.knows.Clone().Merge(sees)
	}
	a.acked, a.reads, a.told = true, nil, nil
}

// behind returns what lies behind a reply to a query.
func (a *ask) behind(respond message) (clock.Vector, bool) {
	for _, t := range a.told {
		if t.respond == respond {
			return t.sees, true
		}
	}
	return nil, false
}

// needs returns what a write of the request must come after.
func (f *sessionFamily) needs(q trace.ID) clock.Vector {
	if q.IsZero() {
		return nil
	}
	s := f.session(f.process(q.Process))
	a := s.ask(q.N)
	if a == nil {
		s.late(q.N)
		return nil
	}
	return a.needs
}

// effect takes the first execute of a write that was read.
func (f *sessionFamily) effect(v *visit) {
	if !isEffect(v.e) || v.e.Request.IsZero() {
		return
	}
	s := f.session(f.process(v.e.Request.Process))
	if s.suspect {
		return
	}
	a := s.ask(v.e.Request.N)
	switch {
	case a == nil:
		s.late(v.e.Request.N)
		return
	case a.acked || !a.effect.IsZero() && a.effect != v.e.Write:
		s.suspect = true
	}
	a.effect = v.e.Write
}

func (f *sessionFamily) end() {
	for _, s := range f.sessions {
		if s == nil || !s.p.hasLog() {
			continue // when it sent its requests is not known
		}
		f.checked[sessionOwnWrites] += s.queries
		f.checked[sessionReads] += s.queries
		f.checked[sessionWrites] += s.writes
		f.checked[sessionFollow] += s.writes
		if s.suspect {
			f.exact[s.p] = newHistory(s.p)
		}
	}
	f.sessions = nil
}

func (f *sessionFamily) suspects() bool { return len(f.exact) > 0 }
