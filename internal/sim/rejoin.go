package sim

import (
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
)

// rejoinAgain is how long a branch without a disk waits before it asks the others again.
const rejoinAgain = 20 * time.Millisecond

func (n *branchNode) lacksDisk() bool { return n.disk == nil }

// rejoin brings back a branch whose disk is gone: it asks all others for what they know of it, and then the one that holds
// most of its writes for a snapshot. Its log is still there.
func (n *branchNode) rejoin() error {
	if n.up {
		return nil
	}
	n.after(rejoinAgain, n.rejoin)
	source, most := n, uint64(0)
	for _, other := range n.branches {
		if other == n {
			continue
		}
		if !other.up {
			return nil
		}
		other.deliver(branch.Rejoining{Peer: n.id, Seq: n.past.Seq})
		s := other.core.Standing(n.id)
		s.Seq = other.logged // more is not durable, and must not be told
		n.past.Peer(other.id, s)
		if source == n || s.Holds > most {
			source, most = other, s.Holds
		}
	}
	source.deliver(branch.Handover{Peer: n.id, Waiter: n.incarnation})
	return nil
}

// handedOver gives a snapshot to the branch that it is for, if that still waits.
func (n *branchNode) handedOver(s *branch.Snapshot) {
	to := n.branches[n.network.place[s.To]]
	if !to.up && to.disk == nil && s.Waiter == to.incarnation {
		n.after(0, func() error { return to.adopt(s) })
	}
}

// adopt lets the branch begin anew with a snapshot.
func (n *branchNode) adopt(s *branch.Snapshot) (err error) {
	if n.up {
		return nil
	}
	var out branch.Effects
	if n.core, err = branch.Rejoin(n.cfg, s, n.past, &out); err != nil {
		return err
	}
	n.disk = store.NewMemory()
	if err := n.disk.Commit(store.Batch{Durable: &out.Durable, Events: out.Events}); err != nil {
		return err
	}
	h := n.cfg.Header(n.incarnation)
	if err := n.sink.Header(&h); err != nil {
		return err
	}
	if err := n.record(&out); err != nil {
		return err
	}
	n.up = true
	n.result.Rejoins++
	n.relink()
	return nil
}
