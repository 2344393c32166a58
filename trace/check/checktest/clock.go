package checktest

import "github.com/seed-8ff1fc32/bank-trace/trace"

// clock/not-increasing: "clock strictly rises within a process, across incarnations".
func notIncreasing(w *whole) (found []Finding) {
	for _, e := range w.all {
		if before := w.previous(e); before != nil && e.Clock <= before.Clock {
			found = append(found, at(e, before))
		}
	}
	return found
}

// clock/receive-not-after-send: "a receive's clock > its send's".
func receiveNotAfterSend(w *whole) (found []Finding) {
	for _, e := range w.all {
		if e.Kind != trace.Receive {
			continue
		}
		if send := w.sendOf(e); send != nil && e.Clock <= send.Clock {
			found = append(found, at(e, send))
		}
	}
	return found
}

// clock/stamp-mismatch: "a receive's `stamp` = its send's clock".
func stampMismatch(w *whole) (found []Finding) {
	for _, e := range w.all {
		if e.Kind != trace.Receive || e.Stamp == 0 {
			continue
		}
		if send := w.sendOf(e); send != nil && e.Stamp != send.Clock {
			found = append(found, at(e, send))
		}
	}
	return found
}

// clock/not-exact: "`--strict` only: each clock is the one of section 4": a local or send event has clock+1, a receive
// max(clock, stamp)+1, the first event 1.
func notExact(w *whole) (found []Finding) {
	if !w.opt.Strict {
		return nil
	}
	for _, e := range w.all {
		before := w.previous(e)
		now := uint64(0)
		switch {
		case before != nil && e.Seq == before.Seq+1:
			now = before.Clock
		case before != nil || e.Seq != 1:
			continue // what the clock was before is not in the trace
		}
		other := before
		if e.Kind == trace.Receive {
			stamp := e.Stamp
			if send := w.sendOf(e); send != nil {
				stamp, other = send.Clock, send
			}
			if stamp == 0 {
				continue
			}
			now = max(now, stamp)
		}
		if e.Clock != now+1 {
			found = append(found, at(e, other))
		}
	}
	return found
}
