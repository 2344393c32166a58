package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

const (
	handshakeTimeout = 5 * time.Second
	leastPause       = 20 * time.Millisecond // before dialling again; doubled each time in vain
	mostPause        = time.Second
)

// replication is the service for branches whose names come before this one's.
type replication struct {
	bankv1.UnimplementedReplicationServiceServer
	server *Server
}

// Connect is the accepting end of a link.
func (r *replication) Connect(with grpc.BidiStreamingServer[bankv1.Frame, bankv1.Frame]) error {
	s := r.server
	hello, err := s.accept(with)
	if err != nil {
		s.fault(hello.GetProcess(), err)
		return err
	}
	err = s.exchange(with.Context(), heard(hello), with)
	s.fault(hello.Process, err)
	return err
}

// accept does the accepting side's half of the handshake.
func (s *Server) accept(with grpc.BidiStreamingServer[bankv1.Frame, bankv1.Frame]) (*bankv1.Hello, error) {
	type first struct {
		*bankv1.Frame
		err error
	}
	arrived := make(chan first, 1)
	s.links.Go(func() {
		f, err := with.Recv()
		arrived <- first{f, err}
	})
	late := time.NewTimer(handshakeTimeout)
	defer late.Stop()
	select {
	case f := <-arrived:
		if f.err != nil {
			return nil, f.err
		}
		hello := f.GetHello()
		if err := s.greeted(hello, ""); err != nil {
			return hello, err
		}
		if self := s.cfg.Branch.Name; hello.Process > self {
			return hello, linkError(ReasonPeer, fmt.Sprintf("%q dials %q, but the lesser name dials", hello.Process, self))
		}
		return hello, with.Send(s.hello(hello.Process, true))
	case <-late.C:
		return nil, linkError(ReasonBadFrame, fmt.Sprintf("no hello came within %v", handshakeTimeout))
	case <-s.closing.Done():
		return nil, stoppingError(s.cfg.Branch.Name)
	}
}

// hello is the first frame of a stream to a peer. Where the peer has dialled anew, what it sent before is over: what is
// known of it does not change any more until the new link stands.
func (s *Server) hello(peer string, anew bool) *bankv1.Frame {
	g := greeting{peer: peer, anew: anew, answer: make(chan branch.PeerUp, 1)}
	s.owner.submit(g)
	here := <-g.answer
	return &bankv1.Frame{Content: &bankv1.Frame_Hello{Hello: &bankv1.Hello{
		Process: s.cfg.Branch.Name, Peer: peer, Cluster: s.hash, ClusterText: s.cfg.Branch.ClusterText(),
		Fresh: here.Fresh, KnowsSeq: here.Knows.Seq, KnowsN: here.Knows.N,
	}}}
}

// greeting asks the owner what to tell a peer in a handshake.
type greeting struct {
	peer   string
	anew   bool
	answer chan branch.PeerUp
}

func (g greeting) take(o *owner) int {
	if g.anew {
		o.hangUp(g.peer)
	}
	g.answer <- branch.PeerUp{Fresh: o.core.Fresh(), Knows: o.core.Knows(g.peer)}
	return 1
}

// heard is what a peer's hello means to the core.
func heard(h *bankv1.Hello) branch.PeerUp {
	return branch.PeerUp{Peer: h.Process, Fresh: h.Fresh, Knows: branch.Knowledge{Seq: h.KnowsSeq, N: h.KnowsN}}
}

// greeted checks a peer's hello. The peer is the one that was dialled, or "" for one that has called and may be any.
func (s *Server) greeted(h *bankv1.Hello, dialled string) error {
	self := s.cfg.Branch.Name
	if h == nil {
		return linkError(ReasonBadFrame, "the first frame is no hello")
	}
	if !bytes.Equal(h.Cluster, s.hash) {
		here, there := s.cfg.Branch.ClusterText(), shorten(h.ClusterText)
		return linkError(ReasonCluster, fmt.Sprintf("%s and %s are not of one bank: %s has [%s], %s has [%s]",
			self, shorten(h.Process), self, here, shorten(h.Process), there), "here", here, "there", there)
	}
	if h.Peer != self {
		return linkError(ReasonPeer, fmt.Sprintf("%s took this branch for %q, but it is %q", h.Process, shorten(h.Peer), self))
	}
	_, known := s.owner.peers[h.Process]
	switch {
	case dialled != "" && h.Process != dialled:
		return linkError(ReasonPeer, fmt.Sprintf("%q answers at the address of %q", shorten(h.Process), dialled))
	case !known:
		return linkError(ReasonPeer, fmt.Sprintf("%q is no other branch of this bank", shorten(h.Process)))
	case h.KnowsSeq > clock.Max || h.KnowsN > clock.Max:
		return linkError(ReasonBadFrame, fmt.Sprintf("%q knows %d events and %d writes of %q, which are more than there can be",
			h.Process, h.KnowsSeq, h.KnowsN, self))
	}
	return nil
}

// shorten keeps a stranger's text from filling an error.
func shorten(s string) string {
	if len(s) > 2048 {
		return strings.ToValidUTF8(s[:2048], "") + "…"
	}
	return s
}

// dial keeps a link to a peer for as long as the branch is served.
func (s *Server) dial(peer, address string) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(), grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: leastPause, Multiplier: 2, Jitter: 0.2, MaxDelay: mostPause},
			MinConnectTimeout: connectTimeout,
		}),
	)
	if err != nil { // the address cannot be parsed
		s.end(fmt.Errorf("server: address %q of %s: %w", address, peer, err))
		return
	}
	defer conn.Close()
	client := bankv1.NewReplicationServiceClient(conn)
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		stood, err := s.connect(client, peer)
		if s.closing.Err() != nil {
			return
		}
		s.fault(peer, err)
		if stood {
			pause = leastPause
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-s.closing.Done():
			return
		}
	}
}

// connect is the dialling end of a link. It returns why the link ended, and whether it ever stood.
func (s *Server) connect(client bankv1.ReplicationServiceClient, peer string) (stood bool, err error) {
	ctx, cancel := context.WithCancel(s.closing)
	defer cancel()
	late := time.AfterFunc(handshakeTimeout, cancel)
	defer late.Stop()
	with, err := client.Connect(ctx)
	if err != nil {
		return false, err
	}
	// An end of stream here has its reason in what Recv returns.
	if err := with.Send(s.hello(peer, false)); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	f, err := with.Recv()
	if err != nil {
		return false, err
	}
	if err := s.greeted(f.GetHello(), peer); err != nil {
		return false, err
	}
	if !late.Stop() {
		return false, linkError(ReasonBadFrame, fmt.Sprintf("%s did not answer the hello within %v", peer, handshakeTimeout))
	}
	return true, s.exchange(ctx, heard(f.GetHello()), with)
}

// fault says once why there is no link to a peer.
func (s *Server) fault(peer string, err error) {
	if s.ending.Err() != nil {
		return
	}
	if s.owner.peers[peer] == nil {
		s.refuse("a stranger", err)
		return
	}
	if reasonIs(err, ReasonBadFrame) { // however often the link stands again
		s.refuse(peer, err)
		return
	}
	if s.faults.news(peer, errors.New(causeText(err))) {
		s.cfg.Logger.Warn().Str("peer", peer).Str("error", causeText(err)).Msg("not connected")
	}
}
