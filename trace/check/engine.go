package check

import (
	"context"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// family is the rules of one file, and what they remember.
type family interface {
	wants(k trace.Kind, s trace.Step) bool // whether first must see such events
	first(v *visit)                        // sees each of them once, and every event before which some are missing
	end()                                  // the first pass is over: report, or suspect
	suspects() bool                        // whether the second pass has anything to settle for this family
	again(v *visit)                        // sees every event once more, if any family suspects
	settle()                               // the second pass is over: report
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
	recent   [256]*proc // of names, by how they end: most are found here
	procs    []*proc
	families []family
	wanted   [trace.Receive + 1][trace.StepSnapshot + 1][]family // that want an event, by kind and step
	deep     *graph
	tally    *tally
	second   bool // this is not the first pass
	third    bool
	naming   bool // this pass looks for the requests of lost writes
	visit    visit

	branches []*proc // that some header calls one, or that write

	fault                                 error // of a temporary file
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
	if opt.keep <= 0 {
		opt.keep = defaultKeep
	}
	e := &engine{sources: sources, sel: sel, opt: opt, names: map[string]*proc{}}
	e.files = append(e.files, "")
	for _, s := range sources {
		e.files = append(e.files, fileNames(s)...)
	}
	e.tally = newTally(sel, opt)
	e.deep = newGraph(e)
	e.families = []family{
		logPlace:       &logFamily{engine: e, tally: e.tally},
		clockPlace:     &clockFamily{engine: e, tally: e.tally},
		messagePlace:   newMessageFamily(e),
		requestPlace:   newRequestFamily(e),
		sessionPlace:   newSessionFamily(e),
		moneyPlace:     newMoneyFamily(e),
		conservedPlace: newConservedFamily(e),
		replicaPlace:   newReplicaFamily(e),
	}
	for k := range e.wanted {
		for s := range e.wanted[k] {
			for _, f := range e.families {
				if f.wants(trace.Kind(k), trace.Step(s)) {
					e.wanted[k][s] = append(e.wanted[k][s], f)
				}
			}
		}
	}
	return e
}

// The places of the families. An event goes through them in this order: what a replica had executed before it is known
// to those before replicaPlace, and its balances after it are known there.
const (
	logPlace = iota
	clockPlace
	messagePlace
	requestPlace
	sessionPlace
	moneyPlace
	conservedPlace
	replicaPlace
)

func (e *engine) logs() *logFamily              { return e.families[logPlace].(*logFamily) }
func (e *engine) messageFamily() *messageFamily { return e.families[messagePlace].(*messageFamily) }
func (e *engine) requestFamily() *requestFamily { return e.families[requestPlace].(*requestFamily) }
func (e *engine) sessionFamily() *sessionFamily { return e.families[sessionPlace].(*sessionFamily) }
func (e *engine) money() *moneyFamily           { return e.families[moneyPlace].(*moneyFamily) }
func (e *engine) replicaFamily() *replicaFamily { return e.families[replicaPlace].(*replicaFamily) }
func (e *engine) graph() *graph                 { return e.deep }

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
	if e.fault != nil {
		return e.fault
	}
	if e.replicaFamily().lost() {
		e.naming = true
		if err := e.reread(ctx); err != nil {
			return err
		}
		e.naming = false
	}
	// Clocks that rise along every step of happens-before are the proof that it has no cycle.
	e.tally.checked[causalityCycle] = e.tally.checked[clockNotIncreasing] + e.tally.checked[clockNotAfterSend]
	if !again && !e.deep.wanted() {
		return nil
	}
	if err := e.reread(ctx); err != nil {
		return err
	}
	for _, f := range e.families {
		f.settle()
	}
	if !e.deep.wanted() {
		return nil
	}
	e.third = true
	if err := e.reread(ctx); err != nil {
		return err
	}
	e.deep.settle()
	return nil
}

