package diagram

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// Options says how a trace is read.
type Options struct {
	Name     string             // of the trace, for titles
	Names    []causal.Name      // events to look for, see [Trace.Named]
	Report   *check.Report      // its findings are marked; nil for none
	Progress func(events int64) // called now and then with the events read in this pass; nil for nobody
}

// Trace is a trace that pictures can be drawn of.
type Trace struct {
	name     string
	sources  []check.Source
	graph    *causal.Graph
	procs    []*process // as the graph numbers them; behind those, in order of reading, processes that have no event
	byName   map[string]*process
	named    []causal.At
	findings []check.Finding
	progress func(int64)

	events     int64
	clocks     [2]uint64
	unreadable int64 // lines
}

// process is what is known of one process, beside its events.
type process struct {
	name   string
	role   string
	logged bool
	closed bool // its log has ended, with an end record
	open   bool // its log promises an end record, and has none yet
	pieces bool // not all of the log can be read, or its start is not there
	count  int32
	breaks []gap
}

// gap is a place in a log where something other than an event stands.
type gap struct {
	pos   int32 // events before it
	kind  BreakKind
	n     uint64 // incarnation, or number of lines
	first uint64 // of several incarnations without events between them: the first, and n the last
	file  string // of lines that cannot be read: where the first stands
	line  int
}

// has reports whether a gap is or holds a line of a file.
func (g gap) has(file string, line int) bool {
	return g.file == file && line >= g.line && line < g.line+int(max(g.n, 1)) && g.line > 0
}

// NoSourceError says that a source cannot be read more than once.
type NoSourceError struct{ File string }

func (e *NoSourceError) Error() string {
	return fmt.Sprintf("%s cannot be read more than once; write it to a file first", e.File)
}

// Read reads a trace. Every piece of a source must have an Open; one without is a *[NoSourceError]. Lines that are no record
// are passed over, and the picture shows where. The other errors are those of reading.
func Read(ctx context.Context, sources []check.Source, opt Options) (*Trace, error) {
	t := &Trace{name: opt.Name, sources: sources, byName: map[string]*process{}, progress: opt.Progress}
	if opt.Report != nil {
		t.findings = opt.Report.Findings
	}
	search := causal.NewSearch(opt.Names...)
	var failed error
	graph, err := causal.New(func(yield func(*trace.Event) bool) {
		failed = t.records(ctx, t.note, func(e *trace.Event) bool {
			t.count(e)
			search.Event(e)
			return yield(e)
		})
	})
	if err := cmp.Or(failed, err); err != nil {
		return nil, err
	}
	t.graph = graph
	t.number()
	t.named, err = search.Resolve(graph)
	if err != nil {
		return nil, errors.Join(err, graph.Close())
	}
	return t, nil
}

// Close frees what the trace holds.
func (t *Trace) Close() error { return t.graph.Close() }

// Graph returns the happens-before graph of the trace.
func (t *Trace) Graph() *causal.Graph { return t.graph }

// Named returns the events of Options.Names.
func (t *Trace) Named() []causal.At { return t.named }

// Findings returns the findings that are marked. Finding n of a picture is Findings()[n-1].
func (t *Trace) Findings() []check.Finding { return t.findings }

// count takes an event into the account.
func (t *Trace) count(e *trace.Event) {
	t.events++
	t.clocks[0] = min(cmp.Or(t.clocks[0], e.Clock), e.Clock)
	t.clocks[1] = max(t.clocks[1], e.Clock)
	p := t.process(e.Process)
	p.logged = true
	p.count++
}

func (t *Trace) process(name string) *process {
	p := t.byName[name]
	if p == nil {
		p = &process{name: name}
		t.byName[name] = p
		t.procs = append(t.procs, p)
	}
	return p
}

// number puts the processes in the order of the graph.
func (t *Trace) number() {
	var rest []*process
	known := map[string]bool{}
	all := t.procs
	t.procs = nil
	for _, name := range t.graph.Processes() {
		known[name] = true
		t.procs = append(t.procs, cmp.Or(t.byName[name], &process{name: name}))
		t.byName[name] = t.procs[len(t.procs)-1]
	}
	for _, p := range all {
		if !known[p.name] {
			rest = append(rest, p)
		}
	}
	t.procs = append(t.procs, rest...)
	for _, p := range t.procs {
		if p.open {
			p.broken(gap{kind: BreakCut})
		}
	}
}

