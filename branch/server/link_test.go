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
	"github.com/rs/zerolog"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// proxy passes connections on to an address until they are cut.
type proxy struct {
	net.Listener
	to    string
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
	all   sync.WaitGroup
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	p.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.pass(c)
		}
	})
	t.Cleanup(func() {
		p.setCut(true)
		l.Close()
		p.all.Wait()
	})
	return p
}

func (p *proxy) pass(in net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := net.Dial("tcp", p.to)
	if err != nil || p.cut {
		in.Close()
		if err == nil {
			out.Close()
		}
		return
	}
	p.conns = append(p.conns, in, out)
	for _, ends := range [][2]net.Conn{{in, out}, {out, in}} {
		p.all.Go(func() {
			io.Copy(ends[0], ends[1])
			ends[0].Close()
			ends[1].Close()
		})
	}
}

// setCut breaks all connections and lets no new ones through, or lets them through again.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for _, c := range p.conns {
			c.Close()
		}
		p.conns = nil
	}
}

func peerUp(name string, up bool) func(server.Status) bool {
	return func(s server.Status) bool {
		p, _ := s.Peer(name)
		return p.Up == up
	}
}

func TestACutLinkRecoversAndLosesNothing(t *testing.T) {
	var p *proxy
	b := openBank(t, 3, map[string]int64{"main": 0}, options{via: func(from, to, address string) string {
		if from == "branch-1" && to == "branch-2" {
			p = newProxy(t, address)
			address = p.Addr().String()
		}
		return address
	}})
	b.connected()
	const customers, rounds, each = 6, 5, 4
	all := make([]*customer, customers)
	for i := range all {
		all[i] = b.customer(fmt.Sprintf("customer-%d", i+1))
	}
	for range rounds {
		var load sync.WaitGroup
		for i, c := range all {
			load.Go(func() {
				for range each {
					if _, err := c.deposit(t.Context(), 1+i%3, "main", 1); err != nil {
						t.Errorf("%v", err)
					}
				}
			})
		}
		p.setCut(true)
		b.await(0, "peer down", peerUp("branch-2", false))
		b.await(1, "peer down", peerUp("branch-1", false))
		p.setCut(false)
		load.Wait()
		b.await(0, "peer up", peerUp("branch-2", true))
	}
	for _, s := range b.settled() {
		if s.Accounts[0].Amount != customers*rounds*each {
			t.Errorf("%s has %v, want %d", s.Name, s.Accounts, customers*rounds*each)
		}
	}
	b.close()
	checkLogs(t, b)
}

// lines is a log of the program that tests may read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newLines() *lines { return &lines{more: make(chan struct{}, 1)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

// await waits until the log holds what.
func (l *lines) await(t *testing.T, what string) string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		text := l.text.String()
		l.mu.Unlock()
		if strings.Contains(text, what) {
			return text
		}
		select {
		case <-l.more:
		case <-late:
			t.Fatalf("the log never said %q:\n%s", what, text)
		}
	}
}

func TestBranchesOfDifferentBanksRefuseEachOther(t *testing.T) {
	out := []*lines{newLines(), newLines()}
	b := openBank(t, 2, map[string]int64{"main": 400}, options{change: func(i int, c *server.Config) {
		c.Logger = zerolog.New(out[i])
		if i == 1 {
			c.Branch.Opening = map[string]int64{"main": 500}
		}
	}})
	for i := range out {
		text := out[i].await(t, "are not of one bank")
		for _, part := range []string{"400", "500"} {
			if !strings.Contains(text, part) {
				t.Errorf("branch-%d's log does not name the opening %s: %s", i+1, part, text)
			}
		}
	}
	if s := b.await(0, "a status", func(server.Status) bool { return true }); s.Peers[0].Up || s.Events > 0 {
		t.Errorf("branch-1 is at %+v", s)
	}
	b.close()
	for i := range out {
		if n := strings.Count(out[i].text.String(), "are not of one bank"); n != 1 {
			t.Errorf("branch-%d said it %d times", i+1, n)
		}
	}
}

// hello is what a sound peer says first.
func hello(cfg branch.Config, from, to string) *bankv1.Frame {
	hash := cfg.ClusterHash()
	return &bankv1.Frame{Content: &bankv1.Frame_Hello{Hello: &bankv1.Hello{
		Process: from, Peer: to, Cluster: hash[:], ClusterText: cfg.ClusterText(), Fresh: true}}}
}

func batch(process string, seq, now uint64) *bankv1.Frame {
	m := &bankv1.Message{Stamp: &bankv1.Stamp{Process: process, Seq: seq, Clock: now}, Promise: now,
		Body: &bankv1.Message_Acknowledge{Acknowledge: &bankv1.Acknowledge{}}}
	return &bankv1.Frame{Content: &bankv1.Frame_Batch{Batch: &bankv1.Batch{Messages: []*bankv1.Message{m}}}}
}

