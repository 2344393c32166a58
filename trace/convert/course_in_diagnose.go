package convert

import "fmt"

// diagnosis says of receives without a send, and sends without a receive, what is probably wrong. What one entry explains
// is not reported at the other end again.
type diagnosis struct {
	*courseReader
	sends     map[messageKey][]*courseEntry // by keys in which parts are left out
	taken     map[*courseEntry]bool         // sends that explain a receive
	suspects  map[suspect]int               // mislabelled entries
	atBranch  map[int64][]string            // of each request: the branches with a mislabelled entry
	replies   map[string]bool               // branches that log what they send to customers
	responses map[string]bool               // branches that log what they answer to branches
	hasBranch bool
}

// suspect is a process and a request.
type suspect struct {
	process string
	request int64
}

func newDiagnosis(r *courseReader, sends []*courseEntry) *diagnosis {
	d := &diagnosis{courseReader: r, sends: map[messageKey][]*courseEntry{}, taken: map[*courseEntry]bool{},
		suspects: map[suspect]int{}, atBranch: map[int64][]string{}, replies: map[string]bool{}, responses: map[string]bool{}}
	for _, e := range sends {
		k := e.message()
		for _, k := range []messageKey{k, k.anyOperation(), k.anySender(), k.anyRequest()} {
			d.sends[k] = append(d.sends[k], e)
		}
	}
	for _, e := range r.all {
		if e.unpairable {
			d.suspects[suspect{e.process, e.request}]++
			if !isCustomer(e.process) {
				d.atBranch[e.request] = append(d.atBranch[e.request], e.process)
			}
		}
		if e.dir == dirTo {
			d.replies[e.process] = d.replies[e.process] || isCustomer(e.peer)
			d.responses[e.process] = d.responses[e.process] || e.op.phase == phaseResponse
		}
	}
	for _, p := range r.order {
		d.hasBranch = d.hasBranch || !isCustomer(p)
	}
	return d
}

func (k messageKey) anyOperation() messageKey { k.op = "*"; return k }
func (k messageKey) anySender() messageKey    { k.from = "*"; return k }
func (k messageKey) anyRequest() messageKey   { k.request = noRequest; return k }

// take returns a send of that key which explains nothing yet.
func (d *diagnosis) take(k messageKey) *courseEntry {
	for q := d.sends[k]; len(q) > 0; q = q[1:] {
		d.sends[k] = q[1:]
		if !d.taken[q[0]] {
			d.taken[q[0]] = true
			return q[0]
		}
	}
	return nil
}

// explained uses up a mislabelled entry of the process, of that request or of none.
func (d *diagnosis) explained(process string, request int64) bool {
	for _, s := range []suspect{{process, request}, {process, noRequest}} {
		if d.suspects[s] > 0 {
			d.suspects[s]--
			return true
		}
	}
	return false
}

// receives explains receives without a send, the surest explanations of all of them first: a send that explains one
// receive explains no other.
func (d *diagnosis) receives(left []*courseEntry) {
	for _, explain := range []func(*courseEntry) bool{
		d.outside, d.wrongOperation, d.receiveAtSender, d.wrongPeer,
		func(e *courseEntry) bool { return d.explained(e.peer, e.request) }, d.wrongRequest, d.noSend,
	} {
		var rest []*courseEntry
		for _, e := range left {
			if !explain(e) {
				rest = append(rest, e)
			}
		}
		left = rest
	}
}

func (d *diagnosis) wrongOperation(e *courseEntry) bool {
	s := d.take(e.message().anyOperation())
	if s != nil {
		d.problem(e, CourseWrongOperation, fmt.Sprintf("%q, but what %s sent of request %d is %q, at %s", e.op, spoken(e.peer), e.request, s.op, s.place()),
			"log the operation that the message carries")
	}
	return s != nil
}

