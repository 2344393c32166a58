package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// must fails the test if a request did not end with ok and the wanted balance.
func must(t testing.TB, what string, wanted int64) func(int64, error) {
	return func(balance int64, err error) {
		t.Helper()
		if err != nil || balance != wanted {
			t.Fatalf("%s: balance %d, %v; want %d", what, balance, err, wanted)
		}
	}
}

func TestCustomersReadTheirOwnWritesEverywhere(t *testing.T) {
	b := openBank(t, 3, map[string]int64{"main": 0, "other": 0}, options{})
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i := range 10 {
		c := b.customer(fmt.Sprintf("loader-%d", i))
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if _, err := c.deposit(ctx, 1+n%3, "other", 1); err != nil && ctx.Err() == nil {
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	c := b.customer("customer-1")
	for range 200 {
		must(t, "deposit at 1", 400)(c.deposit(ctx, 1, "main", 400))
		must(t, "query at 2", 400)(c.query(ctx, 2, "main"))
		must(t, "withdrawal at 2", 0)(c.withdraw(ctx, 2, "main", 400))
		must(t, "query at 3", 0)(c.query(ctx, 3, "main"))
	}
	cancel()
	load.Wait()
	all := b.settled()
	for _, s := range all[1:] {
		if diff := cmp.Diff(all[0].Accounts, s.Accounts); diff != "" {
			t.Errorf("%s differs from %s:\n%s", s.Name, all[0].Name, diff)
		}
	}
	b.close()
	checkLogs(t, b)
}

// TestOfTwoWithdrawalsOneSucceeds has two customers withdraw 300 at once from 400, at two branches.
func TestOfTwoWithdrawalsOneSucceeds(t *testing.T) {
	const runs = 50
	opening := map[string]int64{}
	for i := range runs {
		opening[fmt.Sprintf("account-%d", i)] = 400
	}
	b := openBank(t, 3, opening, options{})
	customers := []*customer{b.customer("customer-1"), b.customer("customer-2")}
	for i := range runs {
		account := fmt.Sprintf("account-%d", i)
		errs := make([]error, 2)
		var both sync.WaitGroup
		for k, c := range customers {
			both.Go(func() { _, errs[k] = c.withdraw(t.Context(), 1+k, account, 300) })
		}
		both.Wait()
		winner, loser := errs[0], errs[1]
		if winner != nil {
			winner, loser = loser, winner
		}
		if winner != nil || status.Code(loser) != codes.FailedPrecondition {
			t.Fatalf("run %d: %v and %v; want one success and one FailedPrecondition", i, errs[0], errs[1])
		}
		for k := range 3 {
			must(t, fmt.Sprintf("run %d, branch %d", i, k+1), 100)(customers[i%2].query(t.Context(), k+1, account))
		}
	}
	b.settled()
	b.close()
	checkLogs(t, b)
}

// checkLogs holds the branches' logs to the rules that one log and each pair of branches must obey.
func checkLogs(t *testing.T, b *bank) {
	t.Helper()
	sends := map[trace.Ref]uint64{}
	var receives []trace.Event
	for i, log := range b.logs {
		var last trace.Event
		var headers, ends int
		r := trace.NewReader(bytes.NewReader(log.Bytes()), fmt.Sprintf("branch-%d", i+1))
		for r.Scan() {
			switch e := r.Record().(type) {
			case *trace.Header:
				headers++
			case *trace.SyntaxError:
				t.Fatal(e)
			case *trace.End:
				ends++
				if e.Events != last.Seq || e.Clock != last.Clock {
					t.Errorf("%s ends with %+v after event %d at %d", r.File(), e, last.Seq, last.Clock)
				}
			case *trace.Event:
				if e.Seq != last.Seq+1 || e.Clock <= last.Clock || e.Wall == 0 {
					t.Fatalf("%s:%d: event %d at %d (wall %d) after %d at %d", r.File(), r.Line(), e.Seq, e.Clock, e.Wall, last.Seq, last.Clock)
				}
				last = e.Clone()
				if e.Kind == trace.Send {
					sends[e.Ref()] = e.Clock
				} else if e.Kind == trace.Receive && e.Step != trace.StepRequest {
					receives = append(receives, last)
				}
			}
		}
		if r.Err() != nil || headers != 1 || ends != 1 {
			t.Errorf("%s: %d headers, %d ends, %v", r.File(), headers, ends, r.Err())
		}
	}
	for i := range receives {
		e := &receives[i]
		if sent, ok := sends[e.CauseRef()]; !ok || sent != e.Stamp || e.Clock <= sent {
			t.Errorf("%v at %d (stamp %d) receives %v sent at %d", e.Ref(), e.Clock, e.Stamp, e.CauseRef(), sent)
		}
		delete(sends, e.CauseRef())
	}
	if len(receives) == 0 {
		t.Error("no branch received anything from another")
	}
}

func TestErrorsHaveCodeReasonRemedyAndReply(t *testing.T) {
	b := openBank(t, 2, map[string]int64{"main": 400, "full": 1 << 53}, options{})
	b.connected()
	c := b.customer("customer-1")
	ctx := t.Context()
	raw := func(change func(*bankv1.Call)) error {
		call := c.next()
		change(call)
		_, err := c.at(1).Query(ctx, &bankv1.QueryRequest{Call: call, Account: "main"})
		return err
	}
	second := func(_ int64, err error) error { return err }
	for _, tc := range []struct {
		name, reason string
		code         codes.Code
		err          error
		answered     bool
	}{
		{"too much", "INSUFFICIENT_FUNDS", codes.FailedPrecondition, second(c.withdraw(ctx, 1, "main", 401)), true},
		{"no account", "ACCOUNT_UNKNOWN", codes.NotFound, second(c.query(ctx, 1, "nobody")), true},
		{"no amount", "AMOUNT_INVALID", codes.InvalidArgument, second(c.deposit(ctx, 1, "main", 0)), true},
		{"to itself", "SAME_ACCOUNT", codes.InvalidArgument, second(c.transfer(ctx, 1, "main", "main", 5)), true},
		{"no stamp", "REQUEST_INVALID", codes.InvalidArgument, raw(func(m *bankv1.Call) { m.Stamp = nil }), false},
		{"clock of 2^63", "REQUEST_INVALID", codes.InvalidArgument, raw(func(m *bankv1.Call) { m.Stamp.Clock = 1 << 63 }), false},
		{"clock far ahead", "STAMP_REFUSED", codes.InvalidArgument, raw(func(m *bankv1.Call) { m.Stamp.Clock = 1 << 52 }), false},
		{"a branch's name", "REQUEST_INVALID", codes.InvalidArgument, raw(func(m *bankv1.Call) { m.Stamp.Process = "branch-2" }), false},
		{"an old message", "STALE_MESSAGE", codes.Aborted, raw(func(m *bankv1.Call) { m.Stamp.Seq = 1 }), false},
		{"a strange token", "REQUEST_INVALID", codes.InvalidArgument, raw(func(m *bankv1.Call) {
			m.Token = &bankv1.Vector{Entries: []*bankv1.VectorEntry{{Origin: "branch-9", N: 1}}}
		}), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := status.Convert(tc.err)
			var info *errdetails.ErrorInfo
			var reply *bankv1.Reply
			for _, d := range s.Details() {
				switch d := d.(type) {
				case *errdetails.ErrorInfo:
					info = d
				case *bankv1.Reply:
					reply = d
				}
			}
			if s.Code() != tc.code || info.GetReason() != tc.reason || info.GetDomain() != server.Domain {
				t.Errorf("got %v, reason %q, domain %q: %s", s.Code(), info.GetReason(), info.GetDomain(), s.Message())
			}
			if info.GetMetadata()[server.MetadataRemedy] == "" || s.Message() == "" {
				t.Errorf("remedy %q, message %q", info.GetMetadata()[server.MetadataRemedy], s.Message())
			}
			if (reply.GetStamp() != nil) != tc.answered {
				t.Errorf("reply is %v", reply)
			}
		})
	}
	if s := b.settled()[0]; s.Clock > 1000 {
		t.Errorf("the branch's clock is at %d after absurd stamps", s.Clock)
	}
}

func TestASessionThatIsAheadIsRefusedInTime(t *testing.T) {
	b := openBank(t, 2, map[string]int64{"main": 0}, options{
		via:    func(_, _, _ string) string { return "127.0.0.1:1" },
		change: func(_ int, c *server.Config) { c.SessionWait = 10 * time.Millisecond },
	})
	c := b.customer("customer-1")
	c.token = c.token.Set("branch-2", 7)
	_, err := c.query(t.Context(), 1, "main")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "lacks writes of branch-2") {
		t.Errorf("got %v, want Unavailable and what is lacking", err)
	}
}

