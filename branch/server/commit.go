package server

import (
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// committer has the store in its hands while the branch is served: one goroutine that stores one batch at a time, so that
// the owner steps on meanwhile.
type committer struct {
	store store.Store
	crash crashTest
	jobs  chan job   // holds one
	done  chan error // holds one
	over  chan struct{}
}

// job is one batch for the store.
type job struct {
	batch  store.Batch
	logged uint64 // the log file has the events up to this seq for good
}

func newCommitter(cfg Config) *committer {
	c := &committer{store: cfg.Store, crash: cfg.crash, jobs: make(chan job, 1), done: make(chan error, 1), over: make(chan struct{})}
	go func() {
		defer close(c.over)
		for j := range c.jobs {
			c.done <- c.commit(j)
		}
	}()
	return c
}

func (c *committer) commit(j job) error {
	if c.crash != nil {
		if err := c.crash(beforeCommit, nil, j.batch.Events); err != nil {
			return &killedError{err}
		}
	}
	if err := c.store.Logged(j.logged); err != nil {
		return err
	}
	return c.store.Commit(j.batch)
}

// start hands a batch to the store. What the batch holds must not change until its result has come.
func (c *committer) start(s *stage, logged uint64) {
	c.jobs <- job{store.Batch{Durable: &s.effects.Durable, Events: s.effects.Events}, logged}
}

// results is where the result of each start comes.
func (c *committer) results() <-chan error {
	if c == nil {
		return nil
	}
	return c.done
}

// end waits until the store is in nobody's hands any more.
func (c *committer) end() {
	if c != nil {
		close(c.jobs)
		<-c.over
	}
}

// changesState reports whether there is anything to store.
func (s *stage) changesState() bool {
	d := &s.effects.Durable
	return len(s.effects.Events)+len(d.Held)+len(d.Executed)+len(d.Taken)+len(d.Dropped) > 0
}

// boundary is a place between two steps of a batch's way, at which a test has the branch crash.
type boundary int

const (
	beforeCommit boundary = iota // but after all that the owner does before
	afterCommit                  // and before the first of its trace lines is written
	midLine                      // of the log file: the test writes a part of the batch's first line
	afterLog                     // and before its messages and replies leave
	afterSend
	inSnapshot // that a branch which joins again has taken, before it is stored
)

// crashTest is asked at each boundary whether the branch is to end there as if it had been killed; nil never is.
type crashTest func(at boundary, log *trace.LogFile, next []trace.Event) error

// killedError is a commit that never was, as the test has ended the branch before it.
type killedError struct{ error }

// crash asks the test, and reports whether the branch is dead.
func (o *owner) crash(at boundary, s *stage) bool {
	if o.cfg.crash != nil && o.failed == nil {
		if err := o.cfg.crash(at, o.log.file, s.effects.Events); err != nil {
			o.broke(&failure{err: err, reason: ReasonStopping, abrupt: true})
		}
	}
	return o.failed != nil
}
