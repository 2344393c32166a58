package client

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// maxName is the length in bytes of the longest name that a log takes.
const maxName = 255

// fit says why a request could not even be recorded. Whether an amount is right is for the branch to say.
func fit(op customer.Operation) error {
	const most = int64(clock.Max)
	switch {
	case op.Op < trace.OpQuery || op.Op > trace.OpTransfer:
		return fmt.Errorf("%w: %q is no operation of a customer; there are query, deposit, withdraw and transfer", ErrOperation, op.Op)
	case op.Amount > most || op.Amount < 0:
		return fmt.Errorf("%w: amount %d is not from 0 to 2^53", ErrOperation, op.Amount)
	}
	if err := sound(op.Account); err != nil {
		return fmt.Errorf("%w: account %w", ErrOperation, err)
	}
	if err := sound(op.ToAccount); err != nil {
		return fmt.Errorf("%w: account %w", ErrOperation, err)
	}
	return nil
}

// sound checks what must hold for a name to travel.
func sound(name string) error {
	switch {
	case len(name) > maxName:
		return fmt.Errorf("name of %d bytes is longer than %d", len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not UTF-8", name)
	}
	return nil
}

// ask makes the gRPC call.
func ask(ctx context.Context, stub bankv1.BankServiceClient, c customer.Call) (*bankv1.Reply, error) {
	call := &bankv1.Call{
		Stamp: &bankv1.Stamp{Process: c.Stamp.Process, Seq: c.Stamp.Seq, Clock: c.Stamp.Clock},
		N:     c.N, Token: encodeVector(c.Token), Tried: c.Tried,
	}
	switch c.Op {
	case trace.OpQuery:
		m, err := stub.Query(ctx, &bankv1.QueryRequest{Call: call, Account: c.Account})
		return m.GetReply(), err
	case trace.OpDeposit:
		m, err := stub.Deposit(ctx, &bankv1.DepositRequest{Call: call, Account: c.Account, Amount: c.Amount})
		return m.GetReply(), err
	case trace.OpWithdraw:
		m, err := stub.Withdraw(ctx, &bankv1.WithdrawRequest{Call: call, Account: c.Account, Amount: c.Amount})
		return m.GetReply(), err
	}
	m, err := stub.Transfer(ctx, &bankv1.TransferRequest{Call: call, Account: c.Account, ToAccount: c.ToAccount, Amount: c.Amount})
	return m.GetReply(), err
}

func encodeVector(v clock.Vector) *bankv1.Vector {
	if len(v) == 0 {
		return nil
	}
	m := &bankv1.Vector{Entries: make([]*bankv1.VectorEntry, len(v))}
	for i, e := range v {
		m.Entries[i] = &bankv1.VectorEntry{Origin: e.Process, N: e.N}
	}
	return m
}

// decodeReply reads the answer to a call, strictly: what it returns may be recorded and merged into the session.
func decodeReply(m *bankv1.Reply, call customer.Call) (customer.Reply, error) {
	none := customer.Reply{}
	if m == nil || m.Stamp == nil {
		return none, fmt.Errorf("reply.stamp: is missing")
	}
	if m.Stamp.Process != call.Branch {
		return none, fmt.Errorf("reply.stamp.process: %q answers, and %q was asked", m.Stamp.Process, call.Branch)
	}
	if m.Stamp.Seq < 1 || m.Stamp.Seq > clock.Max || m.Stamp.Clock > clock.Max {
		return none, fmt.Errorf("reply.stamp: seq %d and clock %d are not both from 1 to 2^53", m.Stamp.Seq, m.Stamp.Clock)
	}
	// An answer is later than its question, or the clocks of one of the two cannot be trusted.
	if m.Stamp.Clock <= call.Stamp.Clock {
		return none, fmt.Errorf("reply.stamp.clock: %d is not after %d, the clock of the request", m.Stamp.Clock, call.Stamp.Clock)
	}
	r := customer.Reply{N: call.N, Stamp: clock.Stamp{Process: m.Stamp.Process, Seq: m.Stamp.Seq, Clock: m.Stamp.Clock}}
	switch m.Result {
	case bankv1.Result_RESULT_OK:
		r.Result = trace.OK
	case bankv1.Result_RESULT_INSUFFICIENT:
		r.Result = trace.Insufficient
	case bankv1.Result_RESULT_CONFLICT:
		r.Result = trace.Conflict
	case bankv1.Result_RESULT_REFUSED:
		r.Result = trace.Refused
	case bankv1.Result_RESULT_UNKNOWN:
		r.Result = trace.Unknown
	default:
		return none, fmt.Errorf("reply.result: %d is no result", int32(m.Result))
	}
	if m.Balance != nil {
		r.Balance = trace.KnownBalance(*m.Balance)
	}
	if m.ToBalance != nil {
		r.ToBalance = trace.KnownBalance(*m.ToBalance)
	}
	sees, err := decodeVector(m.Sees)
	if err != nil {
		return none, fmt.Errorf("reply.sees: %w", err)
	}
	r.Sees = sees
	return r, nil
}

// decodeVector refuses what is no version vector in its one form; more than that only a branch can tell.
func decodeVector(m *bankv1.Vector) (clock.Vector, error) {
	var v clock.Vector
	for i, e := range m.GetEntries() {
		if e.GetOrigin() == "" || len(e.Origin) > maxName || e.N < 1 || e.N > clock.Max || i > 0 && e.Origin <= v[i-1].Process {
			return nil, fmt.Errorf("entry %d, %q with n %d, is malformed or out of order", i, e.GetOrigin(), e.GetN())
		}
		v = append(v, clock.Entry{Process: e.Origin, N: e.N})
	}
	return v, nil
}
