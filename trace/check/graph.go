package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func causalityRules() []Rule {
	return []Rule{{
		Name:      "causality/cycle",
		Statement: "No event happens before itself.",
		Reason:    "Happens-before is an order; events that each happened before the other cannot be put in one.",
		Source:    lamport + ", section \"The Partial Ordering\"",
		Mistake:   "A receive recorded the number of a message that its sender sent only later, or log lines were reordered.",
		Exit:      1,
	}}
}

// maxNodes is how many events the graph holds. With 104 bytes for each, and some more to find the sends by, check stays
// below 200 MiB.
const maxNodes = 600_000

const fewNodes = 1 << 12

// node is an event of the graph.
type node struct {
	spot
	kind  trace.Kind
	cause message  // of a receive
	done  trace.ID // request that this event executed with success
	next  int32    // the process's next node; 0 for none, node 0 is no event
	prev  int32
	send  int32 // of a receive: its send
	// of a send: the first of its receives; of a receive: the next receive of the same send
	receive int32
}

// question asks whether an execute of the request is in the past of an event.
type question struct {
	request trace.ID
	of      spot
	lo, hi  uint64 // clocks of the event and of the executes
}

// graph is the part of happens-before that decides about cycles, and about pasts that reach over several logs.
//
//  1. Only what the first two passes leave open is wanted. The clock rises along every step of happens-before but those
//     that are clock findings. So each event of a cycle has a clock that one of these steps jumps back over: between the
//     clock of its later event and that of its earlier one. The same goes for a path from an execute to a respond,
//     whose clocks are part of the range too.
//  2. One more reading collects the sends and receives with clocks in these ranges: the nodes. Each leads to the next one
//     of its process, and a send to its receives.
//  3. The knots (strongly connected parts) are found as in R. Tarjan, "Depth-First Search and Linear Graph Algorithms",
//     SIAM J. Comput. 1(2), 1972, with a stack of its own instead of recursion.
//  4. A knot is one finding: of its receives whose send is in it, that with the least name, and a shortest path back to
//     the send.
type graph struct {
	*engine
	*tally
	ranges    []span // of clocks
	questions []question
	requests  map[trace.ID]bool // of questions

	nodes  []node
	last   map[*proc]int32
	sends  map[message]int32
	limit  int // of nodes
	full   bool
	first  spot // of the nodes, where it is full
	cycles bool // some clock goes back
}

func newGraph(e *engine) *graph {
	return &graph{engine: e, tally: e.tally, requests: map[trace.ID]bool{}, nodes: make([]node, 1),
		last: map[*proc]int32{}, sends: map[message]int32{}, limit: maxNodes}
}

// backwards takes a step of happens-before whose clock does not rise.
func (g *graph) backwards(to, from uint64) {
	g.cycles = true
	g.want(span{to, from})
}

func (g *graph) want(r span) {
	g.ranges = append(g.ranges, r)
	if len(g.ranges) >= 4096 && len(g.ranges)&(len(g.ranges)-1) == 0 {
		g.join()
	}
}

// ask has it found out whether an execute of the request is in the past of an event.
func (g *graph) ask(q question) {
	g.questions = append(g.questions, q)
	g.requests[q.request] = true
	g.want(span{q.lo, q.hi})
}

