package checktest

import (
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// orderOf returns the order event of a write, in the log of its origin; nil where there is none.
func (w *whole) orderOf(write trace.ID) *trace.Event {
	origin := w.procs[write.Process]
	if origin == nil {
		return nil
	}
	for _, e := range origin.events {
		if e.Step == trace.StepOrder && e.Write == write {
			return e
		}
	}
	return nil
}

// replica/executed-twice: "per replica a write executes at most once", since the last snapshot, which counts as well.
func executedTwice(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isWriteExecute(e) {
			continue
		}
		for _, before := range life(w.earlier(e)) {
			taken := before.Step == trace.StepSnapshot && e.Write.N <= before.Sees.Get(e.Write.Process)
			if taken || isWriteExecute(before) && before.Write == e.Write {
				found = append(found, at(e, before))
				break
			}
		}
	}
	return found
}

// replica/phantom-execute: "per replica a write executes … only writes that were ordered", and a snapshot brings no others.
func phantomExecute(w *whole) (found []Finding) {
	for _, e := range w.all {
		if isWriteExecute(e) && w.phantom(e.Write, e.Process) {
			found = append(found, at(e, nil))
		}
		if e.Step != trace.StepSnapshot {
			continue
		}
		for _, entry := range e.Sees {
			write := trace.ID{Process: entry.Process, N: 1}
			for write.N <= entry.N && w.orderOf(write) != nil {
				write.N++
			}
			if write.N <= entry.N && w.phantom(write, e.Process) {
				found = append(found, at(e, nil))
			}
		}
	}
	return found
}

// phantom reports whether a write that a process has was certainly never ordered.
func (w *whole) phantom(write trace.ID, process string) bool {
	origin := w.procs[write.Process]
	if w.orderOf(write) != nil || origin == nil || origin.slice() {
		return false // its order event may be in the part that is not here
	}
	known := origin.ended || origin.name == process
	for _, order := range origin.events {
		known = known || order.Step == trace.StepOrder && order.Write.Process == origin.name && order.Write.N > write.N
	}
	return known
}

// replica/altered: "per replica a write executes … as ordered".
func replicaAltered(w *whole) (found []Finding) {
	for _, e := range w.all {
		if !isWriteExecute(e) {
			continue
		}
		order := w.orderOf(e.Write)
		if order != nil && (payloadOf(e) != payloadOf(order) || e.At != order.At || e.Request != order.Request) {
			found = append(found, at(e, order))
		}
	}
	return found
}

// replica/missing-execute: "per replica and origin no gap; at the end, if `settled`, all (else a warning)".
func missingExecute(w *whole) (found []Finding) {
	for _, e := range w.all {
		if isWriteExecute(e) {
			newest, n := w.newest(e)
			if e.Write.N > n+1 && !(newest == nil && w.procs[e.Process].blind(w.earlier(e))) {
				found = append(found, at(e, newest))
			}
		}
	}
	writes := map[trace.ID]*trace.Event{} // with the event that shows that the write exists
	for _, e := range w.inTotalOrder(isWriteExecute) {
		if writes[e.Write] == nil {
			writes[e.Write] = e
		}
	}
	for _, e := range w.all {
		if e.Step == trace.StepOrder && !e.Write.IsZero() && e == w.orderOf(e.Write) {
			writes[e.Write] = e
		}
	}
	for _, r := range w.replicas() {
		if !r.ended || r.blind(r.events) {
			continue
		}
		done := executedIn(r.events)
		for write, shown := range writes {
			if !done.has(write) {
				found = append(found, Finding{Event: shown.Ref().String(), Replica: r.name})
			}
		}
	}
	return found
}

// newest returns the event that took the replica to the newest write of the same origin before an execute, and the
// write's n; 0 where there is none.
func (w *whole) newest(execute *trace.Event) (newest *trace.Event, n uint64) {
	for _, e := range life(w.earlier(execute)) {
		m := uint64(0)
		switch {
		case isWriteExecute(e) && e.Write.Process == execute.Write.Process:
			m = e.Write.N
		case e.Step == trace.StepSnapshot:
			m = e.Sees.Get(execute.Write.Process)
		}
		if m > n {
			newest, n = e, m
		}
	}
	return newest, n
}

