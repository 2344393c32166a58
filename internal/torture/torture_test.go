package torture

import (
	"flag"
	"os"
	"testing"
	"time"
)

var (
	tortureTime  = flag.Duration("torture", 0, "how long TestTorture tortures a bank; 0 means a few seconds, or -torture-kills")
	tortureKills = flag.Int64("torture-kills", 0, "after how many kills of branches TestTorture ends, if that is sooner")
	torturePace  = flag.Duration("torture-pace", time.Second, "time between two kills of branches, on average")
	tortureSeed  = flag.Uint64("torture-seed", 1, "of TestTorture's choices; the timing is real")
)

// least is what a run of a length must have seen, with some room for slow machines.
func least(cfg Config) Least {
	seconds := cfg.Time.Seconds()
	if kills := float64(cfg.Kills) * cfg.Pace.Seconds(); cfg.Kills > 0 && (cfg.Time == 0 || kills < seconds) {
		seconds = kills
	}
	some := func(perSecond float64, min int64) int64 { return max(min, int64(perSecond*seconds)) }
	return Least{
		BranchKills: some(0.3/cfg.Pace.Seconds(), 4), BranchIncarnations: some(0.3/cfg.Pace.Seconds(), 7), CustomerKills: some(0.5, 4), Cuts: some(0.3, 4),
		Retries: some(0.5, 5), OK: some(2, 30),
	}
}

// TestTorture kills the processes of a bank at random and holds what is left against what was said.
func TestTorture(t *testing.T) { tortured(t, *mode) }

// TestTortureCausal is left out of long runs: those take -torture-mode.
func TestTortureCausal(t *testing.T) {
	if *tortureTime == 0 && *tortureKills == 0 {
		tortured(t, "causal")
	}
}

func tortured(t *testing.T, mode string) {
	cfg := Config{Binary: command(t), Mode: mode, Seed: *tortureSeed, Time: *tortureTime, Kills: *tortureKills, Pace: *torturePace}
	if cfg.Time == 0 && cfg.Kills == 0 {
		cfg.Time = 6 * time.Second
	}
	cfg.Least = least(cfg)
	dir, err := os.MkdirTemp("", "bank-trace-torture-")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dir = dir
	r, err := Torture(interruptible(t), cfg)
	t.Log(r)
	if err != nil {
		t.Fatalf("-torture-seed %d, all is kept in %s:\n%v", cfg.Seed, dir, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}
