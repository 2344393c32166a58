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
	size := 160 + len(m.Stamp.Process)
	if w := m.Write; w != nil {
		size += 128 + len(w.ID.Process) + len(w.Account) + len(w.ToAccount) + len(w.Request.Process)
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
}

func encodeOp(op trace.Op) bankv1.Op {
	switch op {
	case trace.OpDeposit:
		return bankv1.Op_OP_DEPOSIT
	case trace.OpWithdraw:
		return bankv1.Op_OP_WITHDRAW
	case trace.OpTransfer:
		return bankv1.Op_OP_TRANSFER
	}
	return bankv1.Op_OP_UNSPECIFIED
}

// DecodeWrite reads a write into w. The error is a *FieldError whose path begins with write.
func DecodeWrite(m *bankv1.Write, w *branch.Write) error {
	if m == nil {
		return malformed("write", "is missing")
	}
	op, err := decodeOp(m.Op)
	for _, check := range []error{
		err, name("origin", m.Origin), count("n", m.N, 1), count("at", m.At, 1), name("account", m.Account),
		name("customer", m.Customer), count("request", m.Request, 1), receiver(m), amount(m.Amount),
	} {
		if check != nil {
			return within("write", check)
		}
	}
	w.ID.Process, w.ID.N, w.At = m.Origin, m.N, m.At
	w.Operation = branch.Operation{Op: op, Account: m.Account, ToAccount: m.ToAccount, Amount: m.Amount}
	w.Request = trace.ID{Process: m.Customer, N: m.Request}
	return nil
}

// receiver checks that a transfer, and nothing else, has a receiving account.
func receiver(m *bankv1.Write) error {
	if m.Op == bankv1.Op_OP_TRANSFER {
		return name("to_account", m.ToAccount)
	}
	if m.ToAccount != "" {
		return malformed("to_account", "%q stands in a write that is no transfer", m.ToAccount)
	}
	return nil
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
	}
	return trace.OpNone, malformed("op", "%d is no operation of a write", int32(op))
}
