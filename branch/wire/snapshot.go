package wire

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// partSize is how many accounts, outcomes, writes or messages one part of a snapshot has at most: well below 4 MiB.
const partSize = 512

// EncodeSnapshot returns the parts of a snapshot, in order.
func EncodeSnapshot(s *branch.Snapshot) []*bankv1.TakeSnapshotResponse {
	parts := []*bankv1.TakeSnapshotResponse{{Executed: EncodeVector(s.Executed)}}
	part := func() *bankv1.TakeSnapshotResponse {
		last := parts[len(parts)-1]
		if len(last.Messages)+len(last.Balances)+len(last.Outcomes)+len(last.Writes)+len(last.Shares)+len(last.Fenced) < partSize {
			return last
		}
		parts = append(parts, new(bankv1.TakeSnapshotResponse))
		return parts[len(parts)-1]
	}
	for _, m := range EncodeBatch(s.Messages).Messages {
		p := part()
		p.Messages = append(p.Messages, m)
	}
	for _, account := range slices.Sorted(maps.Keys(s.Balances)) {
		p := part()
		p.Balances = append(p.Balances, &bankv1.AccountBalance{Account: account, Balance: s.Balances[account]})
	}
	for _, customer := range slices.Sorted(maps.Keys(s.Results)) {
		p := part()
		p.Outcomes = append(p.Outcomes, encodeOutcome(customer, s.Results[customer]))
	}
	for _, w := range s.Writes {
		p := part()
		p.Writes = append(p.Writes, EncodeWrite(w))
	}
	for _, at := range slices.SortedFunc(maps.Keys(s.Rights), func(a, b branch.Share) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Branch, b.Branch))
	}) {
		p := part()
		p.Shares = append(p.Shares, &bankv1.Share{Account: at.Account, Branch: at.Branch, Amount: s.Rights[at]})
	}
	for _, at := range slices.SortedFunc(maps.Keys(s.Fences), func(a, b branch.Fence) int {
		return cmp.Or(strings.Compare(a.Customer, b.Customer), strings.Compare(a.Branch, b.Branch))
	}) {
		p := part()
		p.Fenced = append(p.Fenced, &bankv1.Fenced{Customer: at.Customer, Branch: at.Branch, N: s.Fences[at]})
	}
	return parts
}

// DecodeSnapshot adds one part to a snapshot for the branch to. The error is a *FieldError.
func DecodeSnapshot(m *bankv1.TakeSnapshotResponse, to string, s *branch.Snapshot) error {
	executed, err := DecodeVector(m.GetExecuted())
	if err != nil {
		return within("executed", err)
	}
	if len(executed) > 0 {
		s.Executed = executed
	}
	messages, err := DecodeBatch(&bankv1.Batch{Messages: m.GetMessages()}, to)
	if err != nil {
		return err
	}
	s.To, s.Messages = to, append(s.Messages, messages...)
	for i, a := range m.GetBalances() {
		if err := name("account", a.GetAccount()); err != nil {
			return within(fmt.Sprintf("balances[%d]", i), err)
		}
		if s.Balances == nil {
			s.Balances = map[string]int64{}
		}
		s.Balances[a.Account] = a.Balance
	}
	for i, o := range m.GetOutcomes() {
		if s.Results == nil {
			s.Results = map[string]branch.Outcome{}
		}
		if s.Results[o.GetCustomer()], err = decodeOutcome(o); err != nil {
			return within(fmt.Sprintf("outcomes[%d]", i), err)
		}
	}
	for i, from := range m.GetWrites() {
		w := new(branch.Write)
		if err := DecodeWrite(from, w); err != nil {
			return within(fmt.Sprintf("writes[%d]", i), err)
		}
		s.Writes = append(s.Writes, w)
	}
	return decodeRights(m, s)
}

func decodeRights(m *bankv1.TakeSnapshotResponse, s *branch.Snapshot) error {
	for i, share := range m.GetShares() {
		if err := cmp.Or(name("account", share.GetAccount()), name("branch", share.GetBranch())); err != nil {
			return within(fmt.Sprintf("shares[%d]", i), err)
		}
		if s.Rights == nil {
			s.Rights = map[branch.Share]int64{}
		}
		s.Rights[branch.Share{Account: share.Account, Branch: share.Branch}] = share.Amount
	}
	for i, f := range m.GetFenced() {
		err := cmp.Or(name("customer", f.GetCustomer()), name("branch", f.GetBranch()), count("n", f.GetN(), 1))
		if err != nil {
			return within(fmt.Sprintf("fenced[%d]", i), err)
		}
		if s.Fences == nil {
			s.Fences = map[branch.Fence]uint64{}
		}
		s.Fences[branch.Fence{Customer: f.Customer, Branch: f.Branch}] = f.N
	}
	return nil
}

