package torture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// bank is a bank whose branches are processes: `bank-trace branch`, each with a data folder and a log in one trace folder.
type bank struct {
	dir      string // of all that follows
	binary   string
	mode     string
	opening  map[string]int64
	branches []*branch
	launcher *launcher
	conns    *client.Conns // for GetStatus
	// broken is called when a branch ends by itself.
	broken func(error)
}

// branch is one branch of a bank, whether it runs or not.
type branch struct {
	bank    *bank
	id      int
	address string            // where it listens
	seen    map[string]string // where the others are, as it sees them
	errs    *os.File          // what all its processes print

	mu       sync.Mutex
	process  *process // nil while it does not run
	expected bool     // it is to end
	starts   uint64   // of processes
}

func (b *branch) name() string { return fmt.Sprintf("branch-%d", b.id) }
func (b *branch) data() string { return filepath.Join(b.bank.dir, fmt.Sprintf("data-%d", b.id)) }

func (b *bank) trace() string { return filepath.Join(b.dir, "trace") }

// newBank prepares a bank in a folder and starts none of it.
func newBank(dir, binary, mode string, count int, opening map[string]int64, broken func(error)) (_ *bank, err error) {
	b := &bank{dir: dir, binary: binary, mode: mode, opening: opening, broken: broken,
		launcher: newLauncher(), conns: client.NewConns()}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := os.MkdirAll(b.trace(), 0o755); err != nil {
		return nil, err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "mode: %s\nopening:\n", mode)
	for _, account := range slices.Sorted(maps.Keys(opening)) {
		fmt.Fprintf(&text, "  %s: %d\n", account, opening[account])
	}
	if err := os.WriteFile(b.file(), []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	addresses, err := freeAddresses(count)
	if err != nil {
		return nil, err
	}
	for i, address := range addresses {
		one := &branch{bank: b, id: i + 1, address: address, seen: map[string]string{}}
		one.errs, err = os.OpenFile(filepath.Join(dir, one.name()+".stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, err
		}
		b.branches = append(b.branches, one)
	}
	for _, one := range b.branches {
		for _, other := range b.branches {
			one.seen[other.name()] = other.address
		}
	}
	return b, nil
}

// file is the cluster file: what the branches agree on, without their addresses.
func (b *bank) file() string { return filepath.Join(b.dir, "bank.yaml") }

// freeAddresses returns addresses of this machine at which nothing listens. They are below the range that systems take the
// ports of outgoing connections from, so that none of those has the port when its branch starts again.
func freeAddresses(count int) ([]string, error) {
	var all []string
	for range 2000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer l.Close() // only now, or it might be drawn again
		if all = append(all, address); len(all) == count {
			return all, nil
		}
	}
	return nil, errors.New("torture: found no free ports from 20000 to 32000")
}

// addresses returns the branches' own addresses by name.
func (b *bank) addresses() map[string]string {
	all := map[string]string{}
	for _, one := range b.branches {
		all[one.name()] = one.address
	}
	return all
}

// list writes addresses as --branches wants them.
func (b *bank) list(addresses map[string]string) string {
	var pairs []string
	for _, one := range b.branches {
		pairs = append(pairs, fmt.Sprintf("%d=%s", one.id, addresses[one.name()]))
	}
	return strings.Join(pairs, ",")
}

// start starts a process for the branch, which has none.
func (b *branch) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, err := b.bank.launcher.start(b.errs, b.errs, b.bank.binary, "branch", "--id", fmt.Sprint(b.id),
		"--cluster", b.bank.file(), "--branches", b.bank.list(b.seen), "--listen", b.address,
		"--data", b.data(), "--trace", b.bank.trace())
	if err != nil {
		return fmt.Errorf("start %s: %w", b.name(), err)
	}
	b.process, b.expected = p, false
	b.starts++
	go func() {
		<-p.done
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.process == p && !b.expected {
			b.bank.broken(fmt.Errorf("%s ended by itself: %v\n%s", b.name(), p.err, tail(b.errs.Name())))
		}
	}()
	return nil
}