func TestStrangersAndGarbageAreRefused(t *testing.T) {
	opening := map[string]int64{"main": 400}
	b := openBank(t, 3, opening, options{via: func(_, _, _ string) string { return "127.0.0.1:1" }})
	cfg := branch.Config{Name: "branch-1", Branches: []string{"branch-1", "branch-2", "branch-3"}, Opening: opening}
	wrong := hello(cfg, "branch-1", "branch-2")
	wrong.GetHello().Cluster = []byte("x")
	greeting := hello(cfg, "branch-1", "branch-2")
	for _, tc := range []struct {
		name, reason, text string
		frames             []*bankv1.Frame
	}{
		{"empty frame first", "FRAME_INVALID", "no hello", []*bankv1.Frame{{}}},
		{"batch first", "FRAME_INVALID", "no hello", []*bankv1.Frame{batch("branch-1", 1, 1)}},
		{"another cluster", "CLUSTER_MISMATCH", "not of one bank", []*bankv1.Frame{wrong}},
		{"another address", "PEER_UNEXPECTED", "branch-3", []*bankv1.Frame{hello(cfg, "branch-1", "branch-3")}},
		{"greater name dials", "PEER_UNEXPECTED", "lesser", []*bankv1.Frame{hello(cfg, "branch-3", "branch-2")}},
		{"itself", "PEER_UNEXPECTED", "no other branch", []*bankv1.Frame{hello(cfg, "branch-2", "branch-2")}},
		{"second hello", "FRAME_INVALID", "content", []*bankv1.Frame{greeting, greeting}},
		{"no stamp", "FRAME_INVALID", "messages[0].stamp", []*bankv1.Frame{greeting,
			{Content: &bankv1.Frame_Batch{Batch: &bankv1.Batch{Messages: []*bankv1.Message{{}}}}}}},
		{"forged name", "FRAME_INVALID", "stamp.process", []*bankv1.Frame{greeting, batch("branch-3", 1, 1)}},
		{"clock near 2^63", "FRAME_INVALID", "stamp.clock", []*bankv1.Frame{greeting, batch("branch-1", 1, 1<<63-1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			with, err := bankv1.NewReplicationServiceClient(b.conns[1]).Connect(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range tc.frames {
				if err := with.Send(f); err != nil && err != io.EOF {
					t.Fatal(err)
				}
			}
			for err == nil {
				_, err = with.Recv()
			}
			var info *errdetails.ErrorInfo
			for _, d := range status.Convert(err).Details() {
				info, _ = d.(*errdetails.ErrorInfo)
			}
			if info.GetReason() != tc.reason || !strings.Contains(err.Error(), tc.text) || info.GetMetadata()[server.MetadataRemedy] == "" {
				t.Errorf("got %v (%v), want %s that speaks of %q", err, info, tc.reason, tc.text)
			}
		})
	}
	s := b.await(1, "no link", peerUp("branch-1", false))
	if s.Events != 0 || s.Clock != 0 {
		t.Errorf("garbage was recorded: %+v", s)
	}
	rawGarbage(t, b.addresses[1])
	if _, err := b.customer("customer-1").query(t.Context(), 2, "main"); err != nil {
		t.Errorf("after the garbage: %v", err)
	}
}

// rawGarbage sends bytes that are no HTTP/2 and waits until the branch hangs up.
func rawGarbage(t *testing.T, address string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.Write(bytes.Repeat([]byte("garbage\x00\xff"), 1000))
	if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the branch did not hang up")
	}
}

func TestABranchThatLostItsStateStops(t *testing.T) {
	b := openBank(t, 2, map[string]int64{"main": 400}, options{})
	b.connected()
	must(t, "deposit", 401)(b.customer("customer-1").deposit(t.Context(), 1, "main", 1))
	b.kill(0)
	b.start(0) // without a store it has forgotten everything
	err := <-b.ended[0]
	if !errors.Is(err, branch.ErrOldCopy) || !strings.Contains(err.Error(), "branch-2 knows") || !strings.Contains(err.Error(), "without a store") {
		t.Errorf("it ended with %v", err)
	}
	if n := b.logs[0].Len(); n > 600 {
		t.Errorf("it recorded %s", b.logs[0].Bytes())
	}
	b.ended[0] = nil
	b.await(1, "no link", peerUp("branch-1", false))
}

func TestConfigIsChecked(t *testing.T) {
	sound := func() server.Config {
		return server.Config{Branch: branch.Config{Name: "a", Branches: []string{"b", "a"}}, Peers: map[string]string{"b": "127.0.0.1:1"}}
	}
	var got []string
	for _, change := range []func(*server.Config){
		func(*server.Config) {},
		func(c *server.Config) { c.Peers = nil },
		func(c *server.Config) { c.Peers["c"] = "127.0.0.1:2" },
		func(c *server.Config) { c.RetryInterval = -1 },
		func(c *server.Config) { c.Branch.Name = "c" },
		func(c *server.Config) { c.LogFile = "a.jsonl" },
		func(c *server.Config) { c.Log, c.Store = trace.NewWriter(io.Discard), store.NewMemory() },
	} {
		c := sound()
		change(&c)
		_, err := server.New(c)
		got = append(got, fmt.Sprint(err))
	}
	want := []string{
		"<nil>",
		`server: Peers has no address for "b", which "a" must dial`,
		`server: Peers names "c", which is no branch of this bank`,
		"server: RetryInterval -1ns is negative",
		`server: branch: branch "c" is not among the bank's branches a, b`,
		"server: LogFile a.jsonl is for a branch with a Store; give one, or use Log",
		"server: Log cannot be brought up to a Store; use LogFile",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
