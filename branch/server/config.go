package server

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Log takes what a branch records. *trace.Writer is one. Only one goroutine at a time uses it.
type Log interface {
	Header(*trace.Header) error
	Event(*trace.Event) error
	End(*trace.End) error
	Flush() error
}

// Config says how a branch is served.
type Config struct {
	Branch branch.Config
	// Peers has the host:port of every other branch whose name comes bytewise after this one's, for of two branches the
	// one with the lesser name dials. Entries for the others are allowed and not used.
	Peers  map[string]string
	Logger zerolog.Logger // the zero value is silent

	// Store keeps what the branch must not forget: all is stored in it before anything that depends on it leaves, and a
	// branch with a store that is not empty goes on where it was stopped. The caller opens it, and closes it when Serve has
	// returned. Without one the branch forgets all with its process, and cannot join its bank again.
	Store store.Store
	// LogFile is where a branch with a store keeps its log, see trace.LogPath. What the store has and the file lacks, as after
	// a crash, is brought after. "" records nothing.
	LogFile string
	// Log is where a branch without a store records; nil records nothing.
	Log Log

	// Insecure allows to listen at an address that other machines reach. Calls are not encrypted, and nobody has to say who
	// he is.
	Insecure bool

	RetryInterval  time.Duration // how often the core may ask again for what it waits for; 0 means 200 ms
	RequestTimeout time.Duration // the longest that a request is kept waiting; 0 means 10 s
	SessionWait    time.Duration // the longest that a request waits for its session token to be covered; 0 means 2 s
	StopTimeout    time.Duration // the longest that callers are given to go when Serve ends; 0 means 2 s

	crash crashTest
}

// normalize checks the configuration and fills in defaults: the one place where a Config is validated.
func (c Config) normalize() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		usual time.Duration
	}{
		{"RetryInterval", &c.RetryInterval, 200 * time.Millisecond},
		{"RequestTimeout", &c.RequestTimeout, 10 * time.Second},
		{"SessionWait", &c.SessionWait, 2 * time.Second},
		{"StopTimeout", &c.StopTimeout, 2 * time.Second},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("server: %s %v is negative", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Peers)) {
		if !slices.Contains(c.Branch.Branches, name) {
			return c, fmt.Errorf("server: Peers names %q, which is no branch of this bank", name)
		}
	}
	for _, name := range c.Branch.Branches {
		if name > c.Branch.Name && c.Peers[name] == "" {
			return c, fmt.Errorf("server: Peers has no address for %q, which %q must dial", name, c.Branch.Name)
		}
	}
	switch {
	case c.LogFile != "" && c.Store == nil:
		return c, fmt.Errorf("server: LogFile %s is for a branch with a Store; give one, or use Log", c.LogFile)
	case c.Log != nil && c.Store != nil:
		return c, fmt.Errorf("server: Log cannot be brought up to a Store; use LogFile")
	}
	c.Branch.Branches = slices.Sorted(slices.Values(c.Branch.Branches))
	c.Peers = maps.Clone(c.Peers)
	return c, nil
}
