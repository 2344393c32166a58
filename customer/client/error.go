package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// ErrOutstanding says that the client's request before is still under way.
var ErrOutstanding = customer.ErrOutstanding

// UnsettledError says that an earlier client of the session sent a request and did not learn its outcome. It unwraps to
// ErrOutstanding.
type UnsettledError struct {
	Request   trace.ID
	Operation customer.Operation
	Tried     []string // the branches that it was sent to, in the order of the first time
}

// Error names the request and what to do.
func (e *UnsettledError) Error() string {
	return fmt.Sprintf("%v: the %s %s was sent to %s before, and its outcome is not known; settle it first: ask again with the same number, or give it up",
		ErrOutstanding, e.Operation.Op, e.Request, strings.Join(e.Tried, ", "))
}

// Unwrap returns ErrOutstanding.
func (e *UnsettledError) Unwrap() error { return ErrOutstanding }

// ErrClosed says that the client, or its connections, are closed.
var ErrClosed = errors.New("closed")

// ErrBranch says that the client does not know the branch that it was to call.
var ErrBranch = errors.New("no such branch")

// ErrOperation says that a request cannot be made at all; nothing was sent or recorded.
var ErrOperation = errors.New("request cannot be made")

// ErrReply says that a branch's answer was malformed, or not an answer to what was asked.
var ErrReply = errors.New("reply is not sound")

// Error says why a request did not end with ok.
type Error struct {
	Branch  string
	Request trace.ID
	Code    codes.Code
	Reason  string // of the ErrorInfo, such as INSUFFICIENT_FUNDS; "" where the branch gave none
	Message string
	Remedy  string
	Unknown bool  // whether the write was executed is not known
	Cause   error // the gRPC status error, or what was wrong with the reply

	Attempts int      // how often this call made the request
	Tried    []string // the branches that it was sent to, in the order of the first time

	answered bool          // by a branch, in a reply that settles the request
	refused  bool          // the branch says that this attempt had no effect
	again    bool          // it may well end otherwise when it is made again
	wait     time.Duration // before that, as the branch asks; 0 where it does not
}

// Error gives the branch, the request, what happened and what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: request %s: %s", e.Branch, e.Request, e.Message)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Attempts > 1 {
		text += fmt.Sprintf("; tried %d times, at %s", e.Attempts, strings.Join(e.Tried, ", "))
	}
	if e.Unknown {
		text += "; outcome unknown"
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// domain is the domain of the ErrorInfo of this bank's branches.
const domain = "bank-trace"

// explain makes an Error of a call's gRPC status, and finds the reply in it if the branch recorded one.
func explain(err error, call customer.Call) (*Error, *bankv1.Reply) {
	s := status.Convert(err)
	e := &Error{
		Branch: call.Branch, Request: trace.ID{Process: call.Stamp.Process, N: call.N},
		Code: s.Code(), Message: s.Message(), Cause: err, Unknown: call.Op != trace.OpQuery,
	}
	var reply *bankv1.Reply
	asked := false
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.Domain != domain {
				continue
			}
			e.Reason, e.Remedy = detail.Reason, detail.Metadata["remedy"]
			// Without a word on the result from the branch itself, a write may have been executed.
			result, known := detail.Metadata["result"]
			e.refused = known && result != trace.Unknown.String()
			e.Unknown = e.Unknown && !e.refused
		case *errdetails.RetryInfo:
			asked, e.wait = true, max(0, detail.GetRetryDelay().AsDuration())
		case *bankv1.Reply:
			reply = detail
		}
	}
	e.again = transient(e.Reason, e.Code, asked)
	return e, reply
}
