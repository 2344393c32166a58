package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Every state that the disk can be in while a customer works: its folder is copied when a call arrives (after the send)
// and after each reply, and of each copy the log is cut at every byte from the newest events on, as it is written after the
// session. From each, the next command settles what is outstanding and goes on with a legal log.
func TestAKillAnywhereLeavesASessionThatGoesOn(t *testing.T) {
	p := place{t.TempDir()}
	var copies []place
	h := &honest{}
	o := serve(t, func(ctx context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
		copies = append(copies, p.copy(t))
		return h.answer(ctx, call)
	})
	for range 2 {
		err := p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error {
			for range 2 {
				if _, err := c.Deposit(t.Context(), "branch-1", "main", 5); err != nil {
					return err
				}
				copies = append(copies, p.copy(t))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	again := &honest{}
	b := serve(t, again.answer)
	cases := 0
	for i, q := range copies {
		session, log := read(t, q.session()), read(t, q.log())
		_, kept, _ := strings.Cut(session, "\n")
		from := len(log)
		if kept != "" {
			first, _, _ := strings.Cut(kept, "\n")
			if from = strings.Index(log, first); from < 0 {
				t.Fatalf("copy %d: the log lacks what the session keeps", i)
			}
		}
		var step int // every byte near the line ends, every 50th between them
		for cut := from; cut <= len(log); cut += step {
			step = 1
			if rest, _, _ := strings.Cut(log[max(0, cut-2):], "\n"); len(rest) > 3 {
				step = min(50, len(rest)-3)
			}
			cases++
			w := place{filepath.Join(q.dir, fmt.Sprint(cut))}
			write(t, w.session(), session)
			write(t, w.session()+".new", "half a sess") // a save that was cut off before its rename
			write(t, w.log(), log[:cut])
			outstanding := strings.Contains(session, `"outstanding"`)
			again.taken, again.executed = 0, nil
			err := w.command(map[string]string{"branch-1": b.at}, func(c *client.Client) error { return settleAndGoOn(t, c, outstanding) })
			if err != nil {
				t.Fatalf("copy %d, log cut at %d of %d: %v", i, cut, len(log), err)
			}
			w.mustBeLegal(t)
		}
	}
	if len(copies) != 8 || cases < 60 {
		t.Errorf("only %d cases of %d copies", cases, len(copies))
	}
	t.Logf("%d cases of %d copies", cases, len(copies))
}

// settleAndGoOn is what the next command does.
func settleAndGoOn(t *testing.T, c *client.Client, outstanding bool) error {
	u := c.Unsettled()
	if (u != nil) != outstanding {
		return fmt.Errorf("unsettled: %v, and outstanding is %v", u, outstanding)
	}
	if u != nil {
		_, err := c.Deposit(t.Context(), "branch-1", "main", 7)
		var unsettled *client.UnsettledError
		if !errors.As(err, &unsettled) || !errors.Is(err, client.ErrOutstanding) || unsettled.Request != u.Request {
			return fmt.Errorf("a request over an outstanding one: %w", err)
		}
		r, err := c.Settle(t.Context())
		if err != nil || r.N != u.Request.N || r.Result != trace.OK {
			return fmt.Errorf("settle %s: %+v, %w", u.Request, r, err)
		}
	}
	if _, err := c.Settle(t.Context()); !errors.Is(err, customer.ErrNotAwaited) {
		return fmt.Errorf("nothing to settle: %w", err)
	}
	_, err := c.Withdraw(t.Context(), "branch-1", "main", 1)
	return err
}

// Header and end of the log are on disk before the session forgets the events in it. A kill in between leaves a log that
// has more than the session knows of: records that are no events.
func TestAKillBetweenTheLogsHeaderOrEndAndTheSession(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	branches := map[string]string{"branch-1": o.at}
	p := place{t.TempDir()}
	var working place
	err := p.command(branches, func(c *client.Client) error {
		_, err := c.Deposit(t.Context(), "branch-1", "main", 5)
		working = p.copy(t)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := read(t, p.log())
	header, _, _ := strings.Cut(ended, "\n")
	header = strings.Replace(header, `"incarnation":1`, `"incarnation":2`, 1) + "\n"
	for name, log := range map[string]string{
		"end": ended, "header after an end": ended + header, "header after a kill": read(t, working.log()) + header,
		"torn header": ended + header[:30], "torn end": ended[:len(ended)-1],
	} {
		t.Run(name, func(t *testing.T) {
			q := working.copy(t)
			write(t, q.log(), log)
			h.taken = 0
			if err := q.command(branches, func(c *client.Client) error { return settleAndGoOn(t, c, false) }); err != nil {
				t.Fatal(err)
			}
			if sends := q.mustBeLegal(t); len(sends) != 2 {
				t.Errorf("sends %v", sends)
			}
		})
	}
	for _, first := range []string{"", header[:20], header} { // killed before the session's first event
		q := place{t.TempDir()}
		f, err := client.OpenSessionFile(q.session(), "customer-1")
		if err != nil || f.Path() != q.session() || f.Close() != nil {
			t.Fatal(err)
		}
		write(t, q.log(), strings.Replace(first, `"incarnation":2`, `"incarnation":1`, 1))
		h.taken = 0
		if err := q.command(branches, func(c *client.Client) error { return settleAndGoOn(t, c, false) }); err != nil {
			t.Fatal(err)
		}
		q.mustBeLegal(t)
	}
}

// The variables that make this test a customer of its own.
const (
	childDir    = "BANK_TRACE_TEST_SESSION"
	childBranch = "BANK_TRACE_TEST_BRANCH"
)

// child makes a deposit that is never answered.
func child(dir, branch string) {
	err := place{dir}.command(map[string]string{"branch-1": branch}, func(c *client.Client) error {
		_, err := c.Deposit(context.Background(), "branch-1", "main", 5)
		return err
	})
	fmt.Println(err)
}

func TestAnotherProcessIsKeptOutAndItsKillIsSurvived(t *testing.T) {
	arrived := make(chan struct{}, 1)
	var killed atomic.Bool
	h := &honest{}
	o := serve(t, func(ctx context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
		if !killed.Load() {
			arrived <- struct{}{}
			<-ctx.Done()
		}
		return h.answer(ctx, call)
	})
	p := place{t.TempDir()}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), childDir+"="+p.dir, childBranch+"="+o.at)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	var locked *client.LockedError
	_, err = client.OpenSessionFile(p.session(), "customer-1")
	if want := fmt.Sprintf("process %d on ", other.Process.Pid); !errors.As(err, &locked) || !strings.HasPrefix(locked.Holder, want) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		t.Errorf("it said %q", s.Text())
	}
	if err := other.Wait(); err == nil {
		t.Error("it was not killed")
	}
	killed.Store(true)
	err = p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error { return settleAndGoOn(t, c, true) })
	if err != nil {
		t.Fatal(err)
	}
	if sends := p.mustBeLegal(t); strings.Join(sends, " ") != "1:1 1:2 2:4" {
		t.Errorf("sends %v", sends)
	}
}
