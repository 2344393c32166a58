package wire

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Fit returns how many messages from the front go into one frame of at most limit bytes; at least one if there is any.
func Fit(messages []branch.Message, limit int) int {
	size := 0
	for i := range messages {
		size += bound(&messages[i])
		if size > limit && i > 0 {
			return i
		}
	}
	return len(messages)
}

// bound is at least the encoded size of a message in bytes: numbers take at most 10, keys and lengths are counted on top.
func bound(m *branch.Message) int {
	size := 240 + len(m.Stamp.Process) + len(m.Request.Process) + len(m.Account)
	if w := m.Write; w != nil {
		size += 192 + len(w.ID.Process) + len(w.Account) + len(w.ToAccount) + len(w.Request.Process) + len(w.ToBranch) + len(w.Reason)
		for _, e := range w.Deps {
			size += 24 + len(e.Process)
		}
	}
	for _, e := range m.Has {
		size += 24 + len(e.Process)
	}
	for _, r := range m.Wants {
		size += 36 + len(r.Origin)
	}
	return size
}

// EncodeBatch returns the message of one frame's worth of messages. It shares nothing with them but strings.
func EncodeBatch(messages []branch.Message) *bankv1.Batch {
	type propagated struct {
		body      bankv1.Message_Propagate
		propagate bankv1.Propagate
		write     bankv1.Write
	}
	type slot struct { // a message's parts in one piece: a frame is few allocations, not many
		message bankv1.Message
		stamp   bankv1.Stamp
	}
	writes := 0
	for i := range messages {
		if messages[i].Step == trace.StepPropagate {
			writes++
		}
	}
	slots, propagates := make([]slot, len(messages)), make([]propagated, writes)
	batch := &bankv1.Batch{Messages: make([]*bankv1.Message, len(messages))}
	for i := range messages {
		from, to := &messages[i], &slots[i]
		to.stamp.Process, to.stamp.Seq, to.stamp.Clock = from.Stamp.Process, from.Stamp.Seq, from.Stamp.Clock
		m := &to.message
		m.Stamp, m.Promise, m.Upto, m.Seen = &to.stamp, from.Promise, from.Upto, from.Seen
		switch from.Step {
		case trace.StepPropagate:
			p := &propagates[0]
			propagates = propagates[1:]
			encodeWrite(from.Write, &p.write)
			p.propagate.Write, p.body.Propagate = &p.write, &p.propagate
			m.Body = &p.body
		case trace.StepAcknowledge:
			m.Body = &bankv1.Message_Acknowledge{Acknowledge: &bankv1.Acknowledge{Has: EncodeVector(from.Has)}}
		case trace.StepRightsAsk:
			m.Body = &bankv1.Message_RightsAsk{RightsAsk: &bankv1.RightsAsk{
				Customer: from.Request.Process, Request: from.Request.N, Number: from.Number, Since: from.Since,
				Account: from.Account, Amount: from.Amount}}
		case trace.StepRightsGrant:
			m.Body = &bankv1.Message_RightsGrant{RightsGrant: &bankv1.RightsGrant{
				Customer: from.Request.Process, Request: from.Request.N, Number: from.Number, Executed: EncodeVector(from.Has),
				Account: from.Account, Amount: from.Amount}}
		case trace.StepFence:
			m.Body = &bankv1.Message_Fence{Fence: &bankv1.Fence{Customer: from.Request.Process, Request: from.Request.N}}
		case trace.StepSync:
			m.Body = &bankv1.Message_Sync{Sync: &bankv1.Sync{
				Has: EncodeVector(from.Has), Answers: from.Answers, Wants: encodeRanges(from.Wants)}}
		}
		batch.Messages[i] = m
	}
	return batch
}

// DecodeBatch reads the messages of one frame, all of them or none. Each gets to as its addressee. The error is a
// *FieldError whose path begins with messages[i].
func DecodeBatch(m *bankv1.Batch, to string) ([]branch.Message, error) {
	messages := make([]branch.Message, len(m.GetMessages()))
	for i, from := range m.GetMessages() {
		if err := decodeMessage(from, &messages[i]); err != nil {
			return nil, within(fmt.Sprintf("messages[%d]", i), err)
		}
		messages[i].To = to
	}
	return messages, nil
}

