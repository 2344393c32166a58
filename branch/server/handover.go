package server

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// AnnounceRejoin lets a branch that has lost its store know what is known of it.
func (r *replication) AnnounceRejoin(ctx context.Context, m *bankv1.AnnounceRejoinRequest) (*bankv1.AnnounceRejoinResponse, error) {
	s, peer := r.server, m.GetHello().GetProcess()
	if err := s.greeted(m.GetHello(), ""); err != nil {
		return nil, err
	}
	var lives bool
	var standing branch.Standing
	err := s.ask(ctx, func(o *owner) {
		if lives = o.peers[peer].link != nil; !lives {
			o.core.Step(branch.Rejoining{Peer: peer}, &o.next.effects)
			standing = o.core.Standing(peer)
		}
	})
	switch {
	case err != nil:
		return nil, s.notAnswered(ctx)
	case lives:
		return nil, linkError(ReasonPeerLives, fmt.Sprintf("%s is connected to %s, so it is served already", peer, s.cfg.Branch.Name))
	}
	s.cfg.Logger.Warn().Str("peer", peer).Msg("has lost its data and joins again")
	return wire.EncodeStanding(standing), nil
}

// TakeSnapshot gives a branch that joins again this branch's state.
func (r *replication) TakeSnapshot(m *bankv1.TakeSnapshotRequest, to grpc.ServerStreamingServer[bankv1.TakeSnapshotResponse]) error {
	s := r.server
	if err := s.greeted(m.GetHello(), ""); err != nil {
		return err
	}
	h := handover{peer: m.Hello.Process, answer: make(chan *branch.Snapshot, 1)}
	s.owner.submit(h)
	select {
	case snapshot := <-h.answer:
		if snapshot == nil {
			return stoppingError(s.cfg.Branch.Name)
		}
		for _, part := range wire.EncodeSnapshot(snapshot) {
			if err := to.Send(part); err != nil {
				return err
			}
		}
		return nil
	case <-to.Context().Done():
		return status.FromContextError(to.Context().Err()).Err()
	case <-s.closing.Done():
		return stoppingError(s.cfg.Branch.Name)
	}
}

// handover asks the owner for a snapshot. The answer is nil if the branch fails meanwhile.
type handover struct {
	peer   string
	answer chan *branch.Snapshot
}

func (h handover) take(o *owner) int {
	if o.failed != nil {
		h.answer <- nil
		return 1
	}
	o.handed++
	o.handovers[o.handed] = h.answer
	o.core.Step(branch.Handover{Peer: h.peer, Waiter: o.handed}, &o.next.effects)
	return 1
}

// handOver gives the snapshots of a batch to those who wait for them.
func (o *owner) handOver(snapshots []branch.Snapshot) {
	for i := range snapshots {
		s := snapshots[i]
		if o.failed == nil {
			o.handovers[s.Waiter] <- &s
			delete(o.handovers, s.Waiter)
		}
	}
	if o.failed != nil {
		for waiter, answer := range o.handovers {
			delete(o.handovers, waiter)
			answer <- nil
		}
	}
}

// GetOutcome tells what is known here of a request.
func (b *bank) GetOutcome(ctx context.Context, m *bankv1.GetOutcomeRequest) (*bankv1.GetOutcomeResponse, error) {
	request, err := wire.RequestID(m.GetCustomer(), m.GetN())
	if err != nil {
		return nil, replyError(&branch.Reply{Result: trace.Refused, Reason: branch.ReasonRequestInvalid, Detail: err.Error()})
	}
	var outcome branch.Outcome
	var verdict branch.Verdict
	if err := b.server.ask(ctx, func(o *owner) { outcome, verdict = o.core.OutcomeOf(request) }); err != nil {
		return nil, b.server.notAnswered(ctx)
	}
	return wire.EncodeOutcome(outcome, verdict), nil
}

// notAnswered says why a question has no answer: its caller has gone, or the branch is no longer served.
func (s *Server) notAnswered(ctx context.Context) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return stoppingError(s.cfg.Branch.Name)
}
