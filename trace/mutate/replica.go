package mutate

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func replicaMutations() []Mutation {
	return []Mutation{
		{
			Rule:    "replica/executed-twice",
			Mistake: "a write that was sent once more was taken for a new one",
			Needs:   "an execute of a write",
			Implies: []string{"replica/order-differs"}, // the second time comes after later writes, or equals the first
			apply:   executeAgain,
		}, {
			Rule:    "replica/phantom-execute",
			Mistake: "the order of a write was not logged",
			Needs:   "a write that was ordered and executed at a branch whose log has ended",
			apply:   unordered,
		}, {
			Rule:    "replica/altered",
			Mistake: "a replica gave a write a timestamp of its own",
			Needs:   "an execute of a write whose timestamp leaves room after that of the execute before it",
			apply:   otherTime,
		}, {
			Rule:    "replica/missing-execute",
			Mistake: "the last message to a branch was lost and never sent again",
			Needs:   "a branch whose last execute is that of another branch's write",
			Implies: []string{"money/acknowledged-but-lost", "money/not-conserved"}, // if the write was ok
			apply:   func(ed *editor) (Change, error) { return loseLast(ed, false) },
		}, {
			Rule:    "replica/order-differs",
			Mistake: "a branch executed writes in the order in which they came in",
			Needs:   "mode total, and two writes of different branches to different accounts that a branch executed in a row (two accounts at least)",
			apply:   outOfOrder,
		}, {
			Rule:    "replica/execute-before-horizon",
			Mistake: "a branch executed a write before it had heard from every other branch",
			Needs:   "mode total, three branches, and a write that a branch executed as soon as the last of them was heard",
			apply:   tooSoon,
		}, {
			Rule:    "replica/dependency-missing",
			Mistake: "a branch executed a write as it came in, before one that it depends on",
			Needs:   "mode causal, and a write that a branch executed after one that it depends on, to another account and of another origin, in a row",
			Implies: []string{"session/monotonic-writes", "session/writes-follow-reads"}, // where one customer is behind both
			apply:   withoutDependency,
		}, {
			Rule:    "replica/wrong-vector",
			Mistake: "the vector was read after the execute, when another write had come in",
			Needs:   "an execute that says what it sees",
			apply:   otherVector,
		}, {
			Rule:    "replica/diverged",
			Mistake: "a branch decided a write by something that is not in it, or was started with another opening balance",
			Needs:   "two branches, and a write that was refused, in mode total; or else one that took effect on an account with an opening balance",
			apply:   diverge,
		},
	}
}

// executeAgain logs an execute once more at the end, with no result: it came to nothing the second time.
func executeAgain(ed *editor) (Change, error) {
	fits := func(own bool) func(*proc, *trace.Event) bool {
		return func(p *proc, e *trace.Event) bool { return isWrite(e) && (e.Write.Process == p.name) == own }
	}
	e, err := pick(ed, ed.chosen(fits(false)), ed.chosen(fits(true)))
	if err != nil {
		return Change{}, err
	}
	p := ed.byName[e.Process]
	again := e.Clone()
	again.Result, again.Balance, again.ToBalance, again.Sees = trace.ResultNone, trace.Balance{}, trace.Balance{}, nil
	if e.Write.Process == p.name {
		again.Sees = vector(p)
	}
	x := ed.append(p, again, nil)
	return Change{
		Event: x.Ref(),
		Text:  fmt.Sprintf("%s executes %s once more, as %s did", x.Ref(), e.Write, e.Ref()),
	}, nil
}

func unordered(ed *editor) (Change, error) {
	own := func(order *trace.Event) *trace.Event {
		for _, x := range ed.executes[order.Write] {
			if x.Process == order.Process {
				return x
			}
		}
		return nil
	}
	order, err := pick(ed, ed.chosen(func(p *proc, e *trace.Event) bool {
		return e.Step == trace.StepOrder && ed.ordered[e.Write] == e && p.ended && own(e) != nil
	}))
	if err != nil {
		return Change{}, err
	}
	text := fmt.Sprintf("%s, which ordered %s, is taken out; the branches execute that write as before", order.Ref(), order.Write)
	ed.remove(order)
	ed.renumber(ed.byName[order.Process])
	return Change{Event: own(order).Ref(), Text: text}, nil
}

func otherTime(ed *editor) (Change, error) {
	room := map[*trace.Event]bool{}
	for _, p := range ed.procs {
		last := clock.Timestamp{}
		for _, e := range p.events {
			if isWrite(e) && e.At > 1 {
				room[e] = last.Less(clock.Timestamp{Clock: e.At - 1, Process: e.Write.Process}) && ed.ordered[e.Write] != nil
				last = clock.Timestamp{Clock: e.At, Process: e.Write.Process}
			}
		}
	}
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool { return room[e] }))
	if err != nil {
		return Change{}, err
	}
	e.At--
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s executes %s at timestamp %d; it was ordered at %d", e.Ref(), e.Write, e.At, e.At+1),
	}, nil
}

