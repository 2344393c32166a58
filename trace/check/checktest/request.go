package checktest

import "github.com/seed-8ff1fc32/bank-trace/trace"

// payload is what a request asks for and a write does.
type payload struct {
	op                           trace.Op
	account, toAccount, toBranch string
	amount                       int64
}

func payloadOf(e *trace.Event) payload {
	return payload{e.Op, e.Account, e.ToAccount, e.ToBranch, e.Amount}
}

func (p payload) isWrite() bool {
	return p.op == trace.OpDeposit || p.op == trace.OpWithdraw || p.op == trace.OpTransfer
}

func isAsk(e *trace.Event) bool {
	return e.Step == trace.StepRequest && e.Kind == trace.Send && !e.Request.IsZero()
}

// received returns the receive event of the request that a respond answers, nil where the log has none of that name.
func (w *whole) received(respond *trace.Event) *trace.Event {
	for _, e := range w.procs[respond.Process].events {
		if e.Seq == respond.Answers && e.Kind == trace.Receive && e.Step == trace.StepRequest && e.Request == respond.Request {
			return e
		}
	}
	return nil
}

// asked returns what the request of a respond asks for: as its branch received it, else as the customer first sent it.
func (w *whole) asked(respond *trace.Event) payload {
	if e := w.received(respond); e != nil {
		return payloadOf(e)
	}
	if e := w.firstOf(func(e *trace.Event) bool { return isAsk(e) && e.Request == respond.Request }); e != nil {
		return payloadOf(e)
	}
	return payload{}
}

// isFor reports whether an execute is of the very request that a respond answers: a request id that was used twice, for
// different operations, stands for two requests.
func (w *whole) isFor(execute, respond *trace.Event) bool {
	if !isExecute(execute) || respond.Request.IsZero() || execute.Request != respond.Request {
		return false
	}
	e := w.received(respond)
	return e == nil || payloadOf(e) == payloadOf(execute)
}

// request/unanswered: "a request has a reply received".
func unanswered(w *whole) (found []Finding) {
	for _, ask := range w.all {
		customer := w.procs[ask.Process]
		if !isAsk(ask) || !customer.ended {
			continue
		}
		answered, repeated := false, false
		for i, e := range customer.events {
			if e.Request != ask.Request {
				continue
			}
			answered = answered || e.Kind == trace.Receive && e.Step == trace.StepRespond
			repeated = repeated || isAsk(e) && i < w.place[ask]
		}
		if !answered && !repeated {
			found = append(found, at(ask, nil))
		}
	}
	return found
}

// request/answered-twice: "no two responds with the same `answers`; no two different final results for one write request".
func answeredTwice(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isRespond(e) || e.Answers == 0 {
			continue
		}
		for _, before := range w.earlier(e) {
			if isRespond(before) && before.Answers == e.Answers {
				found = append(found, at(e, before))
				break
			}
		}
	}
	responds := w.inTotalOrder(func(e *trace.Event) bool {
		final := e.Result == trace.OK || e.Result == trace.Insufficient || e.Result == trace.Conflict
		return isRespond(e) && final && !e.Request.IsZero() && w.asked(e).isWrite()
	})
	for i, e := range responds {
		for _, before := range responds[:i] {
			if before.Request == e.Request && w.asked(before) == w.asked(e) {
				if before.Result != e.Result {
					found = append(found, at(e, before))
				}
				break // the first one counts
			}
		}
	}
	return found
}

// request/answer-differs: "respond's result and balances are those of the request's execute; the customer received what
// was sent".
func answerDiffers(w *whole) (found []Finding) {
	for _, e := range w.all {
		if isRespond(e) {
			x := w.decisive(e)
			if x != nil && (otherResult(e, x) || otherBalance(e.Balance, x.Balance) || otherBalance(e.ToBalance, x.ToBalance)) {
				found = append(found, at(e, x))
			}
		}
		if e.Kind == trace.Receive && e.Step == trace.StepRespond {
			send := w.sendOf(e)
			if send == nil || send.Step != trace.StepRespond {
				continue
			}
			same := e.Request == send.Request && e.Result == send.Result && e.Balance == send.Balance && e.ToBalance == send.ToBalance
			if !same {
				found = append(found, at(e, send))
			}
		}
	}
	return found
}

