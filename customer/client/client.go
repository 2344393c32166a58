// Package client is a customer over gRPC: the shell of a customer.Session. It may call a different branch each time; its
// clock, its log and what it has seen go with it.
package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Log takes what a customer records. *trace.Writer is one. Only one goroutine at a time uses it.
type Log interface {
	Header(*trace.Header) error
	Event(*trace.Event) error
	End(*trace.End) error
	Flush() error
}

// Config says who a customer is and where the branches are.
type Config struct {
	Name     string            // process name
	Branches map[string]string // process name -> host:port
	Conns    *Conns            // nil: connections of its own, closed with the client
	Log      Log               // nil records nothing
	Session  *SessionFile      // the session goes on from this file, which has a log of its own: Log is nil then
	Timeout  time.Duration     // the longest that a request may take, with all its attempts; 0 means 15 s

	AttemptTimeout time.Duration // the longest that one attempt may take; 0 means 5 s
	Attempts       int           // how often a request is made at most; 0 means until its time is over, 1 never again
	Backoff        Backoff       // between two attempts
	Random         *rand.Rand    // of Backoff, used by this client alone; nil: seeded at random
}

// check fills in what is not given, and says what cannot be right.
func (c *Config) check() error {
	switch {
	case c.Name == "":
		return errors.New("client: the customer has no name")
	case len(c.Branches) == 0:
		return fmt.Errorf("client: %s knows no branches", c.Name)
	case c.Branches[c.Name] != "":
		return fmt.Errorf("client: %q is the name of a branch too", c.Name)
	case c.Timeout < 0 || c.AttemptTimeout < 0 || c.Backoff.First < 0 || c.Backoff.Most < 0:
		return fmt.Errorf("client: Timeout %v, AttemptTimeout %v or Backoff %+v is negative", c.Timeout, c.AttemptTimeout, c.Backoff)
	case c.Attempts < 0:
		return fmt.Errorf("client: Attempts %d is negative; give 1 for no retries", c.Attempts)
	case c.Session != nil && c.Log != nil:
		return errors.New("client: a session file has a log of its own; leave Log out and call the file's LogTo")
	case c.Session != nil && c.Session.name != c.Name:
		return fmt.Errorf("client: the session file is that of %q, and the customer is %q", c.Session.name, c.Name)
	}
	if err := sound(c.Name); err != nil {
		return fmt.Errorf("client: customer %w", err)
	}
	for name := range c.Branches {
		if name == "" {
			return errors.New("client: a branch has no name")
		}
		if err := sound(name); err != nil {
			return fmt.Errorf("client: branch %w", err)
		}
	}
	c.Timeout = cmp.Or(c.Timeout, 15*time.Second)
	c.AttemptTimeout = cmp.Or(c.AttemptTimeout, 5*time.Second)
	c.Backoff.First = cmp.Or(c.Backoff.First, 50*time.Millisecond)
	c.Backoff.Most = max(cmp.Or(c.Backoff.Most, time.Second), c.Backoff.First)
	if c.Random == nil {
		c.Random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	c.Branches = maps.Clone(c.Branches)
	return nil
}

// Result is how a request ended.
type Result struct {
	N         uint64 // number of the request in its customer
	Result    trace.Result
	Balance   trace.Balance // of the account
	ToBalance trace.Balance // of the receiving account of a transfer
}

// Client is one customer. It is safe for concurrent use, but has one request under way at a time.
type Client struct {
	cfg      Config
	ownConns bool
	branches []string // in order of name

	mu      sync.Mutex
	journal journal
	session *customer.Session
	busy    bool
	closed  bool
	failed  error // why the log or the session file cannot be written
}

// New returns a client and writes the header of its log. It connects to a branch when it first calls it.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, branches: slices.Sorted(maps.Keys(cfg.Branches)),
		journal: logOnly{unrecorded{}}, session: customer.NewSession(cfg.Name),
	}
	if cfg.Log != nil {
		c.journal = logOnly{cfg.Log}
	}
	if cfg.Session != nil {
		var err error
		if c.session, err = cfg.Session.resume(); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
		c.journal = cfg.Session
	}
	h := c.session.Header(c.journal.next(), c.branches)
	if err := c.journal.begin(&h, c.session); err != nil {
		return nil, fmt.Errorf("client: %s: %w", cfg.Name, err)
	}
	if cfg.Conns == nil {
		c.cfg.Conns, c.ownConns = NewConns(), true
	}
	return c, nil
}

// Name returns the customer's process name.
func (c *Client) Name() string { return c.cfg.Name }

// Token returns the version vector of everything that the customer has seen.
func (c *Client) Token() clock.Vector {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.Token().Clone()
}

