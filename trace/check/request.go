package check

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// payload is what a request asks for, and a write does.
type payload struct {
	op                           trace.Op
	account, toAccount, toBranch string
	amount                       int64
}

func payloadOf(e *trace.Event) payload {
	return payload{e.Op, e.Account, e.ToAccount, e.ToBranch, e.Amount}
}

// writes reports whether the payload is that of a customer's write.
func (p payload) writes() bool {
	return p.op == trace.OpDeposit || p.op == trace.OpWithdraw || p.op == trace.OpTransfer
}

func (p payload) String() string {
	s := fmt.Sprintf("%s of %d", p.op, p.amount)
	if p.account != "" {
		s += " on account " + p.account
	}
	if p.toAccount != "" {
		s += " to " + p.toAccount
	}
	if p.toBranch != "" {
		s += " for " + p.toBranch
	}
	return s
}

// final reports whether a result says once and for all what became of a write request.
func final(r trace.Result) bool {
	return r == trace.OK || r == trace.Insufficient || r == trace.Conflict
}

// declined reports whether a result says that there was no effect.
func declined(r trace.Result) bool {
	return r == trace.Insufficient || r == trace.Conflict || r == trace.Refused
}

// asked is the requests that one process sent in the name of one customer, and had answered.
type asked struct {
	sent, answered numbers
	waiting        map[uint64]spot // first sends
}

// received is a request that a branch has received and not answered.
type received struct {
	request trace.ID
	payload
}

// dealing is what one branch last had to do with one customer.
type dealing struct {
	order   uint64 // highest request received
	wanted  payload
	mixed   bool   // received with different payloads
	done    uint64 // highest request executed
	as      payload
	outcome // of the execute that the reply must tell of
	query   bool
	doubled bool // executed with different payloads, or a snapshot came since
	ok      bool // with success, once
}

// standing is what all branches say of one of a customer's latest requests.
type standing struct {
	n        uint64
	result   trace.Result // final one that was given
	as       payload
	declined bool
	executed bool // with success
}

// recent is how many of a customer's latest requests are remembered.
const recent = 8

// client is a customer as the requests show it.
type client struct {
	sent   uint64 // highest request
	wanted payload
	ahead  uint64 // highest request that a branch spoke of before it was sent
	recent [recent]standing
}

// requestFamily follows each request from its send to its reply.
//
//  1. Per process and customer the numbers sent and answered are kept as ranges, and the requests that wait.
//  2. Per branch the requests received and not answered are kept by seq. A respond takes its request off; one that finds
//     none there makes (branch, answers) suspect.
//  3. Per branch and customer the latest request received and the latest executed are kept. An order is compared with the
//     first, a respond with the second.
//  4. Per customer the payload sent last and what was made of the latest few requests are kept, to compare what different
//     branches say.
//  5. Whatever does not fit, and whatever is older than what is kept, makes its request suspect. The second pass collects
//     all events of suspect requests, and request_settle.go judges each request by itself. An ok reply whose execute is
//     not in its own log needs the graph of happens-before.
type requestFamily struct {
	*engine
	*tally
	asked    map[pair]*asked
	received window[received]
	dealings map[pair]*dealing
	clients  []*client // by process

	twice   map[message][]spot // branch and answers -> responds
	suspect map[trace.ID]*affair
}

func newRequestFamily(e *engine) *requestFamily {
	return &requestFamily{
		engine: e, tally: e.tally, asked: map[pair]*asked{},
		dealings: map[pair]*dealing{},
		twice:    map[message][]spot{}, suspect: map[trace.ID]*affair{},
	}
}

// doubt makes a request suspect.
func (f *requestFamily) doubt(q trace.ID) {
	if !q.IsZero() && f.suspect[q] == nil {
		f.suspect[q] = &affair{}
	}
}

func (f *requestFamily) client(p *proc) *client {
	c := reach(&f.clients, p.id)
	if *c == nil {
		*c = &client{}
	}
	return *c
}

func (f *requestFamily) dealing(branch, customer *proc) *dealing {
	d := f.dealings[pairOf(branch, customer)]
	if d == nil {
		d = &dealing{}
		f.dealings[pairOf(branch, customer)] = d
	}
	return d
}

