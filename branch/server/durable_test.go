package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// disks are the stores and log files of a bank that can be killed.
type disks struct {
	dir   string // of the logs
	bank  *bank
	mu    sync.Mutex
	fuses map[int]*fuse // by branch
	// open returns a branch's store as it is found at a start.
	open func(i int, cfg branch.Config) store.Store
}

// fuse has a branch crash at one boundary, when it comes there for the left-th time.
type fuse struct {
	at   server.Boundary
	left int
}

var errKilled = errors.New("killed")

// crash is the hook of one branch.
func (d *disks) crash(i int) func(server.Boundary, *trace.LogFile, []trace.Event) error {
	return func(at server.Boundary, log *trace.LogFile, next []trace.Event) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		f := d.fuses[i]
		if f == nil || f.at != at || at == server.MidLine && len(next) == 0 {
			return nil
		}
		if f.left--; f.left > 0 {
			return nil
		}
		delete(d.fuses, i)
		if at == server.MidLine {
			return errors.Join(errKilled, tear(log, &next[0]))
		}
		if at != server.BeforeCommit && at != server.InSnapshot && rand.IntN(2) == 0 {
			return errors.Join(errKilled, log.Flush()) // the lines had left the process
		}
		return errKilled
	}
}

// tear leaves a log with a part of a line at its end.
func tear(log *trace.LogFile, e *trace.Event) error {
	if err := log.Flush(); err != nil {
		return err
	}
	file, err := os.OpenFile(log.Path(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	line := trace.AppendEvent(nil, e)
	_, err = file.Write(line[:1+rand.IntN(len(line)-1)])
	return errors.Join(err, file.Close())
}

func (d *disks) arm(i int, f fuse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fuses[i] = &f
}

func (d *disks) logFile(i int) string { return trace.LogPath(d.dir, fmt.Sprintf("branch-%d", i+1)) }

// openDurable opens a bank whose branches have a store and a log file. Open is nil for stores in memory.
func openDurable(t testing.TB, n int, opening map[string]int64, open func(int, branch.Config) store.Store, change func(int, *server.Config)) *disks {
	d := &disks{dir: t.TempDir(), fuses: map[int]*fuse{}, open: open}
	if open == nil {
		memories := map[int]*store.Memory{}
		d.open = func(i int, _ branch.Config) store.Store {
			if memories[i] == nil {
				memories[i] = store.NewMemory()
			}
			return memories[i]
		}
	}
	d.bank = openBank(t, n, opening, options{change: func(i int, c *server.Config) {
		c.Log, c.LogFile, c.Store = nil, d.logFile(i), d.open(i, c.Branch)
		c.SetCrash(d.crash(i))
		if change != nil {
			change(i, c)
		}
	}})
	return d
}

// verify stops the bank and holds all logs to all rules.
func (d *disks) verify(t *testing.T, tellers []*teller, opening int64) {
	t.Helper()
	for _, s := range d.bank.settled() {
		total := opening
		for _, c := range tellers {
			total += c.sum
		}
		if s.Accounts[0].Amount != total {
			t.Errorf("%s has %v, want %d", s.Name, s.Accounts, total)
		}
	}
	d.bank.close()
	var logs []check.Source
	for i := range d.bank.names {
		data, err := os.ReadFile(d.logFile(i))
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, check.Bytes(filepath.Base(d.logFile(i)), data))
	}
	for _, c := range tellers {
		logs = append(logs, check.Bytes(c.seq.Process()+".jsonl", c.end()))
	}
	report, err := check.Check(context.Background(), logs, check.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if report.ExitStatus() != 0 {
		var text bytes.Buffer
		report.WriteText(&text, check.TextOptions{})
		t.Errorf("the logs do not hold:\n%s", text.Bytes())
	}
}

// TestABankThatIsKilledAtEveryBoundary kills branches at every boundary of a commit's way, under load, and starts them again
// on what they have stored. Every request is in the end executed once, and all logs hold.
func TestABankThatIsKilledAtEveryBoundary(t *testing.T) {
	memory := map[int]*store.Memory{}
	open := map[int]*store.Pebble{}
	dir := t.TempDir()
	t.Cleanup(func() {
		for _, p := range open {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	// The first branch is on disk, so that what comes back has been written and read.
	d := openDurable(t, 3, map[string]int64{"main": 50}, func(i int, cfg branch.Config) store.Store {
		if i > 0 {
			if memory[i] == nil {
				memory[i] = store.NewMemory()
			}
			return memory[i]
		}
		if open[i] != nil {
			if err := open[i].Close(); err != nil {
				t.Error(err)
			}
		}
		open[i] = openPebble(t, dir, cfg)
		return open[i]
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	var tellers []*teller
	over := make(chan struct{})
	for i := range 6 {
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
				c.do(ctx, op, "main", 1+c.random.Int64N(40))
			}
		})
	}
	kills := 0
	random := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		for _, at := range []server.Boundary{server.BeforeCommit, server.AfterCommit, server.MidLine, server.AfterLog, server.AfterSend} {
			i := random.IntN(3)
			d.arm(i, fuse{at, 1 + random.IntN(12)})
			select {
			case err := <-d.bank.ended[i]:
				d.bank.ended[i] = nil
				if !errors.Is(err, errKilled) {
					t.Fatalf("%s ended with %v", d.bank.names[i], err)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s never came to boundary %d", d.bank.names[i], at)
			}
			kills++
			d.bank.start(i)
		}
	}
	close(over)
	load.Wait()
	requests, asked := 0, 0
	for _, c := range tellers {
		requests, asked = requests+int(c.n), asked+c.asked
	}
	t.Logf("%d kills, %d requests, %d sent again", kills, requests, asked-requests)
	if asked == requests {
		t.Error("no request was ever made again: the test shows nothing")
	}
	d.verify(t, tellers, 50)
}

// gate is a store whose commits wait, and one day fail.
type gate struct {
	store.Store
	entered chan struct{} // gets one for each commit that has begun; nil lets them through
	open    chan struct{}
	full    int // the commit that fails; 0 is none
	stores  bool
	commits int
}

var errNoRoom = errors.New("no room on the disk")

func (g *gate) Commit(batches ...store.Batch) error {
	g.commits++
	if g.entered != nil {
		g.entered <- struct{}{}
		<-g.open
	}
	if g.full > 0 && g.commits >= g.full {
		if g.stores && g.commits == g.full {
			return errors.Join(errNoRoom, g.Store.Commit(batches...))
		}
		return errNoRoom
	}
	return g.Store.Commit(batches...)
}

func TestNothingLeavesBeforeItIsStoredAndCommitsGoInGroups(t *testing.T) {
	g := &gate{Store: store.NewMemory(), entered: make(chan struct{}, 100), open: make(chan struct{})}
	d := openDurable(t, 1, map[string]int64{"main": 0}, func(int, branch.Config) store.Store { return g }, nil)
	const callers = 50
	answers := make(chan error, callers+1)
	deposit := func(name string) {
		_, err := d.bank.customer(name).deposit(context.Background(), 1, "main", 1)
		answers <- err
	}
	go deposit("first")
	<-g.entered
	for i := range callers {
		go deposit(fmt.Sprintf("customer-%d", i))
	}
	poll(t, "all have called", func() bool { return d.bank.servers[0].Called() == callers+1 })
	select {
	case err := <-answers:
		t.Fatalf("a request was answered before it was stored: %v", err)
	default:
	}
	if data, err := os.ReadFile(d.logFile(0)); err != nil || bytes.Count(data, []byte("\n")) != 1 {
		t.Errorf("the log has more than its header: %s %v", data, err)
	}
	close(g.open)
	for range callers + 1 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	d.bank.close()
	if g.commits > callers/2 {
		t.Errorf("%d commits for %d requests", g.commits, callers+1)
	}
}

// poll waits for a condition that nobody announces.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it never came to: %s", what)
		}
	}
}

func TestAFullDiskLosesNothingThatWasAcknowledged(t *testing.T) {
	for _, stores := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored %v", stores), func(t *testing.T) {
			g := &gate{Store: store.NewMemory(), full: 20, stores: stores}
			d := openDurable(t, 1, map[string]int64{"main": 0}, func(int, branch.Config) store.Store { return g }, nil)
			c := newTeller(d.bank, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				ended <- <-d.bank.ended[0]
				cancel()
			}()
			for ctx.Err() == nil {
				c.do(ctx, trace.OpDeposit, "main", 1)
			}
			if err := <-ended; !errors.Is(err, errNoRoom) {
				t.Errorf("it ended with %v", err)
			}
			if c.sum == 0 {
				t.Error("nothing was acknowledged before the disk was full")
			}
			g.full = 0 // somebody made room
			d.bank.start(0)
			c.n-- // the same request again
			c.do(t.Context(), trace.OpDeposit, "main", 1)
			d.verify(t, []*teller{c}, 0)
		})
	}
}