// join makes the ranges rise, without overlap.
func (g *graph) join() {
	slices.SortFunc(g.ranges, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	joined := g.ranges[:0]
	for _, r := range g.ranges {
		if n := len(joined); n > 0 && r.lo <= joined[n-1].hi {
			joined[n-1].hi = max(joined[n-1].hi, r.hi)
			continue
		}
		joined = append(joined, r)
	}
	g.ranges = joined
}

// wanted reports whether anything is left to find out.
func (g *graph) wanted() bool {
	if !g.on[causalityCycle] {
		g.cycles = false
	}
	g.join()
	return g.cycles || len(g.questions) > 0
}

func (g *graph) covers(clock uint64) bool {
	i, found := slices.BinarySearchFunc(g.ranges, clock, func(r span, c uint64) int { return cmp.Compare(r.lo, c) })
	return found || i > 0 && clock <= g.ranges[i-1].hi
}

func (g *graph) visit(v *visit) {
	if g.full || !g.covers(v.e.Clock) {
		return
	}
	n := node{kind: v.e.Kind}
	switch {
	case v.e.Step == trace.StepExecute && v.e.Result == trace.OK && g.requests[v.e.Request]:
		n.done = v.e.Request
	case v.peer == nil:
		return
	}
	if n.kind == trace.Receive && v.peer != nil {
		n.cause = message{v.peer.id, v.e.Cause}
	}
	if len(g.nodes) > g.limit {
		g.full = true
		g.first, g.nodes, g.last, g.sends = g.nodes[1].spot, nil, nil, nil
		return
	}
	if len(g.nodes) == fewNodes { // at once: growing step by step takes twice the memory
		g.nodes = slices.Grow(g.nodes, g.limit)
	}
	i := int32(len(g.nodes))
	n.spot, n.prev = v.spot(), g.last[v.p]
	g.nodes = append(g.nodes, n)
	g.nodes[n.prev].next = i
	g.last[v.p] = i
	if n.kind == trace.Send && !v.repeated {
		g.sends[message{v.p.id, v.e.Seq}] = i
	}
}

func (g *graph) settle() {
	if g.full {
		g.tooLarge()
		return
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		if send := g.sends[n.cause]; send > 0 && n.kind == trace.Receive {
			n.send, n.receive = send, g.nodes[send].receive
			g.nodes[send].receive = int32(i)
		}
	}
	if g.cycles {
		g.findCycles()
	}
	for _, q := range g.questions {
		if !g.executedBefore(q) {
			g.requestFamily().unexecuted(q.of, q.request)
		}
	}
}

func (g *graph) tooLarge() {
	add := func(rule ruleID, s spot) {
		g.add(rule, finding{event: s, warning: true,
			message: fmt.Sprintf("This could not be decided: more than %d messages have clocks between those of events that clocks put "+
				"in the wrong order. Mend the other findings first.", g.limit)})
	}
	if g.cycles {
		add(causalityCycle, g.first)
	}
	for _, q := range g.questions {
		add(requestUnexecuted, q.of)
	}
}

// after calls do for each node right after node i.
func (g *graph) after(i int32, do func(j int32)) {
	n := &g.nodes[i]
	if n.next > 0 {
		do(n.next)
	}
	if n.kind != trace.Send {
		return
	}
	for j := n.receive; j > 0; j = g.nodes[j].receive {
		do(j)
	}
}

// executedBefore searches the past of an event for the execute.
func (g *graph) executedBefore(q question) bool {
	start := g.sends[message{q.of.p.id, q.of.seq}]
	if start == 0 {
		return true // its number was used twice: which event it is cannot be said
	}
	seen := make([]bool, len(g.nodes))
	todo := []int32{start}
	for len(todo) > 0 {
		n := g.nodes[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		for _, j := range []int32{n.prev, n.send} {
			if j == 0 || seen[j] {
				continue
			}
			if g.nodes[j].done == q.request {
				return true
			}
			seen[j] = true
			todo = append(todo, j)
		}
	}
	return false
}

// findCycles reports each knot.
func (g *graph) findCycles() {
	knots := g.knots()
	first := map[int32]int32{} // knot -> its receive with the least name
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.send == 0 || knots[i] != knots[n.send] {
			continue
		}
		old := first[knots[i]]
		if old == 0 || cmp.Or(cmp.Compare(n.name(), g.nodes[old].name()), cmp.Compare(n.seq, g.nodes[old].seq)) < 0 {
			first[knots[i]] = int32(i)
		}
	}
	for knot, i := range first {
		receive, send := g.nodes[i], g.nodes[g.nodes[i].send]
		g.add(causalityCycle, finding{
			event: receive.spot, other: send.spot, path: g.back(i, knot, knots),
			message: fmt.Sprintf("%s receives message %s, and happens before it: the receive leads to its own send.",
				receive.ref(), send.ref()),
			expected: "a send that does not depend on its receive",
		})
	}
}

// knots numbers the strongly connected parts of the graph.
func (g *graph) knots() []int32 {
	count := len(g.nodes)
	knot, index, low := make([]int32, count), make([]int32, count), make([]int32, count)
	edge := make([]int32, count) // the node's next edge: -1 is the one to its process's next node, else a receive, 0 for none
	var stack, path []int32
	number, found := int32(0), int32(0)
	for root := 1; root < count; root++ {
		if index[root] > 0 {
			continue
		}
		path = append(path[:0], int32(root))
		for len(path) > 0 {
			i := path[len(path)-1]
			if index[i] == 0 {
				number++
				index[i], low[i], edge[i] = number, number, -1
				stack = append(stack, i)
			}
			j, more := g.follow(i, edge)
			switch {
			case more && j > 0 && index[j] == 0:
				path = append(path, j)
			case more && j > 0 && knot[j] == 0:
				low[i] = min(low[i], index[j])
			case !more:
				path = path[:len(path)-1]
				if len(path) > 0 {
					parent := path[len(path)-1]
					low[parent] = min(low[parent], low[i])
				}
				if low[i] == index[i] {
					found++
					for top := int32(0); top != i; stack = stack[:len(stack)-1] {
						top = stack[len(stack)-1]
						knot[top] = found
					}
				}
			}
		}
	}
	return knot
}

// follow returns the node at the end of i's next edge, 0 for none there, and false after the last.
func (g *graph) follow(i int32, edge []int32) (int32, bool) {
	n := &g.nodes[i]
	switch e := edge[i]; {
	case e == -1:
		edge[i] = 0
		if n.kind == trace.Send {
			edge[i] = n.receive
		}
		return n.next, true
	case e > 0:
		edge[i] = g.nodes[e].receive
		return e, true
	}
	return 0, false
}

// back returns a shortest cycle from the send of receive i over i back to the send, breadth first within their knot.
func (g *graph) back(i, knot int32, knots []int32) []string {
	from := map[int32]int32{i: 0}
	for todo := []int32{i}; len(todo) > 0 && from[g.nodes[i].send] == 0; todo = todo[1:] {
		g.after(todo[0], func(j int32) {
			if _, seen := from[j]; !seen && knots[j] == knot {
				from[j] = todo[0]
				todo = append(todo, j)
			}
		})
	}
	send := g.nodes[i].send
	var steps []node
	for j := send; j > 0; j = from[j] {
		steps = append(steps, g.nodes[j])
	}
	slices.Reverse(steps)
	path := []string{g.nodes[send].ref().String()}
	for k, s := range steps {
		if k > 0 && k < len(steps)-1 && steps[k-1].p == s.p && steps[k+1].p == s.p {
			continue
		}
		path = append(path, s.ref().String())
	}
	return path
}