func (f *requestFamily) wants(_ trace.Kind, s trace.Step) bool {
	return s == trace.StepRequest || s == trace.StepOrder || s == trace.StepExecute || s == trace.StepRespond || s == trace.StepSnapshot
}

func (f *requestFamily) first(v *visit) {
	e := v.e
	if isRespond(e) && e.Answers > 0 {
		f.answers(v)
	}
	if e.Step == trace.StepSnapshot {
		f.snapshot(v.p)
	}
	if e.Request.IsZero() {
		return
	}
	customer := v.p
	if customer.name != e.Request.Process {
		customer = f.process(e.Request.Process)
	}
	switch {
	case isAsk(e):
		f.ask(customer, v)
	case e.Step == trace.StepRequest && e.Kind == trace.Receive:
		f.receive(customer, v)
	case e.Step == trace.StepOrder:
		f.order(customer, v)
	case e.Step == trace.StepExecute:
		f.execute(customer, v)
	case isRespond(e):
		f.respond(customer, v)
	case isReply(e):
		f.reply(customer, v)
	}
}

func isAsk(e *trace.Event) bool     { return e.Step == trace.StepRequest && e.Kind == trace.Send }
func isRespond(e *trace.Event) bool { return e.Step == trace.StepRespond && e.Kind == trace.Send }
func isReply(e *trace.Event) bool   { return e.Step == trace.StepRespond && e.Kind == trace.Receive }

func (f *requestFamily) asks(p, customer *proc) *asked {
	a := f.asked[pairOf(p, customer)]
	if a == nil {
		a = &asked{waiting: map[uint64]spot{}}
		f.asked[pairOf(p, customer)] = a
	}
	return a
}

func (f *requestFamily) ask(customer *proc, v *visit) {
	n := v.e.Request.N
	v.p.asks = true
	if a := f.asks(v.p, customer); a.sent.add(n) {
		f.checked[requestUnanswered]++
		if !a.answered.has(n) {
			a.waiting[n] = v.spot()
		}
	}
	c := f.client(customer)
	if n <= c.ahead || n < c.sent || customer != v.p {
		f.doubt(v.e.Request)
	}
	if n > c.sent {
		c.sent, c.wanted = n, payloadOf(v.e)
	}
}

func (f *requestFamily) reply(customer *proc, v *visit) {
	f.checked[requestDiffers]++
	a := f.asks(v.p, customer)
	a.answered.add(v.e.Request.N)
	delete(a.waiting, v.e.Request.N)
}

func (f *requestFamily) receive(customer *proc, v *visit) {
	f.received.put(numbered{v.p.id, v.e.Seq}, received{v.e.Request, payloadOf(v.e)})
	d, n := f.dealing(v.p, customer), v.e.Request.N
	switch {
	case n > d.order:
		d.order, d.wanted, d.mixed = n, payloadOf(v.e), false
	case n < d.order, d.wanted != payloadOf(v.e):
		d.mixed = true
	}
}

// order compares an order with what its branch received and with what the customer sent.
func (f *requestFamily) order(customer *proc, v *visit) {
	if !payloadOf(v.e).writes() {
		return
	}
	f.checked[requestAltered]++
	d, c, n := f.dealing(v.p, customer), f.client(customer), v.e.Request.N
	switch {
	case d.order > n, d.order == n && (d.mixed || d.wanted != payloadOf(v.e)):
		f.doubt(v.e.Request)
	case c.sent > n, c.sent == n && c.wanted != payloadOf(v.e):
		f.doubt(v.e.Request)
	case c.sent < n:
		c.ahead = max(c.ahead, n)
	}
}

// execute notes what a branch made of a request.
func (f *requestFamily) execute(customer *proc, v *visit) {
	e := v.e
	d := f.dealing(v.p, customer)
	if e.Request.N < d.done {
		return
	}
	query := e.Write.IsZero()
	if e.Request.N > d.done {
		*d = dealing{order: d.order, wanted: d.wanted, mixed: d.mixed, done: e.Request.N, as: payloadOf(e),
			query: query, ok: e.Result == trace.OK}
		if query || e.Result != trace.Duplicate {
			d.outcome = outcomeOf(e)
		} else {
			d.doubled = true // the copy comes first: whoever answers must be looked at
		}
		return
	}
	d.doubled = d.doubled || d.as != payloadOf(e) || query != d.query
	d.ok = d.ok || e.Result == trace.OK
	if query && d.query {
		d.outcome = outcomeOf(e)
	}
}

