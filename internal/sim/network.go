package sim

import (
	"math/rand/v2"
	"time"
)

// network carries messages with random delays. Each ordered pair of processes is a link with a random source of its
// own; a link keeps its order.
type network struct {
	*simulation
	place map[string]int // branch name -> place
	links map[[2]string]*link
}

type link struct {
	delays *rand.Rand
	last   time.Duration // when the latest message arrives
}

func newNetwork(s *simulation) *network {
	n := &network{simulation: s, place: map[string]int{}, links: map[[2]string]*link{}}
	for i, name := range s.cfg.Branches {
		n.place[name] = i
	}
	return n
}

// send carries one message: arrive happens at the other end.
func (n *network) send(from, to string, arrive func() error) {
	ends := [2]string{from, to}
	l := n.links[ends]
	if l == nil {
		l = &link{delays: source(n.cfg.Seed, "link "+from+" "+to)}
		n.links[ends] = l
	}
	n.result.Messages++
	l.last = max(l.last, n.now+between(l.delays, n.cfg.Delay[0], n.cfg.Delay[1]))
	n.at(l.last, arrive)
}
