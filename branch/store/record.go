package store

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// appendOutcome appends a result: n, op, account, to_account, amount, result, the two balances, reason. Operations and
// results are written by name, so that no later order of the constants changes what is stored.
func appendOutcome(dst []byte, o *branch.Outcome) []byte {
	dst = binary.AppendUvarint(dst, o.N)
	dst = appendText(dst, o.Op.String())
	dst = appendText(dst, o.Account)
	dst = appendText(dst, o.ToAccount)
	dst = binary.AppendVarint(dst, o.Amount)
	dst = appendText(dst, o.Result.String())
	dst = appendBalance(dst, o.Balance)
	dst = appendBalance(dst, o.ToBalance)
	return appendText(dst, string(o.Reason))
}

func appendBalance(dst []byte, b trace.Balance) []byte {
	if !b.Known {
		return append(dst, 0)
	}
	return binary.AppendVarint(append(dst, 1), b.Amount)
}

func decodeOutcome(value []byte) (branch.Outcome, error) {
	in := parser{rest: value}
	var o branch.Outcome
	var errs [2]error
	o.N = in.count()
	o.Op, errs[0] = named(in.text(), trace.ParseOp)
	o.Account, o.ToAccount, o.Amount = in.text(), in.text(), in.number()
	o.Result, errs[1] = named(in.text(), trace.ParseResult)
	o.Balance, o.ToBalance = in.balance(), in.balance()
	o.Reason = branch.Reason(in.text())
	if err := in.end(); err != nil || errs[0] != nil || errs[1] != nil {
		return branch.Outcome{}, errRecord
	}
	return o, nil
}

// named reads a name; "" is the zero value.
func named[T any](name string, parse func(string) (T, error)) (T, error) {
	if name == "" {
		var none T
		return none, nil
	}
	return parse(name)
}

func (p *parser) balance() trace.Balance {
	switch p.byte() {
	case 0:
		return trace.Balance{}
	case 1:
		return trace.KnownBalance(p.number())
	}
	p.fail()
	return trace.Balance{}
}

func appendWriteRecord(dst []byte, w *branch.Write) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(dst, wire.EncodeWrite(w))
}

func decodeWriteRecord(value []byte) (*branch.Write, error) {
	w := new(branch.Write)
	m := wire.EncodeWrite(w) // an empty message: the protobuf types are wire's alone
	if err := proto.Unmarshal(value, m); err != nil {
		return nil, err
	}
	if err := wire.DecodeWrite(m, w); err != nil {
		return nil, err
	}
	return w, nil
}

// appendBlock appends the value of a block of events, which follow each other.
func appendBlock(dst []byte, events []trace.Event) []byte {
	for i := range events {
		dst = trace.AppendEvent(dst, &events[i])
	}
	return dst
}

// blockHead returns the seq of a block's first event and its lines.
func blockHead(value []byte) (first uint64, lines []byte, err error) {
	in := parser{rest: value}
	first = in.count()
	if in.bad || first == 0 || len(in.rest) == 0 {
		return 0, nil, errRecord
	}
	return first, in.rest, nil
}