func encodeOutcome(customer string, o branch.Outcome) *bankv1.CustomerOutcome {
	m := &bankv1.CustomerOutcome{
		Customer: customer, N: o.N, Op: encodeOp(o.Op), Account: o.Account, ToAccount: o.ToAccount, Amount: o.Amount,
		Result: encodeResult(o.Result), Reason: string(o.Reason),
	}
	if o.Balance.Known {
		m.Balance = &o.Balance.Amount
	}
	if o.ToBalance.Known {
		m.ToBalance = &o.ToBalance.Amount
	}
	return m
}

func decodeOutcome(m *bankv1.CustomerOutcome) (branch.Outcome, error) {
	op, opErr := decodeOp(m.GetOp())
	moves := amount(m.GetAmount())
	if op == trace.OpFence {
		moves = nil
	}
	result, resultErr := decodeResult(m.GetResult())
	for _, check := range []error{
		name("customer", m.GetCustomer()), count("n", m.GetN(), 1), opErr, short("account", m.GetAccount()),
		short("to_account", m.GetToAccount()), moves, resultErr, short("reason", m.GetReason()),
	} {
		if check != nil {
			return branch.Outcome{}, check
		}
	}
	o := branch.Outcome{
		N: m.N, Operation: branch.Operation{Op: op, Account: m.Account, ToAccount: m.ToAccount, Amount: m.Amount},
		Result: result, Reason: branch.Reason(m.Reason),
	}
	if m.Balance != nil {
		o.Balance = trace.KnownBalance(*m.Balance)
	}
	if m.ToBalance != nil {
		o.ToBalance = trace.KnownBalance(*m.ToBalance)
	}
	return o, nil
}

// EncodeOutcome returns the message of what a branch knows of a request.
func EncodeOutcome(o branch.Outcome, v branch.Verdict) *bankv1.GetOutcomeResponse {
	m := &bankv1.GetOutcomeResponse{}
	switch v {
	case branch.NotKnownHere:
		m.Outcome = bankv1.Outcome_OUTCOME_NOT_KNOWN_HERE
		return m
	case branch.NotKept:
		m.Outcome = bankv1.Outcome_OUTCOME_NOT_KEPT
		return m
	case branch.Executed:
		m.Outcome = bankv1.Outcome_OUTCOME_EXECUTED
	case branch.RefusedForGood:
		m.Outcome = bankv1.Outcome_OUTCOME_REFUSED
	}
	payload := o.Operation.Digest()
	full := encodeOutcome("", o)
	m.Result, m.Reason, m.Balance, m.ToBalance, m.Payload = full.Result, full.Reason, full.Balance, full.ToBalance, payload[:]
	return m
}

// RequestID reads the name of a request. The error is a *FieldError.
func RequestID(customer string, n uint64) (trace.ID, error) {
	err := name("customer", customer)
	if err == nil {
		err = count("n", n, 1)
	}
	return trace.ID{Process: customer, N: n}, err
}

// EncodeStanding returns the message of what a branch tells a peer that joins again.
func EncodeStanding(s branch.Standing) *bankv1.AnnounceRejoinResponse {
	return &bankv1.AnnounceRejoinResponse{KnowsSeq: s.Knows.Seq, KnowsN: s.Knows.N, Holds: s.Holds, Seq: s.Seq, Clock: s.Clock}
}

// DecodeStanding reads what a peer tells. The error is a *FieldError.
func DecodeStanding(m *bankv1.AnnounceRejoinResponse) (branch.Standing, error) {
	for _, check := range []error{
		count("knows_seq", m.GetKnowsSeq(), 0), count("knows_n", m.GetKnowsN(), 0), count("holds", m.GetHolds(), 0),
		count("seq", m.GetSeq(), 0), count("clock", m.GetClock(), 0),
	} {
		if check != nil {
			return branch.Standing{}, check
		}
	}
	return branch.Standing{
		Knows: branch.Knowledge{Seq: m.KnowsSeq, N: m.KnowsN}, Holds: m.Holds, Seq: m.Seq, Clock: m.Clock,
	}, nil
}