// replica/order-differs: "`total`: (at, origin) strictly rises along a replica's executes". What a snapshot brought counts
// as executed just then.
func orderDiffers(w *whole) (found []Finding) {
	for _, p := range w.processes() {
		if w.mode(p) != "total" {
			continue
		}
		var before *trace.Event
		var latest clock.Timestamp // before's; of the last writes that it brought, if it is a snapshot
		for _, e := range p.events {
			if e.Step == trace.StepSnapshot {
				before, latest = e, w.latestIn(e)
			}
			if !isWriteExecute(e) || e.At == 0 {
				continue
			}
			if before != nil && latest.Clock > 0 && !latest.Less(timestamp(e)) {
				found = append(found, at(e, before))
			}
			before, latest = e, timestamp(e)
		}
	}
	return found
}

// latestIn returns the greatest timestamp of the last writes of each origin that a snapshot brought; zero if none is known.
func (w *whole) latestIn(snapshot *trace.Event) (latest clock.Timestamp) {
	for _, entry := range snapshot.Sees {
		order := w.orderOf(trace.ID{Process: entry.Process, N: entry.N})
		if order != nil && order.At > 0 && latest.Less(timestamp(order)) {
			latest = timestamp(order)
		}
	}
	return latest
}

func timestamp(e *trace.Event) clock.Timestamp {
	return clock.Timestamp{Clock: e.At, Process: e.Write.Process}
}

// replica/execute-before-horizon: "`total`: before executing a write, the branch has received a message with stamp >= `at`
// from every branch but itself and the origin".
func executeBeforeHorizon(w *whole) (found []Finding) {
	branches := w.branches()
	for _, r := range w.replicas() {
		if w.mode(r) != "total" || r.slice() {
			continue
		}
		for _, e := range r.events {
			if !isWriteExecute(e) {
				continue
			}
			for branch := range branches {
				if branch != r.name && branch != e.Write.Process && !w.heard(e, branch) {
					found = append(found, at(e, nil))
				}
			}
		}
	}
	return found
}

// branches returns the names of all branches: the replicas, and the peers in their headers that are no customers.
func (w *whole) branches() map[string]bool {
	branches := map[string]bool{}
	for _, r := range w.replicas() {
		branches[r.name] = true
		for _, h := range r.headers {
			for _, peer := range h.Peers {
				if p := w.procs[peer]; p == nil || !p.isCustomer() {
					branches[peer] = true
				}
			}
		}
	}
	return branches
}

// heard reports whether the replica had a message from a branch that was sent at or after the timestamp of the write that
// it executes, or a write of that branch, from whomever or in the last snapshot, with such a timestamp: all say that it
// orders nothing earlier.
func (w *whole) heard(execute *trace.Event, branch string) bool {
	if s := snapshotIn(w.earlier(execute)); s != nil {
		order := w.orderOf(trace.ID{Process: branch, N: s.Sees.Get(branch)})
		if order != nil && order.At > 0 && order.At >= execute.At {
			return true
		}
	}
	for _, e := range w.earlier(execute) {
		if e.Kind != trace.Receive {
			continue
		}
		sent := e.Peer == branch && (e.Stamp == 0 || e.Stamp >= execute.At)
		ordered := e.Peer != "" && e.Step == trace.StepPropagate && e.Write.Process == branch && e.At > 0 && e.At >= execute.At
		if sent || ordered {
			return true
		}
	}
	return false
}

// replica/dependency-missing: "`causal`: `deps` executed here before".
func dependencyMissing(w *whole) (found []Finding) {
	for _, e := range w.all {
		p := w.procs[e.Process]
		if !isWriteExecute(e) || w.mode(p) != "causal" || p.blind(w.earlier(e)) {
			continue
		}
		order := w.orderOf(e.Write)
		if order != nil && !executedIn(w.earlier(e)).vector().Covers(order.Deps) {
			found = append(found, at(e, order))
		}
	}
	return found
}

// replica/wrong-vector: "`sees` is what this replica had executed".
func wrongVector(w *whole) (found []Finding) {
	for _, e := range w.all {
		p := w.procs[e.Process]
		must := isQueryExecute(e) || isWriteExecute(e) && e.Write.Process == e.Process
		if p.blind(w.earlier(e)) || !must && !(isWriteExecute(e) && len(e.Sees) > 0) {
			continue
		}
		if had := executedIn(p.events[:w.place[e]+1]); !had.vector().Equal(e.Sees) {
			found = append(found, at(e, nil))
		}
	}
	return found
}
