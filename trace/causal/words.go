package causal

import (
	"fmt"

	"github.com/dustin/go-humanize/english"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Words says in plain words what an event did; of an event of another program than the bank what its kind and note tell.
func Words(e *trace.Event) string {
	var words string
	switch e.Kind {
	case trace.Send:
		words = sendWords(e)
	case trace.Receive:
		words = receiveWords(e)
	default:
		words = localWords(e)
	}
	if e.Note != "" {
		return words + fmt.Sprintf(" (%s)", e.Note)
	}
	return words
}

func sendWords(e *trace.Event) string {
	switch e.Step {
	case trace.StepNone:
		return "sends a message to " + or(e.Peer, "somebody")
	case trace.StepRequest:
		return fmt.Sprintf("asks %s%s: %s", e.Peer, request(e), operation(e))
	case trace.StepPropagate:
		return fmt.Sprintf("passes %s on to %s", write(e), e.Peer)
	case trace.StepAcknowledge:
		return "tells " + e.Peer + " what it holds"
	case trace.StepRespond:
		return fmt.Sprintf("answers %s%s: %s", e.Peer, request(e), answer(e))
	}
	return fmt.Sprintf("sends %s to %s", e.Step, e.Peer)
}

func receiveWords(e *trace.Event) string {
	switch e.Step {
	case trace.StepNone:
		return "receives a message from " + or(e.Peer, "somebody")
	case trace.StepRequest:
		return fmt.Sprintf("is asked by %s%s: %s", e.Peer, request(e), operation(e))
	case trace.StepPropagate:
		return fmt.Sprintf("gets %s from %s", write(e), e.Peer)
	case trace.StepAcknowledge:
		return "hears from " + e.Peer + " what it holds"
	case trace.StepRespond:
		return fmt.Sprintf("is answered by %s%s: %s", e.Peer, request(e), answer(e))
	}
	return fmt.Sprintf("receives %s from %s", e.Step, e.Peer)
}

func localWords(e *trace.Event) string {
	switch e.Step {
	case trace.StepNone:
		return "does something of its own"
	case trace.StepOrder:
		return fmt.Sprintf("gives %s its place in the order: %d", write(e), e.At)
	case trace.StepExecute:
		if e.Write.IsZero() {
			return fmt.Sprintf("looks%s: %s%s", request(e), or(e.Account, "it"), balance(e, " has "))
		}
		return fmt.Sprintf("executes %s: %s%s", write(e), e.Result, balance(e, ", "+or(e.Account, "it")+" has "))
	case trace.StepSnapshot:
		return "takes over a state"
	}
	return e.Step.String() + request(e)
}

func operation(e *trace.Event) string {
	switch e.Op {
	case trace.OpNone:
		return "something"
	case trace.OpQuery:
		return "how much has " + or(e.Account, "it") + "?"
	case trace.OpTransfer:
		return fmt.Sprintf("transfer %d from %s to %s", e.Amount, e.Account, e.ToAccount)
	}
	return fmt.Sprintf("%s %d, account %s", e.Op, e.Amount, or(e.Account, "?"))
}

func answer(e *trace.Event) string {
	if e.Result == trace.ResultNone {
		return "something"
	}
	return e.Result.String() + balance(e, ", balance ")
}

func write(e *trace.Event) string {
	if e.Write.IsZero() {
		return "a write"
	}
	return "write " + e.Write.String()
}

func balance(e *trace.Event, before string) string {
	if !e.Balance.Known {
		return ""
	}
	return fmt.Sprintf("%s%d", before, e.Balance.Amount)
}

func request(e *trace.Event) string {
	if e.Request.IsZero() {
		return ""
	}
	return " (request " + e.Request.String() + ")"
}

func or(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// counted writes a number of things, without commas: programs may read it.
func counted[N ~int | ~int32 | ~int64](n N, thing string) string {
	return fmt.Sprintf("%d %s", n, english.PluralWord(int(n), thing, ""))
}