// kill ends the branch's process at once, at whatever it is doing.
func (b *branch) kill() {
	p := b.end()
	p.kill()
	<-p.done
}

// end says that the branch's process is to end, and returns it.
func (b *branch) end() *process {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = true
	return b.process
}

// stop has all branches end in order, as SIGTERM asks them to. The error is that of those that did not end with status 0
// within a limit.
func (b *bank) stop(limit time.Duration) error {
	var errs []error
	var all []*process
	for _, one := range b.branches {
		p := one.end()
		all = append(all, p)
		errs = append(errs, p.terminate())
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	for i, p := range all {
		select {
		case <-p.done:
		case <-late.C:
			return fmt.Errorf("%s does not end %v after SIGTERM", b.branches[i].name(), limit)
		}
		if p.err != nil {
			errs = append(errs, fmt.Errorf("%s, asked to stop: %w\n%s", b.branches[i].name(), p.err, tail(b.branches[i].errs.Name())))
		}
	}
	return errors.Join(errs...)
}

// close kills what still runs and lets go of all.
func (b *bank) close() {
	for _, one := range b.branches {
		if p := one.end(); p != nil {
			p.kill()
		}
	}
	b.launcher.close()
	_ = b.conns.Close()
	for _, one := range b.branches {
		_ = one.errs.Close()
	}
}

// status asks a branch what it knows.
func (b *branch) status(ctx context.Context) (*bankv1.GetStatusResponse, error) {
	conn, err := b.bank.conns.To(b.address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return bankv1.NewInspectionServiceClient(conn).GetStatus(ctx, &bankv1.GetStatusRequest{})
}

// settle waits until all branches are joined, have executed the same writes, hold no others, and do nothing any more. The
// error says after the limit what is missing.
func (b *bank) settle(ctx context.Context, limit time.Duration) ([]*bankv1.GetStatusResponse, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("after %v", limit))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var before []*bankv1.GetStatusResponse
	for {
		var now []*bankv1.GetStatusResponse
		missing := ""
		for _, one := range b.branches {
			s, err := one.status(ctx)
			if err != nil {
				missing = fmt.Sprintf("%s does not tell its status: %v", one.name(), err)
				break
			}
			now = append(now, s)
		}
		if missing == "" {
			missing = unsettled(now, before)
		}
		if missing == "" {
			return now, nil
		}
		before = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return now, fmt.Errorf("the bank does not settle: %w: %s", context.Cause(ctx), missing)
		}
	}
}

// unsettled says what a bank lacks to be settled, "" if nothing. Before is what the branches said shortly before.
func unsettled(now, before []*bankv1.GetStatusResponse) string {
	for i, s := range now {
		switch {
		case s.Recovering:
			return s.Process + " is recovering"
		case s.Pending > 0 || s.Waiting > 0:
			return fmt.Sprintf("%s has %d writes to execute and %d requests under way", s.Process, s.Pending, s.Waiting)
		case !proto.Equal(s.Executed, now[0].Executed):
			return fmt.Sprintf("%s has executed %v and %s %v", now[0].Process, now[0].Executed, s.Process, s.Executed)
		case len(before) != len(now) || before[i].Events != s.Events:
			return s.Process + " still records events"
		}
		for _, p := range s.Peers {
			if !p.Up {
				return fmt.Sprintf("%s has no connection to %s", s.Process, p.Process)
			}
		}
	}
	return ""
}

// balances returns the accounts of a status.
func balances(s *bankv1.GetStatusResponse) map[string]int64 {
	all := map[string]int64{}
	for _, a := range s.Accounts {
		all[a.Account] = a.Balance
	}
	return all
}

// writeRun writes run.json. Customers are those that have logs.
func (b *bank) writeRun(customers []string, settled bool) error {
	run := &trace.Run{Format: trace.Format, Mode: b.mode, Settled: settled}
	for _, one := range b.branches {
		run.Processes = append(run.Processes, one.name())
	}
	run.Processes = append(run.Processes, customers...)
	return trace.WriteRun(b.trace(), run)
}

// tail returns the last lines of a file.
func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(data) > 2000 {
		data = data[len(data)-2000:]
	}
	return string(data)
}
