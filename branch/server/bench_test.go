package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

const callers = 64

// load has 64 callers make calls together, and reports calls a second.
func load(b *testing.B, call func(caller int) error) {
	var next atomic.Int64
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		caller := int(next.Add(1)-1) % callers
		for pb.Next() {
			if err := call(caller); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkDeposit is deposits over unary gRPC by 64 callers at 3 branches that record to files, all in one process: in
// memory, and with stores on disk that sync every commit.
func BenchmarkDeposit(b *testing.B) {
	opening := map[string]int64{"main": 0}
	b.Run("memory", func(b *testing.B) {
		dir := b.TempDir()
		deposits(b, openBank(b, 3, opening, options{logs: func(i int) io.Writer {
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("branch-%d.jsonl", i+1)))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { f.Close() })
			return f
		}}), func() float64 { return 0 })
	})
	b.Run("durable", func(b *testing.B) {
		var stores []*counted
		d := openDurable(b, 3, opening, func(_ int, cfg branch.Config) store.Store {
			stores = append(stores, &counted{Store: openPebble(b, b.TempDir(), cfg)})
			return stores[len(stores)-1]
		}, nil)
		deposits(b, d.bank, func() (commits float64) {
			for _, s := range stores {
				commits += float64(s.commits)
			}
			return commits
		})
		for _, s := range stores {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		}
	})
}

// counted counts a store's commits.
type counted struct {
	store.Store
	commits int
}

func (c *counted) Commit(batches ...store.Batch) error {
	c.commits++
	return c.Store.Commit(batches...)
}

func openPebble(t testing.TB, dir string, cfg branch.Config) *store.Pebble {
	id := store.Identity{Cluster: cfg.ClusterHash(), ClusterText: cfg.ClusterText(), Branch: cfg.Name}
	p, err := store.Open(filepath.Join(dir, cfg.Name), id, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func deposits(b *testing.B, bank *bank, commits func() float64) {
	bank.connected()
	customers := make([]*customer, callers)
	for i := range customers {
		customers[i] = bank.customer(fmt.Sprintf("customer-%d", i+1))
	}
	load(b, func(i int) error {
		_, err := customers[i].deposit(context.Background(), 1+i%3, "main", 1)
		return err
	})
	events := uint64(0)
	for _, s := range bank.settled() {
		events += s.Events
	}
	bank.close()
	b.ReportMetric(float64(events)/float64(b.N), "events/call") // fewer means larger batches, with fewer acknowledges
	if n := commits(); n > 0 {
		b.ReportMetric(3*float64(b.N)/n, "calls/commit") // of one branch
	}
}

// echo answers every deposit with the same reply, and does nothing else.
type echo struct {
	bankv1.UnimplementedBankServiceServer
}

func (echo) Deposit(_ context.Context, m *bankv1.DepositRequest) (*bankv1.DepositResponse, error) {
	return &bankv1.DepositResponse{Reply: &bankv1.Reply{Stamp: m.Call.Stamp, Result: bankv1.Result_RESULT_OK, Balance: &m.Amount, Sees: m.Call.Token}}, nil
}

// BenchmarkEcho is the baseline of BenchmarkDeposit: the same messages, callers and connections, and plain gRPC.
func BenchmarkEcho(b *testing.B) {
	bank := &bank{t: b}
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := grpc.NewServer()
		bankv1.RegisterBankServiceServer(s, echo{})
		done := make(chan error, 1)
		go func() { done <- s.Serve(l) }()
		conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			b.Fatal(err)
		}
		bank.conns = append(bank.conns, conn)
		b.Cleanup(func() {
			conn.Close()
			s.Stop()
			<-done
		})
	}
	customers := make([]*customer, callers)
	for i := range customers {
		customers[i] = bank.customer(fmt.Sprintf("customer-%d", i+1))
		for k := range 3 {
			customers[i].token = customers[i].token.Set(fmt.Sprintf("branch-%d", k+1), 1000)
		}
	}
	load(b, func(i int) error {
		_, err := customers[i].at(1+i%3).Deposit(context.Background(), &bankv1.DepositRequest{Call: customers[i].next(), Account: "main", Amount: 1})
		return err
	})
}
