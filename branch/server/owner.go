package server

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

const (
	// maxBatch is how many inputs are handled before what they caused is let go.
	maxBatch = 1024
	// flushAfter is how long a recorded event may stay in the log's buffer.
	flushAfter = 50 * time.Millisecond
)

// arrival is one thing that reaches the owner: a *call, *expiry, *frame, *linkUp, *linkDown, question or stopping.
type arrival interface {
	// take hands it to the core, and returns how many inputs of the core it was.
	take(*owner) int
}

// owner is the one goroutine that has the branch's core, log and links in its hands. It works in batches: what arrives
// while one batch is handled goes in the next. Of every batch, first the trace lines are written, then messages and
// replies go.
type owner struct {
	cfg      Config
	core     *branch.Branch
	arrivals chan arrival
	quit     chan struct{} // closed when nothing arrives any more but questions
	finished chan struct{} // closed when run has returned
	fail     func(error)   // ends Serve

	effects branch.Effects
	calls   map[uint64]*call // by waiter
	peers   map[string]*peer
	stopped bool  // requests are refused
	failed  error // why nothing is let go any more

	fresh    atomic.Bool // nothing is recorded yet
	flush    *time.Timer // runs while the log's buffer holds something
	buffered bool
	asked    []question // to be answered when the batch is over
	changed  bool       // by the batch under way
	changes  changes
	refused  quiet
}

// peer is what the owner knows of another branch.
type peer struct {
	link        *link  // nil while none stands
	sent, taken uint64 // messages: send and receive events
}

func newOwner(cfg Config, core *branch.Branch, fail func(error)) *owner {
	o := &owner{
		cfg: cfg, core: core, fail: fail,
		arrivals: make(chan arrival, maxBatch), quit: make(chan struct{}), finished: make(chan struct{}),
		calls: map[uint64]*call{}, peers: map[string]*peer{}, flush: time.NewTimer(flushAfter),
	}
	o.flush.Stop()
	for _, name := range cfg.Branch.Branches {
		if name != cfg.Branch.Name {
			o.peers[name] = &peer{}
		}
	}
	o.fresh.Store(core.Fresh())
	return o
}

// run handles arrivals until quit is closed and none are left, and then closes the log. It returns the log's failure.
func (o *owner) run() error {
	defer o.changes.end()
	defer close(o.finished)
	if o.cfg.Log != nil {
		h := o.cfg.Branch.Header(1)
		o.logged(o.cfg.Log.Header(&h))
	}
	retry := time.NewTicker(o.cfg.RetryInterval)
	defer retry.Stop()
	defer o.flush.Stop()
	for open := true; open; {
		select {
		case a := <-o.arrivals:
			o.batch(a)
		case <-o.quit:
			if open = len(o.arrivals) > 0; open {
				o.batch(<-o.arrivals)
			}
		case <-retry.C:
			o.core.Step(branch.Retry{}, &o.effects)
			o.release()
		case <-o.flush.C:
			o.buffered = false
			o.logged(o.cfg.Log.Flush())
		}
	}
	if o.cfg.Log != nil {
		o.logged(o.cfg.Log.End(&trace.End{Process: o.cfg.Branch.Name, Events: o.core.Events(), Clock: o.core.Now()}))
		o.logged(o.cfg.Log.Flush())
	}
	return o.failed
}

// batch handles one arrival and those that have come meanwhile.
func (o *owner) batch(a arrival) {
	n := a.take(o)
	runtime.Gosched() // whoever is about to bring something may: larger batches cost less in frames and wake-ups
drain:
	for n < maxBatch {
		select {
		case a := <-o.arrivals:
			n += a.take(o)
		default:
			break drain
		}
	}
	o.core.Step(branch.Flush{}, &o.effects)
	o.release()
}

// release writes the trace lines of a batch and lets its messages and replies go, in that order.
func (o *owner) release() {
	e := &o.effects
	defer e.Reset()
	for _, err := range e.Refused {
		if o.refused.news("", err) {
			o.cfg.Logger.Warn().Err(err).Msg("a message was refused")
		}
	}
	if o.failed == nil && len(e.Events) > 0 {
		o.record(e.Events)
	}
	if o.failed == nil {
		o.deliver(e.Messages)
	}
	var lost error
	if o.failed != nil {
		lost = o.refusal()
	}
	for i := range e.Replies {
		r := &e.Replies[i]
		c := o.calls[r.Waiter]
		delete(o.calls, r.Waiter)
		c.answer <- answer{*r, lost}
	}
	if len(e.Events) > 0 {
		o.fresh.Store(false)
		o.changed = true
	}
	if o.changed {
		o.changed = false
		o.changes.happened()
	}
	for _, q := range o.asked {
		q.answer <- o.status()
	}
	o.asked = o.asked[:0]
}

// record writes the trace lines of a batch.
func (o *owner) record(events []trace.Event) {
	wall := time.Now().UnixNano()
	for i := range events {
		e := &events[i]
		if e.Kind == trace.Receive && e.Step != trace.StepRequest {
			o.peers[e.Peer].taken++
		}
		if o.cfg.Log == nil {
			continue
		}
		e.Wall = wall
		if err := o.cfg.Log.Event(e); err != nil {
			o.logged(err)
			return
		}
	}
	if o.cfg.Log != nil && !o.buffered {
		o.buffered = true
		o.flush.Reset(flushAfter)
	}
}

// deliver puts messages into their links' outboxes. Where no link stands they are lost, as on any datagram link.
func (o *owner) deliver(messages []branch.Message) {
	for i := range messages {
		p := o.peers[messages[i].To]
		p.sent++
		if p.link != nil {
			p.link.staged = append(p.link.staged, messages[i])
		}
	}
	for _, p := range o.peers {
		if p.link != nil && len(p.link.staged) > 0 {
			p.link.post()
		}
	}
}

// logged notes a failure of the log. From then on nothing may leave: an event that nobody recorded must cause nothing.
func (o *owner) logged(err error) {
	if err == nil || o.failed != nil {
		return
	}
	o.failed = fmt.Errorf("server: the log of %s cannot be written: %w", o.cfg.Branch.Name, err)
	o.fail(o.failed)
}

// submit hands an arrival to the owner, who outlives all that submit.
func (o *owner) submit(a arrival) { o.arrivals <- a }

// stopping makes the owner refuse requests from now on and answer those that wait.
type stopping struct{}

func (stopping) take(o *owner) int {
	o.stopped = true
	n := len(o.calls)
	for waiter := range o.calls {
		o.core.Step(branch.Expire{Waiter: waiter}, &o.effects)
	}
	return n
}
