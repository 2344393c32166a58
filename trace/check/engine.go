package check

import (
	"context"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// family is the rules of one file, and what they remember.
type family interface {
	first(v *visit) // sees each event once
	end()           // the first pass is over: report, or suspect
	suspects() bool // whether the second pass has anything to settle for this family
	again(v *visit) // sees each event once more, if any family suspects
	settle()        // the second pass is over: report
}

// headed is a family that looks at headers too, in the first pass.
type headed interface {
	header(p *proc, h *trace.Header, at place)
}

// visit is an event as the families see it.
type visit struct {
	e    *trace.Event
	p    *proc // its process, as it was before this event
	peer *proc // of a send or receive; nil where none is named
	at   place

	repeated bool   // its seq was used before, so it cannot be named
	missing  uint64 // how many events before it are not in the log
	excused  bool   // the missing ones may be records that could not be read
}

func (v *visit) spot() spot { return spot{v.p, v.e.Seq, v.e.Clock, v.at} }

// spot is an event as findings name it. An event without process is a line of a file.
type spot struct {
	p     *proc
	seq   uint64 // 0 for a header
	clock uint64
	at    place
}

// engine holds what all families share.
type engine struct {
	sources  []Source
	files    []string // by number, from 1
	sel      selection
	opt      Options
	names    map[string]*proc
	procs    []*proc
	families []family
	tally    *tally
	second   bool
	visit    visit

	branches map[*proc]bool // processes that some header calls a branch

	events, messages, inFlight, uncovered int64
	skipped                               []lines
}

// lines is a run of lines of one file, both ends included, that no rule saw.
type lines struct {
	file   int32
	lo, hi int
}

// skip notes that no rule saw a line.
func (e *engine) skip(at place) {
	if n := len(e.skipped); n > 0 && e.skipped[n-1].file == at.file && e.skipped[n-1].hi+1 == at.line {
		e.skipped[n-1].hi = at.line
		return
	}
	e.skipped = append(e.skipped, lines{at.file, at.line, at.line})
}

func newEngine(sources []Source, sel selection, opt Options) *engine {
	e := &engine{sources: sources, sel: sel, opt: opt, names: map[string]*proc{}, branches: map[*proc]bool{}}
	e.files = append(e.files, "")
	for _, s := range sources {
		e.files = append(e.files, fileNames(s)...)
	}
	e.tally = newTally(sel, opt)
	e.families = []family{
		&logFamily{engine: e, tally: e.tally},
		&clockFamily{engine: e, tally: e.tally},
		newMessageFamily(e),
		newReplicaFamily(e),
		newMoneyFamily(e),
		newSessionFamily(e),
	}
	return e
}

func (e *engine) run(ctx context.Context) error {
	m := merger{engine: e, pick: e.opt.pick}
	if err := m.run(ctx); err != nil {
		return err
	}
	again := false
	for _, f := range e.families {
		f.end()
		again = f.suspects() || again
	}
	if !again {
		return nil
	}
	e.second = true
	for _, p := range e.procs {
		p.last, p.declared = position{}, declared{}
	}
	m = merger{engine: e, pick: e.opt.pick}
	if err := m.run(ctx); err != nil {
		return err
	}
	for _, f := range e.families {
		f.settle()
	}
	return nil
}

func (e *engine) progress(events, bytes int64) {
	if e.opt.Progress != nil {
		e.opt.Progress(events, bytes)
	}
}

// process returns the process of that name, which need not have a log.
func (e *engine) process(name string) *proc {
	p := e.names[name]
	if p == nil {
		p = &proc{name: name, id: int32(len(e.procs)), source: -1}
		e.names[name] = p
		e.procs = append(e.procs, p)
	}
	return p
}

// logs returns the family of rules about logs, to which the engine reports what is no event.
func (e *engine) logs() *logFamily { return e.families[0].(*logFamily) }

// money returns the family that keeps the books.
func (e *engine) money() *moneyFamily { return e.families[4].(*moneyFamily) }

// record takes one record of c and reports whether it is an event, which then waits in c for its turn.
func (e *engine) record(c *cursor, r trace.Record) bool {
	switch r := r.(type) {
	case *trace.Event:
		c.event = r
		if c.proc == nil || c.proc.name != r.Process {
			c.proc = e.process(r.Process)
		}
		return true
	case *trace.SyntaxError:
		c.broken++
		if !e.second {
			e.logs().unreadable(c, r)
		}
	case *trace.Header:
		if p := e.process(r.Process); e.owned(p, c, c.at) {
			e.header(c, p, r)
		}
	case *trace.End:
		if !e.second {
			if p := e.process(r.Process); e.owned(p, c, c.at) {
				e.logs().ended(c, p, r)
			}
		}
	}
	return false
}

// owned reports whether c is the log of p. The first log that speaks for a process is its log.
func (e *engine) owned(p *proc, c *cursor, at place) bool {
	if p.source < 0 {
		p.source = c.index
		c.procs = append(c.procs, p)
	}
	if p.source == c.index {
		return true
	}
	if !e.second {
		e.logs().secondLog(p, c, at)
	}
	return false
}

func (e *engine) header(c *cursor, p *proc, h *trace.Header) {
	if e.second {
		p.declare(h)
		return
	}
	e.logs().begun(c, p, h)
	for _, name := range h.Peers {
		q := e.process(name)
		e.logs().named(q, spot{p: p, at: c.at}, true)
		if h.Role == roleBranch {
			e.branches[q] = true
		}
	}
	if h.Role == roleBranch {
		e.branches[p] = true
	}
	for _, f := range e.families {
		if f, ok := f.(headed); ok {
			f.header(p, h, c.at)
		}
	}
}

// roleBranch is what the header of a branch's log gives as role.
const roleBranch = "branch"

// event hands the next event of c to the families and moves its process on.
func (e *engine) event(c *cursor) {
	p, ev := c.proc, c.event
	if !e.owned(p, c, c.at) {
		return
	}
	v := &e.visit
	*v = visit{e: ev, p: p, at: c.at}
	if ev.Peer != "" && ev.Kind != trace.Local {
		v.peer = e.process(ev.Peer)
	}
	v.repeated = p.last.any && ev.Seq <= p.last.most
	if want := p.next(); ev.Seq > want {
		v.missing = ev.Seq - want
		v.excused = v.missing <= uint64(c.broken-p.last.broken)
	}
	if e.second {
		for _, f := range e.families {
			f.again(v)
		}
	} else {
		e.events++
		for _, f := range e.families {
			f.first(v)
		}
	}
	p.advance(v, c.broken)
}

// finished is told that c was read to its end.
func (e *engine) finished(c *cursor) {
	if !e.second {
		e.logs().finished(c)
	}
}
