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
	query  bool         // the request sent last is a query
	needs  clock.Vector // what that request must see: knows, when it was sent
	knows  clock.Vector // the writes whose ok replies it received, and what its queries saw; replaced, never changed
	acked  uint64       // highest request whose ok reply was received
	reads  []sight      // executes of the query sent last
	effect map[uint64]trace.ID
}

// sight is what a branch saw when it executed a query.
type sight struct {
	branch *proc
	sees   clock.Vector
}

// sessionFamily checks what each customer's requests saw and came after.
//
//  1. Per customer a vector is kept of what it knows: the writes whose ok replies it received, and what the queries saw
//     whose ok replies it received. Which write a request became is what its first ok execute says, and what a query saw
//     is what its execute at the replying branch says; both come before the reply in a correct trace.
//  2. A request needs what that vector is when the request is first sent. A query's sees must cover it; a write keeps
//     the need while it is open, and before each ok execute the replica's vector must cover it.
//  3. Whatever does not fit this course, such as an event for a request that is no longer the last, an ok reply before
//     any execute, or a need that is not covered, makes the customer suspect.
//  4. The second pass collects all events of the suspect customers that matter, and session_settle.go does the same
//     when all of them are known, so that what was read first does not matter.
type sessionFamily struct {
	*engine
	*tally
	sessions map[*proc]*session
	exact    map[*proc]*history
}

func newSessionFamily(e *engine) *sessionFamily {
	return &sessionFamily{engine: e, tally: e.tally, sessions: map[*proc]*session{}, exact: map[*proc]*history{}}
}

func (f *sessionFamily) session(p *proc) *session {
	s := f.sessions[p]
	if s == nil {
		s = &session{p: p, effect: map[uint64]trace.ID{}}
		f.sessions[p] = s
	}
	return s
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
		f.session(v.p).ask(v.e)
	case isOwn(v) && isReply(v.e) && v.e.Result == trace.OK:
		f.session(v.p).reply(v)
	case v.e.Step == trace.StepExecute && v.e.Write.IsZero():
		f.session(f.process(v.e.Request.Process)).read(v)
	case isEffect(v.e):
		f.session(f.process(v.e.Request.Process)).writes++
	}
}

// isOwn reports whether an event is of its process's own request.
func isOwn(v *visit) bool { return v.e.Request.Process == v.p.name }

// isEffect reports whether a write of a request took effect.
func isEffect(e *trace.Event) bool {
	return e.Step == trace.StepExecute && !e.Write.IsZero() && e.Result == trace.OK
}

func (s *session) ask(e *trace.Event) {
	n := e.Request.N
	if n <= s.ahead || n < s.sent {
		s.suspect = true
	}
	if n > s.sent {
		s.sent, s.needs, s.query, s.reads = n, s.knows, e.Op == trace.OpQuery, nil
	}
}

// read takes the execute of a query.
func (s *session) read(v *visit) {
	n, sees := v.e.Request.N, v.e.Sees
	s.queries++
	switch {
	case s.suspect:
	case n > s.sent:
		s.ahead = max(s.ahead, n)
	case n < s.sent || !s.query || !sees.Covers(s.needs):
		s.suspect = true
	default:
		for _, r := range s.reads {
			if r.branch == v.p && !r.sees.Equal(sees) {
				s.suspect = true
			}
		}
		s.reads = append(s.reads, sight{v.p, sees.Clone()})
	}
}

func (s *session) reply(v *visit) {
	n := v.e.Request.N
	w, written := s.effect[n]
	if s.suspect || n != s.sent || n <= s.acked || written == s.query {
		s.suspect = true
		return
	}
	if written {
		s.knows = s.knows.Clone().Merge(clock.Vector{{Process: w.Process, N: w.N}})
	} else if sees, ok := s.seen(v.peer); !ok {
		s.suspect = true
	} else if !s.knows.Covers(sees) {
		s.knows = s.knows.Clone().Merge(sees)
	}
	s.acked = n
	for k := range s.effect {
		if k <= n {
			delete(s.effect, k)
		}
	}
}

// seen returns what a branch saw when it executed the query sent last.
func (s *session) seen(branch *proc) (clock.Vector, bool) {
	for _, r := range s.reads {
		if r.branch == branch {
			return r.sees, true
		}
	}
	return nil, false
}

// needs returns what a write of the request must come after.
func (f *sessionFamily) needs(q trace.ID) clock.Vector {
	if q.IsZero() {
		return nil
	}
	switch s := f.session(f.process(q.Process)); {
	case q.N == s.sent:
		return s.needs
	case q.N > s.sent:
		s.ahead = max(s.ahead, q.N)
	default:
		s.suspect = true
	}
	return nil
}

// effect takes the first execute of a write that was read.
func (f *sessionFamily) effect(v *visit) {
	if !isEffect(v.e) || v.e.Request.IsZero() {
		return
	}
	s, n := f.session(f.process(v.e.Request.Process)), v.e.Request.N
	if s.suspect {
		return
	}
	if w, ok := s.effect[n]; n <= s.acked || ok && w != v.e.Write {
		s.suspect = true
	}
	s.effect[n] = v.e.Write
}

func (f *sessionFamily) end() {
	for p, s := range f.sessions {
		if !p.hasLog() {
			continue // when it sent its requests is not known
		}
		f.checked[sessionOwnWrites] += s.queries
		f.checked[sessionReads] += s.queries
		f.checked[sessionWrites] += s.writes
		f.checked[sessionFollow] += s.writes
		if s.suspect {
			f.exact[p] = newHistory(p)
		}
	}
	f.sessions = nil
}

func (f *sessionFamily) suspects() bool { return len(f.exact) > 0 }
