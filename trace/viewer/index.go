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

// index is what is known of a trace as its logs stood at one time. It never changes, and may be used by many goroutines at once.
type index struct {
	name     string
	trace    *causal.Trace
	report   *check.Report
	lanes    []*lane // as the graph numbers processes
	messages messages
	files    map[string][]lineMark
	logs     []trace.Log
	clocks   [2]uint64
	events   int64

	growing    bool  // its run is under way: there is more to come, and no verdict yet
	generation int64 // 1 for the first index of a Viewer, and so on
	since      int64 // the first of the generations up to this one that have the same processes
}

// readIndex reads a trace and checks it.
func readIndex(ctx context.Context, folder *trace.Folder, opt Options) (_ *index, err error) {
	ix := &index{name: opt.Name, logs: folder.Logs, generation: 1, since: 1}
	defer func() {
		if err != nil && ix.trace != nil {
			err = errors.Join(err, ix.trace.Close())
		}
	}()
	var lanes map[string]*lane
	work, inner := errgroup.WithContext(ctx)
	work.Go(func() (err error) {
		lanes, ix.files, err = scan(inner, folder.Logs, opt.Progress)
		return err
	})
	work.Go(func() (err error) {
		ix.trace, err = causal.Read(inner, folder, causal.Options{Names: opt.Names})
		return err
	})
	work.Go(func() (err error) {
		opt.Check.Run, opt.Check.Progress = folder.Run, nil
		ix.report, err = check.Check(inner, check.Folder(folder), opt.Check)
		return err
	})
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return ix, ix.settle(lanes)
}

// readGrowing reads a trace whose run is under way, as far as it goes. It is not checked: much of what a rule asks for is still to
// come.
func readGrowing(ctx context.Context, folder *trace.Folder, opt Options) (_ *index, err error) {
	ix := &index{name: opt.Name, logs: folder.Logs, report: &check.Report{}, growing: true, generation: 1, since: 1}
	if ix.trace, err = causal.Read(ctx, folder, causal.Options{}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ix.trace.Close())
		}
	}()
	// No log has ended, and none is cut off: what is not there was not written yet.
	ix.trace.Cut, ix.trace.Missing = nil, nil
	// Logs only grow. What the graph has read is the beginning of what is read now.
	lanes, files, err := scan(ctx, folder.Logs, nil)
	if err != nil {
		return nil, err
	}
	for p, name := range ix.trace.Processes() {
		if l := lanes[name]; l != nil {
			l.cutTo(int(ix.trace.Len(int32(p))))
		}
	}
	ix.files = files
	return ix, ix.settle(lanes)
}

// settle joins what the readings found.
func (ix *index) settle(lanes map[string]*lane) error {
	names := ix.trace.Processes()
	number := map[string]int32{}
	for i, name := range names {
		number[name] = int32(i)
	}
	for i, name := range names {
		l := lanes[name]
		if l == nil {
			l = newLane(name)
		}
		if l.len() != int(ix.trace.Len(int32(i))) {
			return fmt.Errorf("the log of %s changed while it was read; ask again", name)
		}
		l.settle(number)
		l.logged = !slices.Contains(ix.trace.Missing, name)
		l.cut = slices.Contains(ix.trace.Cut, name)
		ix.lanes = append(ix.lanes, l)
		ix.events += int64(l.len())
		if lo, hi := l.span(); l.len() > 0 {
			ix.clocks[1] = max(ix.clocks[1], hi)
			if ix.clocks[0] == 0 || lo < ix.clocks[0] {
				ix.clocks[0] = lo
			}
		}
	}
	if err := ix.readMessages(); err != nil {
		return err
	}
	for i := range ix.report.Findings {
		if at, ok := ix.place(ix.report.Findings[i].Event); ok {
			ix.lanes[at.Process].marks[at.Pos] |= markFinding
		}
	}
	return nil
}

// place returns the event that a finding is about; false where it is about none.
func (ix *index) place(p *check.Place) (causal.At, bool) {
	if p == nil || p.Seq == 0 {
		return causal.At{}, false
	}
	at, err := ix.trace.Find(trace.Ref{Process: p.Process, Seq: p.Seq})
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
