package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// storyRows is how many rows one request's story may have.
const storyRows = 25

// story tells what happened to one request, in the order of the clocks.
type story struct {
	request trace.ID // whose story it is; zero for everything
	causal  bool     // the bank's mode is causal
	events  map[trace.Ref]*trace.Event
	told    []*trace.Event
}

// newStory picks the events of a request, and the first message from each other branch that showed the write's origin
// that nothing earlier can come from there.
func newStory(events []trace.Event, request trace.ID, causal bool) *story {
	s := &story{request: request, causal: causal, events: make(map[trace.Ref]*trace.Event, len(events))}
	var ordered *trace.Event
	for i := range events {
		e := &events[i]
		s.events[e.Ref()] = e
		if e.Request == request {
			s.told = append(s.told, e)
			if e.Step == trace.StepOrder {
				ordered = e
			}
		}
	}
	if ordered != nil && !causal {
		s.addHeard(events, ordered)
	}
	s.sort()
	return s
}

func (s *story) addHeard(events []trace.Event, ordered *trace.Event) {
	heard := map[string]bool{}
	for i := range events {
		e := &events[i]
		late := e.Process == ordered.Process && e.Kind == trace.Receive && e.Stamp > ordered.At
		if !late || e.Step == trace.StepRequest || heard[e.Peer] {
			continue
		}
		heard[e.Peer] = true
		s.told = append(s.told, e)
		if sent := s.events[e.CauseRef()]; sent != nil {
			s.told = append(s.told, sent)
		}
	}
}

// wholeStory tells every event.
func wholeStory(events []trace.Event, causal bool) *story {
	s := newStory(events, trace.ID{}, causal)
	s.told = nil
	for i := range events {
		s.told = append(s.told, &events[i])
	}
	s.sort()
	return s
}

func (s *story) sort() {
	slices.SortFunc(s.told, func(a, b *trace.Event) int {
		return cmp.Or(cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Seq, b.Seq))
	})
}

// write prints the story, at most limit rows of it (0: all).
func (s *story) write(w io.Writer, limit int) error {
	if _, err := fmt.Fprintf(w, "clock  process     what happened\n"); err != nil {
		return err
	}
	for i, e := range s.told {
		if limit > 0 && i == limit-1 && len(s.told) > limit {
			_, err := fmt.Fprintf(w, "       …           and %d events more\n", len(s.told)-i)
			return err
		}
		if _, err := fmt.Fprintf(w, "%5d  %-10s  %s\n", e.Clock, e.Process, s.gloss(e)); err != nil {
			return err
		}
	}
	return nil
}

// gloss says in plain words what an event is.
func (s *story) gloss(e *trace.Event) string {
	switch e.Kind {
	case trace.Send:
		return s.glossSend(e)
	case trace.Receive:
		return fmt.Sprintf("%s: max(%d, %d) + 1 = %d", s.glossReceive(e), s.before(e), e.Stamp, e.Clock)
	}
	switch e.Step {
	case trace.StepOrder:
		return s.glossOrder(e)
	case trace.StepExecute:
		return s.glossExecute(e)
	}
	return e.Step.String()
}

func (s *story) glossOrder(e *trace.Event) string {
	switch {
	case e.Op == trace.OpGrant:
		return fmt.Sprintf("gives %s the right to withdraw %d of its own", e.ToBranch, e.Amount)
	case e.Op == trace.OpFence:
		return "promises " + e.Note + ": it has no effect, or not here"
	case s.causal:
		return fmt.Sprintf("numbers it: write %s", e.Write)
	}
	return fmt.Sprintf("gives it its place in the one order of all writes: %d", e.At)
}

func (s *story) glossExecute(e *trace.Event) string {
	why := "nothing earlier can come any more"
	if s.causal {
		why = "has all that it depends on"
	}
	switch {
	case e.Op == trace.OpQuery:
		return fmt.Sprintf("looks: %s has %d", e.Account, e.Balance.Amount)
	case e.Op == trace.OpFence || e.Op == trace.OpGrant:
		return fmt.Sprintf("takes note of %s", e.Write)
	case e.Result == trace.Insufficient:
		return fmt.Sprintf("%s: %s has only %d", why, e.Account, e.Balance.Amount)
	}
	return fmt.Sprintf("%s: does it, %s has %d", why, e.Account, e.Balance.Amount)
}

func (s *story) glossSend(e *trace.Event) string {
	switch e.Step {
	case trace.StepRequest:
		return fmt.Sprintf("asks %s: %s", e.Peer, operation(e))
	case trace.StepPropagate:
		return fmt.Sprintf("passes %s on to %s", s.it(e), e.Peer)
	case trace.StepAcknowledge:
		if s.causal {
			return fmt.Sprintf("tells %s what it has by now", e.Peer)
		}
		return fmt.Sprintf("tells %s: seen, I shall start nothing earlier", e.Peer)
	case trace.StepRightsAsk:
		return fmt.Sprintf("asks %s for the right to withdraw %d more", e.Peer, e.Amount)
	case trace.StepRightsGrant:
		return fmt.Sprintf("answers %s: %d granted, and this is all I have executed", e.Peer, e.Amount)
	case trace.StepRespond:
		return fmt.Sprintf("answers %s: %s", e.Peer, answer(e))
	}
	return fmt.Sprintf("sends %s to %s", e.Step, e.Peer)
}

func (s *story) glossReceive(e *trace.Event) string {
	switch e.Step {
	case trace.StepRequest:
		return fmt.Sprintf("takes %s's request", e.Peer)
	case trace.StepPropagate:
		return fmt.Sprintf("gets %s from %s", s.it(e), e.Peer)
	case trace.StepAcknowledge:
		return fmt.Sprintf("hears %s", e.Peer)
	case trace.StepRightsAsk:
		return fmt.Sprintf("is asked by %s", e.Peer)
	case trace.StepRightsGrant:
		return fmt.Sprintf("hears %s", e.Peer)
	case trace.StepRespond:
		return fmt.Sprintf("has its answer, %s", answer(e))
	}
	return fmt.Sprintf("receives %s from %s", e.Step, e.Peer)
}

// it names the write of an event: in a request's own story there is no doubt which.
func (s *story) it(e *trace.Event) string {
	switch {
	case e.Request == s.request:
		return "it"
	case s.request.IsZero():
		return e.Request.String()
	}
	return "another write"
}

// before returns the clock of the process just before an event.
func (s *story) before(e *trace.Event) uint64 {
	if p := s.events[trace.Ref{Process: e.Process, Seq: e.Seq - 1}]; p != nil {
		return p.Clock
	}
	return 0
}

func operation(e *trace.Event) string {
	switch e.Op {
	case trace.OpQuery:
		return fmt.Sprintf("how much has %s?", e.Account)
	case trace.OpTransfer:
		return fmt.Sprintf("transfer %d from %s to %s", e.Amount, e.Account, e.ToAccount)
	}
	return fmt.Sprintf("%s %d, account %s", e.Op, e.Amount, e.Account)
}

func answer(e *trace.Event) string {
	if e.Balance.Known {
		return fmt.Sprintf("%s, balance %d", e.Result, e.Balance.Amount)
	}
	return e.Result.String()
}
