package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults says what goes wrong, and how often. The zero value is a world without faults.
type Faults struct {
	// Shares of messages, 0 to 1.
	Delay     float64 // arrive up to LongDelay later than others
	Reorder   float64 // may be overtaken
	Duplicate float64 // arrive twice
	Loss      float64 // never arrive
	// Rates, each a second of virtual time.
	Partition float64 // some processes are cut off from the others
	OneWay    float64 // some processes are not heard by the others
	Crash     float64 // a branch is killed, and started again
	Pause     float64 // a branch stands still
	// Share of crashes, 0 to 1, after which the branch's disk is gone, so that it joins again with the help of the others.
	LostDisk float64
	// Share of commits, 0 to 1, that take up to SlowCommit.
	SlowDisk float64
	// Wall clocks are wrong by up to this; it shows in wall alone.
	Skew time.Duration
}

const (
	longDelay  = 50 * time.Millisecond
	slowCommit = 100 * time.Millisecond
	outage     = 300 * time.Millisecond // the longest partition, pause or downtime
)

// faultNames lists the faults with their usual rates.
func faultNames() []string {
	return []string{"delay", "reorder", "duplicate", "loss", "partition", "one-way", "crash", "lost-disk", "pause", "slow-disk", "skew"}
}

// usual returns the rate of a fault that is named without one.
func usual(name string) float64 {
	switch name {
	case "partition", "one-way", "crash", "pause":
		return 2
	case "skew":
		return 1
	}
	return 0.05
}

// set sets the rate of one fault; skew is in seconds.
func (f *Faults) set(name string, rate float64) error {
	fields := map[string]*float64{
		"delay": &f.Delay, "reorder": &f.Reorder, "duplicate": &f.Duplicate, "loss": &f.Loss,
		"partition": &f.Partition, "one-way": &f.OneWay, "crash": &f.Crash, "pause": &f.Pause, "slow-disk": &f.SlowDisk, "lost-disk": &f.LostDisk,
	}
	field, ok := fields[name]
	limit := 1.0
	switch {
	case name == "skew":
		var seconds float64
		field, limit = &seconds, 1e6
		defer func() { f.Skew = time.Duration(seconds * float64(time.Second)) }()
	case !ok:
		return fmt.Errorf("faults: %q is not known; there are %s", name, strings.Join(faultNames(), ", "))
	case slices.Contains([]string{"partition", "one-way", "crash", "pause"}, name):
		limit = 100
	}
	if rate < 0 || rate > limit || rate != rate {
		return fmt.Errorf("faults: %s=%v: give a rate from 0 to %v", name, rate, limit)
	}
	*field = rate
	return nil
}

// ParseFaults reads a list of faults, each with its rate or with a usual one: "loss=0.01,crash". "all" names all.
func ParseFaults(list string) (map[string]float64, error) {
	rates := map[string]float64{}
	for part := range strings.SplitSeq(list, ",") {
		name, value, rated := strings.Cut(strings.TrimSpace(part), "=")
		names := []string{name}
		switch name {
		case "":
			continue
		case "all":
			names = faultNames()
		}
		for _, name := range names {
			rates[name] = usual(name)
			if rated {
				var err error
				if rates[name], err = strconv.ParseFloat(value, 64); err != nil {
					return nil, fmt.Errorf("faults: %s: %q is not a number", name, value)
				}
			}
			if err := new(Faults).set(name, rates[name]); err != nil {
				return nil, err
			}
		}
	}
	return rates, nil
}

// chaos lets the faults that have a rate happen until the fault phase is over.
type chaos struct {
	*simulation
	cuts []*cut
}

// cut keeps messages from passing between one set of processes and the rest.
type cut struct {
	inside   map[string]bool
	oneWay   bool // only what the inside sends is lost
	detected bool // connections break, and stand again afterwards
}

func (c *cut) blocks(from, to string) bool {
	return c.inside[from] && !c.inside[to] || !c.oneWay && !c.inside[from] && c.inside[to]
}

// blocked reports whether a message from one process to another is lost in a partition.
func (c *chaos) blocked(from, to string) bool {
	return slices.ContainsFunc(c.cuts, func(x *cut) bool { return x.blocks(from, to) })
}