// Query asks a branch for the balance of an account.
func (c *Client) Query(ctx context.Context, branch, account string) (Result, error) {
	return c.Do(ctx, branch, customer.Operation{Op: trace.OpQuery, Account: account})
}

// Deposit adds amount minor units to an account.
func (c *Client) Deposit(ctx context.Context, branch, account string, amount int64) (Result, error) {
	return c.Do(ctx, branch, customer.Operation{Op: trace.OpDeposit, Account: account, Amount: amount})
}

// Withdraw takes amount minor units from an account.
func (c *Client) Withdraw(ctx context.Context, branch, account string, amount int64) (Result, error) {
	return c.Do(ctx, branch, customer.Operation{Op: trace.OpWithdraw, Account: account, Amount: amount})
}

// Transfer moves amount minor units from one account to another.
func (c *Client) Transfer(ctx context.Context, branch, from, to string, amount int64) (Result, error) {
	return c.Do(ctx, branch, customer.Operation{Op: trace.OpTransfer, Account: from, ToAccount: to, Amount: amount})
}

// Do makes one request and waits for its answer, until ctx ends or the client's timeout has passed. As long as nothing
// final comes of it, it is made again, at the same branch first and then at the others. The error of a request that was sent
// is an *Error; if a branch answered it, the Result holds the answer too. Otherwise the error wraps ErrOutstanding (as an
// *UnsettledError where an earlier client of the session left the request), ErrBranch, ErrOperation, ErrClosed or the
// failure of the log, and nothing was sent.
//
// In a session that lasts, a write of unknown outcome stays outstanding: see Settle.
func (c *Client) Do(ctx context.Context, branch string, op customer.Operation) (Result, error) {
	first, err := c.begin(branch, func() (customer.Call, trace.Event, error) {
		if err := fit(op); err != nil {
			return customer.Call{}, trace.Event{}, err
		}
		return c.session.Request(branch, op)
	})
	if err != nil {
		return Result{}, fmt.Errorf("client: %s: %w", c.cfg.Name, err)
	}
	return c.pursue(ctx, first)
}

// Settle asks again, with the same number, for the request whose outcome an earlier client of the session did not learn:
// where it was sent last, and then at the other branches. It ends as Do does. The error wraps customer.ErrNotAwaited if
// no request is outstanding.
func (c *Client) Settle(ctx context.Context) (Result, error) {
	c.mu.Lock()
	branch := c.branches[0]
	for _, tried := range c.session.State().Tried {
		if c.cfg.Branches[tried] != "" {
			branch = tried
		}
	}
	c.mu.Unlock()
	first, err := c.begin(branch, func() (customer.Call, trace.Event, error) { return c.session.Retry(branch) })
	if err != nil {
		return Result{}, fmt.Errorf("client: %s: %w", c.cfg.Name, err)
	}
	return c.pursue(ctx, first)
}

// Unsettled returns the request whose outcome is not known and that Settle asks for, nil where there is none.
func (c *Client) Unsettled() *UnsettledError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		return nil
	}
	return c.unsettled()
}

func (c *Client) unsettled() *UnsettledError {
	if !c.session.Outstanding() {
		return nil
	}
	s := c.session.State()
	return &UnsettledError{Request: trace.ID{Process: s.Name, N: s.N}, Operation: s.Operation, Tried: s.Tried}
}

// GiveUp leaves the request that Settle would ask for as it is: whether it was executed, or will be, stays unknown.
func (c *Client) GiveUp() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.busy:
		return fmt.Errorf("client: %s: %w", c.cfg.Name, ErrOutstanding)
	case c.failed != nil:
		return c.failed
	}
	return c.giveUp()
}

func (c *Client) giveUp() error {
	if !c.session.Outstanding() {
		return nil
	}
	c.session.GiveUp()
	return c.fail(c.journal.keep(c.session))
}

// record keeps one event. After a failure the client makes no more requests.
func (c *Client) record(e *trace.Event) error {
	e.Wall = time.Now().UnixNano()
	return c.fail(c.journal.event(e, c.session))
}

func (c *Client) fail(err error) error {
	if err == nil {
		return nil
	}
	c.failed = err
	return err
}

// Close ends the log and closes the client's own connections. It fails with ErrOutstanding while a request is under way.
// Closing again does nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil
	case c.busy:
		return fmt.Errorf("client: %s: %w", c.cfg.Name, ErrOutstanding)
	}
	c.closed = true
	err := c.failed // the log may not have what the end would count
	if err == nil {
		err = c.journal.end(&trace.End{Process: c.cfg.Name, Events: c.session.Events(), Clock: c.session.Now()}, c.session)
	}
	if c.ownConns {
		err = errors.Join(err, c.cfg.Conns.Close())
	}
	return err
}
