package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// oldProcess reads {"pid":2,"data":[{"id":2,"name":"deposit_request","clock":2}]}.
func (c *courseFile) oldProcess(v *jsonValue) {
	id, text, ok := c.number64(v.get("pid", "id"))
	if !ok {
		c.fail(v, "pid", text, "is no number of a branch", `write "pid":2, say`)
		return
	}
	c.older = true
	process := processName("branch", strconv.FormatInt(id, 10))
	entries := []*courseEntry{}
	for _, item := range v.list("data").items {
		if e := c.oldEntry(item, process); e != nil {
			c.requestOf(e, item.get("id"), `"id"`)
			entries = append(entries, e)
		}
	}
	c.addList(process, entries, true)
}

// oldEvent reads {"eventid":2,"data":[{"name":"deposit_request","clock":2}]}, the same events by request.
func (c *courseFile) oldEvent(v *jsonValue) {
	field := v.get("eventid", "event_id")
	for _, item := range v.list("data").items {
		if e := c.oldEntry(item, ""); e != nil {
			c.requestOf(e, field, `"eventid"`)
			c.oldEvents = append(c.oldEvents, e)
		}
	}
	c.older = true
}

func (c *courseFile) oldEntry(v *jsonValue, process string) *courseEntry {
	e := &courseEntry{process: process, fileNumber: c.number, file: c.name, line: v.line, text: c.show(v)}
	if v.kind != jsonObject {
		c.fail(v, "", e.text, "stands where an event is expected", `write {"id":2,"name":"deposit_request","clock":2}`)
		return nil
	}
	c.once(e, v)
	if !c.clock(e, v) {
		return nil
	}
	name := v.get("name", "interface")
	c.operation(e, name, `"name"`)
	if name != nil {
		e.comment = name.text
	}
	return e
}

// oldRequest is what the branches logged of one request.
type oldRequest struct {
	id                            int64
	origins                       []*courseEntry // deposit_request, deposit_execute
	requests, executes, responses []*courseEntry // of the propagation
	originExecute                 *courseEntry
	origin, operation             string
}

// pairOlder finds what the older form allows to compare.
//
//  1. A request's origin is the branch with its deposit_request and deposit_execute.
//  2. The origin sends the write on after it executed it; the sends are not logged. So the execute comes before every
//     broadcast_request of another branch. The earliest of these is its receive: if that one is later, all are.
//  3. A branch responds after it executed; this is not logged either. So each broadcast_execute of another branch is
//     the send of a broadcast_response at the origin. Which one, the log does not say: both are taken in the order of their
//     clocks.
func (r *courseReader) pairOlder() {
	if !r.older {
		return
	}
	requests := map[int64]*oldRequest{}
	var order []*oldRequest
	for _, process := range r.order {
		if !r.lists[process].older {
			continue
		}
		for _, e := range r.lists[process].entries {
			if e.dir != dirNone || e.unpairable || !e.hasRequest {
				continue
			}
			q := requests[e.request]
			if q == nil {
				q = &oldRequest{id: e.request}
				requests[e.request] = q
				order = append(order, q)
			}
			q.add(e)
		}
	}
	for _, q := range order {
		r.originOf(q)
		r.oldMisplaced(q)
		r.oldRequests(q)
		r.oldResponses(q)
	}
	r.note("the older form logs no sends, no customers and no replies: that a request is later than its customer's sending, and its reply than the response, is outside what can be checked")
	r.note("in the older form a branch's execute stands for the sends that follow it, and a response has no sender: executes and responses of a request are paired in the order of their clocks")
}

func (q *oldRequest) add(e *courseEntry) {
	switch {
	case !e.op.propagate:
		q.origins = append(q.origins, e)
	case e.op.phase == phaseExecute:
		q.executes = append(q.executes, e)
	case e.op.phase == phaseResponse:
		q.responses = append(q.responses, e)
	default:
		q.requests = append(q.requests, e)
	}
}

// originOf finds the origin: the branch with the first event that is no propagation.
func (r *courseReader) originOf(q *oldRequest) {
	for _, e := range q.origins {
		switch {
		case q.origin == "":
			q.origin, q.operation = e.process, e.op.base
		case e.process != q.origin:
			r.problem(e, CourseTwoOrigins, fmt.Sprintf("%s also logs request %d as its own, as %s does at %s", spoken(e.process), q.id, spoken(q.origin), q.origins[0].place()),
				"where another branch's request is executed, write broadcast in the name, as in deposit_broadcast_execute")
			continue
		case e.op.base != q.operation:
			r.wrongOldOperation(q, e)
			continue
		}
		if e.op.phase == phaseExecute && q.originExecute == nil {
			q.originExecute = e
		}
	}
}