func (d *diagnosis) receiveAtSender(e *courseEntry) bool {
	back := e.message()
	back.from, back.to = e.process, e.peer
	if isCustomer(back.from) {
		back.to = ""
	}
	s := d.take(back)
	if s != nil {
		d.problem(e, CourseReceiveAtSend, fmt.Sprintf("%s sent this message itself, at %s, and %s logs no receive of it", spoken(e.process), s.place(), spoken(e.peer)),
			fmt.Sprintf(`log the receive in the list of %s, when the message arrives there, with the comment "event_recv from %s"`, spoken(e.peer), spoken(e.process)))
	}
	return s != nil
}

func (d *diagnosis) wrongPeer(e *courseEntry) bool {
	s := d.take(e.message().anySender())
	if s != nil {
		d.problem(e, CourseWrongPeer, fmt.Sprintf("it names %s, which logs no such send; %s does, at %s", spoken(e.peer), spoken(s.process), s.place()),
			"name the process that the message came from")
	}
	return s != nil
}

func (d *diagnosis) wrongRequest(e *courseEntry) bool {
	s := d.take(e.message().anyRequest())
	if s != nil {
		d.problem(e, CourseWrongRequest, fmt.Sprintf("%s logs no such send of request %d; it does of request %d, at %s, which is not received", spoken(e.peer), e.request, s.request, s.place()),
			"let every entry that a request causes carry the number of that request")
	}
	return s != nil
}

func (d *diagnosis) noSend(e *courseEntry) bool {
	d.problem(e, CourseNoSend, fmt.Sprintf("%s logs no send of request %d's %s to %s", spoken(e.peer), e.request, e.op, spoken(e.process)),
		fmt.Sprintf("log the send in the list of %s, before the message leaves, or correct request, interface and comment here", spoken(e.peer)))
	return true
}

// outside reports whether a receive's send cannot be in the files, and notes why.
func (d *diagnosis) outside(e *courseEntry) bool {
	switch {
	case d.lists[e.peer] == nil:
		d.note("there is no list of %s: %N of its messages cannot be checked", spoken(e.peer))
	case isCustomer(e.process) && !d.replies[e.peer]:
		d.note("%s logs no replies to customers: %N receives of its replies cannot be checked", spoken(e.peer))
	case e.op.phase == phaseResponse && !d.responses[e.peer]:
		d.note("%s logs no responses to other branches: %N receives of them cannot be checked", spoken(e.peer))
	default:
		return false
	}
	return true
}

func (d *diagnosis) send(e *courseEntry) {
	switch {
	case d.taken[e]:
	case e.peer != "" && e.dir == dirTo && d.lists[e.peer] == nil:
		d.note("there is no list of %s: %N of its messages cannot be checked", spoken(e.peer))
	case e.dir == dirTo && isCustomer(e.peer):
		d.note("%s logs no receive of replies: %N of them cannot be checked", spoken(e.peer))
	case e.op.phase == phaseResponse && !isCustomer(e.process):
		d.note("%s logs no receive of responses: %N of them cannot be checked", spoken(e.peer))
	case e.dir == dirSentBy && !d.hasBranch:
		d.note("there is no list of a branch: %N requests of customers cannot be checked")
	case e.mislabelled:
	case e.dir == dirSentBy:
		if !d.explainedAnywhere(e.request) {
			d.problem(e, CourseNoReceive, fmt.Sprintf("no branch logs the receive of request %d's %s from %s", e.request, e.op, spoken(e.process)),
				fmt.Sprintf(`log it in the branch's list, with the comment "event_recv from %s"`, spoken(e.process)))
		}
	case !d.explained(e.peer, e.request):
		d.problem(e, CourseNoReceive, fmt.Sprintf("%s logs no receive of request %d's %s from %s", spoken(e.peer), e.request, e.op, spoken(e.process)),
			fmt.Sprintf(`log it in the list of %s, with the comment "event_recv from %s"`, spoken(e.peer), spoken(e.process)))
	}
}

// explainedAnywhere uses up a mislabelled entry of that request at some branch.
func (d *diagnosis) explainedAnywhere(request int64) bool {
	for _, n := range []int64{request, noRequest} {
		for q := d.atBranch[n]; len(q) > 0; q = q[1:] {
			d.atBranch[n] = q[1:]
			if d.explained(q[0], n) {
				return true
			}
		}
	}
	return false
}
