package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// told is what the outside world knows of a request: what the commands were asked for, and what they said.
type told struct {
	op     customer.Operation
	result trace.Result // ResultNone while no command has said how it ended
}

// roamer is a customer whose every request is a process, each at another branch.
type roamer struct {
	name     string
	bank     *bank
	random   *rand.Rand
	counts   *counts
	requests []told // the request with number n is at n-1
	state    customer.State
	commands uint64 // processes
}

func newRoamer(b *bank, n int, seed uint64, counts *counts) *roamer {
	return &roamer{name: fmt.Sprintf("customer-%d", n), bank: b, random: actor(seed, customerActor+uint64(n)), counts: counts}
}

func (c *roamer) session() string { return filepath.Join(c.bank.dir, "sessions", c.name) }

// live makes requests one after the other until ctx ends. Some of the commands are killed. What is under way then comes to
// its end within life, the whole run.
func (c *roamer) live(ctx, life context.Context) error {
	accounts := slices.Sorted(maps.Keys(c.bank.opening))
	for wait(ctx, between(c.random, 0, 300*time.Millisecond)) {
		op := someWrite(c.random.IntN, accounts)
		switch c.random.IntN(8) {
		case 0:
			op = customer.Operation{Op: trace.OpQuery, Account: op.Account}
		case 1:
			op.Amount *= 1000 // for some to be refused
		}
		kill := time.Duration(0)
		if c.random.IntN(4) == 0 {
			kill = between(c.random, 5*time.Millisecond, 400*time.Millisecond)
		}
		if _, err := c.command(life, op, 4*time.Second, kill); err != nil {
			return err
		}
	}
	return nil
}

// rest settles what is open and reads the balance of an account: the customer's last words.
func (c *roamer) rest(ctx context.Context) error {
	for tries := 1; ; tries++ {
		ok, err := c.command(ctx, customer.Operation{Op: trace.OpQuery, Account: "main"}, 20*time.Second, 0)
		switch {
		case err != nil:
			return err
		case ok && c.state.Outstanding:
			return fmt.Errorf("%s: its query is answered, and request %d still open", c.name, c.state.N)
		case ok:
			return nil
		case tries == 3:
			return fmt.Errorf("%s: %d queries were not answered, though all branches run; see %s", c.name, tries, c.session()+".stderr")
		}
	}
}

// command makes one request in a process, which is killed after a while unless that is 0. It notes what was said of this
// request and of the one before. The error says that the session came to what it cannot.
func (c *roamer) command(ctx context.Context, op customer.Operation, timeout, kill time.Duration) (ok bool, err error) {
	at := c.bank.branches[c.random.IntN(len(c.bank.branches))]
	args := []string{"customer", op.Op.String(), "--name", c.name, "--session", c.session(), "--trace", c.bank.trace(),
		"--branches", c.bank.list(c.bank.addresses()), "--at", fmt.Sprint(at.id), "--timeout", timeout.String(), "--account", op.Account}
	if op.Op != trace.OpQuery {
		args = append(args, "--amount", fmt.Sprint(op.Amount))
	}
	if op.Op == trace.OpTransfer {
		args = append(args, "--to", op.ToAccount)
	}
	var out, errs bytes.Buffer
	p, err := c.bank.launcher.start(&out, &errs, c.bank.binary, args...)
	if err != nil {
		return false, err
	}
	c.commands++
	if kill > 0 {
		early := time.AfterFunc(kill, p.kill)
		defer early.Stop()
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
		<-p.done
		return false, context.Cause(ctx)
	}
	status, killed := p.status()
	if killed {
		c.counts.customerKills.Add(1)
	}
	if err := c.keep(args, errs.Bytes()); err != nil {
		return false, err
	}
	return status == 0, c.note(op, status, killed, out.String(), errs.String())
}

// keep writes what a command said on standard error into a file beside the session, for whoever looks for a failure.
func (c *roamer) keep(args []string, errs []byte) error {
	if len(errs) == 0 {
		return nil
	}
	f, err := os.OpenFile(c.session()+".stderr", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %s: %s\n", time.Now().Format("15:04:05.000"), args[1], bytes.TrimSpace(errs))
	return errors.Join(err, f.Close())
}

var settledBefore = regexp.MustCompile(`(\S+)/(\d+), which an earlier command left open, ended with (\S+)`)

// note takes down what a command said, and how far the session has come with it.
func (c *roamer) note(op customer.Operation, status int, killed bool, out, errs string) error {
	before := c.state
	if err := c.read(); err != nil {
		return err
	}
	if m := settledBefore.FindStringSubmatch(errs); m != nil {
		result, err := trace.ParseResult(m[3])
		if m[1] != c.name || m[2] != fmt.Sprint(before.N) || err != nil {
			return fmt.Errorf("%s, whose newest request was %d, printed %q", c.name, before.N, m[0])
		}
		if err := c.tell(before.N, result); err != nil {
			return err
		}
	}
	switch c.state.N {
	case before.N:
		if status == 0 {
			return fmt.Errorf("%s: a command ended well, and its session has no request more than the %d before", c.name, before.N)
		}
		return nil
	case before.N + 1:
		c.requests = append(c.requests, told{op: op})
	default:
		return fmt.Errorf("%s: one command, and its session went from request %d to %d", c.name, before.N, c.state.N)
	}
	switch {
	case strings.HasPrefix(out, "ok: "):
		return c.tell(c.state.N, trace.OK)
	case status == 0:
		return fmt.Errorf("%s: a command ended well and printed %q", c.name, out)
	case killed || c.state.Outstanding:
		return nil
	case strings.Contains(errs, "INSUFFICIENT_FUNDS"):
		return c.tell(c.state.N, trace.Insufficient)
	case op.Op != trace.OpQuery:
		return c.tell(c.state.N, trace.Refused)
	}
	return nil
}

// tell takes down how a request ended. It must not have ended otherwise before.
func (c *roamer) tell(n uint64, result trace.Result) error {
	if n == 0 || n > uint64(len(c.requests)) {
		return fmt.Errorf("%s: request %d ended with %s, and there are %d", c.name, n, result, len(c.requests))
	}
	t := &c.requests[n-1]
	if t.result != trace.ResultNone && t.result != result {
		return fmt.Errorf("%s: request %d ended with %s, and before that with %s", c.name, n, result, t.result)
	}
	t.result = result
	return nil
}

// read reads the session's state, which no command has open.
func (c *roamer) read() error {
	text, err := os.ReadFile(c.session())
	if errors.Is(err, fs.ErrNotExist) && c.state.Seq == 0 {
		return nil // the first command was killed before it had saved anything
	}
	if err != nil {
		return err
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if c.state, err = customer.ParseState(first); err != nil {
		return fmt.Errorf("%s: %w", c.session(), err)
	}
	return nil
}
