package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bank is a whole bank in one process: real branches on loopback.
type bank struct {
	t         testing.TB
	opening   map[string]int64
	options   options
	names     []string
	addresses []string
	listeners []net.Listener // nil once a server has taken it over
	servers   []*server.Server
	conns     []*grpc.ClientConn
	logs      []*bytes.Buffer
	stops     []context.CancelFunc
	ended     []chan error // nil where the branch is known to have ended
	stopped   sync.Once
}

// options change how a bank is opened.
type options struct {
	via    func(dialler, dialled, address string) string // the address to dial
	change func(i int, c *server.Config)                 // called at each start
	logs   func(i int) io.Writer
}

func openBank(t testing.TB, n int, opening map[string]int64, o options) *bank {
	t.Helper()
	b := &bank{t: t, opening: opening, options: o, servers: make([]*server.Server, n),
		stops: make([]context.CancelFunc, n), ended: make([]chan error, n), logs: make([]*bytes.Buffer, n)}
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 5 * time.Second,
				Backoff: backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1, MaxDelay: time.Millisecond}}))
		if err != nil {
			t.Fatal(err)
		}
		b.names = append(b.names, fmt.Sprintf("branch-%d", i+1))
		b.listeners, b.addresses, b.conns = append(b.listeners, l), append(b.addresses, address), append(b.conns, conn)
	}
	t.Cleanup(b.close)
	for i := range n {
		b.start(i)
	}
	return b
}

// config returns what a branch is started with.
func (b *bank) config(i int) server.Config {
	peers := map[string]string{}
	for j, address := range b.addresses {
		if b.options.via != nil && i < j {
			address = b.options.via(b.names[i], b.names[j], address)
		}
		if i != j {
			peers[b.names[j]] = address
		}
	}
	b.logs[i] = new(bytes.Buffer)
	var w io.Writer = b.logs[i]
	if b.options.logs != nil {
		w = b.options.logs(i)
	}
	cfg := server.Config{
		Branch: branch.Config{Name: b.names[i], Branches: b.names, Opening: b.opening},
		Peers:  peers, Log: trace.NewWriter(w), RetryInterval: 20 * time.Millisecond,
	}
	if b.options.change != nil {
		b.options.change(i, &cfg)
	}
	return cfg
}

