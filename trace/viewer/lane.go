package viewer

import (
	"cmp"
	"slices"
	"sort"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// What the mark of an event says: its kind in the two lowest bits, and what is to be drawn with it.
const (
	markKind      uint8 = 3
	markFinding   uint8 = 4  // a finding is about it
	markLost      uint8 = 8  // a send that nobody received, though the log of its peer has ended
	markInFlight  uint8 = 16 // a send that nobody received as far as the logs go
	markOrphan    uint8 = 32 // a receive without a send in the trace
	markDuplicate uint8 = 64 // a receive of a message that was received before
)

// lane is what the index holds of one process: columns, with a place for each event in the order of the log.
type lane struct {
	name     string
	role     string
	clocks   []uint64
	marks    []uint8
	steps    []uint8
	peers    []int32 // of names
	requests []int32 // of ids; 0 for none
	writes   []int32 // of ids; 0 for none
	accounts []int32 // of accountsOf; 0 for none
	order    []int32 // places by clock; nil where the log is in that order
	restarts []int32 // places of the first events of later incarnations

	names      table[string]
	ids        table[trace.ID]
	accountsOf table[[2]string] // account and to_account
	rank       []int32          // names -> process of the graph, once all are known
	logged     bool
	cut        bool
}

// table numbers the values of a column; 0 is the zero value.
type table[T comparable] struct {
	number map[T]int32
	values []T
	last   T
	lastN  int32
}

func newTable[T comparable]() table[T] {
	var zero T
	return table[T]{number: map[T]int32{zero: 0}, values: []T{zero}}
}

func (t *table[T]) of(v T) int32 {
	if v == t.last {
		return t.lastN
	}
	n, ok := t.number[v]
	if !ok {
		n = int32(len(t.values))
		t.number[v] = n
		t.values = append(t.values, v)
	}
	t.last, t.lastN = v, n
	return n
}

func newLane(name string) *lane {
	return &lane{name: name, names: newTable[string](), ids: newTable[trace.ID](), accountsOf: newTable[[2]string]()}
}

func (l *lane) len() int { return len(l.clocks) }

// add takes the next event of the log.
func (l *lane) add(e *trace.Event) {
	l.clocks = append(l.clocks, e.Clock)
	l.marks = append(l.marks, uint8(e.Kind)&markKind)
	l.steps = append(l.steps, uint8(e.Step))
	l.peers = append(l.peers, l.names.of(e.Peer))
	l.requests = append(l.requests, l.ids.of(e.Request))
	l.writes = append(l.writes, l.ids.of(e.Write))
	l.accounts = append(l.accounts, l.accountsOf.of([2]string{e.Account, e.ToAccount}))
}

// cutTo forgets all but the first n events.
func (l *lane) cutTo(n int) {
	if n >= l.len() {
		return
	}
	l.clocks, l.marks, l.steps, l.peers = l.clocks[:n], l.marks[:n], l.steps[:n], l.peers[:n]
	l.requests, l.writes, l.accounts = l.requests[:n], l.writes[:n], l.accounts[:n]
	l.restarts = slices.DeleteFunc(l.restarts, func(pos int32) bool { return int(pos) > n })
}

// header takes a header of the log.
func (l *lane) header(h *trace.Header) {
	l.role = cmp.Or(h.Role, l.role)
	if h.Incarnation > 1 {
		l.restarts = append(l.restarts, int32(l.len()))
	}
}

// settle makes the lane ready to be asked. In a faulty log clocks may fall, so that its order is not that of the clocks.
func (l *lane) settle(process map[string]int32) {
	for _, name := range l.names.values {
		rank, ok := process[name]
		if !ok {
			rank = -1
		}
		l.rank = append(l.rank, rank)
	}
	if slices.IsSorted(l.clocks) {
		return
	}
	l.order = make([]int32, l.len())
	for i := range l.order {
		l.order[i] = int32(i)
	}
	slices.SortStableFunc(l.order, func(a, b int32) int { return cmp.Compare(l.clocks[a], l.clocks[b]) })
}

// at returns the place of the k-th event by clock.
func (l *lane) at(k int) int32 {
	if l.order == nil {
		return int32(k)
	}
	return l.order[k]
}

// from returns how many events have a clock below c.
func (l *lane) from(c uint64) int {
	return sort.Search(l.len(), func(k int) bool { return l.clocks[l.at(k)] >= c })
}

// between returns the range of at whose clocks are from lo to hi.
func (l *lane) between(lo, hi uint64) (from, to int) { return l.from(lo), l.from(hi + 1) }

// span returns the least and the greatest clock; 0, 0 for a log without events.
func (l *lane) span() (lo, hi uint64) {
	if l.len() == 0 {
		return 0, 0
	}
	return l.clocks[l.at(0)], l.clocks[l.at(l.len()-1)]
}

// near returns the place of the event whose clock is nearest to c; false for a log without events.
func (l *lane) near(c uint64) (int32, bool) {
	k := l.from(c)
	switch {
	case l.len() == 0:
		return 0, false
	case k == l.len() || k > 0 && c-l.clocks[l.at(k-1)] < l.clocks[l.at(k)]-c:
		k--
	}
	return l.at(k), true
}

// peer returns the process that an event names; -1 for none.
func (l *lane) peer(pos int32) int32 {
	if l.peers[pos] == 0 {
		return -1
	}
	return l.rank[l.peers[pos]]
}