// loseLast takes out the last execute of a branch, that of another branch's write: one that was acknowledged, or any,
// but rather one that had no effect.
func loseLast(ed *editor, acknowledged bool) (Change, error) {
	responds := map[trace.ID]*trace.Event{}
	for _, p := range ed.procs {
		for _, e := range p.events {
			if x := ed.decisive[e]; x != nil && isWrite(x) && e.Result == trace.OK && x.Result == trace.OK {
				responds[x.Write] = e
			}
		}
	}
	var plain, costly []*trace.Event
	for _, p := range ed.branches() {
		var last *trace.Event
		for _, e := range p.events {
			switch {
			case e.Step == trace.StepSnapshot:
				last = nil // the snapshot may bring that write
			case isExecute(e):
				last = e
			}
		}
		switch {
		case last == nil || !p.ended || !ed.at(last) || !ed.foreign(p, last) || ed.ordered[last.Write] == nil:
		case last.Result != trace.OK && !acknowledged:
			plain = append(plain, last)
		case !acknowledged || responds[last.Write] != nil:
			costly = append(costly, last)
		}
	}
	if acknowledged && (ed.Run == nil || !ed.Run.Settled) {
		return Change{}, &NoPlaceError{Why: "its run did not settle"}
	}
	e, err := pick(ed, plain, costly)
	if err != nil {
		return Change{}, err
	}
	c := Change{Text: fmt.Sprintf("%s, which executed %s, is taken out", e.Ref(), e.Write)}
	ed.remove(e)
	ed.renumber(ed.byName[e.Process])
	c.Event = ed.ordered[e.Write].Ref()
	if acknowledged {
		c.Event = responds[e.Write].Ref()
	}
	return c, nil
}

// tooSoon swaps an execute with the receive that it had waited for. Neither's clock is known to anybody else, so the two
// clocks stay where they are.
func tooSoon(ed *editor) (Change, error) {
	var places []*trace.Event
	for _, p := range ed.branches() {
		heard, earlier := map[string]uint64{}, map[string]uint64{} // by branch: the highest stamp, and that before its latest message
		for i, e := range p.events {
			if e.Kind == trace.Receive {
				earlier[e.Peer] = heard[e.Peer]
				heard[e.Peer] = max(heard[e.Peer], e.Stamp)
			}
			if i == 0 || !isWrite(e) || !p.total() || !ed.at(e) {
				continue
			}
			m := p.events[i-1]
			q := ed.byName[m.Peer]
			if m.Kind == trace.Receive && q != nil && q.branch() && q.name != e.Write.Process && m.Write != e.Write &&
				m.Stamp >= e.At && earlier[q.name] < e.At {
				places = append(places, e)
			}
		}
	}
	e, err := pick(ed, places)
	if err != nil {
		return Change{}, err
	}
	m := ed.before(e)
	ed.remove(e)
	ed.insertBefore(e, m)
	e.Clock, m.Clock = m.Clock, e.Clock
	e.Wall, m.Wall = m.Wall, e.Wall
	ed.renumber(ed.byName[e.Process])
	return Change{
		Event: e.Ref(),
		Text: fmt.Sprintf("%s executes %s, of timestamp %d, and comes before %s: only there the branch hears from %s that nothing earlier can come",
			e.Ref(), e.Write, e.At, m.Ref(), m.Peer),
	}, nil
}

// otherVector makes an execute see one write more of another branch than had been executed; rather a write's than a
// query's, on which a session goes on.
func otherVector(ed *editor) (Change, error) {
	later := map[string]uint64{} // customer -> its newest request
	for _, p := range ed.procs {
		for _, e := range p.events {
			later[e.Request.Process] = max(later[e.Request.Process], e.Request.N)
		}
	}
	e, err := pick(ed,
		ed.chosen(func(p *proc, e *trace.Event) bool { return isWrite(e) && e.Write.Process == p.name && len(e.Sees) > 0 }),
		ed.chosen(func(_ *proc, e *trace.Event) bool { return isQuery(e) && e.Request.N == later[e.Request.Process] }))
	if err != nil {
		return Change{}, err
	}
	more := e.Process
	for _, p := range ed.branches() {
		if p.name != e.Process {
			more = p.name
			break
		}
	}
	was := e.Sees.String()
	e.Sees = e.Sees.Clone().Set(more, e.Sees.Get(more)+1)
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s sees %s; it saw %s", e.Ref(), e.Sees, was),
	}, nil
}

// diverge gives a write that was refused another kind of refusal at one branch. Where there is none, it gives one branch
// another opening balance.
func diverge(ed *editor) (Change, error) {
	if len(ed.branches()) < 2 {
		return Change{}, &NoPlaceError{}
	}
	refused := ed.chosen(func(p *proc, e *trace.Event) bool {
		return isWrite(e) && p.total() && e.Write.Process != p.name && e.Result == trace.Insufficient && len(ed.executes[e.Write]) > 1
	})
	if len(refused) == 0 {
		return divergeFromTheStart(ed)
	}
	e, err := pick(ed, refused)
	if err != nil {
		return Change{}, err
	}
	e.Result = trace.Refused
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s ends %s as refused; elsewhere it is insufficient", e.Ref(), e.Write),
	}, nil
}

func divergeFromTheStart(ed *editor) (Change, error) {
	first := map[string]bool{}
	e, err := pick(ed, ed.chosen(func(p *proc, e *trace.Event) bool {
		key := p.name + "\n" + e.Account
		_, known := p.balance(0, e.Account)
		if !isWrite(e) || p.snapshotAfter(0) < len(p.events) || first[key] || !known || len(ed.executes[e.Write]) < 2 {
			return false
		}
		first[key] = true
		return true
	}))
	if err != nil {
		return Change{}, err
	}
	p := ed.byName[e.Process]
	for i, b := range p.header.Opening {
		if b.Account == e.Account {
			p.header.Opening[i].Amount++
		}
	}
	ed.book(p, trace.ID{}, e.Account, 1)
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s opens account %s with 1 more than the other branches, and has 1 more ever after", p.name, e.Account),
	}, nil
}
