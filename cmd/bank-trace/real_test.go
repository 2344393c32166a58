package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
)

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

// running is this program, or a script around it, running as a process of its own.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed when it has ended and been waited for

	mu   sync.Mutex
	said []string      // on standard error
	more chan struct{} // closed when more is said
}

// bankTrace is the command of this program with arguments.
func bankTrace(args ...string) *exec.Cmd { return exec.Command("bank-trace", args...) }

// launch starts a process. It is killed, if it still runs, when the test ends.
func launch(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{t: t, cmd: cmd, ended: make(chan struct{}), more: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.stdin = stdin
	go func() {
		defer close(r.ended)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			r.mu.Lock()
			r.said = append(r.said, lines.Text())
			close(r.more)
			r.more = make(chan struct{})
			r.mu.Unlock()
		}
		_ = cmd.Wait() // its exit status is in ProcessState
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-r.ended
		if t.Failed() {
			t.Logf("%v said:\n%s", cmd.Args, strings.Join(r.said, "\n"))
		}
	})
	return r
}

// lines returns what it has said so far, and a channel that is closed when it says more.
func (r *running) lines() ([]string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said[:len(r.said):len(r.said)], r.more
}

// await returns the n-th line, from 1, that holds the text, and waits until it is said.
func (r *running) await(n int, text string) string {
	r.t.Helper()
	late := time.After(patience)
	for {
		all, more := r.lines()
		found := 0
		for _, line := range all {
			if strings.Contains(line, text) {
				if found++; found == n {
					return line
				}
			}
		}
		select {
		case <-more:
		case <-r.ended:
			if again, _ := r.lines(); len(again) == len(all) {
				r.t.Fatalf("%v ended with %v and did not say %q", r.cmd.Args, r.cmd.ProcessState, text)
			}
		case <-late:
			r.t.Fatalf("%v did not say %q within %v", r.cmd.Args, text, patience)
		}
	}
}

// serves returns the address of a branch, when its port is open for the n-th time.
func (r *running) serves(n int) string {
	r.t.Helper()
	_, address, _ := strings.Cut(r.await(n, " serves at "), " serves at ")
	return address
}

// times returns how many lines hold the text.
func (r *running) times(text string) int {
	all, _ := r.lines()
	n := 0
	for _, line := range all {
		n += strings.Count(line, text)
	}
	return n
}

// status waits for its end and returns its exit status.
func (r *running) status() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("%v has not ended within %v", r.cmd.Args, patience)
	}
	return r.cmd.ProcessState.ExitCode()
}

// stop ends what was started with --stop-with-input, in order.
func (r *running) stop() int {
	r.t.Helper()
	if err := r.stdin.Close(); err != nil {
		r.t.Fatal(err)
	}
	return r.status()
}

// statusOf asks a branch what it knows.
func statusOf(t *testing.T, address string) server.Status {
	t.Helper()
	conns := client.NewConns()
	defer conns.Close()
	b, err := newRemote(conns, address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := b.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tally is what depositors were told.
type tally struct {
	sync.Mutex
	ok, unknown int64
	refused     []error // by the branch that could not write
}

// depositAll has customers deposit 1 each, again and again, until a deposit does not succeed.
func depositAll(t *testing.T, address string, customers []client.Config) *tally {
	t.Helper()
	all := new(tally)
	var working sync.WaitGroup
	for _, cfg := range customers {
		cfg.Branches, cfg.Attempts = map[string]string{"branch-1": address}, 1
		c, err := client.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		working.Go(func() {
			defer c.Close()
			for range 100_000 {
				_, err := c.Deposit(t.Context(), "branch-1", "main", 1)
				if all.count(err) != nil {
					return
				}
			}
		})
	}
	working.Wait()
	return all
}

func (a *tally) count(err error) error {
	a.Lock()
	defer a.Unlock()
	var failed *client.Error
	switch {
	case err == nil:
		a.ok++
		return nil
	case errors.As(err, &failed) && failed.Unknown:
		a.unknown++
	}
	a.refused = append(a.refused, err)
	return err
}
