package torture

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// chaos makes things go wrong at random.
type chaos struct {
	bank    *bank
	proxies []*proxy
	pace    time.Duration // between two kills of branches, on average
	seed    uint64
	counts  *counts
	fail    func(error)
}

// actor returns the source of one actor's choices.
func actor(seed uint64, name uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, name)) }

// The actors' names in the seed; customers have those from 100.
const (
	branchActor = iota
	linkActor
	customerActor = 100
)

// wait lets a time pass, and reports whether ctx has not ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// between draws a duration.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// branches kills branches and starts them again, until ctx ends; then all are started. Several may be down at a time, and
// some are killed again while they recover.
func (c *chaos) branches(ctx context.Context) {
	r := actor(c.seed, branchActor)
	var restarts sync.WaitGroup
	defer restarts.Wait()
	down := make(chan *branch, len(c.bank.branches))
	up := append([]*branch(nil), c.bank.branches...)
	for wait(ctx, between(r, c.pace/4, c.pace*7/4)) {
		for len(down) > 0 {
			up = append(up, <-down)
		}
		if len(up) == 0 {
			continue
		}
		i := r.IntN(len(up))
		victim := up[i]
		up = append(up[:i], up[i+1:]...)
		times, outage, breath := 1, between(r, 0, c.pace), time.Duration(0)
		if r.IntN(4) == 0 {
			times, breath = 1+r.IntN(3), between(r, 0, 150*time.Millisecond)
		}
		restarts.Go(func() {
			for range times {
				victim.kill()
				c.counts.branchKills.Add(1)
				wait(ctx, outage)
				if err := victim.start(); err != nil {
					c.fail(err)
					return
				}
				outage = 0
				wait(ctx, breath)
			}
			down <- victim
		})
	}
}

// links cuts, refuses and holds up connections between branches, until ctx ends; then all are whole.
func (c *chaos) links(ctx context.Context) {
	r := actor(c.seed, linkActor)
	var heals sync.WaitGroup
	defer heals.Wait()
	for wait(ctx, between(r, 50*time.Millisecond, 700*time.Millisecond)) {
		p := c.proxies[r.IntN(len(c.proxies))]
		d, then := between(r, 50*time.Millisecond, 1500*time.Millisecond), r.IntN(2)
		switch r.IntN(6) {
		case 0, 1, 2:
			c.counts.cuts.Add(int64(p.cut()))
			continue
		case 3:
			c.counts.cuts.Add(int64(p.refuse()))
		case 4:
			p.hold(forth)
			p.hold(back)
		case 5:
			p.hold(r.IntN(2))
		}
		c.counts.blocks.Add(1)
		heals.Go(func() {
			wait(ctx, d)
			if then == 0 { // what was held back never arrives
				c.counts.cuts.Add(int64(p.cut()))
			}
			p.heal()
		})
	}
}
