package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// customerFlags are the flags of every verb of `customer`.
type customerFlags struct {
	bank           bankFlags
	addresses      []string // of branches whose names are not given
	name           string
	session, trace string
	timeout        time.Duration
}

// requestFlags are the flags of a verb that makes one request.
type requestFlags struct {
	customerFlags
	at          int
	account, to string
	amount      int64
}

func newCustomer(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "customer",
		Short: "Make a request at a bank: deposit, withdraw, transfer or query",
		Long: `Makes one request at a branch, and tries again there and at the others while there
is time. With --session separate commands are one customer: each reads what those
before it wrote, and its clock, its numbers and its log go on, also after a kill.

Branches are given by address (--branch), which asks each for its name first, or
by number and address (--branches, --cluster).`,
		Example: `  bank-trace customer deposit --branch 127.0.0.1:7001 --account main --amount 100 \
      --session me.session --trace my-trace
  bank-trace customer withdraw --branches 1=127.0.0.1:7001,2=127.0.0.1:7002 --at 2 \
      --account main --amount 100 --session me.session --trace my-trace
  bank-trace customer query --cluster bank.yaml --at 2 --account main --session me.session`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, op := range []trace.Op{trace.OpDeposit, trace.OpWithdraw, trace.OpTransfer, trace.OpQuery} {
		cmd.AddCommand(newRequest(c, op))
	}
	cmd.AddCommand(newCustomerRun(c), newOutcome(c))
	return cmd
}

func (f *customerFlags) add(cmd *cobra.Command, name string) {
	f.bank.add(cmd)
	fl := cmd.Flags()
	fl.StringSliceVar(&f.addresses, "branch", nil, "host:port of a branch, instead of --branches; of several the first is asked first, the others are for when it does not answer")
	fl.StringVar(&f.name, "name", name, "process name of the customer")
	fl.StringVar(&f.session, "session", "", "file that keeps the customer's session from one command to the next")
	fl.StringVar(&f.trace, "trace", "", "folder for the customer's log; needs --session")
	fl.DurationVar(&f.timeout, "timeout", 15*time.Second, "longest wait for the answer to a request, all attempts together")
}

func newRequest(c *console, op trace.Op) *cobra.Command {
	var f requestFlags
	cmd := &cobra.Command{
		Use:   op.String(),
		Short: map[trace.Op]string{trace.OpDeposit: "Put money into an account", trace.OpWithdraw: "Take money from an account", trace.OpTransfer: "Move money between accounts", trace.OpQuery: "Ask what an account has"}[op],
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return request(cmd.Context(), c, f, customer.Operation{Op: op, Account: f.account, ToAccount: f.to, Amount: f.amount})
		},
	}
	f.add(cmd, "customer-1")
	fl := cmd.Flags()
	fl.IntVar(&f.at, "at", 0, "number of the branch to ask first (the least by default)")
	fl.StringVar(&f.account, "account", "main", "account")
	if op == trace.OpTransfer {
		fl.StringVar(&f.to, "to", "", "account that receives the money (required)")
	}
	if op != trace.OpQuery {
		fl.Int64Var(&f.amount, "amount", 0, "minor units, above 0 (required)")
	}
	return cmd
}

func request(ctx context.Context, c *console, f requestFlags, op customer.Operation) (err error) {
	if f.at != 0 && len(f.addresses) > 0 {
		return errors.New("--at counts the --branches; of several --branch the first is asked first")
	}
	t, err := f.open(ctx, c, client.NewConns())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	if f.at != 0 {
		t.first = branchName(f.at)
		if t.branches[t.first] == "" {
			return fmt.Errorf("--at %d: the bank has no such branch", f.at)
		}
	}
	cl, err := t.customer(ctx, c, client.Config{Name: f.name, Timeout: f.timeout})
	if err != nil {
		return err
	}
	r, err := cl.Do(ctx, t.first, op)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, resultLine(r, op))
	return err
}

// resultLine tells how a request ended.
func resultLine(r client.Result, op customer.Operation) string {
	text := fmt.Sprintf("%s: %s", r.Result, op.Account)
	if r.Balance.Known {
		text += fmt.Sprintf(" has %d", r.Balance.Amount)
	}
	if r.ToBalance.Known {
		text += fmt.Sprintf(", %s has %d", op.ToAccount, r.ToBalance.Amount)
	}
	return text
}

// teller is what a verb of `customer` has open: the way to the branches, and the customer's session.
type teller struct {
	branches map[string]string // process name -> host:port
	first    string            // to be asked first
	conns    *client.Conns
	session  *client.SessionFile // nil without one
	client   *client.Client
}

// open finds the branches and opens the session. The connections are closed with the teller, and here if it fails.
func (f *customerFlags) open(ctx context.Context, c *console, conns *client.Conns) (_ *teller, err error) {
	t := &teller{conns: conns}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if f.trace != "" && f.session == "" {
		return nil, errors.New("customer: --trace needs --session: a log goes on from what the session keeps")
	}
	if err := f.find(ctx, c, t); err != nil || f.session == "" {
		return t, err
	}
	if t.session, err = client.OpenSessionFile(f.session, f.name); err != nil || f.trace == "" {
		return t, err
	}
	if err := os.MkdirAll(f.trace, 0o755); err != nil {
		return nil, err
	}
	return t, t.session.LogTo(f.trace)
}

// customer opens the customer, and settles the request that an earlier command left open.
func (t *teller) customer(ctx context.Context, c *console, cfg client.Config) (*client.Client, error) {
	cfg.Branches, cfg.Conns, cfg.Session = t.branches, t.conns, t.session
	var err error
	if t.client, err = client.New(cfg); err != nil {
		return nil, err
	}
	open := t.client.Unsettled()
	if open == nil {
		return t.client, nil
	}
	r, err := t.client.Settle(ctx)
	var failed *client.Error
	if err != nil && !(errors.As(err, &failed) && !failed.Unknown) {
		return nil, fmt.Errorf("%s, which an earlier command left open, is not settled: %w", open.Request, err)
	}
	fmt.Fprintf(c.err, "bank-trace: %s, which an earlier command left open, ended with %s\n", open.Request, r.Result)
	return t.client, nil
}

func (t *teller) close() error {
	var errs []error
	if t.client != nil {
		errs = append(errs, t.client.Close())
	}
	if t.session != nil {
		errs = append(errs, t.session.Close())
	}
	return errors.Join(append(errs, t.conns.Close())...)
}