func TestASessionThatHasSeenWhatNeverWasIsTold(t *testing.T) {
	for _, mode := range []string{branch.ModeTotal, branch.ModeCausal} {
		b := openBank(t, 2, map[string]int64{"main": 0}, options{change: func(_ int, c *server.Config) { c.Branch.Mode = mode }})
		b.connected()
		for origin, at := range map[string]int{"branch-2": 1, "branch-1": 1} {
			c := b.customer("customer-" + origin)
			c.token = c.token.Set(origin, 7)
			_, err := c.query(t.Context(), at, "main")
			if status.Code(err) != codes.DataLoss || !strings.Contains(err.Error(), "writes 1 to 7 of "+origin) {
				t.Errorf("mode %s: got %v, want DataLoss", mode, err)
			}
		}
	}
}

// failing is a disk that fills up.
type failing struct{ room int }

var errFull = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestNothingLeavesOnceTheLogFails(t *testing.T) {
	b := openBank(t, 1, map[string]int64{"main": 0}, options{logs: func(int) io.Writer { return &failing{4096} }})
	c := b.customer("customer-1")
	var err error
	for err == nil {
		_, err = c.deposit(t.Context(), 1, "main", 1)
	}
	if code := status.Code(err); code != codes.Internal && code != codes.Unavailable && code != codes.DeadlineExceeded {
		t.Errorf("the last deposit failed with %v", err)
	}
	if err := <-b.ended[0]; !errors.Is(err, errFull) {
		t.Errorf("Serve returned %v", err)
	}
	b.ended[0] = nil
}

