package server

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

const (
	// maxBatch is how many inputs are handled before what they caused is let go.
	maxBatch = 1024
	// maxStaged is how many events may wait for a commit before nothing more is taken in.
	maxStaged = 1 << 16
)

// arrival is one thing that reaches the owner: a *call, expiry, *frame, *linkUp, *linkDown, greeting, question,
// handover, stopping or hurry.
type arrival interface {
	// take hands it to the core, and returns how many inputs of the core it was.
	take(*owner) int
}

// owner is the one goroutine that has the branch's core, log and links in its hands. It works in batches: what arrives
// while one batch is handled goes in the next. A batch is committed to the store, if there is one, then its trace lines
// are written, then its messages and replies go. While a commit is under way the core steps on, and all that comes of it
// goes into the next one.
type owner struct {
	cfg      Config
	core     *branch.Branch
	arrivals chan arrival
	quit     chan struct{} // closed when nothing arrives any more but questions
	drained  chan struct{} // closed when the branch takes no requests and none are under way
	finished chan struct{} // closed when run has returned
	fail     func(error)   // ends Serve
	refuse   func(error)   // says once that a message was refused
	health   *vitals

	next    *stage // what the steps have brought about since the last batch was sent on
	flying  *stage // what is being committed
	spare   *stage
	commits *committer // nil without a store

	calls     map[uint64]*call // by waiter
	handed    uint64           // snapshots asked for
	handovers map[uint64]chan *branch.Snapshot
	peers     map[string]*peer
	stopped   bool // requests are refused
	failed    *failure

	log     *logKeeper
	changes changes
}

// stage is what some steps have brought about, on its way through the store and the log to the links and callers.
type stage struct {
	effects branch.Effects
	asked   []question
	changed bool // beside the events: a link came or went
}

// failure is why nothing is let go any more.
type failure struct {
	err    error
	reason branch.Reason
	abrupt bool // as if the process had been killed: not even the log's buffer is written
}

// peer is what the owner knows of another branch.
type peer struct {
	link        *link  // nil while none stands
	sent, taken uint64 // messages: send and receive events
}

func newOwner(cfg Config, core *branch.Branch, log *logKeeper, health *vitals, fail, refuse func(error)) *owner {
	o := &owner{
		cfg: cfg, core: core, fail: fail, refuse: refuse, log: log, health: health,
		arrivals: make(chan arrival, maxBatch), quit: make(chan struct{}),
		drained: make(chan struct{}), finished: make(chan struct{}),
		next: &stage{}, spare: &stage{},
		calls: map[uint64]*call{}, handovers: map[uint64]chan *branch.Snapshot{}, peers: map[string]*peer{},
	}
	for _, name := range cfg.Branch.Branches {
		if name != cfg.Branch.Name {
			o.peers[name] = &peer{}
		}
	}
	return o
}

// run handles arrivals until quit is closed and none are left, and then closes the log. It returns why the branch failed.
func (o *owner) run() error {
	defer o.changes.end()
	defer close(o.finished)
	if err := o.log.begin(); err != nil {
		o.broke(&failure{err: fmt.Errorf("server: %s cannot begin: %w", o.cfg.Branch.Name, err), reason: ReasonStoreFailed})
	}
	if o.cfg.Store != nil && o.failed == nil {
		o.commits = newCommitter(o.cfg)
	}
	o.beat()
	retry := time.NewTicker(o.cfg.RetryInterval)
	defer retry.Stop()
	for open := true; open; {
		arrivals := o.arrivals
		if len(o.next.effects.Events) >= maxStaged {
			arrivals = nil
		}
		select {
		case a := <-arrivals:
			o.batch(a)
		case err := <-o.commits.results():
			o.committed(err)
		case <-o.quit:
			if open = len(o.arrivals) > 0; open {
				o.batch(<-o.arrivals)
			}
		case <-retry.C:
			o.core.Step(branch.Retry{}, &o.next.effects)
			o.forward()
		case <-o.log.flush.C:
			o.logged(o.log.flushed())
		case err := <-o.log.synced:
			o.logged(o.log.wasSynced(err))
		case <-o.log.sync.C:
			o.logged(o.log.startSync())
		}
	}
	return o.end()
}

// end lets what is under way come to its end and closes the log.
func (o *owner) end() error {
	for o.flying != nil {
		o.committed(<-o.commits.results())
	}
	o.commits.end()
	if o.failed == nil {
		o.logged(o.log.end(&trace.End{Process: o.cfg.Branch.Name, Events: o.core.Events(), Clock: o.core.Now()}))
	} else {
		o.log.abandon(o.failed.abrupt)
	}
	if o.failed == nil {
		return nil
	}
	return o.failed.err
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
	o.forward()
}

// forward ends a batch and sends it on. While a commit is under way the batch waits and grows.
func (o *owner) forward() {
	if o.flying != nil {
		return
	}
	s := o.next
	o.core.Step(branch.Flush{}, &s.effects)
	o.account(s)
	if s.effects.Fatal != nil {
		o.broke(o.outdated(s.effects.Fatal))
	}
	for _, err := range s.effects.Refused {
		o.refuse(err)
	}
	if o.commits == nil || o.failed != nil || !s.changesState() {
		o.record(s)
		o.release(s)
		return
	}
	o.next, o.flying, o.spare = o.spare, s, nil
	o.commits.start(s, o.log.durable())
}

