package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// branchFlags are the flags of `branch`.
type branchFlags struct {
	bank        bankFlags
	id          int
	listen      string
	peers       []string // ID=ADDRESS
	opening     []string // ACCOUNT=AMOUNT
	mode        string
	data, trace string
	timeout     time.Duration
	insecure    bool
	attached    bool
	rejoin      bool
}

func newBranch(c *console) *cobra.Command {
	var f branchFlags
	cmd := &cobra.Command{
		Use:   "branch --id N --listen HOST:PORT --peers ID=HOST:PORT,...",
		Short: "Serve one branch of a bank, until it is stopped",
		Long: `Serves one branch over gRPC. With --data the branch is durable: killed at any
instant, it goes on where it was when it is started again with the same folder.
Without, it forgets all with its process and cannot join its bank again.

Say where the branches are in one of three ways: --listen and --peers, the same
list of --branches for all, or a file for all (--cluster). A bank that names no
accounts has one, main, with nothing in it.

A branch whose data is lost joins its bank again only with --rejoin, with an empty
folder for its data: it takes over another branch's state. Its log begins anew.

Ctrl-C or SIGTERM lets requests end, closes the log and stops. Calls are not
encrypted, so only loopback addresses are served unless --insecure is given.`,
		Example: `  bank-trace branch --id 1 --listen 127.0.0.1:7001 --peers 2=127.0.0.1:7002 \
      --data data-1 --trace my-trace
  bank-trace branch --id 1 --branches 1=127.0.0.1:7001,2=127.0.0.1:7002 \
      --opening main=400 --data data-1 --trace my-trace
  bank-trace branch --id 2 --cluster bank.yaml --data data-2 --trace my-trace`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if f.attached {
				var stop context.CancelFunc
				ctx, stop = untilInputEnds(ctx, c.stdin)
				defer stop()
			}
			return serveBranch(ctx, c, f)
		},
	}
	f.bank.add(cmd)
	fl := cmd.Flags()
	fl.IntVar(&f.id, "id", 0, "number of this branch (required)")
	fl.StringVar(&f.listen, "listen", "", "host:port to listen at (its own address among the branches by default)")
	fl.StringSliceVar(&f.peers, "peers", nil, "all other branches as ID=HOST:PORT; needs --listen. Of two branches the one whose name comes first in the alphabet dials: a peer that dials may be given as ID alone")
	fl.StringSliceVar(&f.opening, "opening", nil, "opening balances as ACCOUNT=AMOUNT, the same at every branch")
	fl.StringVar(&f.mode, "mode", "", "when writes execute: total or causal (the file's, or total, by default)")
	fl.StringVar(&f.data, "data", "", "folder for the branch's durable state")
	fl.StringVar(&f.trace, "trace", "", "folder for the branch's log; needs --data")
	fl.DurationVar(&f.timeout, "request-timeout", 10*time.Second, "longest that a request is kept waiting")
	fl.BoolVar(&f.insecure, "insecure", false, "serve addresses that other machines reach, without encryption")
	fl.BoolVar(&f.rejoin, "rejoin", false, "the branch's data is lost: first take a snapshot of the state from another branch; all others must be served")
	fl.BoolVar(&f.attached, "stop-with-input", false, "stop also when standard input ends, as it does with the program that holds its other end")
	if err := cmd.MarkFlagRequired("id"); err != nil {
		panic(err) // the flag is a few lines above
	}
	return cmd
}

func serveBranch(ctx context.Context, c *console, f branchFlags) (err error) {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	logger := c.logger()
	if !c.verbose {
		logger = logger.Level(zerolog.InfoLevel)
	}
	cfg.Logger = logger.With().Str("process", cfg.Branch.Name).Logger()
	if f.data != "" {
		s, err := store.Open(f.data, store.Identity{
			Cluster: cfg.Branch.ClusterHash(), ClusterText: cfg.Branch.ClusterText(), Branch: cfg.Branch.Name,
		}, store.Options{Log: cfg.Logger.Level(zerolog.ErrorLevel)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		cfg.Store = s
	}
	if f.trace != "" {
		if err := os.MkdirAll(f.trace, 0o755); err != nil {
			return err
		}
		cfg.LogFile = trace.LogPath(f.trace, cfg.Branch.Name)
	}
	if f.rejoin {
		if err := server.Rejoin(ctx, cfg); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "bank-trace: %s has taken over the state of the others\n", cfg.Branch.Name)
	}
	s, err := server.New(cfg)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.err, servesLine(cfg.Branch.Name, l.Addr().String()))
	return s.Serve(ctx, l)
}

// servesLine is what a branch says when its port is open.
func servesLine(name, address string) string {
	return fmt.Sprintf("bank-trace: %s serves at %s", name, address)
}

// servesAt returns the address in a servesLine, and whether the line is one.
func servesAt(name, line string) (address string, ok bool) {
	return strings.CutPrefix(line, servesLine(name, ""))
}
