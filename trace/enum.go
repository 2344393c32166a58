package trace

import (
	"fmt"
	"strings"
)

// Kind is what an event is to happens-before.
type Kind uint8

// The kinds of event.
const (
	KindNone Kind = iota
	Local
	Send
	Receive
)

// Step is what an event is in the bank's protocol.
type Step uint8

// The steps of the bank's protocol.
const (
	StepNone        Step = iota
	StepRequest          // a customer's operation goes to a branch
	StepOrder            // a write gets its number and timestamp
	StepPropagate        // a write goes to another branch
	StepAcknowledge      // a branch says what it holds
	StepSync             // a branch asks for another's position, or answers
	StepExecute          // a write takes effect at a replica, or a query is answered
	StepRespond          // the answer goes to the customer
	StepRightsAsk        // a branch asks for rights to withdraw
	StepRightsGrant      // a branch gives rights away
	StepFence            // a branch promises not to execute a request
	StepSnapshot         // a branch takes over another's state
)

// Op is an operation on the bank.
type Op uint8

// The operations of the bank.
const (
	OpNone Op = iota
	OpQuery
	OpDeposit
	OpWithdraw
	OpTransfer
	OpGrant
	OpFence
)

// Result is how a request or a write ended.
type Result uint8

// The results of requests and writes.
const (
	ResultNone   Result = iota
	OK                  // it took effect, or the query was answered
	Insufficient        // the balance did not cover it
	Duplicate           // a copy of a write whose request was executed before
	Conflict            // the request's id was used before for another operation
	Refused             // it could not be taken: an unknown account, say
	Unknown             // whether it was executed could not be found out
)

var (
	kindNames   = [...]string{"", "local", "send", "receive"}
	stepNames   = [...]string{"", "request", "order", "propagate", "acknowledge", "sync", "execute", "respond", "rights-ask", "rights-grant", "fence", "snapshot"}
	opNames     = [...]string{"", "query", "deposit", "withdraw", "transfer", "grant", "fence"}
	resultNames = [...]string{"", "ok", "insufficient", "duplicate", "conflict", "refused", "unknown"}
)

func (k Kind) String() string   { return nameOf(kindNames[:], int(k)) }
func (s Step) String() string   { return nameOf(stepNames[:], int(s)) }
func (o Op) String() string     { return nameOf(opNames[:], int(o)) }
func (r Result) String() string { return nameOf(resultNames[:], int(r)) }

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

// ParseKind reads the name of a kind.
func ParseKind(s string) (Kind, error) { return parseName[Kind](kindNames[:], s) }

// ParseStep reads the name of a step.
func ParseStep(s string) (Step, error) { return parseName[Step](stepNames[:], s) }

// ParseOp reads the name of an operation.
func ParseOp(s string) (Op, error) { return parseName[Op](opNames[:], s) }

// ParseResult reads the name of a result.
func ParseResult(s string) (Result, error) { return parseName[Result](resultNames[:], s) }

func parseName[T ~uint8](names []string, s string) (T, error) {
	for i, name := range names[1:] {
		if name == s {
			return T(i + 1), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", s, strings.Join(names[1:], ", "))
}
