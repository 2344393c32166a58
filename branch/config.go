package branch

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// The modes: when a write executes.
const (
	// ModeTotal executes all writes everywhere in one order, that of (timestamp, origin): Lamport's state machine.
	ModeTotal = "total"
	// ModeCausal executes a write at its origin at once, and at the others after all that it depends on.
	ModeCausal = "causal"
)

// MaxBranches is how many branches a bank may have.
const MaxBranches = 64

// Config says who a branch is. All branches of a bank have the same Branches, Mode and Opening.
type Config struct {
	Name     string           // of this branch, one of Branches
	Branches []string         // all branches' process names, 1 to 64, in any order
	Mode     string           // ModeTotal or ModeCausal; "" means ModeTotal
	Opening  map[string]int64 // accounts and their opening balances in minor units, 0 to 2^53

	// MaxPending is how many unexecuted writes a branch holds before it refuses new ones; 0 means 4096.
	MaxPending int
	// MaxAhead is how many writes of one origin are kept beyond a gap; 0 means 4096.
	MaxAhead int
	// MaxWaiters is how many requests may wait for a session token; 0 means 4096.
	MaxWaiters int
	// StartRetries is how many Retry inputs a restored branch waits in mode causal for what its peers know of it; 0 means 10.
	StartRetries int
}

// normalize checks the configuration and fills in defaults: the one place where a Config is validated.
func (c Config) normalize() (Config, error) {
	if c.Mode == "" {
		c.Mode = ModeTotal
	}
	if c.Mode != ModeTotal && c.Mode != ModeCausal {
		return c, fmt.Errorf("mode %q is not known; use %q or %q", c.Mode, ModeTotal, ModeCausal)
	}
	if n := len(c.Branches); n < 1 || n > MaxBranches {
		return c, fmt.Errorf("%d branches given; a bank has 1 to %d", n, MaxBranches)
	}
	c.Branches = slices.Sorted(slices.Values(c.Branches))
	for i, name := range c.Branches {
		if name == "" {
			return c, fmt.Errorf("a branch has no name")
		}
		if i > 0 && name == c.Branches[i-1] {
			return c, fmt.Errorf("branch %q is named twice", name)
		}
	}
	if !slices.Contains(c.Branches, c.Name) {
		return c, fmt.Errorf("branch %q is not among the bank's branches %s", c.Name, strings.Join(c.Branches, ", "))
	}
	for _, limit := range []*int{&c.MaxPending, &c.MaxAhead, &c.MaxWaiters} {
		if *limit < 0 {
			return c, fmt.Errorf("limit %d is negative", *limit)
		}
		if *limit == 0 {
			*limit = 4096
		}
	}
	if c.StartRetries < 0 {
		return c, fmt.Errorf("limit %d is negative", c.StartRetries)
	}
	if c.StartRetries == 0 {
		c.StartRetries = 10
	}
	c.Opening = maps.Clone(c.Opening)
	return c, nil
}

// ClusterText describes what all branches of a bank must agree on, in words: names, mode and openings.
func (c Config) ClusterText() string {
	mode := c.Mode
	if mode == "" {
		mode = ModeTotal
	}
	var b strings.Builder
	fmt.Fprintf(&b, "mode %s; branches %s; opening", mode, strings.Join(slices.Sorted(slices.Values(c.Branches)), ", "))
	for _, a := range openingOf(c.Opening) {
		fmt.Fprintf(&b, " %q=%d", a.Account, a.Amount)
	}
	return b.String()
}

// ClusterHash is the SHA-256 of ClusterText, which the handshake of two branches compares.
func (c Config) ClusterHash() [sha256.Size]byte { return sha256.Sum256([]byte(c.ClusterText())) }

// Header returns the header of the branch's log for one incarnation, counted from 1.
func (c Config) Header(incarnation uint64) trace.Header {
	peers := make([]string, 0, len(c.Branches))
	for _, name := range slices.Sorted(slices.Values(c.Branches)) {
		if name != c.Name {
			peers = append(peers, name)
		}
	}
	mode := c.Mode
	if mode == "" {
		mode = ModeTotal
	}
	return trace.Header{
		Format: trace.Format, Process: c.Name, Role: "branch", Incarnation: incarnation, Mode: mode,
		Peers: peers, Opening: openingOf(c.Opening), Ends: true,
	}
}

func openingOf(opening map[string]int64) []trace.AccountBalance {
	all := make([]trace.AccountBalance, 0, len(opening))
	for _, account := range slices.Sorted(maps.Keys(opening)) {
		all = append(all, trace.AccountBalance{Account: account, Amount: opening[account]})
	}
	return all
}
