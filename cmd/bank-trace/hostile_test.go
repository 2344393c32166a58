package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	rpc "google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

// enemy sends a branch what nobody would send who means well.
type enemy struct {
	address string
	conn    *grpc.ClientConn
}

func newEnemy(t *testing.T, address string) *enemy {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &enemy{address, conn}
}

// bytes sends bytes that are no gRPC, and returns when the branch has closed the connection.
func (e *enemy) bytes(text string) error {
	conn, err := net.Dial("tcp", e.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	var timeout net.Error
	if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
		return err
	}
	return nil
}

// deposit asks for a deposit with a stamp.
func (e *enemy) deposit(ctx context.Context, stamp *bankv1.Stamp, account string) error {
	_, err := bankv1.NewBankServiceClient(e.conn).Deposit(ctx, &bankv1.DepositRequest{
		Call: &bankv1.Call{Stamp: stamp, N: 1}, Account: account, Amount: 1,
	})
	return err
}

// connect opens a link with frames, and returns why the branch ended it.
func (e *enemy) connect(ctx context.Context, frames ...*bankv1.Frame) error {
	link, err := bankv1.NewReplicationServiceClient(e.conn).Connect(ctx)
	if err != nil {
		return err
	}
	for _, f := range frames {
		if err := link.Send(f); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	for {
		if _, err := link.Recv(); err != nil {
			return err
		}
	}
}

func hello(bank branch.Config, process, peer string) *bankv1.Frame {
	hash := bank.ClusterHash()
	return &bankv1.Frame{Content: &bankv1.Frame_Hello{Hello: &bankv1.Hello{
		Process: process, Peer: peer, Cluster: hash[:], ClusterText: bank.ClusterText(), Fresh: true,
	}}}
}

func ack(stamp *bankv1.Stamp) *bankv1.Frame {
	return &bankv1.Frame{Content: &bankv1.Frame_Batch{Batch: &bankv1.Batch{Messages: []*bankv1.Message{{
		Stamp: stamp, Promise: stamp.Clock, Body: &bankv1.Message_Acknowledge{Acknowledge: &bankv1.Acknowledge{Has: &bankv1.Vector{}}},
	}}}}}
}

// attack is something that a branch must refuse, however often it comes, and say once.
type attack struct {
	name string
	do   func(context.Context, *enemy) error
	code codes.Code // that it is refused with; OK where the connection is just closed
	text string     // of the refusal
	said string     // what the branch says of it, once; "" where it is the text
	link bool       // it makes a link first
}

func attacks(bank branch.Config) []attack {
	big := strings.Repeat("x", 5<<20)
	request := func(stamp *bankv1.Stamp, account string) func(context.Context, *enemy) error {
		return func(ctx context.Context, e *enemy) error { return e.deposit(ctx, stamp, account) }
	}
	connect := func(frames ...*bankv1.Frame) func(context.Context, *enemy) error {
		return func(ctx context.Context, e *enemy) error { return e.connect(ctx, frames...) }
	}
	asPeer := hello(bank, "branch-1", "branch-2")
	return []attack{
		{name: "garbage", do: func(_ context.Context, e *enemy) error {
			return e.bytes("\x00\x01 garbage \xff" + strings.Repeat("y", 100))
		}, said: "bytes that are no gRPC"},
		{name: "another protocol", do: func(_ context.Context, e *enemy) error { return e.bytes("GET / HTTP/1.1\r\nHost: bank\r\n\r\n") },
			said: "bytes that are no gRPC"},
		{name: "an oversized request", do: request(&bankv1.Stamp{Process: "customer-1", Seq: 1, Clock: 1}, big),
			code: codes.ResourceExhausted, text: "larger than max"},
		{name: "an oversized hello", do: connect(hello(bank, big, "branch-2")), code: codes.ResourceExhausted, text: "larger than max"},
		{name: "a request of the branch itself", do: request(&bankv1.Stamp{Process: "branch-2", Seq: 1, Clock: 1}, "main"),
			code: codes.InvalidArgument, text: "stamp branch-2:1 with request number 1 is no customer's"},
		{name: "a request of another branch", do: request(&bankv1.Stamp{Process: "branch-1", Seq: 7, Clock: 1}, "main"),
			code: codes.InvalidArgument, text: "stamp branch-1:7 with request number 1 is no customer's"},
		{name: "a hello of no branch", do: connect(hello(bank, "branch-9", "branch-2")),
			code: codes.InvalidArgument, text: `"branch-9" is no other branch of this bank`},
		{name: "a hello of the branch itself", do: connect(hello(bank, "branch-2", "branch-2")),
			code: codes.InvalidArgument, text: `"branch-2" is no other branch of this bank`},
		{name: "a request with a clock near 2^63", do: request(&bankv1.Stamp{Process: "customer-1", Seq: 1, Clock: math.MaxInt64}, "main"),
			code: codes.InvalidArgument, text: "9223372036854775807 is not from 1 to 2^53", said: "call.stamp.clock: 9223372036854775807"},
		{name: "a request with a clock of 2^53", do: request(&bankv1.Stamp{Process: "customer-1", Seq: 1, Clock: 1 << 53}, "main"),
			code: codes.InvalidArgument, text: "customer-1:1 carries clock 9007199254740992"},
		{name: "a peer's message with a clock near 2^63", do: connect(asPeer, ack(&bankv1.Stamp{Process: "branch-1", Seq: 1, Clock: math.MaxInt64})),
			code: codes.InvalidArgument, text: "9223372036854775807 is not from 1 to 2^53", said: "messages[0].stamp.clock: 9223372036854775807", link: true},
		{name: "a peer's message in another's name", do: connect(asPeer, ack(&bankv1.Stamp{Process: "branch-2", Seq: 1, Clock: 1})),
			code: codes.InvalidArgument, text: "messages[0].stamp.process", link: true},
	}
}

// A branch that strangers send nonsense to refuses it, does not fill its output with it, and is as it was before.
func TestABranchAmongEnemies(t *testing.T) {
	dir := t.TempDir()
	logs := filepath.Join(dir, "trace")
	start := func(id, listen, peer string) *running {
		return launch(t, bankTrace("branch", "--id", id, "--listen", listen, "--peers", peer,
			"--data", filepath.Join(dir, "data-"+id), "--trace", logs, "--stop-with-input"))
	}
	two := start("2", "127.0.0.1:0", "1")
	at := two.serves(1)
	bank := branch.Config{Name: "branch-2", Branches: []string{"branch-1", "branch-2"}, Opening: map[string]int64{"main": 0}}
	e := newEnemy(t, at)
	before := statusOf(t, at)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, a := range attacks(bank) {
		for range 3 {
			err := a.do(ctx, e)
			if rpc.Code(err) != a.code || a.code == codes.OK && err != nil || !strings.Contains(fmt.Sprint(err), a.text) {
				t.Errorf("%s: refused with %v", a.name, err)
			}
		}
		if n := two.times(strings.ReplaceAll(cmp.Or(a.said, a.text), `"`, `\"`)); n != 1 {
			t.Errorf("%s: the branch says it %d times", a.name, n)
		}
		if a.link {
			continue
		}
		if diff := gocmp.Diff(before, statusOf(t, at)); diff != "" {
			t.Errorf("%s: the branch has changed: -before +after\n%s", a.name, diff)
		}
	}
	// To who came as its peer it may have sent messages of its own; nothing that they sent has moved its clock.
	if now := statusOf(t, at); now.Clock != now.Events {
		t.Errorf("after %d events, all of its own, its clock is %d", now.Events, now.Clock)
	}

	// The branch that they took for a victim serves on.
	one := start("1", "127.0.0.1:0", "2="+at)
	deposit := launch(t, bankTrace("customer", "deposit", "--branch", at, "--amount", "5", "--session", filepath.Join(dir, "me"), "--trace", logs))
	if status := deposit.status(); status != exitHolds {
		t.Errorf("a deposit ends with %d", status)
	}
	if now := statusOf(t, at); now.Accounts[0].Amount != 5 || now.Clock > 1000 {
		t.Errorf("then: %+v", now)
	}
	for _, b := range []*running{one, two} {
		if status := b.stop(); status != exitHolds {
			t.Errorf("stopped with %d", status)
		}
	}
	if status := launch(t, bankTrace("check", logs)).status(); status != exitHolds {
		t.Errorf("check ends with %d", status)
	}
}
