package sim_test

import (
	"fmt"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// eventText writes an event on one line: its name, its clock, where a message goes or comes from, and the rest.
//
//	b1:3 @4 -> b2 propagate b1/1
//	b2:1 @5 <- b1:3@4 propagate b1/1
func eventText(e *trace.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v @%d ", e.Ref(), e.Clock)
	switch e.Kind {
	case trace.Send:
		fmt.Fprintf(&b, "-> %s ", e.Peer)
	case trace.Receive:
		fmt.Fprintf(&b, "<- %v@%d ", e.CauseRef(), e.Stamp)
	}
	fmt.Fprint(&b, e.Step)
	switch e.Step {
	case trace.StepRequest:
		fmt.Fprintf(&b, " %v, %s", e.Request, operationText(e))
	case trace.StepOrder:
		fmt.Fprintf(&b, " %v at %d for %v", e.Write, e.At, e.Request)
	case trace.StepPropagate:
		fmt.Fprintf(&b, " %v at %d", e.Write, e.At)
	case trace.StepAcknowledge, trace.StepSync:
		fmt.Fprintf(&b, " %v", e.Has)
	case trace.StepExecute:
		if e.Write.IsZero() {
			fmt.Fprintf(&b, " %v", e.Request)
		} else {
			fmt.Fprintf(&b, " %v at %d", e.Write, e.At)
		}
		fmt.Fprintf(&b, ", %s: %v%s", operationText(e), e.Result, balanceText(e))
	case trace.StepRespond:
		fmt.Fprintf(&b, " %v: %v%s", e.Request, e.Result, balanceText(e))
	}
	if e.Sees != nil {
		fmt.Fprintf(&b, ", sees %v", e.Sees)
	}
	return b.String()
}

func operationText(e *trace.Event) string {
	switch e.Op {
	case trace.OpQuery:
		return "query " + e.Account
	case trace.OpTransfer:
		return fmt.Sprintf("transfer %d %s to %s", e.Amount, e.Account, e.ToAccount)
	}
	return fmt.Sprintf("%v %d %s", e.Op, e.Amount, e.Account)
}

// balanceText leaves the account out: the operation before it names it.
func balanceText(e *trace.Event) string {
	text := ""
	if e.Balance.Known {
		text = fmt.Sprintf(", balance %d", e.Balance.Amount)
	}
	if e.ToBalance.Known {
		text += fmt.Sprintf(" and %d", e.ToBalance.Amount)
	}
	return text
}

func tokenText(token clock.Vector) string {
	if len(token) == 0 {
		return ""
	}
	return fmt.Sprintf(", token %v", token)
}

// effectText writes what a message or a reply carries besides what its send event says.
func effectText(out *branch.Effects, e *trace.Event) string {
	if e.Kind != trace.Send {
		return ""
	}
	for i := range out.Messages {
		if m := &out.Messages[i]; m.Stamp.Seq == e.Seq {
			return messageText(m)
		}
	}
	for _, r := range out.Replies {
		if r.Stamp.Seq != e.Seq {
			continue
		}
		text := fmt.Sprintf(", sees %v", r.Sees)
		if r.Reason != "" {
			text += fmt.Sprintf(", %s", r.Reason)
		}
		if r.Detail != "" {
			text += ": " + r.Detail
		}
		return text
	}
	return ""
}

func messageText(m *branch.Message) string {
	text := ""
	if m.Step == trace.StepSync {
		text = ", a question"
		if m.Answers > 0 {
			text = fmt.Sprintf(", answers %s:%d", m.To, m.Answers)
		}
	}
	for _, r := range m.Wants {
		text += fmt.Sprintf(", wants %s/%d to %d", r.Origin, r.From, r.To)
	}
	return text + fmt.Sprintf(" | promise %d upto %d seen %d", m.Promise, m.Upto, m.Seen)
}

// knowsText says what a branch tells another at the handshake.
func knowsText(up branch.PeerUp, of string) string {
	if up.Fresh {
		return up.Peer + " is new"
	}
	return fmt.Sprintf("%s has taken %s:%d and knows %s/%d", up.Peer, of, up.Knows.Seq, of, up.Knows.N)
}