// reread reads all logs once more.
func (e *engine) reread(ctx context.Context) error {
	e.second = true
	for _, p := range e.procs {
		p.last, p.declared, p.seqs = position{}, declared{}, numbers{}
	}
	e.money().reopen()
	m := merger{engine: e, pick: e.opt.pick}
	return m.run(ctx)
}

// branch notes that a process is one.
func (e *engine) branch(p *proc) {
	if !p.branch {
		p.branch, p.place = true, int32(len(e.branches))
		e.branches = append(e.branches, p)
	}
}

// total and causal report the mode of a process.
func (e *engine) total(p *proc) bool  { return e.inMode(p, "total") }
func (e *engine) causal(p *proc) bool { return e.inMode(p, "causal") }

func (e *engine) inMode(p *proc, mode string) bool {
	if p.mode == "" && e.opt.Run != nil {
		return e.opt.Run.Mode == mode
	}
	return p.mode == mode
}

func (e *engine) progress(events, bytes int64) {
	if e.opt.Progress != nil {
		e.opt.Progress(events, bytes)
	}
}

// process returns the process of that name, which need not have a log.
func (e *engine) process(name string) *proc {
	recent := &e.recent[ending(name)]
	if p := *recent; p != nil && p.name == name {
		return p
	}
	p := e.names[name]
	if p == nil {
		p = &proc{name: name, id: int32(len(e.procs)), source: -1}
		e.names[name] = p
		e.procs = append(e.procs, p)
	}
	*recent = p
	return p
}

// ending is a number that tells names apart which end with different numbers.
func ending(name string) uint8 {
	if len(name) < 2 {
		return uint8(len(name))
	}
	return name[len(name)-1] + 10*name[len(name)-2]
}

// upcoming takes the next event of c, which then waits for its turn.
func (e *engine) upcoming(c *cursor, ev *trace.Event) {
	c.event = ev
	if c.proc == nil || c.proc.name != ev.Process {
		c.proc = e.process(ev.Process)
	}
	c.peer = nil
	if ev.Peer != "" && ev.Kind != trace.Local {
		c.peer = e.process(ev.Peer)
	}
}

// ready reports whether what the next event of c received has been read, if it is a receive.
func (e *engine) ready(c *cursor) bool {
	return c.event.Kind != trace.Receive || c.peer != nil && c.peer.last.any && c.peer.last.seq >= c.event.Cause
}

// record takes a record of c that is no event.
func (e *engine) record(c *cursor, r trace.Record) {
	switch r := r.(type) {
	case *trace.SyntaxError:
		c.broken += int64(r.Records())
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
		if p.role == roleBranch {
			e.branch(q)
		}
	}
	if p.role == roleBranch {
		e.branch(p)
	}
	for _, f := range e.families {
		if f, ok := f.(headed); ok {
			f.header(p, h, c.at)
		}
	}
}

// What headers give as role.
const (
	roleBranch   = "branch"
	roleCustomer = "customer"
)

// event hands the next event of c to the families and moves its process on.
func (e *engine) event(c *cursor) {
	p, ev := c.proc, c.event
	if !e.owned(p, c, c.at) {
		return
	}
	v := &e.visit
	*v = visit{e: ev, p: p, peer: c.peer, at: c.at}
	v.repeated = p.seqs.has(ev.Seq)
	if want := p.next(); ev.Seq > want {
		v.missing = ev.Seq - want
		v.excused = v.missing <= uint64(c.broken-p.last.broken)
	}
	switch {
	case e.third:
		e.deep.visit(v)
	case e.naming:
		e.replicaFamily().name(v)
	case e.second:
		for _, f := range e.families {
			f.again(v)
		}
	default:
		e.events++
		families := e.wanted[ev.Kind][ev.Step]
		if v.missing > 0 {
			families = e.families
		}
		for _, f := range families {
			f.first(v)
		}
	}
	p.advance(v, c.broken)
}

// finished is told that c was read to its end.
func (e *engine) finished(c *cursor) {
	if !e.second {
		e.logs().finished(c)
		for _, p := range c.procs {
			p.done = true
		}
	}
}
