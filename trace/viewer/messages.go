package viewer

import (
	"cmp"
	"slices"
	"sort"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// message is a message that was received.
type message struct{ send, receive causal.At }

// messages are all messages that were received.
type messages struct {
	all    []message // by low
	tops   []uint64  // of each block of them, the greatest high
	bySend []int32   // of all, by process and place of the send
}

// messageBlock is the number of messages in a block. A block that ends before a stretch of clocks is passed over as a whole.
const messageBlock = 256

// low and high are the ends of a message by clock. In a faulty trace the receive may be the lower one.
func (ix *index) low(m message) uint64  { return min(ix.clock(m.send), ix.clock(m.receive)) }
func (ix *index) high(m message) uint64 { return max(ix.clock(m.send), ix.clock(m.receive)) }

func (ix *index) clock(at causal.At) uint64 { return ix.lanes[at.Process].clocks[at.Pos] }

// readMessages takes the messages from the graph, and marks the events that have none.
func (ix *index) readMessages() error {
	m := &ix.messages
	received, paired := ix.bits(), ix.bits()
	err := ix.trace.EachMessage(func(send, receive causal.At) {
		m.all = append(m.all, message{send, receive})
		if received[send.Process][send.Pos] {
			ix.lanes[receive.Process].marks[receive.Pos] |= markDuplicate
		}
		received[send.Process][send.Pos] = true
		paired[receive.Process][receive.Pos] = true
	})
	if err != nil {
		return err
	}
	slices.SortFunc(m.all, func(a, b message) int {
		return cmp.Or(cmp.Compare(ix.low(a), ix.low(b)), compareAt(a.send, b.send), compareAt(a.receive, b.receive))
	})
	m.bySend = make([]int32, len(m.all))
	for i, x := range m.all {
		if i%messageBlock == 0 {
			m.tops = append(m.tops, 0)
		}
		m.tops[i/messageBlock] = max(m.tops[i/messageBlock], ix.high(x))
		m.bySend[i] = int32(i)
	}
	slices.SortFunc(m.bySend, func(a, b int32) int {
		return cmp.Or(compareAt(m.all[a].send, m.all[b].send), cmp.Compare(a, b))
	})
	for p, l := range ix.lanes {
		for pos, mark := range l.marks {
			switch trace.Kind(mark & markKind) {
			case trace.Send:
				if !received[p][pos] {
					l.marks[pos] |= ix.unreceived(l.peer(int32(pos)))
				}
			case trace.Receive:
				if !paired[p][pos] && !ix.growing {
					l.marks[pos] |= markOrphan
				}
			}
		}
	}
	return nil
}

func (ix *index) bits() [][]bool {
	all := make([][]bool, len(ix.lanes))
	for i, l := range ix.lanes {
		all[i] = make([]bool, l.len())
	}
	return all
}

// unreceived returns the mark of a send to a process that has not received it.
func (ix *index) unreceived(peer int32) uint8 {
	if ix.growing || peer < 0 || !ix.lanes[peer].logged || ix.lanes[peer].cut {
		return markInFlight
	}
	return markLost
}

func compareAt(a, b causal.At) int {
	return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(a.Pos, b.Pos))
}

// within calls do with the messages that are under way between two clocks, both included, until it returns false.
func (ix *index) within(lo, hi uint64, do func(message) bool) {
	m := &ix.messages
	end := m.from(ix, hi+1)
	for b := 0; b*messageBlock < end; b++ {
		if m.tops[b] < lo {
			continue
		}
		for _, x := range m.all[b*messageBlock : min(end, (b+1)*messageBlock)] {
			if ix.high(x) >= lo && !do(x) {
				return
			}
		}
	}
}

// from returns how many messages begin below clock c.
func (m *messages) from(ix *index, c uint64) int {
	return sort.Search(len(m.all), func(i int) bool { return ix.low(m.all[i]) >= c })
}

// receives returns the events that received what an event sent, at most limit of them.
func (m *messages) receives(send causal.At, limit int) []causal.At {
	i := sort.Search(len(m.bySend), func(i int) bool { return compareAt(m.all[m.bySend[i]].send, send) >= 0 })
	var found []causal.At
	for ; i < len(m.bySend) && len(found) < limit && m.all[m.bySend[i]].send == send; i++ {
		found = append(found, m.all[m.bySend[i]].receive)
	}
	return found
}
