// Package client is a customer over gRPC: the shell of a customer.Session. It may call a different branch each time; its
// clock, its log and what it has seen go with it.
package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
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
	Timeout  time.Duration     // the longest that a request may take; 0 means 15 s
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

	mu      sync.Mutex
	session *customer.Session
	busy    bool
	closed  bool
	failed  error // why the log cannot be written
}

// New returns a client and writes the header of its log. It connects to a branch when it first calls it.
func New(cfg Config) (*Client, error) {
	switch {
	case cfg.Name == "":
		return nil, errors.New("client: the customer has no name")
	case len(cfg.Branches) == 0:
		return nil, fmt.Errorf("client: %s knows no branches", cfg.Name)
	case cfg.Branches[cfg.Name] != "":
		return nil, fmt.Errorf("client: %q is the name of a branch too", cfg.Name)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("client: Timeout %v is negative", cfg.Timeout)
	case cfg.Timeout == 0:
		cfg.Timeout = 15 * time.Second
	}
	if err := sound(cfg.Name); err != nil {
		return nil, fmt.Errorf("client: customer %w", err)
	}
	cfg.Branches = maps.Clone(cfg.Branches)
	c := &Client{cfg: cfg, session: customer.NewSession(cfg.Name)}
	if cfg.Log != nil {
		h := c.session.Header(1, slices.Sorted(maps.Keys(cfg.Branches)))
		if err := cfg.Log.Header(&h); err != nil {
			return nil, fmt.Errorf("client: log of %s: %w", cfg.Name, err)
		}
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

// Do makes one request at a branch and waits for its answer, until ctx ends or the client's timeout has passed. The error
// of a request that was sent is an *Error; if the branch answered it, the Result holds the answer too. Otherwise it
// wraps ErrOutstanding, ErrBranch, ErrOperation, ErrClosed or the failure of the log, and nothing was sent.
func (c *Client) Do(ctx context.Context, branch string, op customer.Operation) (Result, error) {
	call, stub, err := c.begin(branch, op)
	if err != nil {
		return Result{}, fmt.Errorf("client: %s: %w", c.cfg.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	reply, err := ask(ctx, stub, call)
	var failure *Error
	if err != nil {
		failure, reply = explain(err, call)
	}
	result, err := c.finish(call, reply, failure)
	if err != nil {
		return result, err
	}
	return result, nil
}

// begin records the send event of a request.
func (c *Client) begin(branch string, op customer.Operation) (customer.Call, bankv1.BankServiceClient, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var none customer.Call
	address, known := c.cfg.Branches[branch]
	switch {
	case c.closed:
		return none, nil, ErrClosed
	case c.failed != nil:
		return none, nil, c.failed
	case c.busy:
		return none, nil, ErrOutstanding
	case !known:
		names := strings.Join(slices.Sorted(maps.Keys(c.cfg.Branches)), ", ")
		return none, nil, fmt.Errorf("%w: %q; there are %s", ErrBranch, branch, names)
	}
	if err := fit(op); err != nil {
		return none, nil, err
	}
	conn, err := c.cfg.Conns.To(address)
	if err != nil {
		return none, nil, err
	}
	call, e, err := c.session.Request(branch, op)
	if err != nil {
		return none, nil, err
	}
	if err := c.record(&e); err != nil {
		c.session.GiveUp()
		return none, nil, err
	}
	c.busy = true
	return call, bankv1.NewBankServiceClient(conn), nil
}

// finish records the receive event of the answer, if there is one, and tells the outcome.
func (c *Client) finish(call customer.Call, reply *bankv1.Reply, failure *Error) (Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	result := Result{N: call.N, Result: trace.Unknown}
	if reply == nil && failure != nil {
		c.session.GiveUp()
		if !failure.Unknown && failure.Reason != "" {
			result.Result = trace.Refused
		}
		return result, failure
	}
	r, err := decodeReply(reply, call)
	if err == nil && (r.Result == trace.OK) != (failure == nil) {
		err = fmt.Errorf("reply.result: %s contradicts the status of the call", r.Result)
	}
	var e trace.Event
	if err == nil {
		e, err = c.session.Reply(r)
	}
	if err != nil {
		c.session.GiveUp()
		return result, unsound(failure, call, err)
	}
	result.Result, result.Balance, result.ToBalance = r.Result, r.Balance, r.ToBalance
	if err := c.record(&e); err != nil {
		return result, fmt.Errorf("client: %s: %w", c.cfg.Name, err)
	}
	if failure != nil {
		return result, failure
	}
	return result, nil
}

// unsound is the error of a reply that cannot be taken.
func unsound(failure *Error, call customer.Call, err error) *Error {
	e := &Error{Branch: call.Branch, Request: trace.ID{Process: call.Stamp.Process, N: call.N}}
	if failure != nil {
		*e = *failure
	}
	e.Cause = fmt.Errorf("%w: %w", ErrReply, err)
	e.Message, e.Unknown = e.Cause.Error(), call.Op != trace.OpQuery
	return e
}

// record writes one event. After a failure the client makes no more requests.
func (c *Client) record(e *trace.Event) error {
	if c.cfg.Log == nil {
		return nil
	}
	e.Wall = time.Now().UnixNano()
	if err := c.cfg.Log.Event(e); err != nil {
		c.failed = fmt.Errorf("log: %w", err)
		return c.failed
	}
	return nil
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
	var errs []error
	if c.cfg.Log != nil {
		end := trace.End{Process: c.cfg.Name, Events: c.session.Events(), Clock: c.session.Now()}
		errs = append(errs, c.failed, c.cfg.Log.End(&end), c.cfg.Log.Flush())
	}
	if c.ownConns {
		errs = append(errs, c.cfg.Conns.Close())
	}
	return errors.Join(errs...)
}
