// Package server is the gRPC shell of a branch. One goroutine, the owner, has the core in its hands; requests and
// messages arrive at it on a channel, and what the core wants done leaves from it in batches: first the trace lines, then
// the messages to other branches and the replies to customers.
//
// Two branches share one bidirectional stream. The one whose name is bytewise the lesser dials, and dials again for as
// long as it serves. The first frame each way is a Hello; the rest are batches of messages. A stream is a link that may
// lose what is under way: the core repeats what matters.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

// ErrStopped says that Serve has ended.
var ErrStopped = errors.New("the branch is not served any more")

// The limits of the gRPC server.
const (
	maxMessage     = 4 << 20  // bytes of one message; frames between branches stay below maxFrame
	maxHeaders     = 16 << 10 // bytes of a call's headers
	maxStreams     = 4096     // calls under way on one connection; more wait at the caller
	connectTimeout = 5 * time.Second
	streamWindow   = 1 << 20 // bytes under way on one stream; a fixed window needs no probing
	connWindow     = 4 << 20
	pingAfter      = 10 * time.Second // of silence on a connection
	pingTimeout    = 5 * time.Second
	leastPing      = 5 * time.Second // a caller that pings more often is cut off
)

// Server serves one branch.
type Server struct {
	cfg     Config
	owner   *owner
	hash    []byte
	begun   atomic.Bool
	ending  context.Context // ended when Serve is to end
	end     context.CancelCauseFunc
	links   sync.WaitGroup // goroutines of dialers and streams
	calls   sync.Pool      // *call
	waiters atomic.Uint64
	faults  quiet // of peers
}

// New returns the server of a branch that has recorded nothing yet.
func New(cfg Config) (*Server, error) {
	core, err := branch.New(cfg.Branch)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if cfg, err = cfg.normalize(); err != nil {
		return nil, err
	}
	hash := cfg.Branch.ClusterHash()
	s := &Server{cfg: cfg, hash: hash[:]}
	s.ending, s.end = context.WithCancelCause(context.Background())
	s.owner = newOwner(cfg, core, s.end)
	s.calls.New = func() any { return newCall() }
	return s, nil
}

// Serve serves the branch on l until ctx ends or the log cannot be written. Then it answers the requests that wait, ends
// the streams and the log, and returns when every goroutine that it started has ended; the listener is closed. It can be
// called once. The error is nil if ctx ended it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if !s.begun.CompareAndSwap(false, true) {
		return fmt.Errorf("server: Serve of %s was called before", s.cfg.Branch.Name)
	}
	defer s.end(nil)
	stop := context.AfterFunc(ctx, func() { s.end(nil) })
	defer stop()

	ended := make(chan error, 1)
	go func() { ended <- s.owner.run() }()
	g := newGRPC()
	bankv1.RegisterBankServiceServer(g, &bank{server: s})
	bankv1.RegisterReplicationServiceServer(g, &replication{server: s})
	accepted := make(chan error, 1)
	go func() {
		err := g.Serve(l)
		if errors.Is(err, grpc.ErrServerStopped) {
			err = nil // ctx ended before the first connection
		}
		if err != nil {
			s.end(err)
		}
		accepted <- err
	}()
	for peer, address := range s.cfg.Peers {
		if peer > s.cfg.Branch.Name {
			s.links.Go(func() { s.dial(peer, address) })
		}
	}

	<-s.ending.Done()
	s.owner.submit(stopping{})
	s.stopGRPC(g)
	err := <-accepted
	s.links.Wait()
	close(s.owner.quit)
	return errors.Join(<-ended, err)
}

func newGRPC() *grpc.Server {
	return grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage), grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams), grpc.ConnectionTimeout(connectTimeout),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WaitForHandlers(true),
	)
}

// stopGRPC lets the calls under way end, and cuts them off after StopTimeout.
func (s *Server) stopGRPC(g *grpc.Server) {
	late := time.AfterFunc(s.cfg.StopTimeout, g.Stop)
	defer late.Stop()
	g.GracefulStop()
}
