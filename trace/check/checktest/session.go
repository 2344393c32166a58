package checktest

import (
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// finished is one earlier request of a session: what the customer knew from its ok reply when it sent a later request.
type finished struct {
	request trace.ID
	reply   *trace.Event // the first ok reply, received before the later request was first sent
}

// pastOf returns the requests of the session whose ok reply the customer had before it first sent a request.
func (w *whole) pastOf(request trace.ID) (all []finished) {
	customer := w.procs[request.Process]
	if customer == nil {
		return nil
	}
	sent := false
	seen := map[trace.ID]bool{}
	for _, e := range customer.events {
		if isAsk(e) && e.Request == request {
			sent = true
			break
		}
		if isReply(e) && e.Result == trace.OK && e.Request != request && e.Request.Process == customer.name && !seen[e.Request] {
			seen[e.Request] = true
			all = append(all, finished{e.Request, e})
		}
	}
	if !sent {
		return nil
	}
	return all
}

// latest returns the finding about execute e and the latest earlier reply that it does not fit with; none without one.
func (w *whole) latest(e *trace.Event, misfits func(finished) bool) (found []Finding) {
	for _, p := range slices.Backward(w.pastOf(e.Request)) {
		if misfits(p) {
			return []Finding{at(e, p.reply)}
		}
	}
	return nil
}

// writeOf returns the write that a request led to: that of the first execute which succeeded; the zero ID without one.
func (w *whole) writeOf(request trace.ID) trace.ID {
	e := w.firstOf(func(e *trace.Event) bool {
		return isWriteExecute(e) && e.Result == trace.OK && e.Request == request
	})
	if e == nil {
		return trace.ID{}
	}
	return e.Write
}

// seenBy returns the version vector behind the reply to a query: sees of the query's latest execute at the replying branch
// before it replied. It is nil for a write, and where the log does not have it.
func (w *whole) seenBy(p finished) (sees clock.Vector) {
	branch := w.procs[p.reply.Peer]
	if branch == nil {
		return nil
	}
	for _, e := range branch.events {
		if e == w.sendOf(p.reply) {
			break
		}
		if isQueryExecute(e) && e.Request == p.request {
			sees = e.Sees
		}
	}
	return sees
}

// session/read-your-writes: "Terry et al. 1994, on `sees` …": a query of a session sees the session's earlier writes; "of
// a session's writes only those whose `ok` reply the customer had before it sent the later request".
func readYourWrites(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isQueryExecute(e) {
			continue
		}
		found = append(found, w.latest(e, func(p finished) bool {
			write := w.writeOf(p.request)
			return e.Sees.Get(write.Process) < write.N
		})...)
	}
	return found
}

// session/monotonic-reads: "Terry et al. 1994, on `sees` …": a query sees what the session's earlier queries saw.
func monotonicReads(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isQueryExecute(e) {
			continue
		}
		found = append(found, w.latest(e, func(p finished) bool {
			return !e.Sees.Covers(w.seenBy(p))
		})...)
	}
	return found
}

// session/monotonic-writes: "Terry et al. 1994, on … each replica's order of execution": at every replica a write
// executes after the session's earlier writes; "of a session's writes only those whose `ok` reply the customer had before
// it sent the later request".
func monotonicWrites(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isWriteExecute(e) || e.Result != trace.OK || w.procs[e.Process].blind(w.earlier(e)) {
			continue
		}
		before := executedIn(w.earlier(e))
		found = append(found, w.latest(e, func(p finished) bool {
			write := w.writeOf(p.request)
			return !write.IsZero() && !before.has(write)
		})...)
	}
	return found
}

// session/writes-follow-reads: "Terry et al. 1994, on `sees` and each replica's order of execution": at every replica a
// write executes after the writes that the session's earlier queries saw.
func writesFollowReads(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isWriteExecute(e) || e.Result != trace.OK || w.procs[e.Process].blind(w.earlier(e)) {
			continue
		}
		before := executedIn(w.earlier(e)).vector()
		found = append(found, w.latest(e, func(p finished) bool {
			return !before.Covers(w.seenBy(p))
		})...)
	}
	return found
}