func decodeMessage(from *bankv1.Message, to *branch.Message) error {
	stamp, err := DecodeStamp(from.GetStamp())
	if err == nil {
		err = count("promise", from.Promise, 0)
	}
	if err == nil {
		err = count("upto", from.Upto, 0)
	}
	if err == nil {
		err = count("seen", from.Seen, 0)
	}
	if err != nil {
		return err
	}
	to.Stamp, to.Promise, to.Upto, to.Seen = stamp, from.Promise, from.Upto, from.Seen
	switch body := from.Body.(type) {
	case *bankv1.Message_Propagate:
		to.Step, to.Write = trace.StepPropagate, new(branch.Write)
		return within("propagate", DecodeWrite(body.Propagate.GetWrite(), to.Write))
	case *bankv1.Message_Acknowledge:
		to.Step = trace.StepAcknowledge
		to.Has, err = DecodeVector(body.Acknowledge.GetHas())
		return within("acknowledge.has", err)
	case *bankv1.Message_Sync:
		to.Step = trace.StepSync
		return within("sync", decodeSync(body.Sync, to))
	case *bankv1.Message_RightsAsk:
		to.Step = trace.StepRightsAsk
		return within("rights_ask", decodeAsk(body.RightsAsk, to))
	case *bankv1.Message_RightsGrant:
		to.Step = trace.StepRightsGrant
		return within("rights_grant", decodeGrant(body.RightsGrant, to))
	case *bankv1.Message_Fence:
		to.Step = trace.StepFence
		to.Request, err = RequestID(body.Fence.GetCustomer(), body.Fence.GetRequest())
		return within("fence", err)
	}
	return malformed("body", "is missing, or of a kind that this version does not know")
}

func decodeSync(from *bankv1.Sync, to *branch.Message) error {
	has, err := DecodeVector(from.GetHas())
	if err != nil {
		return within("has", err)
	}
	if err := count("answers", from.GetAnswers(), 0); err != nil {
		return err
	}
	to.Has, to.Answers = has, from.GetAnswers()
	to.Wants, err = decodeRanges(from.GetWants())
	return err
}

func encodeRanges(ranges []branch.Range) []*bankv1.Range {
	if len(ranges) == 0 {
		return nil
	}
	to := make([]*bankv1.Range, len(ranges))
	for i, r := range ranges {
		to[i] = &bankv1.Range{Origin: r.Origin, From: r.From, To: r.To}
	}
	return to
}

func decodeRanges(from []*bankv1.Range) ([]branch.Range, error) {
	if len(from) == 0 {
		return nil, nil
	}
	if len(from) > branch.MaxBranches {
		return nil, malformed("wants", "has %d ranges, and a bank has at most %d branches", len(from), branch.MaxBranches)
	}
	ranges := make([]branch.Range, len(from))
	for i, r := range from {
		err := name("origin", r.GetOrigin())
		if err == nil {
			err = count("from", r.GetFrom(), 1)
		}
		if err == nil {
			err = count("to", r.GetTo(), r.GetFrom())
		}
		if err != nil {
			return nil, within(fmt.Sprintf("wants[%d]", i), err)
		}
		ranges[i] = branch.Range{Origin: r.Origin, From: r.From, To: r.To}
	}
	return ranges, nil
}

// EncodeWrite returns the message of a write.
func EncodeWrite(w *branch.Write) *bankv1.Write {
	m := new(bankv1.Write)
	encodeWrite(w, m)
	return m
}

func encodeWrite(w *branch.Write, m *bankv1.Write) {
	m.Origin, m.N, m.At = w.ID.Process, w.ID.N, w.At
	m.Account, m.ToAccount, m.Amount = w.Account, w.ToAccount, w.Amount
	m.Customer, m.Request = w.Request.Process, w.Request.N
	m.Op = encodeOp(w.Op)
	m.Deps, m.ToBranch, m.Number = EncodeVector(w.Deps), w.ToBranch, w.Number
	m.Result, m.Reason = encodeResult(w.Result), string(w.Reason)
}

func encodeOp(op trace.Op) bankv1.Op {
	switch op {
	case trace.OpDeposit:
		return bankv1.Op_OP_DEPOSIT
	case trace.OpWithdraw:
		return bankv1.Op_OP_WITHDRAW
	case trace.OpTransfer:
		return bankv1.Op_OP_TRANSFER
	case trace.OpGrant:
		return bankv1.Op_OP_GRANT
	case trace.OpFence:
		return bankv1.Op_OP_FENCE
	}
	return bankv1.Op_OP_UNSPECIFIED
}

