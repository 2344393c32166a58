package diagram

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// Query says what to draw. The zero value draws a trace from its beginning.
type Query struct {
	Around []causal.At // events to draw with what lies around them

	Path   []causal.At // two events: the causal path from the first to the second, or back, is lit
	Past   *causal.At  // what happened before this event is lit
	Future *causal.At  // what happened after this event is lit
	Of     trace.ID    // the events of this request are lit
	// Finding is the number of a finding to draw with what lies around it, counted from 1; 0 for none.
	Finding int

	From, To  uint64   // the clock of what is drawn; 0 for no limit
	Processes []string // whose events are drawn, in this order; nil for all
	Rows      int      // lines that a picture may have, breaks and folds apart; 0 means 44
	Lanes     int      // processes that a picture may have; 0 means 24
}

const (
	defaultRows  = 44
	defaultLanes = 24
)

// QueryError says that what was asked for cannot be drawn.
type QueryError struct{ Problem string }

func (e *QueryError) Error() string { return e.Problem }

func queryErrorf(format string, args ...any) error { return &QueryError{fmt.Sprintf(format, args...)} }

// plan is a query, looked up in the trace.
type plan struct {
	Query
	anchors map[causal.At]bool
	clocks  []uint64 // of the anchors, rising
	later   uint64   // how much farther away what is later than the anchors seems; 0 is not at all, as with earlier
	earlier uint64
	lit     func(causal.At, *trace.Event) bool // nil where nothing is lit
	only    bool                               // what is not lit is left out, unless all of it has room
	steps   map[[2]causal.At]bool              // of a lit path
	names   map[causal.At]string
	what    string
	allowed map[string]int // process -> its place in Query.Processes; nil where all are
	title   string
}

// plan looks up what a query names.
func (t *Trace) plan(ctx context.Context, q Query) (*plan, error) {
	q.Rows, q.Lanes = cmp.Or(q.Rows, defaultRows), cmp.Or(q.Lanes, defaultLanes)
	p := &plan{Query: q, anchors: map[causal.At]bool{}, names: map[causal.At]string{}}
	if q.To > 0 && q.From > q.To {
		return nil, queryErrorf("the clock cannot go from %d to %d; give the lower one first", q.From, q.To)
	}
	if err := p.processes(t); err != nil {
		return nil, err
	}
	for _, at := range q.Around {
		p.anchors[at] = true
		p.title = "around " + t.graph.Ref(at).String()
	}
	if err := p.highlight(t); err != nil {
		return nil, err
	}
	if err := p.finding(t); err != nil {
		return nil, err
	}
	return p, p.place(ctx, t)
}

func (p *plan) processes(t *Trace) error {
	if p.Processes == nil {
		return nil
	}
	p.allowed = map[string]int{}
	for i, name := range p.Processes {
		if t.byName[name] == nil {
			known := make([]string, 0, len(t.procs))
			for _, q := range t.procs {
				known = append(known, q.name)
			}
			return &causal.NoProcessError{Process: name, Names: known}
		}
		p.allowed[name] = i
	}
	return nil
}

// highlight looks up what is lit.
func (p *plan) highlight(t *Trace) error {
	n := 0
	for _, asked := range []bool{p.Path != nil, p.Past != nil, p.Future != nil, !p.Of.IsZero()} {
		if asked {
			n++
		}
	}
	if n > 1 {
		return queryErrorf("a path, a past, a future or a request: one of them can be lit")
	}
	switch {
	case p.Path != nil:
		return p.path(t)
	case p.Past != nil:
		past, err := t.graph.Past(*p.Past)
		p.cone(t, *p.Past, "before", func(at causal.At) bool { return past.Has(at) })
		p.later = 4
		return err
	case p.Future != nil:
		future, err := t.graph.Future(*p.Future)
		p.cone(t, *p.Future, "after", func(at causal.At) bool { return future.Has(at) })
		p.earlier = 4
		return err
	case !p.Of.IsZero():
		p.lit = func(_ causal.At, e *trace.Event) bool { return e.Request == p.Of }
		p.only = true
		p.what = "request " + p.Of.String()
	}
	return nil
}

func (p *plan) cone(t *Trace, of causal.At, side string, has func(causal.At) bool) {
	p.names[of], p.anchors[of] = "A", true
	p.lit = func(at causal.At, _ *trace.Event) bool { return at == of || t.logged(at) && has(at) }
	p.what = fmt.Sprintf("what happened %s A, %s", side, t.graph.Ref(of))
}

// logged reports whether the graph knows the process of an event.
func (t *Trace) logged(at causal.At) bool { return int(at.Process) < len(t.graph.Processes()) }

func (p *plan) path(t *Trace) error {
	if len(p.Path) != 2 || p.Path[0] == p.Path[1] {
		return queryErrorf("a path is between two events; name two")
	}
	a, b := p.Path[0], p.Path[1]
	p.names[a], p.names[b] = "A", "B"
	path, ok, err := t.graph.Path(a, b)
	p.what = fmt.Sprintf("a shortest causal path from A, %s, to B, %s", t.graph.Ref(a), t.graph.Ref(b))
	if err == nil && !ok {
		path, ok, err = t.graph.Path(b, a)
		p.what = fmt.Sprintf("a shortest causal path from B, %s, to A, %s", t.graph.Ref(b), t.graph.Ref(a))
	}
	if err != nil {
		return err
	}
	if !ok {
		p.what = fmt.Sprintf("A, %s, and B, %s, which are concurrent: no causal path leads from one to the other",
			t.graph.Ref(a), t.graph.Ref(b))
		path.Events = []causal.At{a, b}
	}
	p.light(path.Events)
	if !ok {
		p.steps = map[[2]causal.At]bool{}
	}
	return nil
}