// snapshot leaves the replies about what a branch executed before it to the second pass.
func (f *requestFamily) snapshot(branch *proc) {
	for key, d := range f.dealings {
		if key.first() == branch.id {
			d.doubled = true
		}
	}
}

// effect takes the first execute of a write that was read.
func (f *requestFamily) effect(v *visit) {
	if v.e.Request.IsZero() || v.e.Result != trace.OK {
		return
	}
	s := f.standing(v.e.Request)
	if s == nil || s.declined {
		f.doubt(v.e.Request)
		return
	}
	s.executed = true
}

// standing returns what is known of a request; nil if it is older than what is remembered.
func (f *requestFamily) standing(q trace.ID) *standing {
	s := &f.client(f.process(q.Process)).recent[q.N%recent]
	switch {
	case s.n > q.N:
		return nil
	case s.n < q.N:
		*s = standing{n: q.N}
	}
	return s
}

// answers checks that a respond answers a request which its branch received and has not answered.
func (f *requestFamily) answers(v *visit) {
	f.checked[requestTwice]++
	if _, open := f.received.get(numbered{v.p.id, v.e.Answers}); !open {
		f.twice[message{v.p.id, v.e.Answers}] = nil
	}
}

func (f *requestFamily) respond(customer *proc, v *visit) {
	e := v.e
	in, open := f.received.take(numbered{v.p.id, v.e.Answers})
	d := f.dealing(v.p, customer)
	switch {
	case e.Result == trace.OK:
		f.checked[requestUnexecuted]++
		if f.settled() && in.payload.writes() {
			f.checked[moneyLost]++
		}
	case declined(e.Result):
		f.checked[moneyRefused]++
	}
	if !open || in.request != e.Request || d.done > e.Request.N || d.done == e.Request.N && (d.doubled || d.as != in.payload) {
		f.doubt(e.Request)
		return
	}
	if d.done == e.Request.N && e.Result != trace.Unknown {
		f.checked[requestDiffers]++
		if d.outcome.differs(outcomeOf(e)) {
			f.doubt(e.Request)
		}
	}
	if e.Result == trace.OK && (d.done < e.Request.N || !d.ok) {
		f.doubt(e.Request)
	}
	f.stand(in.payload, e)
}

// stand compares a reply with what other branches said and did.
func (f *requestFamily) stand(as payload, e *trace.Event) {
	if !final(e.Result) && !declined(e.Result) {
		return
	}
	s := f.standing(e.Request)
	if s == nil || declined(e.Result) && s.executed || final(e.Result) && s.result != trace.ResultNone && (s.result != e.Result || s.as != as) {
		f.doubt(e.Request)
		return
	}
	s.declined = s.declined || declined(e.Result)
	if final(e.Result) {
		s.result, s.as = e.Result, as
	}
}

// header forgets what a branch had received when it stopped: it will not answer that.
func (f *requestFamily) header(p *proc, h *trace.Header, _ place) {
	if h.Incarnation > 1 {
		f.received.each(func(k numbered, _ received) bool { return k.id == p.id })
	}
}

func (f *requestFamily) end() {
	for key, a := range f.asked {
		p, customer := f.procs[key.first()], f.procs[key.second()]
		if !p.whole() {
			continue
		}
		for n, s := range a.waiting {
			f.add(requestUnanswered, finding{
				event:   s,
				message: fmt.Sprintf("%s sends request %s, and %s never received a reply to it.", s.ref(), trace.ID{Process: customer.name, N: n}, p.name),
			})
		}
	}
	f.asked, f.received, f.dealings, f.clients = nil, window[received]{}, nil, nil
}

func (f *requestFamily) suspects() bool { return len(f.twice)+len(f.suspect) > 0 }