// DecodeWrite reads a write into w. The error is a *FieldError whose path begins with write.
func DecodeWrite(m *bankv1.Write, w *branch.Write) error {
	if m == nil {
		return malformed("write", "is missing")
	}
	op, err := decodeOp(m.Op)
	deps, depsErr := DecodeVector(m.Deps)
	for _, check := range []error{
		err, within("deps", depsErr), name("origin", m.Origin), count("n", m.N, 1), count("at", m.At, 1),
		name("customer", m.Customer), count("request", m.Request, 1), money(m), grant(m), fence(m),
	} {
		if check != nil {
			return within("write", check)
		}
	}
	w.ID.Process, w.ID.N, w.At = m.Origin, m.N, m.At
	w.Operation = branch.Operation{Op: op, Account: m.Account, ToAccount: m.ToAccount, Amount: m.Amount}
	w.Request = trace.ID{Process: m.Customer, N: m.Request}
	w.Deps, w.ToBranch, w.Number, w.Reason = deps, m.ToBranch, m.Number, branch.Reason(m.Reason)
	if m.Result != bankv1.Result_RESULT_UNSPECIFIED {
		w.Result, _ = decodeResult(m.Result)
	}
	return nil
}

// money checks whose money moves: that of no account in a fence, of two in a transfer, of one in all else.
func money(m *bankv1.Write) error {
	if m.Op == bankv1.Op_OP_FENCE {
		if m.Account != "" || m.ToAccount != "" || m.Amount != 0 {
			return malformed("op", "is a fence, which moves no money")
		}
		return nil
	}
	err := name("account", m.Account)
	switch {
	case err != nil:
		return err
	case m.Op == bankv1.Op_OP_TRANSFER:
		err = name("to_account", m.ToAccount)
	case m.ToAccount != "":
		err = malformed("to_account", "%q stands in a write that is no transfer", m.ToAccount)
	}
	if err != nil {
		return err
	}
	return amount(m.Amount)
}

// grant checks that a grant, and nothing else, says who gets the rights.
func grant(m *bankv1.Write) error {
	if m.Op == bankv1.Op_OP_GRANT {
		if err := name("to_branch", m.ToBranch); err != nil {
			return err
		}
		return count("number", m.Number, 0)
	}
	if m.ToBranch != "" || m.Number != 0 {
		return malformed("to_branch", "%q stands in a write that is no grant", m.ToBranch)
	}
	return nil
}

// fence checks that a fence, and nothing else, has a result.
func fence(m *bankv1.Write) error {
	if err := short("reason", m.Reason); err != nil {
		return err
	}
	if m.Result == bankv1.Result_RESULT_UNSPECIFIED && m.Reason == "" {
		return nil
	}
	if m.Op != bankv1.Op_OP_FENCE || m.Result != bankv1.Result_RESULT_INSUFFICIENT && m.Result != bankv1.Result_RESULT_REFUSED {
		return malformed("result", "%v (%s) does not stand in such a write", m.Result, m.Reason)
	}
	return nil
}

func decodeAsk(from *bankv1.RightsAsk, to *branch.Message) error {
	id, err := RequestID(from.GetCustomer(), from.GetRequest())
	for _, check := range []error{
		err, count("number", from.GetNumber(), 1), count("since", from.GetSince(), 1), name("account", from.GetAccount()),
		share(from.GetAmount()),
	} {
		if check != nil {
			return check
		}
	}
	to.Request, to.Number, to.Since, to.Account, to.Amount = id, from.Number, from.Since, from.Account, from.Amount
	return nil
}

func decodeGrant(from *bankv1.RightsGrant, to *branch.Message) error {
	id, err := RequestID(from.GetCustomer(), from.GetRequest())
	executed, vectorErr := DecodeVector(from.GetExecuted())
	for _, check := range []error{
		err, count("number", from.GetNumber(), 1), name("account", from.GetAccount()), share(from.GetAmount()),
		within("executed", vectorErr),
	} {
		if check != nil {
			return check
		}
	}
	to.Request, to.Number, to.Has, to.Account, to.Amount = id, from.Number, executed, from.Account, from.Amount
	return nil
}

// share checks an amount that may be none.
func share(n int64) error {
	if n == 0 {
		return nil
	}
	return amount(n)
}

func amount(n int64) error {
	if n < 1 || n > int64(MaxCount) {
		return malformed("amount", "%d is not from 1 to 2^53", n)
	}
	return nil
}

func decodeOp(op bankv1.Op) (trace.Op, error) {
	switch op {
	case bankv1.Op_OP_DEPOSIT:
		return trace.OpDeposit, nil
	case bankv1.Op_OP_WITHDRAW:
		return trace.OpWithdraw, nil
	case bankv1.Op_OP_TRANSFER:
		return trace.OpTransfer, nil
	case bankv1.Op_OP_GRANT:
		return trace.OpGrant, nil
	case bankv1.Op_OP_FENCE:
		return trace.OpFence, nil
	}
	return trace.OpNone, malformed("op", "%d is no operation of a write", int32(op))
}
