package checktest

import (
	"cmp"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// message/orphan-receive: "the cause is a send in the peer's log. Only if cause <= the peer's last seq or its log has
// ended; in a missing log, before `first` or past a torn tail it is *uncovered* and counted".
func orphanReceive(w *whole) (found []Finding) {
	for _, e := range w.all {
		if e.Kind != trace.Receive || w.sendOf(e) != nil {
			continue
		}
		if w.uncovered(e) {
			continue
		}
		found = append(found, at(e, w.refs[e.CauseRef()]))
	}
	return found
}

// uncovered reports whether no log that is here could show the send of a receive.
func (w *whole) uncovered(receive *trace.Event) bool {
	peer := w.procs[receive.Peer]
	return peer == nil || receive.Cause < peer.first || receive.Cause > peer.last && !peer.ended
}

// message/duplicate-receive: "a send is received at most once (our bank drops copies before recording)".
func duplicateReceive(w *whole) (found []Finding) {
	for _, send := range w.all {
		receives := w.receivesOf(send)
		for i, e := range receives {
			if i > 0 {
				found = append(found, at(e, receives[0]))
			}
		}
	}
	return found
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// receivesOf returns the receive events of a send, the addressee's own first, else in the total order; none for any other event.
func (w *whole) receivesOf(send *trace.Event) []*trace.Event {
	if send.Kind != trace.Send || w.refs[send.Ref()] != send {
		return nil
	}
	receives := w.inTotalOrder(func(e *trace.Event) bool {
		return e.Kind == trace.Receive && e.CauseRef() == send.Ref()
	})
	slices.SortStableFunc(receives, func(a, b *trace.Event) int {
		return cmp.Compare(boolInt(a.Process != send.Peer), boolInt(b.Process != send.Peer))
	})
	return receives
}

// message/misdelivered: "the send names the receiver as peer".
func misdelivered(w *whole) (found []Finding) {
	for _, e := range w.all {
		if e.Kind != trace.Receive {
			continue
		}
		if send := w.sendOf(e); send != nil && send.Peer != "" && send.Peer != e.Process {
			found = append(found, at(e, send))
		}
	}
	return found
}

// message/lost: "a send is received, where the receiver's log has ended; otherwise it is in flight".
func lost(w *whole) (found []Finding) {
	for _, send := range w.all {
		if send.Kind != trace.Send || w.refs[send.Ref()] != send {
			continue
		}
		receiver := w.procs[send.Peer]
		if receiver != nil && receiver.ended && !receiver.slice() && len(w.receivesOf(send)) == 0 {
			found = append(found, at(send, nil))
		}
	}
	return found
}