func (r *courseReader) wrongOldOperation(q *oldRequest, e *courseEntry) {
	r.problem(e, CourseWrongOperation, fmt.Sprintf("request %d is a %s at %s, but a %s here", q.id, q.operation, q.origins[0].place(), e.op.base),
		"write the operation of the request, or the id of the right request")
}

// oldMisplaced reports events that cannot be where they are, and takes them out.
func (r *courseReader) oldMisplaced(q *oldRequest) {
	misplaced := func(atOrigin bool, text, remedy string) func(*courseEntry) bool {
		return func(e *courseEntry) bool {
			switch {
			case q.origin == "":
				r.problem(e, CourseNoSend, fmt.Sprintf("no branch logs request %d as its own, so nobody sent this", q.id),
					"add deposit_request and deposit_execute to the list of the branch that the customer asked")
			case e.op.base != q.operation:
				r.wrongOldOperation(q, e)
			case (e.process == q.origin) == atOrigin:
				r.problem(e, CourseReceiveAtSend, fmt.Sprintf(text, spoken(q.origin)), remedy)
			default:
				return false
			}
			return true
		}
	}
	own := misplaced(true, "%s propagates the write and does not receive it", "log it in the lists of the branches that receive it")
	q.requests = slices.DeleteFunc(q.requests, own)
	q.executes = slices.DeleteFunc(q.executes, own)
	q.responses = slices.DeleteFunc(q.responses, misplaced(false, "the response is received by %s, which propagated the write; here it is sent", "log it in that branch's list, when the response arrives"))
}

func byClock(a, b *courseEntry) int { return cmp.Compare(a.ev.Clock, b.ev.Clock) }

// oldRequests is step 2.
func (r *courseReader) oldRequests(q *oldRequest) {
	if len(q.requests) == 0 {
		return
	}
	from := q.originExecute
	if from == nil {
		for _, e := range q.requests {
			r.problem(e, CourseNoSend, fmt.Sprintf("%s logs no execute of request %d, so there is nothing to compare with", spoken(q.origin), q.id), "log the execute before the write is propagated")
		}
		return
	}
	slices.SortStableFunc(q.requests, byClock)
	first := q.requests[0]
	pairEntries(from, first)
	for _, e := range q.requests[1:] {
		if e.ev.Clock <= from.ev.Clock {
			r.problem(e, CourseNotAfter, fmt.Sprintf("clock %d, but the write was sent on after %s at %s, which has clock %d", e.ev.Clock, cut(from.comment, 60), from.place(), from.ev.Clock),
				fmt.Sprintf("a receive takes the larger of its own clock and the message's, plus 1: at least %d", from.ev.Clock+1))
		}
	}
}

// oldResponses is step 3.
func (r *courseReader) oldResponses(q *oldRequest) {
	slices.SortStableFunc(q.executes, byClock)
	slices.SortStableFunc(q.responses, byClock)
	n := min(len(q.executes), len(q.responses))
	for i := range n {
		pairEntries(q.executes[i], q.responses[i])
	}
	if len(q.responses) == 0 && len(q.executes) > 0 {
		r.note("no broadcast_response is logged of %N requests; whether they were later than the executes cannot be checked")
		return
	}
	for _, e := range q.executes[n:] {
		r.problem(e, CourseNoReceive, fmt.Sprintf("%s logs %d responses to request %d, fewer than branches executed it (%d)", spoken(q.origin), len(q.responses), q.id, len(q.executes)),
			"log a broadcast_response at the origin for each branch")
	}
	for _, e := range q.responses[n:] {
		r.problem(e, CourseNoSend, fmt.Sprintf("only %d branches log an execute of request %d, fewer than the responses here (%d)", len(q.executes), q.id, len(q.responses)),
			"log a broadcast_execute at each branch")
	}
}

// pairEntries makes a message of two entries.
func pairEntries(send, receive *courseEntry) {
	send.ev.Kind = trace.Send
	if send.ev.Peer == "" {
		send.ev.Peer = receive.process
	}
	receive.cause = send
}
