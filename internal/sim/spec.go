package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Spec describes a simulation by what a person would say of it: a workload file, or the flags of `generate`. The same
// Spec gives the same trace.
type Spec struct {
	Seed      uint64 `yaml:"seed"`
	Mode      string `yaml:"mode"`
	Branches  int    `yaml:"branches"`
	Customers int    `yaml:"customers"`
	Requests  int    `yaml:"requests"` // of all customers together
	Accounts  int    `yaml:"accounts"` // main, account-2, account-3, …
	Opening   int64  `yaml:"opening"`  // of each account, in minor units
	Mix       struct {
		Query    float64 `yaml:"query"`
		Deposit  float64 `yaml:"deposit"`
		Withdraw float64 `yaml:"withdraw"`
		Transfer float64 `yaml:"transfer"`
	} `yaml:"mix"` // shares of the operations
	Hot       float64            `yaml:"hot"`        // share of operations on the account main
	Roaming   float64            `yaml:"roaming"`    // share of requests that go to a random branch
	MaxAmount int64              `yaml:"max_amount"` // amounts are from 1 to it
	Think     time.Duration      `yaml:"think"`      // pauses are from 0 to it
	Faults    map[string]float64 `yaml:"faults"`     // rates, as ParseFaults takes them
	Schedule  []Incident         `yaml:"schedule"`   // faults at set times
}

// Incident is one fault at a set time. Exactly one of Crash, Pause, Partition and OneWay is set.
type Incident struct {
	At        time.Duration `yaml:"at"`
	For       time.Duration `yaml:"for"`
	Crash     string        `yaml:"crash,omitempty"`     // a branch
	Pause     string        `yaml:"pause,omitempty"`     // a branch
	Partition []string      `yaml:"partition,omitempty"` // the processes that are cut off
	OneWay    []string      `yaml:"one-way,omitempty"`   // the processes that are not heard
}

// DefaultSpec is the simulation that `generate` runs unless told otherwise.
func DefaultSpec() Spec {
	s := Spec{Mode: "total", Branches: 3, Customers: 4, Requests: 100, Accounts: 3, Opening: 1000,
		Hot: 0.5, Roaming: 0.3, MaxAmount: 100, Think: 2 * time.Millisecond}
	s.Mix.Query, s.Mix.Deposit, s.Mix.Withdraw, s.Mix.Transfer = 3, 4, 4, 1
	return s
}

// ParseSpec reads a workload file in YAML on top of a Spec: what the file does not name stays as it is. Unknown keys are
// errors; errors give line and column.
func ParseSpec(data []byte, s Spec) (Spec, error) {
	if err := yaml.UnmarshalWithOptions(data, &s, yaml.DisallowUnknownField()); err != nil {
		return s, fmt.Errorf("%s", yaml.FormatError(err, false, true))
	}
	return s, nil
}

// Config returns what the Spec describes, or the first thing in it that cannot be, with the range of what can.
func (s Spec) Config() (Config, error) {
	for _, n := range []struct {
		name      string
		n, lo, hi int64
	}{
		{"branches", int64(s.Branches), 1, 64},
		{"customers", int64(s.Customers), 1, 10_000},
		{"requests", int64(s.Requests), 1, 1 << 40},
		{"accounts", int64(s.Accounts), 1, 10_000},
		{"opening", s.Opening, 0, 1 << 53},
		{"max_amount", s.MaxAmount, 1, 1 << 53},
		{"think", int64(s.Think), 0, int64(time.Hour)},
	} {
		if n.n < n.lo || n.n > n.hi {
			return Config{}, fmt.Errorf("%s: %d is not from %d to %d", n.name, n.n, n.lo, n.hi)
		}
	}
	for name, share := range map[string]float64{"hot": s.Hot, "roaming": s.Roaming} {
		if !(share >= 0 && share <= 1) {
			return Config{}, fmt.Errorf("%s: %v is not from 0 to 1", name, share)
		}
	}
	m := s.Mix
	if !(m.Query >= 0 && m.Deposit >= 0 && m.Withdraw >= 0 && m.Transfer >= 0 && m.Query+m.Deposit+m.Withdraw+m.Transfer > 0) {
		return Config{}, fmt.Errorf("mix: shares must not be negative, nor all 0")
	}
	cfg := Config{
		Seed: s.Seed, Mode: s.Mode, Branches: Names("branch", s.Branches), Customers: Names("customer", s.Customers),
		Opening: map[string]int64{}, Schedule: s.Schedule,
	}
	accounts := Names("account", s.Accounts)
	accounts[0] = "main"
	for _, a := range accounts {
		cfg.Opening[a] = s.Opening
	}
	cfg.Mix = Mix{
		Branches: s.Branches, Customers: s.Customers, Requests: s.Requests, Accounts: accounts,
		Query: m.Query, Deposit: m.Deposit, Withdraw: m.Withdraw, Transfer: m.Transfer,
		Roaming: s.Roaming, Hot: s.Hot, MaxAmount: s.MaxAmount, Think: s.Think,
	}
	for _, name := range faultNames() {
		if rate, ok := s.Faults[name]; ok {
			if err := cfg.Faults.set(name, rate); err != nil {
				return cfg, err
			}
		}
	}
	for name := range s.Faults {
		if err := new(Faults).set(name, 0); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.checkSchedule()
}

// checkSchedule finds incidents that cannot be.
func (c *Config) checkSchedule() error {
	known := map[string]bool{}
	for _, name := range c.Customers {
		known[name] = false
	}
	for _, name := range c.Branches {
		known[name] = true
	}
	for i, x := range c.Schedule {
		set := 0
		for _, name := range []string{x.Crash, x.Pause} {
			if name != "" {
				set++
				if !known[name] {
					return fmt.Errorf("schedule: incident %d: %q is no branch; there are %s", i+1, name, strings.Join(c.Branches, ", "))
				}
			}
		}
		for _, names := range [][]string{x.Partition, x.OneWay} {
			if len(names) > 0 {
				set++
			}
			for _, name := range names {
				if _, ok := known[name]; !ok {
					return fmt.Errorf("schedule: incident %d: %q is no process of this bank", i+1, name)
				}
			}
		}
		if set != 1 || x.At < 0 || x.For <= 0 {
			return fmt.Errorf("schedule: incident %d needs one of crash, pause, partition and one-way, with at and for above 0", i+1)
		}
	}
	return nil
}

// Command returns the command line that generates the Spec's trace. It has no flags for the mix and the schedule.
func (s Spec) Command() string {
	var faults []string
	for _, name := range faultNames() {
		if rate := s.Faults[name]; rate > 0 {
			faults = append(faults, fmt.Sprintf("%s=%v", name, rate))
		}
	}
	c := fmt.Sprintf("bank-trace generate --mode %s --seed %d --branches %d --customers %d --requests %d --accounts %d --opening %d --roaming %v --think %v",
		s.Mode, s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Opening, s.Roaming, s.Think)
	if len(faults) > 0 {
		c += " --faults " + strings.Join(faults, ",")
	}
	return c + " -o DIR"
}
