package wire

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// DecodeQuery reads a customer's query. The error is a *FieldError. Request.Waiter is left for the caller to fill in, by
// this and all functions for requests.
func DecodeQuery(m *bankv1.QueryRequest) (branch.Request, error) {
	return decodeRequest(m.GetCall(), branch.Operation{Op: trace.OpQuery, Account: m.GetAccount()})
}

// DecodeDeposit reads a customer's deposit. The error is a *FieldError.
func DecodeDeposit(m *bankv1.DepositRequest) (branch.Request, error) {
	return decodeRequest(m.GetCall(), branch.Operation{Op: trace.OpDeposit, Account: m.GetAccount(), Amount: m.GetAmount()})
}

// DecodeWithdraw reads a customer's withdrawal. The error is a *FieldError.
func DecodeWithdraw(m *bankv1.WithdrawRequest) (branch.Request, error) {
	return decodeRequest(m.GetCall(), branch.Operation{Op: trace.OpWithdraw, Account: m.GetAccount(), Amount: m.GetAmount()})
}

// DecodeTransfer reads a customer's transfer. The error is a *FieldError.
func DecodeTransfer(m *bankv1.TransferRequest) (branch.Request, error) {
	op := branch.Operation{Op: trace.OpTransfer, Account: m.GetAccount(), ToAccount: m.GetToAccount(), Amount: m.GetAmount()}
	r, err := decodeRequest(m.GetCall(), op)
	if err == nil {
		err = short("to_account", op.ToAccount)
	}
	if err != nil {
		return branch.Request{}, err
	}
	return r, nil
}

// decodeRequest checks what every request has. Whether an account exists and an amount is right is for the core to say,
// with an answer that carries a stamp; here both must only be fit for a log.
func decodeRequest(call *bankv1.Call, op branch.Operation) (branch.Request, error) {
	if call == nil {
		return branch.Request{}, malformed("call", "is missing")
	}
	stamp, err := DecodeStamp(call.Stamp)
	if err == nil {
		err = count("n", call.N, 1)
	}
	if err != nil {
		return branch.Request{}, within("call", err)
	}
	token, err := DecodeVector(call.Token)
	if err != nil {
		return branch.Request{}, within("call.token", err)
	}
	if err := short("account", op.Account); err != nil {
		return branch.Request{}, err
	}
	if op.Amount > int64(MaxCount) || op.Amount < -int64(MaxCount) {
		return branch.Request{}, malformed("amount", "%d is beyond 2^53", op.Amount)
	}
	if len(call.Tried) > branch.MaxBranches {
		return branch.Request{}, malformed("call.tried", "has %d names, and a bank has at most %d branches", len(call.Tried), branch.MaxBranches)
	}
	for i, tried := range call.Tried {
		if err := name(fmt.Sprintf("call.tried[%d]", i), tried); err != nil {
			return branch.Request{}, err
		}
	}
	return branch.Request{Stamp: stamp, N: call.N, Operation: op, Token: token, Tried: call.Tried}, nil
}

// EncodeReply returns the message of a reply; it has no place for Reason and Detail, which travel in the status. A reply
// without a stamp was recorded nowhere and has no message: nil.
func EncodeReply(r *branch.Reply) *bankv1.Reply {
	if r.Stamp.Process == "" {
		return nil
	}
	m := &bankv1.Reply{Stamp: EncodeStamp(r.Stamp), Result: encodeResult(r.Result), Sees: EncodeVector(r.Sees)}
	if r.Balance.Known {
		m.Balance = &r.Balance.Amount
	}
	if r.ToBalance.Known {
		m.ToBalance = &r.ToBalance.Amount
	}
	return m
}

// DecodeReply reads a reply. The error is a *FieldError.
func DecodeReply(m *bankv1.Reply) (branch.Reply, error) {
	var r branch.Reply
	if m == nil {
		return r, malformed("reply", "is missing")
	}
	stamp, err := DecodeStamp(m.Stamp)
	if err != nil {
		return r, within("reply", err)
	}
	result, err := decodeResult(m.Result)
	if err != nil {
		return r, within("reply", err)
	}
	sees, err := DecodeVector(m.Sees)
	if err != nil {
		return r, within("reply.sees", err)
	}
	r.Stamp, r.Result, r.Sees = stamp, result, sees
	if m.Balance != nil {
		r.Balance = trace.KnownBalance(*m.Balance)
	}
	if m.ToBalance != nil {
		r.ToBalance = trace.KnownBalance(*m.ToBalance)
	}
	return r, nil
}

func encodeResult(r trace.Result) bankv1.Result {
	switch r {
	case trace.OK:
		return bankv1.Result_RESULT_OK
	case trace.Insufficient:
		return bankv1.Result_RESULT_INSUFFICIENT
	case trace.Conflict:
		return bankv1.Result_RESULT_CONFLICT
	case trace.Refused:
		return bankv1.Result_RESULT_REFUSED
	case trace.Unknown:
		return bankv1.Result_RESULT_UNKNOWN
	}
	return bankv1.Result_RESULT_UNSPECIFIED
}

func decodeResult(r bankv1.Result) (trace.Result, error) {
	switch r {
	case bankv1.Result_RESULT_OK:
		return trace.OK, nil
	case bankv1.Result_RESULT_INSUFFICIENT:
		return trace.Insufficient, nil
	case bankv1.Result_RESULT_CONFLICT:
		return trace.Conflict, nil
	case bankv1.Result_RESULT_REFUSED:
		return trace.Refused, nil
	case bankv1.Result_RESULT_UNKNOWN:
		return trace.Unknown, nil
	}
	return trace.ResultNone, malformed("result", "%d is no result", int32(r))
}
