package client_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir, os.Getenv(childBranch))
		return
	}
	goleak.VerifyTestMain(m)
}

// other is a branch of another make, which answers as each test says: sound branches are tested with the server.
type other struct {
	bankv1.UnimplementedBankServiceServer
	answer func(context.Context, *bankv1.Call) (*bankv1.Reply, error)
	at     string
	mu     sync.Mutex
	calls  []*bankv1.Call
}

func (o *other) take(ctx context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
	o.mu.Lock()
	o.calls = append(o.calls, call)
	o.mu.Unlock()
	return o.answer(ctx, call)
}

func (o *other) Query(ctx context.Context, m *bankv1.QueryRequest) (*bankv1.QueryResponse, error) {
	r, err := o.take(ctx, m.Call)
	return &bankv1.QueryResponse{Reply: r}, err
}

func (o *other) Deposit(ctx context.Context, m *bankv1.DepositRequest) (*bankv1.DepositResponse, error) {
	r, err := o.take(ctx, m.Call)
	return &bankv1.DepositResponse{Reply: r}, err
}

func (o *other) Withdraw(ctx context.Context, m *bankv1.WithdrawRequest) (*bankv1.WithdrawResponse, error) {
	r, err := o.take(ctx, m.Call)
	return &bankv1.WithdrawResponse{Reply: r}, err
}

func (o *other) Transfer(ctx context.Context, m *bankv1.TransferRequest) (*bankv1.TransferResponse, error) {
	r, err := o.take(ctx, m.Call)
	return &bankv1.TransferResponse{Reply: r}, err
}

// serve starts a branch that answers so, and stops it when the test ends.
func serve(t *testing.T, answer func(context.Context, *bankv1.Call) (*bankv1.Reply, error)) *other {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &other{answer: answer, at: l.Addr().String()}
	s := grpc.NewServer(grpc.WaitForHandlers(true))
	bankv1.RegisterBankServiceServer(s, o)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return o
}

