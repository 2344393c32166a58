package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/viewer"
)

// promptLog writes each event at once. Branches do so within moments, customers keep theirs until there are many: who watches a run
// would see them late.
type promptLog struct{ *trace.LogFile }

// Event writes an event.
func (l promptLog) Event(e *trace.Event) error {
	if err := l.LogFile.Event(e); err != nil {
		return err
	}
	return l.Flush()
}

func isCustomer(s *scenario.Scenario, process string) bool {
	return slices.ContainsFunc(s.Customers, func(c scenario.Customer) bool { return c.Name() == process })
}

// live is the page of a run that is under way.
type live struct {
	viewer  *viewer.Viewer
	address string
	served  chan error         // takes the error of serving, once
	stop    context.CancelFunc // ends serving
	settle  func()             // ends the following of the logs, and waits until nothing is read
}

// showLive shows the page of a run that is about to write its trace into dir.
func showLive(ctx context.Context, c *console, f runFlags, name, dir string) (*live, error) {
	// What is in the folder is of another run, and must be gone before anybody looks.
	if _, err := trace.Create(dir, f.overwrite); err != nil {
		return nil, err
	}
	v, err := viewer.Watch(ctx, viewer.Options{Name: name}, dir)
	if err != nil {
		return nil, err
	}
	at, err := listen(0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("run: %w", err), v.Close())
	}
	l := &live{viewer: v, address: "http://" + at.Addr().String() + "/", served: make(chan error, 1)}
	ctx, l.stop = context.WithCancel(ctx)
	go func() { l.served <- serve(ctx, at, v) }()
	following, enough := context.WithCancel(ctx)
	var follower sync.WaitGroup
	follower.Go(func() { v.Follow(following) })
	l.settle = func() {
		enough()
		follower.Wait()
	}
	showAt(ctx, c, l.address, f.noOpen)
	return l, nil
}

// finish shows the whole trace and its verdict, once the run is over.
func (l *live) finish(ctx context.Context) error {
	l.settle()
	return l.viewer.Finish(ctx)
}

// stay serves the page until the context ends.
func (l *live) stay(ctx context.Context, c *console) error {
	fmt.Fprintf(c.err, "The page stays at %s until Ctrl-C.\n", l.address)
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.served:
		l.served <- err // for close
		return err
	}
}

// close stops serving.
func (l *live) close() error {
	l.settle()
	l.stop()
	return errors.Join(<-l.served, l.viewer.Close())
}
