package server_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// lossy is a bank whose first branch has its store on disk. Its disk can be taken away, and put back.
type lossy struct {
	*disks
	dir   string // the store
	store *store.Pebble
}

func openLossy(t *testing.T) *lossy {
	l := &lossy{dir: filepath.Join(t.TempDir(), "data")}
	memory := map[int]*store.Memory{}
	t.Cleanup(func() { l.shut(t) })
	l.disks = openDurable(t, 3, map[string]int64{"main": 500}, func(i int, cfg branch.Config) store.Store {
		if i > 0 {
			if memory[i] == nil {
				memory[i] = store.NewMemory()
			}
			return memory[i]
		}
		l.shut(t)
		l.store = openPebble(t, l.dir, cfg)
		return l.store
	}, nil)
	return l
}

func (l *lossy) shut(t *testing.T) {
	if l.store != nil {
		if err := l.store.Close(); err != nil {
			t.Error(err)
		}
		l.store = nil
	}
}

// lose kills the branch at a boundary, takes its store and perhaps its log away, and has the branch join again: first
// killed in the middle of that. Where its newest writes were on that disk alone, the disk is put back, as the error says,
// and another moment is tried.
func (l *lossy) lose(t *testing.T, at server.Boundary, logToo bool) {
	for range 20 {
		l.arm(0, fuse{at, 20})
		if err := <-l.bank.ended[0]; !errors.Is(err, errKilled) {
			t.Fatalf("it ended with %v", err)
		}
		l.bank.ended[0] = nil
		l.shut(t)
		taken := [][2]string{{l.dir, l.dir + "-lost"}}
		if logToo {
			taken = append(taken, [2]string{l.logFile(0), l.logFile(0) + "-lost"})
		}
		for _, move := range taken {
			if err := os.Rename(move[0], move[1]); err != nil {
				t.Fatal(err)
			}
		}
		l.arm(0, fuse{server.InSnapshot, 1})
		err := server.Rejoin(t.Context(), l.bank.config(0))
		if errors.Is(err, errKilled) {
			if err = server.Rejoin(t.Context(), l.bank.config(0)); err == nil {
				return
			}
		}
		if !errors.Is(err, branch.ErrLost) {
			t.Fatal(err)
		}
		t.Logf("tried again: %v", err)
		l.arm(0, fuse{server.BeforeCommit, math.MaxInt}) // none
		l.shut(t)
		for _, move := range taken {
			if err := errors.Join(os.RemoveAll(move[0]), os.Rename(move[1], move[0])); err != nil {
				t.Fatal(err)
			}
		}
		l.bank.start(0)
		l.bank.await(0, "its old disk is back", func(s server.Status) bool { return !s.Recovering })
	}
	t.Fatal("there was never a moment at which nothing was on the lost disk alone")
}

// underLoad has customers make requests until what is to be done is done.
func underLoad(t *testing.T, d *disks, do func()) []*teller {
	var load sync.WaitGroup
	var tellers []*teller
	over := make(chan struct{})
	for i := range 4 {
		c := newTeller(d.bank, i+1)
		tellers = append(tellers, c)
		load.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				op := trace.OpDeposit
				if c.random.IntN(2) == 0 {
					op = trace.OpWithdraw
				}
				c.do(t.Context(), op, "main", 1+c.random.Int64N(40))
			}
		})
	}
	defer load.Wait()
	defer close(over)
	do()
	return tellers
}

// TestABranchThatLostItsStoreJoinsAgain under load: its log begins anew, and all logs hold.
func TestABranchThatLostItsStoreJoinsAgain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		at     server.Boundary
		logToo bool
	}{{"after a commit", server.AfterCommit, false}, {"after sending", server.AfterSend, false}, {"with its log", server.AfterSend, true}} {
		t.Run(tc.name, func(t *testing.T) {
			d := openLossy(t)
			tellers := underLoad(t, d.disks, func() {
				d.lose(t, tc.at, tc.logToo)
				if err := server.Rejoin(t.Context(), d.bank.config(0)); !errors.Is(err, server.ErrNotEmpty) {
					t.Errorf("joining a second time says %v", err)
				}
				d.bank.start(0)
				d.bank.await(0, "it is back", func(s server.Status) bool { return !s.Recovering })
			})
			d.verify(t, tellers, 500)
			text := string(read(t, d.logFile(0)))
			if !strings.Contains(text, `"step":"snapshot"`) || strings.Contains(text, `"incarnation":1`) || !strings.Contains(text, `"first":`) {
				t.Errorf("its log does not begin with its rejoin: %.300s", text)
			}
			aside, err := filepath.Glob(d.logFile(0) + ".before-*")
			if err != nil || (len(aside) == 1) == tc.logToo {
				t.Errorf("older logs set aside: %v", aside)
			}
		})
	}
}

// refused returns the reason for which another branch does not help.
func refused(err error) string {
	if e := new(server.RejoinError); errors.As(err, &e) {
		return reasonOf(e.Err)
	}
	return ""
}

func TestJoiningAgainNeedsAllOthersAndNobodyInOnesPlace(t *testing.T) {
	d := openLossy(t)
	c := d.bank.customer("customer-1")
	must(t, "deposit", 501)(c.deposit(t.Context(), 1, "main", 1))
	cfg := d.bank.config(1)
	cfg.Store = store.NewMemory()
	err := server.Rejoin(t.Context(), cfg)
	if refused(err) != string(server.ReasonPeerLives) || !strings.Contains(err.Error(), "stop its other process") {
		t.Errorf("while it is served: %v", err)
	}
	d.bank.kill(1)
	d.bank.kill(2)
	cfg = d.bank.config(1)
	cfg.Store = store.NewMemory()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := server.Rejoin(ctx, cfg); err == nil || !strings.Contains(err.Error(), "branch-3 at 127.0.0.1") {
		t.Errorf("while another is away: %v", err)
	}
	d.bank.start(2)
	d.bank.await(0, "branch-3 is back", peerUp("branch-3", true))
	cfg.Store = store.NewMemory()
	cfg.Branch.Opening = map[string]int64{"main": 1}
	if err := server.Rejoin(t.Context(), cfg); refused(err) != string(server.ReasonCluster) || !strings.Contains(err.Error(), "same names, mode") {
		t.Errorf("with other openings: %v", err)
	}
	strange := &bankv1.TakeSnapshotRequest{Hello: &bankv1.Hello{Process: "branch-9"}}
	parts, err := bankv1.NewReplicationServiceClient(d.bank.conns[0]).TakeSnapshot(t.Context(), strange)
	if err == nil {
		_, err = parts.Recv()
	}
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a stranger gets %v", err)
	}
}
