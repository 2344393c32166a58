package check

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// moment is one event of a suspect request.
type moment struct {
	spot
	kind    trace.Kind
	step    trace.Step
	answers uint64
	write   trace.ID
	payload
	outcome
	life int // of its replica
}

// affair is all that the logs say of a suspect request; the events of each process in the order of its log.
type affair struct {
	moments []moment
}

func (f *requestFamily) again(v *visit) {
	e := v.e
	if isRespond(e) && e.Answers > 0 {
		key := message{v.p.id, e.Answers}
		if all, ok := f.twice[key]; ok {
			f.twice[key] = append(all, v.spot())
		}
	}
	if len(f.suspect) == 0 || e.Request.IsZero() {
		return
	}
	if a := f.suspect[e.Request]; a != nil {
		a.moments = append(a.moments, moment{v.spot(), e.Kind, e.Step, e.Answers, e.Write, payloadOf(e), outcomeOf(e), f.replicaFamily().second2.life(v.p)})
	}
}

func (f *requestFamily) settle() {
	for key, responds := range f.twice {
		for i, s := range responds {
			if i > 0 {
				f.add(requestTwice, finding{
					event: s, other: responds[0],
					message: fmt.Sprintf("%s answers the request that %s received at %d, which %s answered already.",
						s.ref(), s.p.name, key.seq, responds[0].ref()),
					expected: "one reply to each request received",
				})
			}
		}
	}
	for q, a := range f.suspect {
		f.judge(q, a)
	}
}

// some returns the moments that fit, in the total order of (clock, process, seq).
func (a *affair) some(fits func(m *moment) bool) []*moment {
	var all []*moment
	for i := range a.moments {
		if fits(&a.moments[i]) {
			all = append(all, &a.moments[i])
		}
	}
	slices.SortStableFunc(all, func(x, y *moment) int { return compareSpots(x.spot, y.spot) })
	return all
}

func (m *moment) asks() bool     { return m.step == trace.StepRequest && m.kind == trace.Send }
func (m *moment) receives() bool { return m.step == trace.StepRequest && m.kind == trace.Receive }
func (m *moment) responds() bool { return m.step == trace.StepRespond && m.kind == trace.Send }
func (m *moment) executes() bool { return m.step == trace.StepExecute }
func (m *moment) orders() bool   { return m.step == trace.StepOrder }

// effected reports whether the moment is the execute of a write that succeeded.
func (m *moment) effected() bool {
	return m.executes() && !m.write.IsZero() && m.result == trace.OK
}

// judge holds one request to all rules about requests.
func (f *requestFamily) judge(q trace.ID, a *affair) {
	asks := a.some((*moment).asks)
	responds := a.some((*moment).responds)
	for i, m := range responds {
		in := a.received(m)
		as := payload{}
		switch {
		case in != nil:
			as = in.payload
		case len(asks) > 0:
			as = asks[0].payload
		}
		x := a.decisive(m, in, len(asks) > 1, f.total(m.p))
		f.differs(q, m, x)
		f.otherResult(q, a, asks, responds[:i], m, as)
		f.executedOf(q, a, m)
		f.noEffect(q, a, m, in, len(asks) > 1)
		if f.settled() && m.result == trace.OK && as.writes() {
			f.lost(q, a, m, x)
		}
	}
	for i := range a.moments {
		if m := &a.moments[i]; m.orders() && m.payload.writes() {
			f.altered(q, a, asks, i)
		}
	}
}

// received returns the receive of the request that a respond answers.
func (a *affair) received(respond *moment) *moment {
	for i := range a.moments {
		if m := &a.moments[i]; m.p == respond.p && m.seq == respond.answers && m.receives() {
			return m
		}
	}
	return nil
}

// decisive returns the execute that a respond tells of, of those before it in its log: a query's latest, a write's first
// that is no duplicate. Except in mode total, where a write has one result, what came before a snapshot counts no longer.
// It is nil where the respond claims nothing.
func (a *affair) decisive(respond, in *moment, again, total bool) (x *moment) {
	if respond.result == trace.Unknown || respond.result == trace.Refused && again {
		return nil
	}
	for i := range a.moments {
		m := &a.moments[i]
		if m == respond {
			break
		}
		if m.p != respond.p || !total && m.life != respond.life || !m.executes() || in != nil && in.payload != m.payload {
			continue
		}
		query := m.write.IsZero()
		if (x == nil || x.write.IsZero()) && (query || m.result != trace.Duplicate) {
			x = m
		}
	}
	return x
}

func (f *requestFamily) differs(q trace.ID, m, x *moment) {
	if x == nil || !m.outcome.differs(x.outcome) {
		return
	}
	f.add(requestDiffers, finding{
		event: m.spot, other: x.spot,
		message:  fmt.Sprintf("%s answers %s with %s, and %s executed it with %s.", m.ref(), q, m.outcome, x.ref(), x.outcome),
		expected: x.outcome.String(),
	})
}

