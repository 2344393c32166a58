package causal

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Options says how a trace is read.
type Options struct {
	Stdin    io.Reader          // what the file "-" stands for; copied to a temporary file
	Names    []Name             // events to look for, see [Trace.Resolve]
	Held     int64              // messages to keep in memory, at 16 bytes each; the rest waits in a temporary file. 0 means 6,000,000
	Progress func(events int64) // called now and then, from any goroutine, with the events read; nil for nobody
}

const defaultHeld = 6_000_000

// Trace is a trace on disk, and its graph. Its events are read again where they are asked for.
type Trace struct {
	*Graph
	// Cut are the processes whose logs stop short of their end, and Missing those that are named as a peer and have none.
	// What happened there is not known, so events that are concurrent by the logs may have been ordered by it.
	Cut, Missing []string

	sources []*source
	log     []int // process -> its source
	names   []Name
	matches []matches // of names
	clocks  [2]uint64
	last    map[string]uint64 // process -> number of its last request, of those that names name
	spooled *trace.Spooled
}

// Entry is an event and the line that it stands on.
type Entry struct {
	trace.Event
	File string
	Line int
}

// Read reads a trace. The logs are read side by side, each once; what is kept is the graph. The caller closes the Trace.
//
// The error is a *[trace.SyntaxError] where a record cannot be read, as what it says might order events; the torn last
// line of a log is no error. It is a *[SecondLogError] where two logs have records of a process.
func Read(ctx context.Context, folder *trace.Folder, opt Options) (_ *Trace, err error) {
	t := &Trace{names: opt.Names, matches: make([]matches, len(opt.Names)), last: map[string]uint64{}}
	b := newBuilder(cmp.Or(opt.Held, defaultHeld))
	defer func() {
		if err != nil {
			err = errors.Join(err, t.unspool(), b.spill.close())
		}
	}()
	if err := t.find(ctx, folder, opt.Stdin); err != nil {
		return nil, err
	}
	readings := make([]reading, len(t.sources))
	var total atomic.Int64
	err = sideBySide(ctx, len(t.sources), func(ctx context.Context, i int) error {
		readings[i] = reading{scan: b.scan(i), source: t.sources[i], matches: make([]matches, len(opt.Names)),
			last: make([]uint64, len(opt.Names)), names: opt.Names, total: &total, progress: opt.Progress}
		return readings[i].run(ctx)
	})
	if err != nil {
		return nil, err
	}
	t.Graph = b.graph()
	t.collect(b, readings)
	return t, nil
}

// find makes the sources.
func (t *Trace) find(ctx context.Context, folder *trace.Folder, stdin io.Reader) (err error) {
	for _, l := range folder.Logs {
		s := &source{}
		for _, file := range l.Files {
			p := piece{file, trace.Opener(file, false)}
			if file == trace.Stdin {
				if t.spooled, err = trace.Spool(ctx, stdin); err != nil {
					return err
				}
				p = piece{"stdin", t.spooled.Open}
			}
			s.pieces = append(s.pieces, p)
		}
		t.sources = append(t.sources, s)
	}
	return nil
}

// collect takes what the readings found.
func (t *Trace) collect(b *builder, readings []reading) {
	t.log = make([]int, len(t.procs))
	for i := range readings {
		r := &readings[i]
		for id, p := range r.parts {
			t.log[t.rank[id]] = i
			if p.promised || r.source.cut {
				t.Cut = append(t.Cut, p.name)
			}
			for k, n := range t.names {
				if n.request.Process == p.name {
					t.last[p.name] = max(t.last[p.name], r.last[k])
				}
			}
			if p.count > 0 {
				t.clocks[1] = max(t.clocks[1], p.highest)
				t.clocks[0] = min(cmp.Or(t.clocks[0], p.lowest), p.lowest)
			}
		}
		for k := range r.matches {
			t.matches[k].count += r.matches[k].count
			for _, m := range r.matches[k].first {
				m.at.Process = t.rank[m.at.Process]
				t.matches[k].add(&t.names[k], m)
			}
		}
	}
	for i := range t.procs {
		if !t.procs[i].logged {
			t.Missing = append(t.Missing, t.procs[i].name)
		}
	}
	slices.Sort(t.Cut)
}