// severed reports whether the connection of two branches is known to be broken.
func (c *chaos) severed(a, b string) bool {
	return slices.ContainsFunc(c.cuts, func(x *cut) bool { return x.detected && (x.blocks(a, b) || x.blocks(b, a)) })
}

func (c *chaos) start() {
	f := c.cfg.Faults
	c.repeat("partition", f.Partition, func(r *rand.Rand) { c.partition(r, false) })
	c.repeat("one-way", f.OneWay, func(r *rand.Rand) { c.partition(r, true) })
	c.repeat("crash", f.Crash, func(r *rand.Rand) {
		c.kill(c.branches[r.IntN(len(c.branches))], r, between(r, outage/20, outage))
	})
	c.repeat("pause", f.Pause, func(r *rand.Rand) {
		c.pause(c.branches[r.IntN(len(c.branches))], between(r, outage/20, outage))
	})
	for i := range c.cfg.Schedule {
		c.at(c.cfg.Schedule[i].At, func() error {
			c.incident(&c.cfg.Schedule[i])
			return nil
		})
	}
}

// incident lets one fault of the schedule happen.
func (c *chaos) incident(x *Incident) {
	switch {
	case x.Crash != "":
		c.kill(c.branches[c.network.place[x.Crash]], source(c.cfg.Seed, "crash of "+x.Crash), x.For)
	case x.Pause != "":
		c.pause(c.branches[c.network.place[x.Pause]], x.For)
	default:
		inside := map[string]bool{}
		for _, name := range slices.Concat(x.Partition, x.OneWay) {
			inside[name] = true
		}
		c.sever(&cut{inside: inside, oneWay: len(x.OneWay) > 0, detected: true}, x.For)
	}
}

// kill crashes a branch that is up, and starts it again after a while.
func (c *chaos) kill(n *branchNode, r *rand.Rand, down time.Duration) {
	if !n.up {
		return
	}
	n.crash(r)
	lost := c.cfg.Faults.LostDisk
	if lost > 0 && r.Float64() < lost && len(c.branches) > 1 && !slices.ContainsFunc(c.branches, (*branchNode).lacksDisk) {
		n.disk = nil
		c.after(down, n.rejoin)
		return
	}
	c.after(down, n.restart)
}

func (c *chaos) pause(n *branchNode, d time.Duration) {
	c.result.Pauses++
	n.paused = c.now + d
}

// repeat lets something happen at random times, rate times a second, until the fault phase is over.
func (c *chaos) repeat(name string, rate float64, do func(*rand.Rand)) {
	if rate <= 0 {
		return
	}
	r := source(c.cfg.Seed, name)
	var next func()
	next = func() {
		c.after(time.Duration(r.ExpFloat64()/rate*float64(time.Second)), func() error {
			if c.calm {
				return nil
			}
			do(r)
			next()
			return nil
		})
	}
	next()
}

// partition cuts off a random set of processes for a while.
func (c *chaos) partition(r *rand.Rand, oneWay bool) {
	x := &cut{inside: map[string]bool{}, oneWay: oneWay, detected: r.IntN(2) == 0}
	for _, n := range c.branches {
		x.inside[n.id] = r.IntN(2) == 0
	}
	for _, n := range c.customers {
		x.inside[n.session.Name()] = r.IntN(2) == 0
	}
	c.sever(x, between(r, outage/20, outage))
}

// sever lets a partition begin, and heal after a while.
func (c *chaos) sever(x *cut, lasts time.Duration) {
	c.result.Partitions++
	c.cuts = append(c.cuts, x)
	c.relink()
	c.after(lasts, func() error {
		c.cuts = slices.DeleteFunc(c.cuts, func(y *cut) bool { return x == y })
		c.relink()
		return nil
	})
}

// relink makes connections stand that can, and break that cannot: both ends are told, and a standing connection begins
// with a handshake.
func (c *chaos) relink() {
	for i, a := range c.branches {
		for _, b := range c.branches[:i] {
			ends := [2]string{a.id, b.id}
			want := a.up && b.up && !c.severed(a.id, b.id)
			switch {
			case want && !c.linked[ends]:
				c.linked[ends] = true
				a.deliver(b.handshake(a))
				b.deliver(a.handshake(b))
			case !want && c.linked[ends]:
				delete(c.linked, ends)
				a.hangUp(b)
				b.hangUp(a)
			}
		}
	}
}