// open returns a client of a branch that answers so, and the client's log. It makes each request once.
func open(t *testing.T, answer func(context.Context, *bankv1.Call) (*bankv1.Reply, error)) (*client.Client, *bytes.Buffer, *other) {
	t.Helper()
	o := serve(t, answer)
	log := new(bytes.Buffer)
	c, err := client.New(client.Config{Name: "customer-1", Branches: map[string]string{"branch-1": o.at}, Log: trace.NewWriter(log), Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, log, o
}

func stamp(seq, now uint64) *bankv1.Stamp {
	return &bankv1.Stamp{Process: "branch-1", Seq: seq, Clock: now}
}

func kinds(t *testing.T, log *bytes.Buffer) (kinds []string) {
	t.Helper()
	r := trace.NewReader(bytes.NewReader(log.Bytes()), "customer-1")
	for r.Scan() {
		switch e := r.Record().(type) {
		case *trace.SyntaxError:
			t.Fatal(e)
		case *trace.Header:
			kinds = append(kinds, "header")
		case *trace.End:
			kinds = append(kinds, "end")
		case *trace.Event:
			kinds = append(kinds, strings.TrimSpace(e.Kind.String()+" "+e.Result.String()))
		}
	}
	return kinds
}

func TestRequestsCarryClockNumberAndToken(t *testing.T) {
	balance := int64(400)
	c, log, o := open(t, func(_ context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
		return &bankv1.Reply{Stamp: stamp(call.Stamp.Seq, call.Stamp.Clock+10), Result: bankv1.Result_RESULT_OK, Balance: &balance, ToBalance: &balance,
			Sees: &bankv1.Vector{Entries: []*bankv1.VectorEntry{{Origin: "branch-1", N: call.N}}}}, nil
	})
	ctx := t.Context()
	want := client.Result{N: 1, Result: trace.OK, Balance: trace.KnownBalance(400), ToBalance: trace.KnownBalance(400)}
	for i, ask := range []func() (client.Result, error){
		func() (client.Result, error) { return c.Deposit(ctx, "branch-1", "main", 400) },
		func() (client.Result, error) { return c.Query(ctx, "branch-1", "main") },
		func() (client.Result, error) { return c.Withdraw(ctx, "branch-1", "main", 5) },
		func() (client.Result, error) { return c.Transfer(ctx, "branch-1", "main", "till", 5) },
	} {
		want.N = uint64(i + 1)
		got, err := ask()
		if err != nil || got != want {
			t.Errorf("request %d: %+v, %v", i+1, got, err)
		}
	}
	if got := c.Token(); !got.Equal(clock.Vector{{Process: "branch-1", N: 4}}) {
		t.Errorf("the token is %v", got)
	}
	for i, call := range o.calls {
		if n := uint64(i); call.N != n+1 || call.Stamp.Seq != 2*n+1 || call.Stamp.Clock != 12*n+1 || len(call.Token.GetEntries()) != min(i, 1) {
			t.Errorf("call %d is %v", i+1, call)
		}
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(strings.Fields("header send receive ok send receive ok send receive ok send receive ok end"), strings.Fields(strings.Join(kinds(t, log), " "))); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Query(ctx, "branch-1", "main"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func failure(code codes.Code, details ...protoadapt.MessageV1) error {
	s, err := status.New(code, "the words of the branch").WithDetails(details...)
	if err != nil {
		return err
	}
	return s.Err()
}

func info(reason, result string) protoadapt.MessageV1 {
	return protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: reason, Domain: "bank-trace",
		Metadata: map[string]string{"remedy": "do this", "result": result}})
}

func reply(r *bankv1.Reply) protoadapt.MessageV1 { return protoadapt.MessageV1Of(r) }

func TestErrorsSayWhetherTheOutcomeIsKnown(t *testing.T) {
	for _, tc := range []struct {
		name    string
		reply   *bankv1.Reply
		err     error
		result  trace.Result
		reason  string
		unknown bool
		events  string
		is      error
	}{
		{name: "insufficient", err: failure(codes.FailedPrecondition, info("INSUFFICIENT_FUNDS", "insufficient"),
			reply(&bankv1.Reply{Stamp: stamp(5, 9), Result: bankv1.Result_RESULT_INSUFFICIENT})),
			result: trace.Insufficient, reason: "INSUFFICIENT_FUNDS", events: "send receive insufficient"},
		{name: "unknown, and the branch says so", err: failure(codes.DeadlineExceeded, info("OUTCOME_UNKNOWN", "unknown"),
			reply(&bankv1.Reply{Stamp: stamp(5, 9), Result: bankv1.Result_RESULT_UNKNOWN})),
			result: trace.Unknown, reason: "OUTCOME_UNKNOWN", unknown: true, events: "send receive unknown"},
		{name: "refused unrecorded", err: failure(codes.InvalidArgument, info("STAMP_REFUSED", "refused")),
			result: trace.Refused, reason: "STAMP_REFUSED", events: "send"},
		{name: "no word from the branch", err: failure(codes.Unavailable), result: trace.Unknown, unknown: true, events: "send"},
		{name: "another domain", err: failure(codes.Internal, protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: "X", Domain: "elsewhere"})),
			result: trace.Unknown, unknown: true, events: "send"},
		{name: "no reply", result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
		{name: "answered by another", reply: &bankv1.Reply{Stamp: &bankv1.Stamp{Process: "branch-2", Seq: 1, Clock: 9}, Result: bankv1.Result_RESULT_OK},
			result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
		{name: "clock not after the request's", reply: &bankv1.Reply{Stamp: stamp(1, 1), Result: bankv1.Result_RESULT_OK},
			result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
		{name: "clock near 2^63", reply: &bankv1.Reply{Stamp: stamp(1, 1<<63-1), Result: bankv1.Result_RESULT_OK},
			result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
		{name: "refused without an error", reply: &bankv1.Reply{Stamp: stamp(1, 9), Result: bankv1.Result_RESULT_REFUSED},
			result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
		{name: "no result", reply: &bankv1.Reply{Stamp: stamp(1, 9)}, result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
		{name: "vector out of order", reply: &bankv1.Reply{Stamp: stamp(1, 9), Result: bankv1.Result_RESULT_OK,
			Sees: &bankv1.Vector{Entries: []*bankv1.VectorEntry{{Origin: "b", N: 1}, {Origin: "a", N: 1}}}},
			result: trace.Unknown, unknown: true, events: "send", is: client.ErrReply},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, log, _ := open(t, func(context.Context, *bankv1.Call) (*bankv1.Reply, error) { return tc.reply, tc.err })
			got, err := c.Withdraw(t.Context(), "branch-1", "main", 5)
			var e *client.Error
			if !errors.As(err, &e) || e.Reason != tc.reason || e.Unknown != tc.unknown || got.Result != tc.result {
				t.Fatalf("got %+v, %v (%+v)", got, err, e)
			}
			if strings.Contains(err.Error(), "outcome unknown") != tc.unknown {
				t.Errorf("the text is %q", err)
			}
			if tc.is != nil && !errors.Is(err, tc.is) || tc.err != nil && status.Code(err) != status.Code(tc.err) {
				t.Errorf("got %v", err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(kinds(t, log), " "); got != "header "+tc.events+" end" {
				t.Errorf("the log has %s", got)
			}
		})
	}
}

func TestATimeoutLeavesTheOutcomeUnknownAndTheClientUsable(t *testing.T) {
	c, _, _ := open(t, func(ctx context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
		if call.N == 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &bankv1.Reply{Stamp: stamp(call.Stamp.Seq, call.Stamp.Clock+1), Result: bankv1.Result_RESULT_OK}, nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Deposit(ctx, "branch-1", "main", 5)
	var e *client.Error
	if !errors.As(err, &e) || !e.Unknown || e.Code != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	if r, err := c.Query(t.Context(), "branch-1", "main"); err != nil || r.N != 2 {
		t.Errorf("then: %+v, %v", r, err)
	}
}

func TestOneRequestAtATime(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	c, _, _ := open(t, func(_ context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
		close(arrived)
		<-release
		return &bankv1.Reply{Stamp: stamp(1, 9), Result: bankv1.Result_RESULT_OK}, nil
	})
	done := make(chan error)
	go func() {
		_, err := c.Query(context.Background(), "branch-1", "main")
		done <- err
	}()
	<-arrived
	if _, err := c.Query(t.Context(), "branch-1", "main"); !errors.Is(err, client.ErrOutstanding) {
		t.Errorf("a second request: %v", err)
	}
	if err := c.Close(); !errors.Is(err, client.ErrOutstanding) {
		t.Errorf("Close: %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRequestsThatCannotBeMadeLeaveNoTrace(t *testing.T) {
	c, log, o := open(t, nil)
	for _, tc := range []struct {
		branch string
		op     customer.Operation
		is     error
	}{
		{"branch-9", customer.Operation{Op: trace.OpQuery, Account: "main"}, client.ErrBranch},
		{"branch-1", customer.Operation{Op: trace.OpGrant, Account: "main"}, client.ErrOperation},
		{"branch-1", customer.Operation{Op: trace.OpDeposit, Account: "main", Amount: 1<<53 + 1}, client.ErrOperation},
		{"branch-1", customer.Operation{Op: trace.OpDeposit, Account: "main", Amount: -1}, client.ErrOperation},
		{"branch-1", customer.Operation{Op: trace.OpDeposit, Account: "\xff", Amount: 1}, client.ErrOperation},
		{"branch-1", customer.Operation{Op: trace.OpDeposit, Account: strings.Repeat("x", 2000), Amount: 1}, client.ErrOperation},
	} {
		if _, err := c.Do(t.Context(), tc.branch, tc.op); !errors.Is(err, tc.is) {
			t.Errorf("%+v at %s: %v", tc.op, tc.branch, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(kinds(t, log), " "); got != "header end" || len(o.calls) > 0 {
		t.Errorf("the log has %s, and %d calls were made", got, len(o.calls))
	}
}

func TestClientsShareConnections(t *testing.T) {
	conns := client.NewConns()
	one, err := conns.To("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	two, err := conns.To("127.0.0.1:1")
	if err != nil || one != two {
		t.Errorf("two connections to one address, %v", err)
	}
	if err := conns.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conns.To("127.0.0.1:1"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// full is a disk without room.
type full struct{ client.Log }

var errFull = errors.New("no space left")

func (full) Header(*trace.Header) error { return nil }
func (full) Event(*trace.Event) error   { return errFull }
func (full) End(*trace.End) error       { return nil }
func (full) Flush() error               { return nil }

func TestNothingIsSentThatCannotBeRecorded(t *testing.T) {
	_, _, o := open(t, nil)
	c, err := client.New(client.Config{Name: "customer-1", Branches: map[string]string{"branch-1": o.at}, Log: full{}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Query(t.Context(), "branch-1", "main"); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
	}
	if err := c.Close(); !errors.Is(err, errFull) || len(o.calls) > 0 {
		t.Errorf("Close: %v; %d calls", err, len(o.calls))
	}
}