// otherResult looks for an earlier final result of the same write request.
func (f *requestFamily) otherResult(q trace.ID, a *affair, asks, before []*moment, m *moment, as payload) {
	if !final(m.result) || !as.writes() {
		return
	}
	for _, b := range before {
		was := payload{}
		if in := a.received(b); in != nil {
			was = in.payload
		} else if len(asks) > 0 {
			was = asks[0].payload
		}
		if !final(b.result) || was != as {
			continue
		}
		if b.result != m.result {
			f.add(requestTwice, finding{
				event: m.spot, other: b.spot,
				message:  fmt.Sprintf("%s answers %s with %s, and %s had answered it with %s.", m.ref(), q, m.result, b.ref(), b.result),
				expected: "result " + b.result.String(),
			})
		}
		return
	}
}

// executedOf looks for the execute behind an ok reply. What is not in the reply's own log is left to the graph.
func (f *requestFamily) executedOf(q trace.ID, a *affair, m *moment) {
	if m.result != trace.OK || f.replicaFamily().executes == 0 || f.partial() {
		return
	}
	done := a.some(func(x *moment) bool { return x.executes() && x.result == trace.OK })
	if len(done) == 0 {
		f.unexecuted(m.spot, q)
		return
	}
	for i := range a.moments {
		x := &a.moments[i]
		if x == m {
			break
		}
		if x.p == m.p && x.executes() && x.result == trace.OK {
			return
		}
	}
	lo, hi := m.clock, m.clock
	for _, x := range done {
		lo, hi = min(lo, x.clock), max(hi, x.clock)
	}
	f.graph().ask(question{request: q, of: m.spot, lo: lo, hi: hi})
}

// partial reports whether an execute may be in a part of a log that is not here.
func (f *requestFamily) partial() bool {
	return f.uncovered > 0 || slices.ContainsFunc(f.procs, func(p *proc) bool {
		return p.hasLog() && (p.slice() || len(p.unreadable) > 0)
	})
}

func (f *requestFamily) unexecuted(s spot, q trace.ID) {
	f.add(requestUnexecuted, finding{
		event:    s,
		message:  fmt.Sprintf("%s answers %s with ok, and no execute of it with result ok happened before.", s.ref(), q),
		expected: fmt.Sprintf("an execute of %s in the past of this event", q),
	})
}

// noEffect checks that what was declined was not done.
func (f *requestFamily) noEffect(q trace.ID, a *affair, m, in *moment, again bool) {
	if !declined(m.result) || m.result == trace.Refused && again {
		return
	}
	for _, x := range a.some((*moment).effected) {
		if in != nil && in.payload != x.payload {
			continue
		}
		f.add(moneyRefused, finding{
			event: m.spot, other: x.spot,
			message:  fmt.Sprintf("%s answers %s with %s, and %s executed it: %s, %s.", m.ref(), q, m.result, x.ref(), x.payload, x.outcome),
			expected: "no effect",
		})
		return
	}
}

// lost checks that a write which was acknowledged is at every branch.
func (f *requestFamily) lost(q trace.ID, a *affair, m, x *moment) {
	w := trace.ID{}
	if x != nil && !x.write.IsZero() {
		w = x.write
	} else if done := a.some((*moment).effected); len(done) > 0 {
		w = done[0].write
	}
	replicas := f.replicaFamily()
	for _, p := range replicas.complete {
		r := replicas.replicas.of(p)
		if w.IsZero() && r.taken != nil || !w.IsZero() && r.has(write{f.process(w.Process).id, w.N}) {
			continue // a snapshot may have brought it, whatever its number
		}
		what := w.String()
		if w.IsZero() {
			what = "a write for it"
		}
		since := ""
		if r.taken != nil {
			since = fmt.Sprintf(" after the snapshot %s", r.taken.ref())
		}
		f.add(moneyLost, finding{
			event: m.spot, other: p.final,
			message:  fmt.Sprintf("%s acknowledges %s, and %s never executed %s%s.", m.ref(), q, p.name, what, since),
			expected: fmt.Sprintf("an execute of %s at %s", what, p.name),
		})
	}
}

// altered compares order i with the receives of the request before it in its log, and with what was sent.
func (f *requestFamily) altered(q trace.ID, a *affair, asks []*moment, i int) {
	m := &a.moments[i]
	var in *moment
	same := false
	for j := range a.moments[:i] {
		if r := &a.moments[j]; r.p == m.p && r.receives() {
			in, same = r, same || r.payload == m.payload
		}
	}
	switch {
	case in != nil && !same:
	case len(asks) > 0 && !slices.ContainsFunc(asks, func(s *moment) bool { return s.payload == m.payload }):
		in = asks[0]
	default:
		return
	}
	f.add(requestAltered, finding{
		event: m.spot, other: in.spot,
		message:  fmt.Sprintf("%s orders %s, and %s asked for %s in %s.", m.ref(), m.payload, in.ref(), in.payload, q),
		expected: in.payload.String(),
	})
}
