package server

import (
	"context"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// call is a customer's request on its way through the owner. Calls are used again.
type call struct {
	request branch.Request
	answer  chan answer // holds one: the owner never waits
	timer   *time.Timer
}

// answer is the core's reply, or why there is none that counts.
type answer struct {
	branch.Reply
	err error
}

func newCall() *call {
	c := &call{answer: make(chan answer, 1), timer: time.NewTimer(time.Hour)}
	c.timer.Stop()
	return c
}

func (c *call) take(o *owner) int {
	if o.stopped || o.failed != nil {
		c.answer <- answer{err: o.refusal()}
		return 1
	}
	o.calls[c.request.Waiter] = c
	o.core.Step(&c.request, &o.next.effects)
	return 1
}

// refusal says why no request is taken.
func (o *owner) refusal() error {
	if o.failed != nil {
		return failedError(o.failed.reason, o.cfg.Branch.Name)
	}
	return stoppingError(o.cfg.Branch.Name)
}

// expiry says that a call's time is over. It names the call by its waiter, as the call may be in use again by then.
type expiry branch.Expire

func (e expiry) take(o *owner) int {
	o.core.Step(branch.Expire(e), &o.next.effects)
	return 1
}

// bank is the service for customers.
type bank struct {
	bankv1.UnimplementedBankServiceServer
	server *Server
}

// Query answers with the balance of an account.
func (b *bank) Query(ctx context.Context, m *bankv1.QueryRequest) (*bankv1.QueryResponse, error) {
	r, err := wire.DecodeQuery(m)
	reply, err := b.server.call(ctx, r, err)
	if err != nil {
		return nil, err
	}
	return &bankv1.QueryResponse{Reply: reply}, nil
}

// Deposit adds to an account.
func (b *bank) Deposit(ctx context.Context, m *bankv1.DepositRequest) (*bankv1.DepositResponse, error) {
	r, err := wire.DecodeDeposit(m)
	reply, err := b.server.call(ctx, r, err)
	if err != nil {
		return nil, err
	}
	return &bankv1.DepositResponse{Reply: reply}, nil
}

// Withdraw takes from an account what it covers.
func (b *bank) Withdraw(ctx context.Context, m *bankv1.WithdrawRequest) (*bankv1.WithdrawResponse, error) {
	r, err := wire.DecodeWithdraw(m)
	reply, err := b.server.call(ctx, r, err)
	if err != nil {
		return nil, err
	}
	return &bankv1.WithdrawResponse{Reply: reply}, nil
}

// Transfer moves from one account to another what the first covers.
func (b *bank) Transfer(ctx context.Context, m *bankv1.TransferRequest) (*bankv1.TransferResponse, error) {
	r, err := wire.DecodeTransfer(m)
	reply, err := b.server.call(ctx, r, err)
	if err != nil {
		return nil, err
	}
	return &bankv1.TransferResponse{Reply: reply}, nil
}

// call has a decoded request answered; malformed is the error of decoding it. Every error is a gRPC status.
func (s *Server) call(ctx context.Context, r branch.Request, malformed error) (*bankv1.Reply, error) {
	if malformed != nil {
		s.refuse("a customer", malformed)
		return nil, replyError(&branch.Reply{Result: trace.Refused, Reason: branch.ReasonRequestInvalid, Detail: malformed.Error()})
	}
	c := s.calls.Get().(*call)
	c.request = r
	c.request.Waiter = s.waiters.Add(1)
	s.owner.submit(c)
	a := s.await(ctx, c)
	c.request = branch.Request{}
	s.calls.Put(c)
	switch {
	case a.err != nil:
		return nil, a.err
	case a.Result != trace.OK:
		return nil, replyError(&a.Reply)
	}
	return wire.EncodeReply(&a.Reply), nil
}

// await waits for a call's answer. The core answers every request in the end, at the latest when it is told that time is
// over: first the time to wait for a session token, then all of it, or when the caller has gone.
func (s *Server) await(ctx context.Context, c *call) answer {
	limit := s.cfg.RequestTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		// The answer that time is over has a stamp: it must reach the caller before the caller stops listening.
		limit = max(0, min(limit, left-min(left/10, 200*time.Millisecond)))
	}
	first := min(limit, s.cfg.SessionWait)
	behind := first < limit
	c.timer.Reset(first)
	defer c.timer.Stop()
	gone := ctx.Done()
	for {
		select {
		case a := <-c.answer:
			return a
		case <-c.timer.C:
			s.owner.submit(expiry{Waiter: c.request.Waiter, Behind: behind})
			if behind {
				behind = false
				c.timer.Reset(limit - first)
			}
		case <-gone:
			gone = nil
			s.owner.submit(expiry{Waiter: c.request.Waiter})
		}
	}
}
