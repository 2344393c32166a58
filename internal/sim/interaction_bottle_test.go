package sim_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// bottle is a world in which nothing happens but by a step of a scenario. It is a third shell around the cores, beside
// the server and the simulator.
type bottle struct {
	t         *testing.T
	opening   map[string]int64
	names     []string // of the branches, in order
	branches  map[string]*replica
	customers map[string]*session
	links     map[link][]parcel // what is under way, the next first
	linked    map[link]bool     // pairs of branches (From < To) with a standing connection
	sides     map[string]string // of the partition: who is named in it is cut off from the other side
	lines     []string          // of the step under way
}

// link carries messages one way.
type link struct{ From, To string }

func (l link) String() string { return l.From + "->" + l.To }

// parcel is one message on a link.
type parcel struct {
	ref  trace.Ref // its send event
	body any       // *branch.Message, customer.Call or customer.Reply
}

// session is a customer and its log.
type session struct {
	*customer.Session
	log log
}

// replica is one branch with its disk and its log.
type replica struct {
	cfg         branch.Config
	core        *branch.Branch
	up          bool
	incarnation uint64
	callers     map[uint64]caller // by waiter
	waiter      uint64
	log         log
	twin        *horizons

	disk    *store.Memory
	journal []store.Batch // what the disk holds, to make copies of it
	slow    bool          // commits wait for a step
	cache   []branch.Effects
	copied  int // how much of the journal an old copy has
}

// caller is who gets the reply to a request.
type caller struct {
	customer string
	n        uint64
}

// log is the log file of one process.
type log struct {
	data   bytes.Buffer
	writer *trace.Writer
	seq    uint64 // of the newest event in it
}

func (l *log) event(e *trace.Event) error {
	l.seq = e.Seq
	return l.writer.Event(e)
}

func newBottle(t *testing.T) *bottle {
	return &bottle{t: t, branches: map[string]*replica{}, customers: map[string]*session{},
		links: map[link][]parcel{}, linked: map[link]bool{}}
}

