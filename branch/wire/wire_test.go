package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

var (
	names  = rapid.StringMatching(`[a-zé][a-z0-9-]{0,9}`)
	counts = rapid.Uint64Range(1, MaxCount)
	any53  = rapid.Uint64Range(0, MaxCount)
	stamps = rapid.Custom(func(t *rapid.T) clock.Stamp {
		return clock.Stamp{Process: names.Draw(t, "process"), Seq: counts.Draw(t, "seq"), Clock: counts.Draw(t, "clock")}
	})
	vectors = rapid.Custom(func(t *rapid.T) clock.Vector {
		var v clock.Vector
		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			v = v.Set(names.Draw(t, "origin"), counts.Draw(t, "n"))
		}
		return v
	})
	balances = rapid.Custom(func(t *rapid.T) trace.Balance {
		if rapid.Bool().Draw(t, "known") {
			return trace.KnownBalance(rapid.Int64().Draw(t, "amount"))
		}
		return trace.Balance{}
	})
	writes = rapid.Custom(func(t *rapid.T) *branch.Write {
		w := &branch.Write{
			ID: trace.ID{Process: names.Draw(t, "origin"), N: counts.Draw(t, "n")}, At: counts.Draw(t, "at"),
			Operation: branch.Operation{
				Op:      rapid.SampledFrom([]trace.Op{trace.OpDeposit, trace.OpWithdraw, trace.OpTransfer}).Draw(t, "op"),
				Account: names.Draw(t, "account"), Amount: rapid.Int64Range(1, int64(MaxCount)).Draw(t, "amount"),
			},
			Request: trace.ID{Process: names.Draw(t, "customer"), N: counts.Draw(t, "request")},
		}
		if w.Op == trace.OpTransfer {
			w.ToAccount = names.Draw(t, "to_account")
		}
		return w
	})
	messages = rapid.Custom(func(t *rapid.T) branch.Message {
		m := branch.Message{
			To: "receiver", Stamp: stamps.Draw(t, "stamp"),
			Promise: any53.Draw(t, "promise"), Upto: any53.Draw(t, "upto"), Seen: any53.Draw(t, "seen"),
			Step: rapid.SampledFrom([]trace.Step{trace.StepPropagate, trace.StepAcknowledge, trace.StepSync}).Draw(t, "step"),
		}
		switch m.Step {
		case trace.StepPropagate:
			m.Write = writes.Draw(t, "write")
			return m
		case trace.StepSync:
			m.Answers = any53.Draw(t, "answers")
			for range rapid.IntRange(0, 3).Draw(t, "ranges") {
				from := counts.Draw(t, "from")
				m.Wants = append(m.Wants, branch.Range{Origin: names.Draw(t, "origin"), From: from, To: rapid.Uint64Range(from, MaxCount).Draw(t, "to")})
			}
		}
		m.Has = vectors.Draw(t, "has")
		return m
	})
)

// travelled returns a message as it comes out at the other end.
func travelled[M proto.Message](t interface{ Fatal(...any) }, m, empty M) M {
	data, err := proto.Marshal(m)
	if err == nil {
		err = proto.Unmarshal(data, empty)
	}
	if err != nil {
		t.Fatal(err)
	}
	return empty
}

func TestMessagesComeOutAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(messages, 0, 8).Draw(t, "messages")
		got, err := DecodeBatch(travelled(t, EncodeBatch(all), new(bankv1.Batch)), "receiver")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]branch.Message{}, all...), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFramesStayWithinTheirLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(messages, 1, 20).Draw(t, "messages")
		limit := rapid.IntRange(0, 4000).Draw(t, "limit")
		for rest := all; len(rest) > 0; {
			n := Fit(rest, limit)
			if n < 1 {
				t.Fatal("nothing fits")
			}
			if size := proto.Size(&bankv1.Frame{Content: &bankv1.Frame_Batch{Batch: EncodeBatch(rest[:n])}}); n > 1 && size > limit+16 {
				t.Fatalf("%d messages take %d bytes of %d", n, size, limit)
			}
			rest = rest[n:]
		}
	})
}

func TestRepliesComeOutAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := branch.Reply{
			Stamp:   stamps.Draw(t, "stamp"),
			Result:  rapid.SampledFrom([]trace.Result{trace.OK, trace.Insufficient, trace.Conflict, trace.Refused, trace.Unknown}).Draw(t, "result"),
			Balance: balances.Draw(t, "balance"), ToBalance: balances.Draw(t, "to_balance"), Sees: vectors.Draw(t, "sees"),
		}
		got, err := DecodeReply(travelled(t, EncodeReply(&r), new(bankv1.Reply)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatal(diff)
		}
	})
	if m := EncodeReply(&branch.Reply{Result: trace.Refused}); m != nil {
		t.Errorf("a reply that nobody recorded travels as %v", m)
	}
}

func TestRequestsComeOutAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := branch.Request{Stamp: stamps.Draw(t, "stamp"), N: counts.Draw(t, "n"), Token: vectors.Draw(t, "token")}
		call := &bankv1.Call{Stamp: EncodeStamp(want.Stamp), N: want.N, Token: EncodeVector(want.Token)}
		account, to := names.Draw(t, "account"), names.Draw(t, "to")
		amount := rapid.Int64Range(-int64(MaxCount), int64(MaxCount)).Draw(t, "amount")
		for _, tc := range []struct {
			op     branch.Operation
			decode func() (branch.Request, error)
		}{
			{branch.Operation{Op: trace.OpQuery, Account: account}, func() (branch.Request, error) {
				return DecodeQuery(travelled(t, &bankv1.QueryRequest{Call: call, Account: account}, new(bankv1.QueryRequest)))
			}},
			{branch.Operation{Op: trace.OpDeposit, Account: account, Amount: amount}, func() (branch.Request, error) {
				return DecodeDeposit(travelled(t, &bankv1.DepositRequest{Call: call, Account: account, Amount: amount}, new(bankv1.DepositRequest)))
			}},
			{branch.Operation{Op: trace.OpWithdraw, Account: account, Amount: amount}, func() (branch.Request, error) {
				return DecodeWithdraw(travelled(t, &bankv1.WithdrawRequest{Call: call, Account: account, Amount: amount}, new(bankv1.WithdrawRequest)))
			}},
			{branch.Operation{Op: trace.OpTransfer, Account: account, ToAccount: to, Amount: amount}, func() (branch.Request, error) {
				return DecodeTransfer(travelled(t, &bankv1.TransferRequest{Call: call, Account: account, ToAccount: to, Amount: amount}, new(bankv1.TransferRequest)))
			}},
		} {
			want.Operation = tc.op
			got, err := tc.decode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// namesField checks that an error is a FieldError of that path.
func namesField(t *testing.T, err error, field string) {
	t.Helper()
	var f *FieldError
	if !errors.As(err, &f) || f.Field != field || !strings.HasPrefix(err.Error(), field+": ") {
		t.Errorf("got %v, want an error about %s", err, field)
	}
}

func TestMalformedRequestsNameTheField(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for _, tc := range []struct {
		field  string
		change func(*bankv1.TransferRequest)
	}{
		{"call", func(m *bankv1.TransferRequest) { m.Call = nil }},
		{"call.stamp", func(m *bankv1.TransferRequest) { m.Call.Stamp = nil }},
		{"call.stamp.process", func(m *bankv1.TransferRequest) { m.Call.Stamp.Process = "" }},
		{"call.stamp.process", func(m *bankv1.TransferRequest) { m.Call.Stamp.Process = long }},
		{"call.stamp.seq", func(m *bankv1.TransferRequest) { m.Call.Stamp.Seq = 0 }},
		{"call.stamp.clock", func(m *bankv1.TransferRequest) { m.Call.Stamp.Clock = MaxCount + 1 }},
		{"call.n", func(m *bankv1.TransferRequest) { m.Call.N = 0 }},
		{"call.token.entries[1].origin", func(m *bankv1.TransferRequest) { slices.Reverse(m.Call.Token.Entries) }},
		{"call.token.entries[1].origin", func(m *bankv1.TransferRequest) { m.Call.Token.Entries[1].Origin = "a" }},
		{"call.token.entries[0].n", func(m *bankv1.TransferRequest) { m.Call.Token.Entries[0].N = 0 }},
		{"call.token.entries[0].origin", func(m *bankv1.TransferRequest) { m.Call.Token.Entries[0] = nil }},
		{"call.token.entries", func(m *bankv1.TransferRequest) {
			m.Call.Token.Entries = make([]*bankv1.VectorEntry, branch.MaxBranches+1)
		}},
		{"account", func(m *bankv1.TransferRequest) { m.Account = long }},
		{"to_account", func(m *bankv1.TransferRequest) { m.ToAccount = long }},
		{"amount", func(m *bankv1.TransferRequest) { m.Amount = int64(MaxCount) + 1 }},
		{"amount", func(m *bankv1.TransferRequest) { m.Amount = -1 << 63 }},
	} {
		m := &bankv1.TransferRequest{Account: "main", ToAccount: "till", Amount: 5, Call: &bankv1.Call{
			N: 1, Stamp: &bankv1.Stamp{Process: "customer-1", Seq: 1, Clock: 1},
			Token: &bankv1.Vector{Entries: []*bankv1.VectorEntry{{Origin: "a", N: 1}, {Origin: "b", N: 2}}},
		}}
		if _, err := DecodeTransfer(m); err != nil {
			t.Fatal(err)
		}
		tc.change(m)
		_, err := DecodeTransfer(m)
		namesField(t, err, tc.field)
	}
}

func TestMalformedMessagesNameTheField(t *testing.T) {
	sound := []branch.Message{
		{Stamp: clock.Stamp{Process: "b", Seq: 3, Clock: 9}, Step: trace.StepPropagate, Write: &branch.Write{
			ID: trace.ID{Process: "b", N: 1}, At: 8, Operation: branch.Operation{Op: trace.OpDeposit, Account: "main", Amount: 5},
			Request: trace.ID{Process: "customer-1", N: 1}}},
		{Stamp: clock.Stamp{Process: "b", Seq: 4, Clock: 10}, Step: trace.StepSync, Has: clock.Vector{{Process: "b", N: 1}},
			Wants: []branch.Range{{Origin: "c", From: 2, To: 3}}},
		{Stamp: clock.Stamp{Process: "b", Seq: 5, Clock: 11}, Step: trace.StepAcknowledge, Has: clock.Vector{{Process: "b", N: 1}}},
	}
	for _, tc := range []struct {
		field  string
		change func([]*bankv1.Message)
	}{
		{"messages[0].stamp", func(m []*bankv1.Message) { m[0] = nil }},
		{"messages[1].stamp.clock", func(m []*bankv1.Message) { m[1].Stamp.Clock = 1<<63 - 1 }},
		{"messages[1].promise", func(m []*bankv1.Message) { m[1].Promise = 1 << 60 }},
		{"messages[1].upto", func(m []*bankv1.Message) { m[1].Upto = 1 << 60 }},
		{"messages[1].seen", func(m []*bankv1.Message) { m[1].Seen = 1 << 60 }},
		{"messages[2].body", func(m []*bankv1.Message) { m[2].Body = nil }},
		{"messages[0].propagate.write", func(m []*bankv1.Message) { m[0].GetPropagate().Write = nil }},
		{"messages[0].propagate.write.op", func(m []*bankv1.Message) { m[0].GetPropagate().Write.Op = 77 }},
		{"messages[0].propagate.write.n", func(m []*bankv1.Message) { m[0].GetPropagate().Write.N = 0 }},
		{"messages[0].propagate.write.at", func(m []*bankv1.Message) { m[0].GetPropagate().Write.At = 0 }},
		{"messages[0].propagate.write.amount", func(m []*bankv1.Message) { m[0].GetPropagate().Write.Amount = 0 }},
		{"messages[0].propagate.write.account", func(m []*bankv1.Message) { m[0].GetPropagate().Write.Account = "" }},
		{"messages[0].propagate.write.to_account", func(m []*bankv1.Message) { m[0].GetPropagate().Write.ToAccount = "x" }},
		{"messages[0].propagate.write.to_account", func(m []*bankv1.Message) { m[0].GetPropagate().Write.Op = bankv1.Op_OP_TRANSFER }},
		{"messages[0].propagate.write.request", func(m []*bankv1.Message) { m[0].GetPropagate().Write.Request = 0 }},
		{"messages[1].sync.wants[0].to", func(m []*bankv1.Message) { m[1].GetSync().Wants[0].To = 1 }},
		{"messages[1].sync.wants[0].origin", func(m []*bankv1.Message) { m[1].GetSync().Wants[0].Origin = "" }},
		{"messages[1].sync.answers", func(m []*bankv1.Message) { m[1].GetSync().Answers = 1 << 60 }},
		{"messages[1].sync.has.entries[0].n", func(m []*bankv1.Message) { m[1].GetSync().Has.Entries[0].N = 0 }},
		{"messages[2].acknowledge.has.entries[0].n", func(m []*bankv1.Message) { m[2].GetAcknowledge().Has.Entries[0].N = 1 << 60 }},
	} {
		b := EncodeBatch(sound)
		if _, err := DecodeBatch(b, "a"); err != nil {
			t.Fatal(err)
		}
		tc.change(b.Messages)
		_, err := DecodeBatch(b, "a")
		namesField(t, err, tc.field)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range []proto.Message{
		EncodeBatch([]branch.Message{{Stamp: clock.Stamp{Process: "b", Seq: 3, Clock: 9}, Step: trace.StepSync, Has: clock.Vector{{Process: "b", N: 1}}}}),
		&bankv1.TransferRequest{Account: "main", ToAccount: "till", Amount: 5, Call: &bankv1.Call{N: 1, Stamp: &bankv1.Stamp{Process: "c", Seq: 1, Clock: 1}}},
		&bankv1.Reply{Stamp: &bankv1.Stamp{Process: "b", Seq: 1, Clock: 1}, Result: bankv1.Result_RESULT_OK},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m := new(bankv1.Batch); proto.Unmarshal(data, m) == nil {
			if all, err := DecodeBatch(m, "a"); err == nil {
				again, err := DecodeBatch(EncodeBatch(all), "a")
				if err != nil || !cmp.Equal(all, again) {
					t.Errorf("%+v comes out as %+v, %v", all, again, err)
				}
			}
		}
		if m := new(bankv1.Reply); proto.Unmarshal(data, m) == nil {
			if r, err := DecodeReply(m); err == nil {
				again, err := DecodeReply(EncodeReply(&r))
				if err != nil || !cmp.Equal(r, again) {
					t.Errorf("%+v comes out as %+v, %v", r, again, err)
				}
			}
		}
		if m := new(bankv1.TransferRequest); proto.Unmarshal(data, m) == nil {
			if r, err := DecodeTransfer(m); err == nil && (r.Stamp.Clock > MaxCount || r.N == 0 || len(r.Token) > branch.MaxBranches) {
				t.Errorf("%+v was taken", r)
			}
		}
	})
}
