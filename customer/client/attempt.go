package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// attempt is one sending of a request, which is recorded already.
type attempt struct {
	customer.Call
	stub bankv1.BankServiceClient
}

// begin records the send event of a request's first attempt; send makes it.
func (c *Client) begin(branch string, send func() (customer.Call, trace.Event, error)) (attempt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return attempt{}, ErrClosed
	case c.failed != nil:
		return attempt{}, c.failed
	case c.busy:
		return attempt{}, ErrOutstanding
	case c.cfg.Branches[branch] == "":
		return attempt{}, fmt.Errorf("%w: %q; there are %s", ErrBranch, branch, strings.Join(c.branches, ", "))
	}
	a, err := c.send(branch, send)
	if errors.Is(err, ErrOutstanding) {
		return attempt{}, c.unsettled()
	}
	c.busy = err == nil
	return a, err
}

// send records the send event that the session makes. What is not recorded never leaves.
func (c *Client) send(branch string, send func() (customer.Call, trace.Event, error)) (attempt, error) {
	conn, err := c.cfg.Conns.To(c.cfg.Branches[branch])
	if err != nil {
		return attempt{}, err
	}
	call, e, err := send()
	if err != nil {
		return attempt{}, err
	}
	if err := c.record(&e); err != nil {
		return attempt{}, err
	}
	return attempt{call, bankv1.NewBankServiceClient(conn)}, nil
}

// pursue makes attempts until one settles the request, or no time or attempts are left.
func (c *Client) pursue(ctx context.Context, a attempt) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	t := newTour(a.Branch, c.branches)
	unknown := false // an attempt before may have been executed
	for {
		reply, failure := c.ask(ctx, a)
		result, failure, err := c.take(a.Call, reply, failure)
		if failure == nil || err != nil {
			return result, c.finish(nil, err)
		}
		// A reply that settles is the bank's word on the request, anything else speaks of one attempt.
		unknown = (unknown || failure.Unknown) && !failure.answered
		failure.Unknown, failure.Attempts = unknown, t.attempts
		if !failure.again || t.attempts == c.cfg.Attempts || !pause(ctx, max(failure.wait, c.backoff(t.attempts))) {
			return result.of(failure), c.finish(failure, nil)
		}
		if a, err = c.retry(t.next()); err != nil {
			return result.of(failure), c.finish(failure, err)
		}
	}
}

// ask makes one attempt over gRPC.
func (c *Client) ask(ctx context.Context, a attempt) (*bankv1.Reply, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.AttemptTimeout)
	defer cancel()
	reply, err := ask(ctx, a.stub, a.Call)
	if err != nil {
		failure, reply := explain(err, a.Call)
		return reply, failure
	}
	return reply, nil
}

func (c *Client) backoff(retry int) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg.Backoff.before(retry, c.cfg.Random)
}

// retry records the send event of another attempt.
func (c *Client) retry(branch string) (attempt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(branch, func() (customer.Call, trace.Event, error) { return c.session.Retry(branch) })
}

// take records the receive event of an answer, if there is one, and tells what came of the attempt: no failure where the
// request ended with ok. The error is that of the log.
func (c *Client) take(call customer.Call, reply *bankv1.Reply, failure *Error) (Result, *Error, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	result := Result{N: call.N, Result: trace.Unknown}
	if reply == nil && failure != nil {
		return result, failure, nil
	}
	r, err := decodeReply(reply, call)
	if err == nil && (r.Result == trace.OK) != (failure == nil) {
		err = fmt.Errorf("reply.result: %s contradicts the status of the call", r.Result)
	}
	var e trace.Event
	if err == nil {
		r.Again = r.Result == trace.Unknown
		e, err = c.session.Reply(r)
	}
	if err != nil {
		return result, unsound(failure, call, err), nil
	}
	result.Result, result.Balance, result.ToBalance = r.Result, r.Balance, r.ToBalance
	if failure != nil {
		failure.answered, failure.Unknown = !r.Again, r.Again && call.Op != trace.OpQuery
		failure.again = failure.again && r.Again
	}
	if err := c.record(&e); err != nil {
		return result, failure, fmt.Errorf("client: %s: %w", c.cfg.Name, err)
	}
	return result, failure, nil
}

// finish ends a request with what its last attempt left, and returns it as Do's error.
func (c *Client) finish(failure *Error, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if failure == nil {
		return err
	}
	failure.Tried = c.session.State().Tried
	stays := failure.Unknown && c.journal.lasts()
	switch {
	case stays:
		failure.Remedy = "settle it: the session asks again with the same number"
	case failure.Unknown && failure.Remedy == "":
		failure.Remedy = "query the account before you ask again"
	}
	if err == nil && !stays {
		err = c.giveUp()
	}
	if err != nil {
		return fmt.Errorf("%w; %w", failure, err)
	}
	return failure
}

// of is the result of a request that failed so. An attempt that a branch refused without a record settles nothing as
// long as another may have been executed.
func (r Result) of(failure *Error) Result {
	if !failure.answered && failure.refused && !failure.Unknown {
		r.Result = trace.Refused
	}
	return r
}

// unsound is the error of a reply that cannot be taken.
func unsound(failure *Error, call customer.Call, err error) *Error {
	e := &Error{Branch: call.Branch, Request: trace.ID{Process: call.Stamp.Process, N: call.N}}
	if failure != nil {
		*e = *failure
	}
	e.Cause = fmt.Errorf("%w: %w", ErrReply, err)
	e.Message, e.Unknown, e.again = e.Cause.Error(), call.Op != trace.OpQuery, false
	return e
}