func (b *bottle) say(format string, args ...any) {
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

// found opens the bank: branches that have recorded nothing, all connected.
func (b *bottle) found(names []string, opening map[string]int64) error {
	b.names, b.opening = slices.Sorted(slices.Values(names)), opening
	for _, name := range b.names {
		r := &replica{up: true, incarnation: 1, callers: map[uint64]caller{}, disk: store.NewMemory(), twin: newHorizons(),
			cfg: branch.Config{Name: name, Branches: names, Mode: branch.ModeTotal, Opening: opening}}
		var err error
		if r.core, err = branch.New(r.cfg); err != nil {
			return err
		}
		r.log.writer = trace.NewWriter(&r.log.data)
		h := r.cfg.Header(1)
		if err := r.log.writer.Header(&h); err != nil {
			return err
		}
		b.branches[name] = r
	}
	return b.relink()
}

// customer returns the customer with that name, who begins a session with his first step.
func (b *bottle) customer(name string) (*session, error) {
	if c, ok := b.customers[name]; ok {
		return c, nil
	}
	c := &session{Session: customer.NewSession(name)}
	c.log.writer = trace.NewWriter(&c.log.data)
	h := c.Header(1, b.names)
	b.customers[name] = c
	return c, c.log.writer.Header(&h)
}

// call puts a customer's call on its link.
func (b *bottle) call(c *session, call customer.Call, e trace.Event) error {
	b.say("%s%s", eventText(&e), tokenText(call.Token))
	b.put(link{c.Name(), call.Branch}, parcel{e.Ref(), call})
	return c.log.event(&e)
}

func (b *bottle) put(l link, p parcel) {
	if b.severed(l.From, l.To) {
		b.say("lost, as %s and %s are cut off from each other: %v", l.From, l.To, p.ref)
		return
	}
	b.links[l] = append(b.links[l], p)
}

// under returns the links that have messages under way, in order.
func (b *bottle) under() []link {
	var links []link
	for l, parcels := range b.links {
		if len(parcels) > 0 {
			links = append(links, l)
		}
	}
	slices.SortFunc(links, func(x, y link) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return links
}

// deliver takes the next message from a link to its receiver.
func (b *bottle) deliver(l link) error {
	parcels := b.links[l]
	if len(parcels) == 0 {
		return fmt.Errorf("nothing is under way on %v", l)
	}
	p := parcels[0]
	b.links[l] = parcels[1:]
	if reply, ok := p.body.(customer.Reply); ok {
		c := b.customers[l.To]
		e, err := c.Reply(reply)
		if err != nil {
			b.say("%s drops %v: %v", l.To, p.ref, err)
			return nil
		}
		b.say("%s", eventText(&e))
		return c.log.event(&e)
	}
	r := b.branches[l.To]
	if !r.up {
		b.say("lost, as %s is down: %v", l.To, p.ref)
		return nil
	}
	if call, ok := p.body.(customer.Call); ok {
		r.waiter++
		r.callers[r.waiter] = caller{l.From, call.N}
		return b.step(r, &branch.Request{Waiter: r.waiter, Stamp: call.Stamp, N: call.N,
			Operation: branch.Operation(call.Operation), Token: call.Token})
	}
	return b.step(r, p.body.(*branch.Message))
}

// step gives a branch one input. What comes of it is one batch for the disk, and is let go once that is durable.
func (b *bottle) step(r *replica, in branch.Input) error {
	var out branch.Effects
	took := r.core.Knows(sender(in)).Seq
	r.core.Step(in, &out)
	for _, err := range out.Refused {
		b.say("%s refuses: %v", r.cfg.Name, err)
	}
	if out.Fatal != nil {
		b.say("%s stops and lets nothing out: %v", r.cfg.Name, out.Fatal)
		return b.down(r)
	}
	m, isMessage := in.(*branch.Message)
	if isMessage && len(out.Events) == 0 && len(out.Refused) == 0 {
		b.say("%s drops %s:%d unrecorded: it has taken %s:%d", r.cfg.Name, m.Stamp.Process, m.Stamp.Seq, m.Stamp.Process, took)
	}
	cached := ""
	if r.slow {
		cached = "  (in the disk's cache)"
	}
	for i := range out.Events {
		b.say("%s%s%s", eventText(&out.Events[i]), effectText(&out, &out.Events[i]), cached)
	}
	if err := r.twin.follow(in, &out, r); err != nil {
		return fmt.Errorf("%s: %w", r.cfg.Name, err)
	}
	if len(out.Events) == 0 && len(out.Replies) == 0 && len(out.Durable.Taken) == 0 {
		return nil
	}
	r.disk.Write(store.Batch{Durable: &out.Durable, Events: out.Events})
	r.cache = append(r.cache, out)
	if r.slow {
		return nil
	}
	return b.commit(r)
}

func sender(in branch.Input) string {
	if m, ok := in.(*branch.Message); ok {
		return m.Stamp.Process
	}
	return ""
}

func (b *bottle) reply(r *replica, reply branch.Reply) {
	c, ok := r.callers[reply.Waiter]
	delete(r.callers, reply.Waiter)
	if !ok || reply.Stamp.Seq == 0 {
		return
	}
	b.put(link{r.cfg.Name, c.customer}, parcel{trace.Ref{Process: reply.Stamp.Process, Seq: reply.Stamp.Seq},
		customer.Reply{N: c.n, Stamp: reply.Stamp, Result: reply.Result, Balance: reply.Balance, ToBalance: reply.ToBalance,
			Sees: reply.Sees, Again: reply.Reason.Transient()}})
}

// severed reports whether a partition lies between two processes.
func (b *bottle) severed(x, y string) bool {
	return b.sides[x] != "" && b.sides[y] != "" && b.sides[x] != b.sides[y]
}

// relink makes connections of branches stand that can, and break that cannot, and tells both ends.
func (b *bottle) relink() error {
	for i, x := range b.names {
		for _, y := range b.names[i+1:] {
			ends, left, right := link{x, y}, b.branches[x], b.branches[y]
			switch want := left.up && right.up && !b.severed(x, y); {
			case want && !b.linked[ends]:
				b.linked[ends] = true
				toLeft := branch.PeerUp{Peer: y, Fresh: right.core.Fresh(), Knows: right.core.Knows(x)}
				toRight := branch.PeerUp{Peer: x, Fresh: left.core.Fresh(), Knows: left.core.Knows(y)}
				b.say("%s and %s shake hands: %s, %s", x, y, knowsText(toRight, y), knowsText(toLeft, x))
				if err := b.step(left, toLeft); err != nil {
					return err
				}
				if right.up && left.up {
					if err := b.step(right, toRight); err != nil {
						return err
					}
				}
			case !want && b.linked[ends]:
				delete(b.linked, ends)
				b.say("%s and %s lose their connection", x, y)
				for _, end := range []struct {
					r    *replica
					peer string
				}{{left, y}, {right, x}} {
					if !end.r.up {
						continue
					}
					if err := b.step(end.r, branch.PeerDown{Peer: end.peer}); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// settled reports whether nothing is under way and every write is executed everywhere.
func (b *bottle) settled() bool {
	for _, r := range b.branches {
		if !r.up || len(r.cache) > 0 || r.core.Pending() > 0 || !r.core.Executed().Equal(b.branches[b.names[0]].core.Executed()) {
			return false
		}
	}
	return len(b.under()) == 0
}

// waitersOf returns the requests of a customer that are under way at a branch, the oldest first.
func (r *replica) waitersOf(customer string) []uint64 {
	var waiters []uint64
	for _, w := range slices.Sorted(maps.Keys(r.callers)) {
		if r.callers[w].customer == customer {
			waiters = append(waiters, w)
		}
	}
	return waiters
}