func TestAStopLetsRequestsEnd(t *testing.T) {
	g := &gate{Store: store.NewMemory(), entered: make(chan struct{}, 100), open: make(chan struct{})}
	d := openDurable(t, 1, map[string]int64{"main": 0}, func(int, branch.Config) store.Store { return g },
		func(_ int, c *server.Config) { c.StopTimeout = 20 * time.Second })
	answer := make(chan error, 1)
	go func() {
		_, err := d.bank.customer("customer-1").deposit(context.Background(), 1, "main", 1)
		answer <- err
	}()
	<-g.entered
	d.bank.stops[0]()
	poll(t, "requests are refused", func() bool {
		// One that came before the stop waits for the commit, and must not wait for ever.
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := d.bank.customer("customer-2").query(ctx, 1, "main")
		return reasonOf(err) == string(server.ReasonStopping)
	})
	close(g.open)
	if err := <-answer; err != nil {
		t.Errorf("the request under way ended with %v", err)
	}
	d.bank.close()
	tail, err := trace.ReadTail(d.logFile(0), "branch-1", 0)
	if err != nil || !tail.Ended || tail.Last.Step != trace.StepRespond {
		t.Errorf("the log ends with %+v, %v", tail, err)
	}
}

func TestABranchWithAnOldDiskRefusesToServe(t *testing.T) {
	stores := []*store.Memory{store.NewMemory(), store.NewMemory()}
	d := openDurable(t, 2, map[string]int64{"main": 0}, func(i int, _ branch.Config) store.Store { return stores[i] }, nil)
	must(t, "deposit", 1)(d.bank.customer("customer-1").deposit(t.Context(), 1, "main", 1))
	d.bank.settled()
	d.bank.kill(0)
	stores[0] = store.NewMemory()
	if err := os.Remove(d.logFile(0)); err != nil {
		t.Fatal(err)
	}
	d.bank.start(0)
	if err := <-d.bank.ended[0]; !errors.Is(err, branch.ErrOldCopy) {
		t.Errorf("it ended with %v", err)
	}
	d.bank.ended[0] = nil
	if tail, err := trace.ReadTail(d.logFile(0), "branch-1", 0); err != nil || tail.Last.Seq != 0 {
		t.Errorf("it recorded %+v, %v", tail, err)
	}
}

func TestAnAddressThatOthersReachIsRefused(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		l, err := net.Listen("tcp", "0.0.0.0:0")
		if err != nil {
			t.Skip(err)
		}
		s, err := server.New(server.Config{Branch: branch.Config{Name: "a", Branches: []string{"a"}}, Insecure: insecure})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Serve(ctx, l); errors.Is(err, server.ErrExposed) == insecure {
			t.Errorf("insecure %v: %v", insecure, err)
		}
	}
}