// broken notes something at the place that was reached.
func (p *process) broken(g gap) {
	g.pos = p.count
	if k := len(p.breaks) - 1; k >= 0 && p.breaks[k].pos == g.pos && p.breaks[k].kind == g.kind {
		last := &p.breaks[k]
		if g.kind == BreakCut {
			return
		}
		if g.kind == BreakUnreadable && last.file == g.file && last.line+int(last.n) == g.line {
			last.n++
			return
		}
		if g.kind == BreakRestart {
			last.n = g.n
			return
		}
	}
	p.breaks = append(p.breaks, g)
}

// note takes a record that is no event. Last is the process that the log spoke of before; "" at its start.
func (t *Trace) note(rec trace.Record, last string) {
	switch rec := rec.(type) {
	case *trace.Header:
		p := t.process(rec.Process)
		if p.logged && (p.count > 0 || rec.Incarnation > 1) {
			p.broken(gap{kind: BreakRestart, n: rec.Incarnation, first: rec.Incarnation})
		}
		p.logged, p.closed, p.open = true, false, rec.Ends
		p.role = cmp.Or(p.role, rec.Role)
		p.pieces = p.pieces || rec.First > 1
	case *trace.End:
		p := t.process(rec.Process)
		p.logged, p.closed, p.open = true, true, false
	case *trace.SyntaxError:
		t.unreadable++
		if last == "" {
			return
		}
		p := t.process(last)
		p.pieces = true
		if rec.Truncated {
			p.broken(gap{kind: BreakCut, file: rec.File, line: rec.Line})
			return
		}
		p.broken(gap{kind: BreakUnreadable, n: 1, file: rec.File, line: rec.Line})
	}
}

// progressEvery is the number of events between two looks at the context.
const progressEvery = 4096

// records reads all logs once, one after the other. Note gets what is no event and the process that the log spoke of before;
// it may be nil. Event gets the events until it returns false.
func (t *Trace) records(ctx context.Context, note func(trace.Record, string), event func(*trace.Event) bool) error {
	read := int64(0)
	for _, s := range t.sources {
		last := ""
		for _, piece := range s.Pieces {
			more, err := t.piece(piece, func(rec trace.Record) (bool, error) {
				e, ok := rec.(*trace.Event)
				if !ok {
					if note != nil {
						note(rec, last)
					}
					if h, ok := rec.(*trace.Header); ok {
						last = h.Process
					}
					return true, nil
				}
				last = e.Process
				if read++; read%progressEvery == 0 {
					if err := ctx.Err(); err != nil {
						return false, err
					}
					if t.progress != nil {
						t.progress(read)
					}
				}
				return event(e), nil
			})
			if err != nil || !more {
				return err
			}
		}
	}
	return ctx.Err()
}

func (t *Trace) piece(piece check.Piece, do func(trace.Record) (bool, error)) (more bool, err error) {
	if piece.Open == nil {
		return false, &NoSourceError{piece.File}
	}
	body, err := piece.Open()
	if err != nil {
		return false, err
	}
	defer func() {
		if e := body.Close(); err == nil {
			err = e
		}
	}()
	r := trace.NewReader(body, piece.File)
	for r.Scan() {
		if more, err := do(r.Record()); err != nil || !more {
			return false, err
		}
	}
	return true, r.Err()
}

// each reads all events once more, with their places in the graph.
func (t *Trace) each(ctx context.Context, do func(causal.At, *trace.Event)) error {
	ids := make(map[string]int32, len(t.procs))
	for i, p := range t.procs {
		ids[p.name] = int32(i)
	}
	next := make([]int32, len(t.procs))
	changed := false
	err := t.records(ctx, nil, func(e *trace.Event) bool {
		id, ok := ids[e.Process]
		if !ok || next[id] == t.procs[id].count {
			changed = true
			return false
		}
		do(causal.At{Process: id, Pos: next[id]}, e)
		next[id]++
		return true
	})
	if err == nil && changed {
		err = errors.New("the trace grew while it was read; draw it again")
	}
	return err
}
