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

// customerFlags are the flags of `customer`.
type customerFlags struct {
	bank           bankFlags
	name           string
	at             int
	session, trace string
	account, to    string
	amount         int64
	timeout        time.Duration
}

func newCustomer(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "customer",
		Short: "Make one request at a bank: deposit, withdraw, transfer or query",
		Long: `Makes one request at a branch, and tries again there and at the others while there
is time. With --session separate commands are one customer: each reads what those
before it wrote, and its clock, its numbers and its log go on, also after a kill.`,
		Example: `  bank-trace customer deposit --branches 1=127.0.0.1:7001,2=127.0.0.1:7002 --at 1 \
      --account main --amount 100 --session me.session --trace my-trace
  bank-trace customer query --cluster bank.yaml --at 2 --account main --session me.session`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, op := range []trace.Op{trace.OpDeposit, trace.OpWithdraw, trace.OpTransfer, trace.OpQuery} {
		cmd.AddCommand(newRequest(c, op))
	}
	return cmd
}

func newRequest(c *console, op trace.Op) *cobra.Command {
	var f customerFlags
	cmd := &cobra.Command{
		Use:   op.String(),
		Short: map[trace.Op]string{trace.OpDeposit: "Put money into an account", trace.OpWithdraw: "Take money from an account", trace.OpTransfer: "Move money between accounts", trace.OpQuery: "Ask what an account has"}[op],
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return request(cmd.Context(), c, f, customer.Operation{Op: op, Account: f.account, ToAccount: f.to, Amount: f.amount})
		},
	}
	f.bank.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "customer-1", "process name of the customer")
	fl.IntVar(&f.at, "at", 0, "number of the branch to ask first (the least by default)")
	fl.StringVar(&f.session, "session", "", "file that keeps the customer's session from one command to the next")
	fl.StringVar(&f.trace, "trace", "", "folder for the customer's log; needs --session")
	fl.StringVar(&f.account, "account", "main", "account")
	fl.DurationVar(&f.timeout, "timeout", 15*time.Second, "longest wait for the answer, all attempts together")
	if op == trace.OpTransfer {
		fl.StringVar(&f.to, "to", "", "account that receives the money (required)")
	}
	if op != trace.OpQuery {
		fl.Int64Var(&f.amount, "amount", 0, "minor units, above 0 (required)")
	}
	return cmd
}

func request(ctx context.Context, c *console, f customerFlags, op customer.Operation) (err error) {
	b, err := f.bank.read()
	if err != nil {
		return err
	}
	if f.at == 0 {
		for id := range b.Branches {
			if f.at == 0 || id < f.at {
				f.at = id
			}
		}
	}
	if b.Branches[f.at] == "" {
		return fmt.Errorf("--at %d: the bank has no such branch", f.at)
	}
	cfg := client.Config{Name: f.name, Branches: b.addresses(), Timeout: f.timeout}
	if f.session != "" {
		if cfg.Session, err = openSession(f); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cfg.Session.Close()) }()
	} else if f.trace != "" {
		return fmt.Errorf("customer: --trace needs --session: a log goes on from what the session keeps")
	}
	cl, err := client.New(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cl.Close()) }()
	if open := cl.Unsettled(); open != nil {
		r, err := cl.Settle(ctx)
		if err != nil {
			return fmt.Errorf("%s, which an earlier command left open, is not settled: %w", open.Request, err)
		}
		fmt.Fprintf(c.err, "bank-trace: %s, which an earlier command left open, ended with %s\n", open.Request, r.Result)
	}
	r, err := cl.Do(ctx, branchName(f.at), op)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %s", r.Result, op.Account)
	if r.Balance.Known {
		fmt.Fprintf(c.out, " has %d", r.Balance.Amount)
	}
	if r.ToBalance.Known {
		fmt.Fprintf(c.out, ", %s has %d", op.ToAccount, r.ToBalance.Amount)
	}
	_, err = fmt.Fprintln(c.out)
	return err
}

func openSession(f customerFlags) (*client.SessionFile, error) {
	s, err := client.OpenSessionFile(f.session, f.name)
	if err != nil || f.trace == "" {
		return s, err
	}
	if err := os.MkdirAll(f.trace, 0o755); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.LogTo(f.trace); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