// decisive returns the execute that a respond tells of, of those before it at its branch: a query's latest; a write's
// first that is no duplicate. Except in mode total, where a write has one result whenever it is executed, what came before
// the last snapshot is forgotten. It is nil for a respond that claims nothing, as the outcome is unknown to it.
func (w *whole) decisive(respond *trace.Event) (x *trace.Event) {
	if respond.Result == trace.Unknown || respond.Result == trace.Refused && w.retried(respond.Request) {
		return nil
	}
	past := w.earlier(respond)
	if w.mode(w.procs[respond.Process]) != "total" {
		past = life(past)
	}
	for _, e := range past {
		switch {
		case !w.isFor(e, respond):
		case isQueryExecute(e) && (x == nil || isQueryExecute(x)):
			x = e
		case isWriteExecute(e) && e.Result != trace.Duplicate && (x == nil || isQueryExecute(x)):
			x = e
		}
	}
	return x
}

func otherResult(a, b *trace.Event) bool {
	return a.Result != trace.ResultNone && b.Result != trace.ResultNone && a.Result != b.Result
}

// otherBalance reports whether two balances contradict each other; one that is not recorded says nothing.
func otherBalance(a, b trace.Balance) bool { return a.Known && b.Known && a.Amount != b.Amount }

// request/answered-unexecuted: "an `ok` respond has its execute in its causal past".
func answeredUnexecuted(w *whole) (found []Finding) {
	if w.firstOf(isExecute) == nil || w.partial() {
		return nil
	}
	for _, respond := range w.all {
		if !isRespond(respond) || respond.Result != trace.OK || respond.Request.IsZero() {
			continue
		}
		executed := false
		for e := range w.past(respond) {
			executed = executed || isExecute(e) && e.Result == trace.OK && e.Request == respond.Request
		}
		if !executed {
			found = append(found, at(respond, nil))
		}
	}
	return found
}

// partial reports whether an execute may be in a part of the trace that is not here: some log is a slice, or some receive
// is uncovered.
func (w *whole) partial() bool {
	for _, p := range w.processes() {
		if p.slice() {
			return true
		}
	}
	for _, e := range w.all {
		if e.Kind == trace.Receive && e.Peer != "" && w.sendOf(e) == nil && w.uncovered(e) {
			return true
		}
	}
	return false
}

// retried reports whether a request was sent more than once. A refusal then is one of one attempt.
func (w *whole) retried(request trace.ID) bool {
	return len(w.inTotalOrder(func(e *trace.Event) bool { return isAsk(e) && e.Request == request })) > 1
}

// request/altered: "the order's op, accounts and amount are the request's".
func requestAltered(w *whole) (found []Finding) {
	for _, order := range w.all {
		if order.Step != trace.StepOrder || order.Request.IsZero() || !payloadOf(order).isWrite() {
			continue
		}
		var received, sent *trace.Event
		receivedSame, sentSame := false, false
		for _, e := range w.earlier(order) {
			if e.Kind == trace.Receive && e.Step == trace.StepRequest && e.Request == order.Request {
				received, receivedSame = e, receivedSame || payloadOf(e) == payloadOf(order)
			}
		}
		for _, e := range w.inTotalOrder(func(e *trace.Event) bool { return isAsk(e) && e.Request == order.Request }) {
			sentSame = sentSame || payloadOf(e) == payloadOf(order)
			if sent == nil {
				sent = e
			}
		}
		switch {
		case received != nil && !receivedSame:
			found = append(found, at(order, received))
		case sent != nil && !sentSame:
			found = append(found, at(order, sent))
		}
	}
	return found
}
