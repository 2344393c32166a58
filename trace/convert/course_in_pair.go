package convert

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// messageKey is what a send and its receive have in common. A customer's send does not name its branch.
type messageKey struct {
	request  int64
	op       string
	response bool
	from, to string
}

type messageGroup struct {
	key             messageKey
	sends, receives []*courseEntry
}

func (e *courseEntry) message() messageKey {
	k := messageKey{e.request, e.op.base, e.op.phase == phaseResponse, e.process, e.peer}
	if e.dir == dirFrom {
		k.from, k.to = e.peer, e.process
	}
	if isCustomer(k.from) {
		k.to = ""
	}
	k.response = k.response || isCustomer(k.to)
	return k
}

// pair finds for each receive its send.
//
//  1. Group sends and receives by request, operation and ends.
//  2. In a group, pair them in the order of their clocks; entries with a problem of their own come last.
//  3. Of the receives that are left, find the send that was probably meant, to say what is wrong.
//  4. The sends that are left were received by nobody.
func (r *courseReader) pair() {
	groups := r.groupMessages()
	r.findCustomers()
	var sends, receives []*courseEntry
	several := 0
	for _, g := range groups {
		slices.SortStableFunc(g.sends, inPairingOrder)
		slices.SortStableFunc(g.receives, inPairingOrder)
		n := min(len(g.sends), len(g.receives))
		if n > 1 {
			several += n
		}
		for i := range n {
			pairEntries(g.sends[i], g.receives[i])
		}
		r.extraSends(g, n, &sends)
		r.extraReceives(g, n, &receives)
	}
	if several > 0 {
		r.note("%d messages share request, operation and ends with another; the first receive by clock is paired with the first send, and so on", several)
	}
	d := newDiagnosis(r, sends)
	d.receives(receives)
	for _, e := range sends {
		d.send(e)
	}
	if len(groups) > 0 {
		r.note("replies, from a branch to its customer or to the branch that propagated, have no send in this format: whether their clocks are right is outside what can be checked")
	}
}

func (r *courseReader) groupMessages() []*messageGroup {
	byKey := map[messageKey]*messageGroup{}
	var groups []*messageGroup
	for _, e := range r.all {
		if e.dir == dirNone || e.unpairable {
			continue
		}
		k := e.message()
		g := byKey[k]
		if g == nil {
			g = &messageGroup{key: k}
			byKey[k] = g
			groups = append(groups, g)
		}
		if e.dir == dirFrom {
			g.receives = append(g.receives, e)
			continue
		}
		e.ev.Kind = trace.Send
		if e.dir == dirTo {
			e.ev.Peer = e.peer
		}
		g.sends = append(g.sends, e)
	}
	return groups
}

// findCustomers notes whose each request is, where it is one customer's alone.
func (r *courseReader) findCustomers() {
	r.customerOf = map[int64]string{}
	for _, e := range r.all {
		if !isCustomer(e.process) || e.dir != dirSentBy && e.dir != dirTo || e.unpairable {
			continue
		}
		if c, known := r.customerOf[e.request]; known && c != e.process {
			r.customerOf[e.request] = ""
			r.note("customers share request numbers; a branch's messages of them are told apart by clock alone")
			continue
		}
		r.customerOf[e.request] = e.process
	}
}

func inPairingOrder(a, b *courseEntry) int {
	rank := func(e *courseEntry) int {
		switch {
		case e.op.phase == phaseExecute:
			return 2
		case e.mislabelled:
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), byClock(a, b))
}

// extraSends deals with the sends of a group that no receive is left for.
func (r *courseReader) extraSends(g *messageGroup, n int, left *[]*courseEntry) {
	for _, e := range g.sends[n:] {
		switch {
		case e.op.phase == phaseExecute && n > 0:
			r.executed(e)
		case n > 0:
			r.problem(e, CourseTwoSends, fmt.Sprintf("request %d's %s is sent here once more than it is received; the first is at %s", e.request, e.op, g.sends[0].place()),
				"log each send once, and each receive once at its receiver")
		default:
			*left = append(*left, e)
		}
	}
}

func (r *courseReader) extraReceives(g *messageGroup, n int, left *[]*courseEntry) {
	for _, e := range g.receives[n:] {
		switch {
		case e.op.phase == phaseExecute && n > 0:
			r.executed(e)
		case e.mislabelled: // it is known why
		case n > 0:
			r.problem(e, CourseTwoReceives, fmt.Sprintf("request %d's %s from %s is received here once more than it is sent; the first is at %s", e.request, e.op, spoken(e.peer), g.receives[0].place()),
				"log each receive once, with its own request and sender")
		default:
			*left = append(*left, e)
		}
	}
}

// executed makes an entry local: beside the message itself, its execution was logged with the same comment.
func (r *courseReader) executed(e *courseEntry) {
	e.ev.Kind, e.ev.Peer = trace.Local, ""
	r.note("executions, which no message starts or ends with, are taken for local events: %N")
}