// light lights a chain of events, and makes anchors of them.
func (p *plan) light(chain []causal.At) {
	on := map[causal.At]bool{}
	p.steps = map[[2]causal.At]bool{}
	for i, at := range chain {
		on[at], p.anchors[at] = true, true
		if i > 0 {
			p.steps[[2]causal.At{chain[i-1], at}] = true
		}
	}
	p.lit = func(at causal.At, _ *trace.Event) bool { return on[at] }
}

// finding looks up the events of a finding.
func (p *plan) finding(t *Trace) error {
	if p.Finding == 0 {
		return nil
	}
	if p.Finding < 0 || p.Finding > len(t.findings) {
		if len(t.findings) == 0 {
			return queryErrorf("there is no finding %d: the check found nothing wrong", p.Finding)
		}
		return queryErrorf("there is no finding %d; there are 1 to %d", p.Finding, len(t.findings))
	}
	f := &t.findings[p.Finding-1]
	p.title = fmt.Sprintf("finding %d, %s", p.Finding, f.Rule)
	for _, ref := range refsOf(f) {
		if at, err := t.graph.Find(ref); err == nil {
			p.anchors[at] = true
		}
	}
	if len(p.anchors) == 0 {
		p.anchorLines(t, f)
	}
	var chain []causal.At
	for _, name := range f.Path {
		if ref, err := trace.ParseRef(name); err == nil {
			if at, err := t.graph.Find(ref); err == nil {
				chain = append(chain, at)
			}
		}
	}
	if p.lit == nil && len(chain) > 1 {
		p.light(chain)
		p.what = "the causal path of finding " + fmt.Sprint(p.Finding)
	}
	return nil
}

// anchorLines makes anchors of the events beside the lines that a finding names, where it names no event: else of the last
// event of a process that it names.
func (p *plan) anchorLines(t *Trace, f *check.Finding) {
	for _, place := range []*check.Place{f.Event, f.Other} {
		if place == nil {
			continue
		}
		for i, proc := range t.procs {
			for _, g := range proc.breaks {
				if g.has(place.File, place.Line) {
					p.anchorAt(proc, i, g.pos-1)
					p.anchorAt(proc, i, g.pos)
				}
			}
			if len(p.anchors) == 0 && proc.name == place.Process {
				p.anchorAt(proc, i, proc.count-1)
			}
		}
	}
}

func (p *plan) anchorAt(proc *process, i int, pos int32) {
	if pos >= 0 && pos < proc.count {
		p.anchors[causal.At{Process: int32(i), Pos: pos}] = true
	}
}

// place finds the clocks of the anchors.
func (p *plan) place(ctx context.Context, t *Trace) error {
	if len(p.anchors) == 0 && p.Of.IsZero() {
		return nil
	}
	var outside string
	err := t.each(ctx, func(at causal.At, e *trace.Event) {
		if !p.anchors[at] && (p.Of.IsZero() || e.Request != p.Of) {
			return
		}
		if !p.drawn(e) {
			outside = e.Ref().String()
			delete(p.anchors, at)
			return
		}
		p.clocks = append(p.clocks, e.Clock)
	})
	if err != nil {
		return err
	}
	slices.Sort(p.clocks)
	if p.clocks = slices.Compact(p.clocks); len(p.clocks) > 0 {
		return nil
	}
	switch {
	case outside != "" && (p.Past != nil || p.Future != nil): // of whose cone a window is drawn
		return nil
	case outside != "":
		return queryErrorf("%s is not in the window; take --from, --to and --processes away, or name it there", outside)
	case !p.Of.IsZero():
		return queryErrorf("no event is of request %s; requests are named customer/n, customer-1/3 for example", p.Of)
	}
	return nil
}

// drawn reports whether an event may be drawn.
func (p *plan) drawn(e *trace.Event) bool {
	if e.Clock < p.From || p.To > 0 && e.Clock > p.To {
		return false
	}
	_, ok := p.allowed[e.Process]
	return p.allowed == nil || ok
}

// distance is how far an event is from what was asked for: 0 is that itself.
func (p *plan) distance(at causal.At, e *trace.Event, first uint64) (d uint64, ok bool) {
	switch {
	case !p.drawn(e):
		return 0, false
	case p.anchors[at]:
		return 0, true
	case p.only && len(p.anchors) == 0:
		if p.lit(at, e) {
			return 0, true
		}
		return 1, e.Clock >= p.clocks[0] && e.Clock <= p.clocks[len(p.clocks)-1]
	case len(p.clocks) == 0:
		return 1 + e.Clock - min(first, e.Clock), true
	}
	i, found := slices.BinarySearch(p.clocks, e.Clock)
	if found {
		return 1, true
	}
	d = uint64(1) << 62
	if i > 0 {
		d = (e.Clock - p.clocks[i-1]) * max(1, p.later)
	}
	if i < len(p.clocks) {
		d = min(d, (p.clocks[i]-e.Clock)*max(1, p.earlier))
	}
	return 1 + d, true
}