// committed goes on with the batch that was under way to the store, and starts the next commit.
func (o *owner) committed(err error) {
	s := o.flying
	o.flying = nil
	if killed := (*killedError)(nil); errors.As(err, &killed) {
		o.broke(&failure{err: killed.error, reason: ReasonStopping, abrupt: true})
	} else if err != nil {
		o.broke(&failure{err: fmt.Errorf("server: the data of %s cannot be written, it takes no requests any more: %w",
			o.cfg.Branch.Name, err), reason: ReasonStoreFailed})
	}
	o.crash(afterCommit, s)
	o.record(s)
	o.crash(afterLog, s)
	o.release(s)
	o.crash(afterSend, s)
	o.spare = s
	o.forward()
}

// account notes what a batch means for the status, and answers who asked for it meanwhile.
func (o *owner) account(s *stage) {
	wall := time.Now().UnixNano()
	for i := range s.effects.Events {
		e := &s.effects.Events[i]
		e.Wall = wall
		if e.Kind == trace.Receive && e.Step != trace.StepRequest {
			o.peers[e.Peer].taken++
		}
	}
	for i := range s.effects.Messages {
		m := &s.effects.Messages[i]
		o.peers[m.To].sent++
	}
	s.changed = s.changed || len(s.effects.Events) > 0
	for _, q := range s.asked {
		q.look(o)
	}
}

// record writes the trace lines of a batch.
func (o *owner) record(s *stage) {
	if o.failed == nil && !o.crash(midLine, s) {
		o.logged(o.log.events(s.effects.Events))
	}
}

// release lets the messages, replies and answers of a batch go.
func (o *owner) release(s *stage) {
	if o.failed == nil {
		o.deliver(s.effects.Messages)
	}
	for i := range s.effects.Replies {
		r := &s.effects.Replies[i]
		if c := o.calls[r.Waiter]; c != nil && o.failed == nil {
			delete(o.calls, r.Waiter)
			c.answer <- answer{Reply: *r}
		}
	}
	o.handOver(s.effects.Handovers)
	if o.failed != nil {
		o.dismiss()
	}
	o.beat()
	if s.changed {
		o.changes.happened()
	}
	for _, q := range s.asked {
		close(q.done)
	}
	s.effects.Reset()
	clear(s.asked)
	s.asked, s.changed = s.asked[:0], false
}

// dismiss answers the requests under way after a failure: what became of them the branch cannot say.
func (o *owner) dismiss() {
	for waiter, c := range o.calls {
		delete(o.calls, waiter)
		c.answer <- answer{err: o.refusal()}
	}
}

// beat tells the health service how the branch is, and Serve when it has nothing left to do.
func (o *owner) beat() {
	o.health.beat(o)
	if o.stopped && len(o.calls) == 0 {
		select {
		case <-o.drained:
		default:
			close(o.drained)
		}
	}
}

// deliver puts messages into their links' outboxes. Where no link stands they are lost, as on any datagram link.
func (o *owner) deliver(messages []branch.Message) {
	for i := range messages {
		if p := o.peers[messages[i].To]; p.link != nil {
			p.link.staged = append(p.link.staged, messages[i])
		}
	}
	for _, p := range o.peers {
		if p.link != nil && len(p.link.staged) > 0 {
			p.link.post()
		}
	}
}

// logged notes a failure of the log.
func (o *owner) logged(err error) {
	if err != nil {
		o.broke(&failure{err: fmt.Errorf("server: the log of %s cannot be written: %w", o.cfg.Branch.Name, err), reason: ReasonLogFailed})
	}
}

// outdated says why a branch stops whose peers know more of it than it does.
func (o *owner) outdated(err error) *failure {
	if o.cfg.Store == nil {
		err = fmt.Errorf("%w; a branch without a store cannot join a bank again: start all branches anew", err)
	}
	return &failure{err: fmt.Errorf("server: %w", err), reason: ReasonOldCopy}
}

// broke notes the first failure. From then on nothing may leave: what is not stored and recorded must cause nothing.
func (o *owner) broke(f *failure) {
	if o.failed != nil {
		return
	}
	o.failed, o.log.dead = f, true
	if !f.abrupt {
		o.cfg.Logger.Error().Err(f.err).Msg("the branch stops")
	}
	o.fail(f.err)
}

// submit hands an arrival to the owner, who outlives all that submit.
func (o *owner) submit(a arrival) { o.arrivals <- a }

// stopping makes the owner refuse requests from now on.
type stopping struct{}

func (stopping) take(o *owner) int {
	o.stopped = true
	return 0
}

// hurry makes the owner answer the requests that still wait.
type hurry struct{}

func (hurry) take(o *owner) int {
	n := len(o.calls)
	for waiter := range o.calls {
		o.core.Step(branch.Expire{Waiter: waiter}, &o.next.effects)
	}
	return n
}
