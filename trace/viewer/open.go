package viewer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// Options says how a trace is opened.
type Options struct {
	Name     string             // what the page calls the trace
	Check    check.Options      // how it is checked; its Run and Progress are set here
	Progress func(events int64) // called now and then, from any goroutine, with the events read; nil for nobody
}

// Viewer is an open trace. It never changes, and may be used by many goroutines at once.
type Viewer struct {
	name     string
	trace    *causal.Trace
	report   *check.Report
	lanes    []*lane // as the graph numbers processes
	messages messages
	files    map[string][]lineMark
	logs     []trace.Log
	clocks   [2]uint64
	events   int64
	busy     chan struct{} // a place for each question that is computed at the same time
}

// mostBusy is how many questions that may take long are computed at the same time.
const mostBusy = 2

// StdinError says that a trace on standard input cannot be shown: its lines are read again while it is.
type StdinError struct{}

func (*StdinError) Error() string {
	return "standard input cannot be shown, as its lines are read again and again; save it to a file and name that"
}

// Open reads a trace and checks it. The caller closes the Viewer.
//
// The error is a *[trace.SyntaxError] where a record cannot be read, a *[causal.SecondLogError] where two logs have records of
// a process, a *[StdinError], or one of reading.
func Open(ctx context.Context, folder *trace.Folder, opt Options) (_ *Viewer, err error) {
	for _, l := range folder.Logs {
		if slices.Contains(l.Files, trace.Stdin) {
			return nil, &StdinError{}
		}
	}
	v := &Viewer{name: opt.Name, logs: folder.Logs, busy: make(chan struct{}, mostBusy)}
	defer func() {
		if err != nil && v.trace != nil {
			err = errors.Join(err, v.trace.Close())
		}
	}()
	var lanes map[string]*lane
	work, inner := errgroup.WithContext(ctx)
	work.Go(func() (err error) {
		lanes, v.files, err = scan(inner, folder.Logs, opt.Progress)
		return err
	})
	work.Go(func() (err error) {
		v.trace, err = causal.Read(inner, folder, causal.Options{})
		return err
	})
	work.Go(func() (err error) {
		opt.Check.Run, opt.Check.Progress = folder.Run, nil
		v.report, err = check.Check(inner, check.Folder(folder), opt.Check)
		return err
	})
	if err := work.Wait(); err != nil {
		return nil, err
	}
	if err := v.settle(lanes); err != nil {
		return nil, err
	}
	return v, nil
}

// Close removes the files that were made to read the trace.
func (v *Viewer) Close() error { return v.trace.Close() }

// Events returns the number of events of the trace.
func (v *Viewer) Events() int64 { return v.events }

// Report returns what the check of the trace found.
func (v *Viewer) Report() *check.Report { return v.report }

// settle joins what the readings found.
func (v *Viewer) settle(lanes map[string]*lane) error {
	names := v.trace.Processes()
	number := map[string]int32{}
	for i, name := range names {
		number[name] = int32(i)
	}
	for i, name := range names {
		l := lanes[name]
		if l == nil {
			l = newLane(name)
		}
		if l.len() != int(v.trace.Len(int32(i))) {
			return fmt.Errorf("the log of %s changed while it was read; ask again", name)
		}
		l.settle(number)
		l.logged = !slices.Contains(v.trace.Missing, name)
		l.cut = slices.Contains(v.trace.Cut, name)
		v.lanes = append(v.lanes, l)
		v.events += int64(l.len())
		if lo, hi := l.span(); l.len() > 0 {
			v.clocks[1] = max(v.clocks[1], hi)
			if v.clocks[0] == 0 || lo < v.clocks[0] {
				v.clocks[0] = lo
			}
		}
	}
	if err := v.readMessages(); err != nil {
		return err
	}
	for i := range v.report.Findings {
		if at, ok := v.place(v.report.Findings[i].Event); ok {
			v.lanes[at.Process].marks[at.Pos] |= markFinding
		}
	}
	return nil
}

// place returns the event that a finding is about; false where it is about none.
func (v *Viewer) place(p *check.Place) (causal.At, bool) {
	if p == nil || p.Seq == 0 {
		return causal.At{}, false
	}
	at, err := v.trace.Find(trace.Ref{Process: p.Process, Seq: p.Seq})
	return at, err == nil
}

// progressEvery is the number of events between two looks at the context.
const progressEvery = 4096

// scan reads the logs side by side into lanes.
func scan(ctx context.Context, logs []trace.Log, progress func(int64)) (map[string]*lane, map[string][]lineMark, error) {
	lanes, files := map[string]*lane{}, map[string][]lineMark{}
	var mu sync.Mutex
	var total atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(2)
	for _, l := range logs {
		work.Go(func() error {
			own := map[string]*lane{}
			for _, file := range l.Files {
				marks, err := scanFile(ctx, file, own, func() {
					if n := total.Add(progressEvery); progress != nil {
						progress(n)
					}
				})
				if err != nil {
					return err
				}
				mu.Lock()
				files[file] = marks
				mu.Unlock()
			}
			mu.Lock()
			defer mu.Unlock()
			for name, lane := range own {
				if lanes[name] != nil {
					return &causal.SecondLogError{Process: name}
				}
				lanes[name] = lane
			}
			return nil
		})
	}
	return lanes, files, work.Wait()
}

// scanFile reads a file. Lines that are no records are passed over: the reading of the graph reports them.
func scanFile(ctx context.Context, file string, lanes map[string]*lane, tick func()) (marks []lineMark, err error) {
	body, err := trace.Opener(file, false)()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	tap := newLineTap(body)
	r := trace.NewReader(tap, file)
	of := func(process string) *lane {
		l := lanes[process]
		if l == nil {
			l = newLane(process)
			lanes[l.name] = l
		}
		return l
	}
	for n := 1; r.Scan(); n++ {
		switch rec := r.Record().(type) {
		case *trace.Event:
			of(rec.Process).add(rec)
		case *trace.Header:
			of(rec.Process).header(rec)
		}
		if n%progressEvery == 0 {
			tick()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	return tap.marks, r.Err()
}