// start starts a branch, for the first time or again.
func (b *bank) start(i int) {
	b.t.Helper()
	s, err := server.New(b.config(i))
	if err != nil {
		b.t.Fatal(err)
	}
	l := b.listeners[i]
	b.listeners[i] = nil
	if l == nil {
		if l, err = net.Listen("tcp", b.addresses[i]); err != nil {
			b.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	b.servers[i], b.stops[i], b.ended[i] = s, cancel, ended
}

// kill ends one branch, and expects no error of it.
func (b *bank) kill(i int) {
	b.t.Helper()
	b.stops[i]()
	if err := <-b.ended[i]; err != nil {
		b.t.Errorf("%s ended with %v", b.names[i], err)
	}
	b.ended[i] = nil
}

// close ends all branches and checks that they ended well.
func (b *bank) close() {
	b.stopped.Do(func() {
		for _, stop := range b.stops {
			if stop != nil {
				stop()
			}
		}
		for i, ended := range b.ended {
			if ended == nil {
				continue
			}
			if err := <-ended; err != nil {
				b.t.Errorf("branch-%d ended with %v", i+1, err)
			}
		}
		for i := range b.conns {
			b.conns[i].Close()
			if b.listeners[i] != nil {
				b.listeners[i].Close()
			}
		}
	})
}

// await waits until a branch's status is as wanted.
func (b *bank) await(i int, what string, wanted func(server.Status) bool) server.Status {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		changed := b.servers[i].Changed()
		s, err := b.servers[i].Status(ctx)
		if err != nil {
			b.t.Fatalf("branch-%d: %s: %v", i+1, what, err)
		}
		if wanted(s) {
			return s
		}
		select {
		case <-changed:
		case <-ctx.Done():
			b.t.Fatalf("branch-%d never came to: %s; it is at %+v", i+1, what, s)
		}
	}
}

// connected waits until every branch has a link to every other.
func (b *bank) connected() {
	b.t.Helper()
	for i := range b.servers {
		b.await(i, "all peers up", func(s server.Status) bool {
			return !slices.ContainsFunc(s.Peers, func(p server.PeerStatus) bool { return !p.Up })
		})
	}
}

// settled waits until every write that any branch holds is executed everywhere, and returns all status.
func (b *bank) settled() []server.Status {
	b.t.Helper()
	for {
		var held clock.Vector
		for i := range b.servers {
			held = held.Merge(b.await(i, "a status", func(server.Status) bool { return true }).Held)
		}
		var all []server.Status
		for i := range b.servers {
			all = append(all, b.await(i, "everything executed", func(s server.Status) bool {
				return s.Executed.Covers(held) && s.Pending == 0 && s.Waiting == 0
			}))
		}
		// A request whose caller has gone may still have come in between.
		if !slices.ContainsFunc(all, func(s server.Status) bool { return !s.Executed.Equal(all[0].Executed) }) {
			return all
		}
	}
}

// customer is a caller with a clock, a token and requests numbered upward.
type customer struct {
	b     *bank
	seq   trace.Sequencer
	n     uint64
	token clock.Vector
}

func (b *bank) customer(name string) *customer {
	return &customer{b: b, seq: trace.NewSequencer(name)}
}

// next returns the call part of the customer's next request.
func (c *customer) next() *bankv1.Call {
	c.n++
	stamp := c.seq.Send(&trace.Event{})
	call := &bankv1.Call{Stamp: &bankv1.Stamp{Process: stamp.Process, Seq: stamp.Seq, Clock: stamp.Clock}, N: c.n, Token: &bankv1.Vector{}}
	for _, e := range c.token {
		call.Token.Entries = append(call.Token.Entries, &bankv1.VectorEntry{Origin: e.Process, N: e.N})
	}
	return call
}

func (c *customer) took(reply *bankv1.Reply, err error) (int64, error) {
	if err != nil {
		for _, d := range status.Convert(err).Details() {
			if r, ok := d.(*bankv1.Reply); ok {
				reply = r
			}
		}
	}
	if s := reply.GetStamp(); s != nil {
		c.seq.Receive(clock.Stamp{Process: s.Process, Seq: s.Seq, Clock: s.Clock}, &trace.Event{})
		for _, e := range reply.Sees.GetEntries() {
			c.token = c.token.Merge(clock.Vector{{Process: e.Origin, N: e.N}})
		}
	}
	return reply.GetBalance(), err
}

func (c *customer) at(branch int) bankv1.BankServiceClient {
	return bankv1.NewBankServiceClient(c.b.conns[branch-1])
}

func (c *customer) query(ctx context.Context, branch int, account string) (int64, error) {
	m, err := c.at(branch).Query(ctx, &bankv1.QueryRequest{Call: c.next(), Account: account})
	return c.took(m.GetReply(), err)
}

func (c *customer) deposit(ctx context.Context, branch int, account string, amount int64) (int64, error) {
	m, err := c.at(branch).Deposit(ctx, &bankv1.DepositRequest{Call: c.next(), Account: account, Amount: amount})
	return c.took(m.GetReply(), err)
}

func (c *customer) withdraw(ctx context.Context, branch int, account string, amount int64) (int64, error) {
	m, err := c.at(branch).Withdraw(ctx, &bankv1.WithdrawRequest{Call: c.next(), Account: account, Amount: amount})
	return c.took(m.GetReply(), err)
}

func (c *customer) transfer(ctx context.Context, branch int, from, to string, amount int64) (int64, error) {
	m, err := c.at(branch).Transfer(ctx, &bankv1.TransferRequest{Call: c.next(), Account: from, ToAccount: to, Amount: amount})
	return c.took(m.GetReply(), err)
}
