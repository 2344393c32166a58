package server_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// teller is a customer that keeps a log and asks until it knows.
type teller struct {
	*customer
	log    bytes.Buffer
	w      *trace.Writer
	random *rand.Rand
	sum    int64 // of what was deposited and withdrawn for certain
	asked  int   // sends
}

func newTeller(b *bank, i int) *teller {
	c := &teller{customer: b.customer(fmt.Sprintf("customer-%d", i)), random: rand.New(rand.NewPCG(7, uint64(i)))}
	c.w = trace.NewWriter(&c.log)
	c.record(c.w.Header(&trace.Header{Format: trace.Format, Process: c.seq.Process(), Role: "customer", Incarnation: 1, Peers: b.names, Ends: true}))
	return c
}

func (c *teller) record(err error) {
	if err != nil {
		c.b.t.Error(err)
	}
}

// do makes one request, at other branches too, until a branch says what became of it.
func (c *teller) do(ctx context.Context, op trace.Op, account string, amount int64) {
	c.n++
	for ctx.Err() == nil {
		i := c.random.IntN(len(c.b.conns))
		reply := c.ask(ctx, i, op, account, amount)
		if reply == nil || reply.Result == bankv1.Result_RESULT_UNKNOWN {
			continue
		}
		if reply.Result == bankv1.Result_RESULT_OK {
			if op == trace.OpWithdraw {
				amount = -amount
			}
			c.sum += amount
		} else if reply.Result != bankv1.Result_RESULT_INSUFFICIENT {
			c.b.t.Errorf("%s/%d ended with %v", c.seq.Process(), c.n, reply.Result)
		}
		return
	}
}

// ask sends the request once and records what comes back.
func (c *teller) ask(ctx context.Context, i int, op trace.Op, account string, amount int64) *bankv1.Reply {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	c.asked++
	id := trace.ID{Process: c.seq.Process(), N: c.n}
	send := trace.Event{Peer: c.b.names[i], Request: id, Step: trace.StepRequest, Op: op, Account: account, Amount: amount}
	stamp := c.seq.Send(&send)
	c.record(c.w.Event(&send))
	call := &bankv1.Call{N: c.n, Token: &bankv1.Vector{},
		Stamp: &bankv1.Stamp{Process: stamp.Process, Seq: stamp.Seq, Clock: stamp.Clock}}
	for _, e := range c.token {
		call.Token.Entries = append(call.Token.Entries, &bankv1.VectorEntry{Origin: e.Process, N: e.N})
	}
	var reply *bankv1.Reply
	var err error
	if op == trace.OpDeposit {
		m, e := c.at(i+1).Deposit(ctx, &bankv1.DepositRequest{Call: call, Account: account, Amount: amount})
		reply, err = m.GetReply(), e
	} else {
		m, e := c.at(i+1).Withdraw(ctx, &bankv1.WithdrawRequest{Call: call, Account: account, Amount: amount})
		reply, err = m.GetReply(), e
	}
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*bankv1.Reply); ok {
			reply = r
		}
	}
	if reply.GetStamp() == nil {
		return nil
	}
	c.answered(id, reply)
	return reply
}

func (c *teller) answered(id trace.ID, reply *bankv1.Reply) {
	results := map[bankv1.Result]trace.Result{bankv1.Result_RESULT_OK: trace.OK, bankv1.Result_RESULT_INSUFFICIENT: trace.Insufficient,
		bankv1.Result_RESULT_CONFLICT: trace.Conflict, bankv1.Result_RESULT_REFUSED: trace.Refused, bankv1.Result_RESULT_UNKNOWN: trace.Unknown}
	receive := trace.Event{Request: id, Step: trace.StepRespond, Result: results[reply.Result]}
	if reply.Balance != nil {
		receive.Balance = trace.KnownBalance(*reply.Balance)
	}
	c.seq.Receive(clock.Stamp{Process: reply.Stamp.Process, Seq: reply.Stamp.Seq, Clock: reply.Stamp.Clock}, &receive)
	c.record(c.w.Event(&receive))
	for _, e := range reply.Sees.GetEntries() {
		c.token = c.token.Merge(clock.Vector{{Process: e.Origin, N: e.N}})
	}
}

func (c *teller) end() []byte {
	c.record(c.w.End(&trace.End{Process: c.seq.Process(), Events: c.seq.Seq(), Clock: c.seq.Now()}))
	c.record(c.w.Flush())
	return c.log.Bytes()
}
