// Package bench measures the bank beside its baselines, all on this machine and in one run: deposits at three branches in
// memory beside plain gRPC calls that are echoed, and deposits at three durable branches beside puts into an etcd cluster
// of three nodes.
//
// Absolute figures say little on a machine that others use too, as they drift by half between two runs. So the sides take
// turns in short cells, each round goes through all of them, and what is judged is the ratio of two cells of one round.
// Each cell starts a system of its own, warms it up, measures it, and holds it to what it acknowledged.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// Branches is how many branches the bank has. The echo has as many servers and etcd as many nodes.
const Branches = 3

// The sides, by name.
const (
	Echo    = "echo"
	Memory  = "memory"
	Durable = "durable"
	Etcd    = "etcd"
)

// Sides returns the names of all sides, in the order in which a round has them.
func Sides() []string { return []string{Echo, Memory, Durable, Etcd} }

// Options say what to measure.
type Options struct {
	Mode    string        // of the bank: when writes execute; "" means total
	Rounds  int           // each of which has every cell once
	Window  time.Duration // measured in each cell
	Warm    time.Duration // before it
	Callers []int         // callers at once, each with one call under way
	Only    []string      // names of sides; none means all
	Dir     string        // folder under which all files are, in a folder of their own that is removed; "" means the system's for temporary files
	Profile string        // folder for CPU profiles of the cells that run in this process, one a cell, of the first round; "" means none

	Progress func(Progress) // called before each cell; nil is fine
}

// Progress is how far a run has come.
type Progress struct {
	What        string // is done now
	Done, Cells int    // cells
}

// check says what cannot be right.
func (o *Options) check() error {
	switch {
	case o.Rounds < 1:
		return fmt.Errorf("%d rounds; one is the least", o.Rounds)
	case o.Window <= 0 || o.Warm < 0:
		return fmt.Errorf("%v measured after %v: a cell needs time", o.Window, o.Warm)
	case len(o.Callers) == 0:
		return errors.New("no number of callers is given")
	}
	for _, n := range o.Callers {
		if n < 1 || n > 4096 {
			return fmt.Errorf("%d callers; give 1 to 4096", n)
		}
	}
	for _, name := range o.Only {
		if !slices.Contains(Sides(), name) {
			return fmt.Errorf("no side is called %q; there are %s", name, strings.Join(Sides(), ", "))
		}
	}
	return nil
}

// side is one of what is compared.
type side interface {
	// measure starts the system with all its files in the cell's folder, measures it and stops it.
	measure(context.Context, cell) (sample, error)
}

// cell is one measurement.
type cell struct {
	side         string
	round        int // from 0
	callers      int
	dir          string
	warm, window time.Duration
	profile      string // file for a CPU profile of the load; "" means none
}

func (c cell) String() string {
	return fmt.Sprintf("round %d, %d callers, %s", c.round+1, c.callers, c.side)
}

// run is a run under way.
type run struct {
	Options
	sides  map[string]side
	dir    string
	report *Report
}

// Run measures all cells. When etcd cannot be built it is left out, and the report says why. A cell that fails, one whose
// balances are not what was acknowledged included, ends the run. All files are gone when Run returns.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r := &run{Options: o, sides: map[string]side{}, report: &Report{options: o, samples: map[key][]sample{}}}
	if r.dir, err = os.MkdirTemp(o.Dir, "bank-trace-bench-"); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	if err := r.prepare(ctx); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	cells := r.cells()
	for i, c := range cells {
		r.progress(Progress{c.String(), i, len(cells)})
		if err := r.cell(ctx, c); err != nil {
			return nil, fmt.Errorf("bench: %v: %w", c, err)
		}
	}
	return r.report, nil
}

func (r *run) progress(p Progress) {
	if r.Progress != nil {
		r.Progress(p)
	}
}

// prepare makes the sides that are wanted and can be had.
func (r *run) prepare(ctx context.Context) error {
	wanted := r.Only
	if len(wanted) == 0 {
		wanted = Sides()
	}
	for _, name := range Sides() {
		if !slices.Contains(wanted, name) {
			continue
		}
		switch name {
		case Echo:
			r.sides[name] = echoSide{}
		case Memory, Durable:
			r.sides[name] = bankSide{mode: r.Mode, durable: name == Durable}
		case Etcd:
			r.progress(Progress{What: "building etcd, which takes a minute the first time"})
			etcd, err := buildEtcd(ctx, r.dir)
			if missing := (*unavailable)(nil); errors.As(err, &missing) {
				r.report.notes = append(r.report.notes, "etcd is left out: "+missing.Error())
				continue
			} else if err != nil {
				return err
			}
			r.sides[name] = etcd
		}
		r.report.sides = append(r.report.sides, name)
	}
	if len(r.sides) == 0 {
		return errors.New(strings.Join(append([]string{"nothing is left to measure"}, r.report.notes...), "; "))
	}
	if _, ok := r.sides[Durable]; ok {
		took, err := syncTime(r.dir)
		if err != nil {
			return err
		}
		r.report.sync = took
	}
	if r.Profile == "" {
		return nil
	}
	return os.MkdirAll(r.Profile, 0o755)
}

// cells returns all cells in order. Every other round goes backwards, so that what slowly changes does not always favour
// the same side.
func (r *run) cells() []cell {
	var all []cell
	for round := range r.Rounds {
		sides := slices.Clone(r.report.sides)
		if round%2 == 1 {
			slices.Reverse(sides)
		}
		for _, callers := range r.Callers {
			for _, name := range sides {
				c := cell{side: name, round: round, callers: callers, warm: r.Warm, window: r.Window}
				if r.Profile != "" && round == 0 && name != Etcd {
					c.profile = filepath.Join(r.Profile, fmt.Sprintf("%s-%d.pprof", name, callers))
				}
				all = append(all, c)
			}
		}
	}
	return all
}

func (r *run) cell(ctx context.Context, c cell) (err error) {
	if c.dir, err = os.MkdirTemp(r.dir, c.side+"-"); err != nil {
		return err
	}
	runtime.GC() // what the cell before has left is not this one's to clear away
	s, err := r.sides[c.side].measure(ctx, c)
	if err := errors.Join(err, os.RemoveAll(c.dir)); err != nil {
		return err
	}
	k := key{c.side, c.callers}
	r.report.samples[k] = append(r.report.samples[k], s)
	return nil
}

// profiled has a CPU profile written to a file until stop is called. Without a file nothing happens.
func profiled(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// syncTime returns the median time that a sync of 4 KiB more of a file takes: what durable sides wait for.
func syncTime(dir string) (_ time.Duration, err error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4<<10)
	var took []time.Duration
	for range 50 {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		begun := time.Now()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
