package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

const (
	account = "main"
	opening = 0
	amount  = 1 // of each deposit

	callTimeout = 30 * time.Second // of one deposit
	settleTime  = time.Minute      // for the branches to connect, and to settle after the last deposit
)

func branchName(i int) string   { return fmt.Sprintf("branch-%d", i+1) }
func customerName(i int) string { return fmt.Sprintf("customer-%d", i+1) }

// bankSide is three branches as `bank-trace branch` serves them, and for each caller a customer at one of them, as
// `bank-trace run` has them. Branches and customers all record to a trace folder.
type bankSide struct {
	mode    string
	durable bool
}

// measure deposits, waits until all is settled, stops the bank, and holds the branches to what they acknowledged.
func (b bankSide) measure(ctx context.Context, c cell) (_ sample, err error) {
	k, err := b.open(ctx, c)
	if err != nil {
		return sample{}, err
	}
	s, made, err := load(k.serving, c, k.deposit)
	if err == nil {
		err = k.verify(made)
	}
	return s, errors.Join(err, k.close(err == nil))
}

// bank is a bank under way.
type bank struct {
	mode      string
	dir       *trace.Dir
	addresses map[string]string
	listeners []net.Listener // those that no server has taken over yet
	servers   []*server.Server
	stores    []*store.Pebble
	logs      []*trace.LogFile // those that nobody else closes
	processes []string
	conns     *client.Conns
	customers []*client.Client

	branches *errgroup.Group
	serving  context.Context // ends when a branch fails
	stop     context.CancelFunc
}

// open starts the branches and waits until they are connected, and makes the customers.
func (b bankSide) open(ctx context.Context, c cell) (_ *bank, err error) {
	k := &bank{mode: b.mode, addresses: map[string]string{}}
	// The ports are open: a connection that is slow to stand on a busy machine is waited for.
	k.conns = client.NewConns(grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	ctx, k.stop = context.WithCancel(ctx)
	k.branches, k.serving = errgroup.WithContext(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close(false))
		}
	}()
	if k.dir, err = trace.Create(filepath.Join(c.dir, "trace"), false); err != nil {
		return nil, err
	}
	var names []string
	for i := range Branches {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		k.listeners = append(k.listeners, l)
		names = append(names, branchName(i))
		k.addresses[branchName(i)] = l.Addr().String()
	}
	for _, name := range names {
		data := ""
		if b.durable {
			data = filepath.Join(c.dir, "data", name)
		}
		if err := k.branch(branch.Config{Name: name, Branches: names, Mode: b.mode, Opening: map[string]int64{account: opening}}, data); err != nil {
			return nil, err
		}
	}
	k.serve()
	if _, err := k.await(disconnected); err != nil {
		return nil, err
	}
	for i := range c.callers {
		if err := k.customer(customerName(i)); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// branch makes a branch's server, with a store in the folder data if that is not "".
func (k *bank) branch(core branch.Config, data string) error {
	cfg := server.Config{Branch: core, Peers: k.addresses, RequestTimeout: callTimeout}
	if data == "" {
		log, err := k.log(core.Name)
		if err != nil {
			return err
		}
		cfg.Log = log
	} else {
		p, err := store.Open(data, store.Identity{Cluster: core.ClusterHash(), ClusterText: core.ClusterText(), Branch: core.Name}, store.Options{})
		if err != nil {
			return err
		}
		k.stores = append(k.stores, p)
		k.processes = append(k.processes, core.Name)
		cfg.Store, cfg.LogFile = p, trace.LogPath(k.dir.Path(), core.Name)
	}
	s, err := server.New(cfg)
	if err == nil {
		k.servers = append(k.servers, s)
	}
	return err
}

func (k *bank) log(process string) (*trace.LogFile, error) {
	l, err := k.dir.Log(process)
	if err == nil {
		k.logs, k.processes = append(k.logs, l), append(k.processes, process)
	}
	return l, err
}

func (k *bank) serve() {
	for i, s := range k.servers {
		l := k.listeners[i]
		k.branches.Go(func() error { return s.Serve(k.serving, l) })
	}
	k.listeners = nil
}

// customer makes a customer whose session is in memory. A deposit is one request: a failure is one of the cell.
func (k *bank) customer(name string) error {
	log, err := k.log(name)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{Name: name, Branches: k.addresses, Conns: k.conns, Log: log,
		Timeout: callTimeout, AttemptTimeout: callTimeout, Attempts: 1})
	if err == nil {
		k.customers = append(k.customers, c)
	}
	return err
}

// deposit makes one deposit, at the branch that is the caller's own.
func (k *bank) deposit(ctx context.Context, caller int) error {
	_, err := k.customers[caller].Deposit(ctx, branchName(caller%Branches), account, amount)
	return err
}

// verify waits until all branches agree, and finds whether each has exactly the deposits that were acknowledged.
func (k *bank) verify(made []int) error {
	all, err := k.await(unsettled)
	if err != nil {
		return err
	}
	want := int64(opening)
	for _, n := range made {
		want += int64(n) * amount
	}
	for _, s := range all {
		if len(s.Accounts) != 1 || s.Accounts[0].Amount != want {
			return fmt.Errorf("%s has %v after deposits of %d in all", s.Name, s.Accounts, want)
		}
	}
	return nil
}

// close stops everything that was started. A bank that was settled leaves a trace that says so.
func (k *bank) close(settled bool) error {
	var errs []error
	for _, c := range k.customers {
		errs = append(errs, c.Close())
	}
	errs = append(errs, k.conns.Close())
	k.stop()
	errs = append(errs, k.branches.Wait())
	for _, l := range k.listeners {
		errs = append(errs, l.Close())
	}
	for _, s := range k.stores {
		errs = append(errs, s.Close())
	}
	for _, l := range k.logs {
		errs = append(errs, l.Close())
	}
	if k.dir != nil {
		errs = append(errs, k.dir.WriteRun(&trace.Run{Mode: k.mode, Scenario: "bench", Processes: k.processes, Settled: settled}))
	}
	return errors.Join(errs...)
}