func TestStoppingAnswersThoseWhoWait(t *testing.T) {
	away := "127.0.0.1:1" // nobody listens there, so that no write can ever execute
	b := openBank(t, 2, map[string]int64{"main": 0}, options{via: func(_, _, _ string) string { return away }})
	errs := make(chan error, 1)
	c := b.customer("customer-1")
	go func() {
		_, err := c.deposit(context.Background(), 1, "main", 1)
		errs <- err
	}()
	b.await(0, "the write is held", func(s server.Status) bool { return s.Pending == 1 && s.Waiting == 1 })
	b.close()
	if err := <-errs; status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want the outcome unknown", err)
	}
	if _, err := b.servers[0].Status(t.Context()); !errors.Is(err, server.ErrStopped) {
		t.Errorf("Status after the end: %v", err)
	}
	<-b.servers[0].Changed() // closed for ever
}

func TestABranchThatIsStoppedAtOnceHasAWholeLog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	s, err := server.New(server.Config{Branch: branch.Config{Name: "a", Branches: []string{"a"}}, Log: trace.NewWriter(log)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx, l); err != nil {
		t.Error(err)
	}
	var records []string
	for r := trace.NewReader(log, "a"); r.Scan(); {
		records = append(records, fmt.Sprintf("%T", r.Record()))
	}
	if diff := cmp.Diff([]string{"*trace.Header", "*trace.End"}, records); diff != "" {
		t.Error(diff)
	}
	if err := s.Serve(ctx, l); err == nil {
		t.Error("Serve can be called twice")
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestADeadlineIsAnsweredWithAStampInTime(t *testing.T) {
	b := openBank(t, 2, map[string]int64{"main": 0}, options{via: func(_, _, _ string) string { return "127.0.0.1:1" }})
	c := b.customer("customer-1")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err := c.deposit(ctx, 1, "main", 1)
	s := status.Convert(err)
	if s.Code() != codes.DeadlineExceeded || len(s.Details()) != 3 {
		t.Errorf("got %v with %d details, want the branch's own DeadlineExceeded with ErrorInfo, RetryInfo and Reply", err, len(s.Details()))
	}
}

func TestStatusAndOutcomeOverGRPC(t *testing.T) {
	b := openBank(t, 2, map[string]int64{"main": 100}, options{})
	c := b.customer("customer-1")
	must(t, "deposit", 140)(c.deposit(t.Context(), 1, "main", 40))
	b.settled()
	for i, conn := range b.conns {
		s, err := bankv1.NewInspectionServiceClient(conn).GetStatus(t.Context(), &bankv1.GetStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Process != b.names[i] || s.Clock == 0 || s.Events == 0 || s.Pending != 0 || s.Recovering ||
			len(s.Executed.GetEntries()) != 1 || s.Accounts[0].Balance != 140 || len(s.Peers) != 1 || !s.Peers[0].Up || s.Peers[0].Sent == 0 {
			t.Errorf("%s: status %v", b.names[i], s)
		}
	}
	outcome := func(branch int, n uint64) *bankv1.GetOutcomeResponse {
		m, err := c.at(branch).GetOutcome(t.Context(), &bankv1.GetOutcomeRequest{Customer: "customer-1", N: n})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	payload := branch.Operation{Op: trace.OpDeposit, Account: "main", Amount: 40}.Digest()
	for branch := 1; branch <= 2; branch++ {
		m := outcome(branch, 1)
		if m.Outcome != bankv1.Outcome_OUTCOME_EXECUTED || m.GetBalance() != 140 || m.Result != bankv1.Result_RESULT_OK || !bytes.Equal(m.Payload, payload[:]) {
			t.Errorf("branch-%d: outcome %v", branch, m)
		}
	}
	if m := outcome(1, 2); m.Outcome != bankv1.Outcome_OUTCOME_NOT_KNOWN_HERE {
		t.Errorf("of a request that was not made: %v", m)
	}
	if _, err := c.withdraw(t.Context(), 2, "main", 1000); status.Code(err) != codes.FailedPrecondition {
		t.Fatal(err)
	}
	b.settled()
	if m := outcome(1, 2); m.Outcome != bankv1.Outcome_OUTCOME_REFUSED || m.Reason != string(branch.ReasonInsufficient) {
		t.Errorf("of a request that was refused: %v", m)
	}
	if m := outcome(1, 1); m.Outcome != bankv1.Outcome_OUTCOME_NOT_KEPT {
		t.Errorf("of a request before the newest: %v", m)
	}
	events := b.await(0, "it stands", func(server.Status) bool { return true }).Events
	if s := b.await(0, "it stands", func(server.Status) bool { return true }); s.Events != events {
		t.Errorf("questions were recorded: %d events, then %d", events, s.Events)
	}
	if _, err := c.at(1).GetOutcome(t.Context(), &bankv1.GetOutcomeRequest{N: 1}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a customer: %v", err)
	}
}
