package sim

import (
	"math/rand/v2"
	"time"
)

// network carries messages with random delays. Each ordered pair of processes is a link with a random source of its
// own; a link keeps its order, faults apart.
type network struct {
	*simulation
	place map[string]int // branch name -> place
	links map[[2]string]*link
}

type link struct {
	delays *rand.Rand
	faults *rand.Rand
	last   time.Duration // when the latest message arrives
}

func newNetwork(s *simulation) *network {
	n := &network{simulation: s, place: map[string]int{}, links: map[[2]string]*link{}}
	for i, name := range s.cfg.Branches {
		n.place[name] = i
	}
	return n
}

// send carries one message: arrive happens at the other end, unless a fault comes between, or twice.
func (n *network) send(from, to string, arrive func() error) {
	ends := [2]string{from, to}
	l := n.links[ends]
	if l == nil {
		l = &link{delays: source(n.cfg.Seed, "link "+from+" "+to), faults: source(n.cfg.Seed, "faults "+from+" "+to)}
		n.links[ends] = l
	}
	n.result.Messages++
	delay := between(l.delays, n.cfg.Delay[0], n.cfg.Delay[1])
	if n.faulty && !n.calm {
		if n.chaos.blocked(from, to) || l.happens(n.cfg.Faults.Loss) {
			n.result.Lost++
			return
		}
		if l.happens(n.cfg.Faults.Delay) {
			delay = between(l.faults, delay, longDelay)
		}
		if l.happens(n.cfg.Faults.Duplicate) {
			n.result.Duplicated++
			n.arrive(n.now+between(l.faults, delay, longDelay), arrive)
		}
		if l.happens(n.cfg.Faults.Reorder) {
			n.result.Overtaken++
			n.arrive(n.now+between(l.faults, delay, longDelay), arrive)
			return
		}
	}
	l.last = max(l.last, n.now+delay)
	n.arrive(l.last, arrive)
}

func (n *network) arrive(at time.Duration, arrive func() error) {
	n.underway++
	n.at(at, func() error {
		n.underway--
		return arrive()
	})
}

// happens draws whether a fault with that share happens.
func (l *link) happens(share float64) bool { return share > 0 && l.faults.Float64() < share }
