package diagram

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// Picture chooses a window and lays it out. The error is a *[QueryError] where the trace has not what was asked for.
func (t *Trace) Picture(ctx context.Context, q Query) (*Picture, error) {
	plan, err := t.plan(ctx, q)
	if err != nil {
		return nil, err
	}
	events, err := t.choose(ctx, plan)
	if err != nil {
		return nil, err
	}
	l := &layout{t: t, plan: plan, Picture: &Picture{Lit: plan.lit != nil, What: clean(plan.what)}, nodes: map[causal.At]int{}}
	messages, err := l.messages(events)
	if err != nil {
		return nil, err
	}
	l.lanes(events, messages)
	l.rows(events)
	l.place(events)
	l.arrows(messages)
	l.ways()
	l.marks()
	l.spans()
	if err := l.account(ctx); err != nil {
		return nil, err
	}
	return l.Picture, nil
}

// layout makes a picture.
type layout struct {
	*Picture
	t     *Trace
	plan  *plan
	nodes map[causal.At]int // numbers of Nodes
	lane  map[string]int
	line  map[uint64]int // clock -> first line of its row
}

// fewProcesses is the number of processes up to which all have a lane, those without events in the window too.
const fewProcesses = 8

// lanes gives lanes to the processes: customers first, then the others, in the order of their names.
func (l *layout) lanes(events []*chosen, messages []message) {
	seen := map[string]bool{}
	for _, c := range events {
		seen[c.event.Process] = true
	}
	if l.plan.allowed == nil {
		for _, m := range messages { // a lost message needs somewhere to go
			if peer := m.far.Process; len(seen) < min(fewProcesses, l.plan.Lanes) && l.t.byName[peer] != nil {
				seen[peer] = true
			}
		}
		if len(l.t.procs) <= min(fewProcesses, l.plan.Lanes) {
			for _, p := range l.t.procs {
				seen[p.name] = true
			}
		}
	} else if len(l.plan.allowed) <= l.plan.Lanes {
		for name := range l.plan.allowed {
			seen[name] = true
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.SortFunc(names, l.order)
	l.lane = map[string]int{}
	for i, name := range names {
		p := l.t.byName[name]
		l.lane[name] = i
		l.Lanes = append(l.Lanes, Lane{Process: clean(name), Role: p.role, Logged: p.logged})
	}
	for i, short := range shorts(names) {
		l.Lanes[i].Short = short
	}
}

func (l *layout) order(a, b string) int {
	if l.plan.allowed != nil {
		return cmp.Compare(l.plan.allowed[a], l.plan.allowed[b])
	}
	serves := func(name string) int {
		if l.t.byName[name].role == "customer" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(serves(a), serves(b)), natural(a, b))
}

// rows makes the rows: one for each clock that is shown, one for each stretch between them, and for breaks.
func (l *layout) rows(events []*chosen) {
	breaks := l.breaks(events)
	count := map[uint64]int{}
	most := map[uint64]int{}
	last := map[int32]uint64{}
	for _, c := range events {
		if last[c.at.Process] != c.event.Clock {
			count[uint64(c.at.Process)] = 0
			last[c.at.Process] = c.event.Clock
		}
		count[uint64(c.at.Process)]++
		most[c.event.Clock] = max(most[c.event.Clock], count[uint64(c.at.Process)])
	}
	l.line = map[uint64]int{}
	add := func(r Row) {
		r.Line = l.Lines
		l.Lines += r.Lines
		l.Rows = append(l.Rows, r)
	}
	before := uint64(0)
	for _, c := range events {
		clock := c.event.Clock
		if clock == before {
			continue
		}
		switch {
		case before == 0 || clock == before+1:
		case clock == before+2:
			add(Row{Kind: RowClock, Clock: clock - 1, Lines: 1})
		default:
			add(Row{Kind: RowFold, Clock: clock, Lines: 1, Values: clock - before - 1})
		}
		l.breakRow(add, clock, breaks[place{clock, true}])
		l.line[clock] = l.Lines
		add(Row{Kind: RowClock, Clock: clock, Lines: most[clock]})
		l.breakRow(add, clock+1, breaks[place{clock, false}])
		before = clock
	}
}

// place is before or after the row of a clock.
type place struct {
	clock  uint64
	before bool
}

// breaks finds the rows that the breaks stand before or after: those of the events that they stand between.
func (l *layout) breaks(events []*chosen) map[place][]Break {
	clock := map[causal.At]uint64{}
	for _, c := range events {
		clock[c.at] = c.event.Clock
	}
	found := map[place][]Break{}
	for i, p := range l.t.procs {
		lane, ok := l.lane[p.name]
		if !ok {
			continue
		}
		for _, g := range p.breaks {
			b := Break{Kind: g.kind, Lane: lane, Text: g.text(), Marks: l.t.namedBy(p, g)}
			if c, ok := clock[causal.At{Process: int32(i), Pos: g.pos}]; ok {
				found[place{c, true}] = append(found[place{c, true}], b)
			} else if c, ok := clock[causal.At{Process: int32(i), Pos: g.pos - 1}]; ok {
				found[place{c, false}] = append(found[place{c, false}], b)
			}
		}
	}
	return found
}

func (g gap) text() string {
	switch {
	case g.kind == BreakCut:
		return "log cut off"
	case g.kind == BreakUnreadable:
		return counted(g.n, "unreadable line")
	case g.first < g.n:
		return fmt.Sprintf("incarnations %d to %d", g.first, g.n)
	}
	return fmt.Sprintf("incarnation %d", g.n)
}

func (l *layout) breakRow(add func(Row), clock uint64, breaks []Break) {
	if len(breaks) == 0 {
		return
	}
	below := map[int]int{}
	lines := 0
	for _, b := range breaks {
		b.Line = l.Lines + below[b.Lane]
		below[b.Lane]++
		lines = max(lines, below[b.Lane])
		l.Breaks = append(l.Breaks, b)
	}
	add(Row{Kind: RowBreak, Clock: clock, Lines: lines})
}

// place makes the nodes.
func (l *layout) place(events []*chosen) {
	type spot struct{ lane, line int }
	taken := map[spot]bool{}
	for _, c := range events {
		n := Node{Event: c.event, At: c.at, Lane: l.lane[c.event.Process], Line: l.line[c.event.Clock], Name: l.plan.names[c.at],
			Label: clean(label(&c.event))}
		for taken[spot{n.Lane, n.Line}] {
			n.Line++
		}
		taken[spot{n.Lane, n.Line}] = true
		n.Lit = l.plan.lit != nil && l.plan.lit(c.at, &c.event)
		l.nodes[c.at] = len(l.Nodes)
		l.Nodes = append(l.Nodes, n)
	}
}

// spans finds where the lanes end in the picture.
func (l *layout) spans() {
	for i := range l.Lanes {
		l.Lanes[i].Last = l.Lines
	}
	for _, b := range l.Breaks {
		if b.Kind == BreakCut {
			l.Lanes[b.Lane].Last = b.Line
		}
	}
	for i := range l.Nodes {
		n := &l.Nodes[i]
		p := l.t.procs[n.At.Process]
		lane := &l.Lanes[n.Lane]
		if n.At.Pos == p.count-1 && p.closed {
			lane.Last = n.Line
		}
	}
	for i := range l.Nodes { // in a faulty log the last event may have a lower clock than others
		n := &l.Nodes[i]
		l.Lanes[n.Lane].Last = max(l.Lanes[n.Lane].Last, n.Line)
	}
}

// account counts what is not shown, and says so.
func (l *layout) account(ctx context.Context) error {
	hidden := l.t.events - int64(len(l.Nodes))
	l.heading()
	if hidden == 0 {
		l.note()
		return nil
	}
	var folds []int
	for i, r := range l.Rows {
		if r.Kind == RowFold {
			folds = append(folds, i)
		}
	}
	err := l.t.each(ctx, func(at causal.At, e *trace.Event) {
		if _, shown := l.nodes[at]; shown {
			return
		}
		k, _ := slices.BinarySearchFunc(folds, e.Clock, func(i int, clock uint64) int { return cmp.Compare(l.Rows[i].Clock, clock+1) })
		if k < len(folds) {
			if r := &l.Rows[folds[k]]; e.Clock >= r.Clock-r.Values {
				r.Hidden++
			}
		}
	})
	l.note()
	return err
}

func (l *layout) heading() {
	what := l.plan.title
	if what == "" {
		what = l.plan.what
	}
	if l.plan.title != "" && l.plan.what != "" {
		what = l.plan.title + ", with " + l.plan.what
	}
	l.Title = "Space-time diagram"
	if l.t.name != "" {
		l.Title += " of " + clean(l.t.name)
	}
	if what != "" {
		l.Title += ": " + clean(what)
	}
}

// note says what is not shown, and how to see it.
func (l *layout) note() {
	if len(l.Nodes) == 0 {
		l.Notes = append(l.Notes, "No event is in this window; clocks go from "+fmt.Sprint(l.t.clocks[0])+" to "+fmt.Sprint(l.t.clocks[1])+".")
	} else if hidden := l.t.events - int64(len(l.Nodes)); hidden > 0 {
		first, last := l.Nodes[0].Clock, l.Nodes[len(l.Nodes)-1].Clock
		text := fmt.Sprintf("Shown: %s of %s events, clock %d to %d; the trace has %d to %d.", humanize.Comma(int64(len(l.Nodes))),
			humanize.Comma(int64(l.t.events)), first, last, l.t.clocks[0], l.t.clocks[1])
		var more []string
		if last < l.t.clocks[1] {
			more = append(more, fmt.Sprintf("--from %d goes on", last+1))
		}
		more = append(more, "--around, --request and --finding show other parts", "--rows more at once")
		l.Notes = append(l.Notes, text)
		l.Hints = append(l.Hints, strings.Join(more, "; ")+".")
	}
	var absent []string
	for _, p := range l.t.procs {
		if _, ok := l.lane[p.name]; !ok {
			absent = append(absent, clean(p.name))
		}
	}
	if len(absent) > 0 {
		slices.SortFunc(absent, natural)
		names := strings.Join(absent[:min(4, len(absent))], ", ")
		if len(absent) > 4 {
			names += fmt.Sprintf(" and %s more", humanize.Comma(int64(len(absent)-4)))
		}
		l.Notes = append(l.Notes, fmt.Sprintf("%s not drawn: %s.", counted(len(absent), "process"), names))
		l.Hints = append(l.Hints, "--processes names those to draw.")
	}
	if l.t.unreadable > 0 {
		l.Notes = append(l.Notes, counted(l.t.unreadable, "line")+" of the logs cannot be read; bank-trace check says which.")
	}
}
