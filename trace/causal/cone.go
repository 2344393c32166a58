package causal

// Past is what happens before an event: of each process the first part of its log. Past[p] is the number of events of
// process p that are in it; none of p's later ones are. It is the event's vector clock, but that a vector clock counts
// the event itself, too.
type Past []int32

// Has reports whether an event is in the past.
func (p Past) Has(at At) bool { return at.Pos < p[at.Process] }

// Future is what happens after an event: of each process the rest of its log from some event on. Future[p] is the place
// of the first event of process p that is in it; none of p's earlier ones are. It is the length of the log or more where
// the process has none.
type Future []int32

// Has reports whether an event is in the future.
func (f Future) Has(at At) bool { return at.Pos >= f[at.Process] }

// Past returns what happens before an event. The event itself is in it only if it is on a cycle.
//
//  1. A process whose part has grown is queued.
//  2. Its receives in the part that were not read yet are: each makes the part of its sender reach to its send.
//
// Each receive of the past is read once.
func (g *Graph) Past(of At) (Past, error) {
	past := make(Past, len(g.procs))
	q := newQueue(len(g.procs))
	grow := func(p, to int32) {
		if to > past[p] {
			past[p] = to
			q.push(p)
		}
	}
	grow(of.Process, of.Pos)
	send, received, err := g.Cause(of)
	if err != nil {
		return nil, err
	}
	if received {
		grow(send.Process, send.Pos+1)
	}
	cursors := make([]*cursor, len(g.procs))
	for p, ok := q.pop(); ok; p, ok = q.pop() {
		if cursors[p] == nil {
			cursors[p] = g.cursor(p)
		}
		c := cursors[p]
		for c.more(past[p]) {
			r := c.take()
			grow(r.peer, int32(r.send)+1)
		}
		if c.err != nil {
			return nil, c.err
		}
	}
	return past, nil
}

// Future returns what happens after an event. The event itself is in it only if it is on a cycle.
//
//  1. Whoever received from a process whose part has grown is queued.
//  2. The first receive of a queued process whose send is in the future, or is the event, is where its part begins.
func (g *Graph) Future(of At) (Future, error) {
	future := make(Future, len(g.procs))
	for p := range future {
		future[p] = none
	}
	future[of.Process] = of.Pos + 1
	hearers := g.hearers()
	q := newQueue(len(g.procs))
	grown := func(p int32) {
		for _, h := range hearers[p] {
			q.push(h)
		}
	}
	grown(of.Process)
	for p, ok := q.pop(); ok; p, ok = q.pop() {
		err := g.eachReceive(p, future[p], func(r receive) bool {
			send := At{r.peer, int32(r.send)}
			if send != of && !future.Has(send) {
				return true
			}
			future[p] = r.pos
			grown(p)
			return false
		})
		if err != nil {
			return nil, err
		}
	}
	return future, nil
}

// hearers returns for each process those that received from it.
func (g *Graph) hearers() [][]int32 {
	hearers := make([][]int32, len(g.procs))
	for p := range g.procs {
		for _, from := range g.procs[p].heard {
			hearers[from] = append(hearers[from], int32(p))
		}
	}
	return hearers
}

// Relation is how two events stand to each other.
type Relation uint8

// The relations. Both is that of two events on a cycle, or of an event on a cycle to itself; an event that is on none is
// Concurrent with itself.
const (
	Concurrent Relation = iota
	Before
	After
	Both
)

func (r Relation) String() string {
	return [...]string{"concurrent", "before", "after", "before and after"}[r]
}

// Relate says how event a stands to event b, Before if it happens before b, and returns the past of each.
func (g *Graph) Relate(a, b At) (r Relation, ofA, ofB Past, err error) {
	if ofA, err = g.Past(a); err != nil {
		return 0, nil, nil, err
	}
	if ofB, err = g.Past(b); err != nil {
		return 0, nil, nil, err
	}
	if ofB.Has(a) {
		r |= Before
	}
	if ofA.Has(b) {
		r |= After
	}
	return r, ofA, ofB, nil
}

// queue is the processes that wait for their turn, each once.
type queue struct {
	list   []int32
	waits  []bool
	popped int
}

func newQueue(n int) *queue { return &queue{waits: make([]bool, n)} }

func (q *queue) push(p int32) {
	if !q.waits[p] {
		q.waits[p] = true
		q.list = append(q.list, p)
	}
}

func (q *queue) pop() (int32, bool) {
	if q.popped == len(q.list) {
		return 0, false
	}
	p := q.list[q.popped]
	q.popped++
	if q.popped == len(q.waits) { // at most that many wait
		q.list = append(q.list[:0], q.list[q.popped:]...)
		q.popped = 0
	}
	q.waits[p] = false
	return p, true
}