// Resolve returns the events of the names that the trace was read with. The error is one of Find, a *[NoMatchError], or an
// *[AmbiguousError].
func (t *Trace) Resolve() ([]At, error) {
	var found []At
	for i := range t.names {
		n, m := &t.names[i], &t.matches[i]
		switch {
		case !n.searched():
			at, err := t.Find(n.ref)
			if err != nil {
				return nil, err
			}
			found = append(found, at)
		case m.count == 0:
			return nil, &NoMatchError{n.text, n.request, t.clocks, t.last[n.request.Process]}
		default:
			match, err := n.pick(m)
			if err != nil {
				return nil, err
			}
			found = append(found, match.at)
		}
	}
	return found, nil
}

// Close removes the files that were made to read the trace.
func (t *Trace) Close() error { return errors.Join(t.unspool(), t.Graph.Close()) }

func (t *Trace) unspool() error {
	if t.spooled != nil {
		t.spooled.Remove()
	}
	return nil
}

// reading is the reading of one source.
type reading struct {
	*scan
	source   *source
	names    []Name
	matches  []matches
	last     []uint64 // of each name's customer: the number of its last request
	read     int64
	total    *atomic.Int64
	progress func(int64)
}

// progressEvery is the number of events between two looks at the context.
const progressEvery = 4096

func (r *reading) run(ctx context.Context) error {
	err := r.source.read(mark{}, r.note, func(l line) (bool, error) {
		switch rec := l.rec.(type) {
		case *trace.Event:
			if r.read++; r.read%progressEvery == 0 {
				n := r.total.Add(progressEvery)
				if r.progress != nil {
					r.progress(n)
				}
				if err := ctx.Err(); err != nil {
					return false, err
				}
			}
			return true, r.event(rec)
		case *trace.Header:
			p, err := r.process(rec.Process)
			if err == nil {
				p.promised = rec.Ends
			}
			return true, err
		case *trace.End:
			p, err := r.process(rec.Process)
			if err == nil {
				p.promised = false
			}
			return true, err
		case *trace.SyntaxError:
			if !rec.Truncated {
				bad := *rec
				return false, &bad
			}
			r.source.cut = true
		}
		return true, nil
	})
	if len(r.parts) != 1 {
		r.source.marks = nil
	}
	return errors.Join(err, r.close())
}

// note keeps a mark now and then.
func (r *reading) note(m mark) {
	marks := r.source.marks
	if n := len(marks); n > 0 && marks[n-1].piece == m.piece && m.off < marks[n-1].off+markEvery {
		return
	}
	if len(r.parts) == 1 {
		m.pos = r.scan.last.count
	}
	r.source.marks = append(marks, m)
}

func (r *reading) event(e *trace.Event) error {
	if err := r.add(e); err != nil {
		return err
	}
	p := r.scan.last
	p.highest = max(p.highest, e.Clock)
	p.lowest = min(cmp.Or(p.lowest, e.Clock), e.Clock)
	for i := range r.names {
		n := &r.names[i]
		if !n.searched() {
			continue
		}
		if e.Process == n.request.Process && e.Request.Process == e.Process {
			r.last[i] = max(r.last[i], e.Request.N)
		}
		if !n.fits(e) {
			continue
		}
		r.matches[i].count++
		r.matches[i].add(n, match{e.Ref(), At{p.id, p.count - 1}, e.Clock})
	}
	return nil
}

// sideBySide calls do for 0 to n-1, as many at once as there are processors, and returns the error of the first that
// failed for a reason of its own.
func sideBySide(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && inner.Err() == nil; i = int(next.Add(1)) - 1 {
				if errs[i] = do(inner, i); errs[i] != nil {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}
