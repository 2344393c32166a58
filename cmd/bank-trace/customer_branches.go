package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	rpc "google.golang.org/grpc/status"
)

const (
	nameTimeout = 5 * time.Second // the longest wait for the first branch that tells its name
	nameGrace   = time.Second     // and from then on for the others
)

// find says which branches there are, and whom to ask first.
func (f *customerFlags) find(ctx context.Context, c *console, t *teller) error {
	b, err := f.bank.read()
	if err != nil {
		return err
	}
	switch {
	case f.timeout <= 0:
		return fmt.Errorf("--timeout %v: give a time above 0", f.timeout)
	case len(f.addresses) > 0 && len(f.bank.branches) > 0:
		return errors.New("--branch and --branches both say where the branches are; give one of them")
	case len(f.addresses) > 0 && f.bank.file != "":
		return fmt.Errorf("--branch and --cluster %s both say where the branches are; give one of them", f.bank.file)
	case len(f.addresses) > 0:
		return f.ask(ctx, c, t)
	case len(b.Branches) == 0:
		return errNoBranches("--branch 127.0.0.1:7001, --branches 1=127.0.0.1:7001,2=127.0.0.1:7002 or --cluster FILE")
	}
	t.branches, t.first = b.addresses(), branchName(slices.Min(slices.Collect(maps.Keys(b.Branches))))
	return nil
}

// named is what came of asking an address who is there.
type named struct {
	name string
	err  error
}

// ask asks the branches at the addresses for their names, since the event of sending a request names its receiver. Those
// that do not answer are left out; if none does, that is the error.
func (f *customerFlags) ask(ctx context.Context, c *console, t *teller) error {
	for _, address := range f.addresses {
		if !strings.Contains(address, ":") {
			return fmt.Errorf("--branch %q: give HOST:PORT, as in 127.0.0.1:7001", address)
		}
	}
	t.branches = map[string]string{}
	var silent []error
	for i, is := range askNames(ctx, t, f.addresses, min(f.timeout, nameTimeout)) {
		address := f.addresses[i]
		switch {
		case is.err != nil:
			silent = append(silent, fmt.Errorf("--branch %s does not tell its name: %s", address, rpc.Convert(is.err).Message()))
		case t.branches[is.name] != "" && t.branches[is.name] != address:
			fmt.Fprintf(c.err, "bank-trace: --branch %s is left out: it is %s, as is %s\n", address, is.name, t.branches[is.name])
		default:
			t.branches[is.name] = address
			if t.first == "" {
				t.first = is.name
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(t.branches) == 0:
		return fmt.Errorf("%w; see whether a branch runs there", errors.Join(silent...))
	}
	for _, err := range silent {
		fmt.Fprintf(c.err, "bank-trace: %v; it is left out\n", err)
	}
	return nil
}

// askNames asks all addresses at once. The answers are in step with the addresses.
func askNames(ctx context.Context, t *teller, addresses []string, limit time.Duration) []named {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		place int
		named
	}
	answers := make(chan answer, len(addresses))
	for i, address := range addresses {
		go func() {
			name, err := askName(ctx, t, address)
			answers <- answer{i, named{name, err}}
		}()
	}
	all := make([]named, len(addresses))
	for range addresses {
		a := <-answers
		all[a.place] = a.named
		if a.err == nil {
			time.AfterFunc(nameGrace, cancel)
		}
	}
	return all
}

func askName(ctx context.Context, t *teller, address string) (string, error) {
	r, err := newRemote(t.conns, address)
	if err != nil {
		return "", err
	}
	s, err := r.Status(ctx)
	return s.Name, err
}
