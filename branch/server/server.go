// Package server is the gRPC shell of a branch. One goroutine, the owner, has the core in its hands; requests and
// messages arrive at it on a channel, and what the core wants done leaves from it in batches: first it is stored, then come
// the trace lines, then the messages to other branches and the replies to customers. A branch with a store that is
// killed at any instant goes on from there: its log is brought up to its store, and it takes requests again when every
// other branch has told what it knows.
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
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

// ErrStopped says that Serve has ended.
var ErrStopped = errors.New("the branch is not served any more")

// ErrExposed says that other machines reach an address at which nothing is encrypted.
var ErrExposed = errors.New("the address is not of this machine alone, and calls are not encrypted")

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
	closing context.Context // ended when no request is under way any more: links end
	close   context.CancelFunc
	links   sync.WaitGroup // goroutines of dialers and streams
	calls   sync.Pool      // *call
	waiters atomic.Uint64
	faults  quiet // of peers
	refused quiet
}

// New returns the server of a branch: one that has recorded nothing yet, or with a store the one that the store has. It
// reads the store and the end of the log file and changes neither; where they do not belong together the error is a
// *LogError or a *trace.ForeignLogError.
func New(cfg Config) (*Server, error) {
	core, err := branch.New(cfg.Branch)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if cfg, err = cfg.normalize(); err != nil {
		return nil, err
	}
	log := newLogKeeper(cfg)
	if cfg.Store != nil {
		if core, err = restore(cfg, log); err != nil {
			return nil, fmt.Errorf("server: %s: %w", cfg.Branch.Name, err)
		}
	}
	hash := cfg.Branch.ClusterHash()
	s := &Server{cfg: cfg, hash: hash[:]}
	s.ending, s.end = context.WithCancelCause(context.Background())
	s.closing, s.close = context.WithCancel(context.Background())
	s.owner = newOwner(cfg, core, log, newVitals(), s.end, func(err error) { s.refuse("a message", err) })
	s.calls.New = func() any { return newCall() }
	return s, nil
}

// restore returns the core that the store has, which may be that of a branch which has recorded nothing yet.
func restore(cfg Config, log *logKeeper) (*branch.Branch, error) {
	state, err := cfg.Store.Load()
	if err != nil {
		return nil, err
	}
	if err := log.inspect(&state); err != nil {
		return nil, err
	}
	return branch.Restore(cfg.Branch, state)
}

// Serve serves the branch on l until ctx ends or the branch fails: its store or log cannot be written, or its store is an
// old copy (branch.ErrOldCopy). When ctx ends it takes no requests any more, gives those under way half of StopTimeout to
// come to their end and then answers them, ends the streams and the log, and returns when every goroutine that it started
// has ended; the listener is closed. It can be called once. The error is nil if ctx ended it. An address that other
// machines reach is refused (ErrExposed), unless Config.Insecure allows it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if !s.begun.CompareAndSwap(false, true) {
		return fmt.Errorf("server: Serve of %s was called before", s.cfg.Branch.Name)
	}
	defer s.close()
	defer s.end(nil)
	if err := s.checkAddress(l.Addr().String()); err != nil {
		close(s.owner.finished)
		return errors.Join(err, l.Close())
	}
	stop := context.AfterFunc(ctx, func() { s.end(nil) })
	defer stop()

	ended := make(chan error, 1)
	go func() { ended <- s.owner.run() }()
	g := s.newGRPC()
	accepted := make(chan error, 1)
	go func() {
		err := g.Serve(&doorkeeper{l, s})
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
	late := time.AfterFunc(s.cfg.StopTimeout, g.Stop)
	defer late.Stop()
	s.drain()
	s.close()
	g.GracefulStop()
	err := <-accepted
	s.links.Wait()
	close(s.owner.quit)
	return errors.Join(<-ended, err)
}

// checkAddress refuses to serve other machines unless that is wanted. What is no IP address is within this machine.
func (s *Server) checkAddress(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || at.Addr().Unmap().IsLoopback() || s.cfg.Insecure {
		return nil
	}
	return fmt.Errorf("server: %s cannot listen at %s: %w; listen at 127.0.0.1 or [::1], or allow it with --insecure (Config.Insecure)",
		s.cfg.Branch.Name, address, ErrExposed)
}

// drain has the requests under way come to their end, and answers those that take too long.
func (s *Server) drain() {
	s.owner.submit(stopping{})
	late := time.NewTimer(s.cfg.StopTimeout / 2)
	defer late.Stop()
	select {
	case <-s.owner.drained:
	case <-late.C:
		s.owner.submit(hurry{})
		<-s.owner.drained
	}
}

func (s *Server) newGRPC() *grpc.Server {
	g := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage), grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams), grpc.ConnectionTimeout(connectTimeout),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.StreamInterceptor(s.untilClosing), grpc.WaitForHandlers(true), grpc.StatsHandler(rejected{s}),
	)
	bankv1.RegisterBankServiceServer(g, &bank{server: s})
	bankv1.RegisterReplicationServiceServer(g, &replication{server: s})
	bankv1.RegisterInspectionServiceServer(g, &inspection{server: s})
	s.owner.health.register(g)
	reflection.Register(g)
	return g
}

// untilClosing ends streams that would go on for ever, such as those that watch the branch's health.
func (s *Server) untilClosing(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if _, link := server.(*replication); link {
		return handler(server, stream) // it ends by itself and says why
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	stop := context.AfterFunc(s.closing, cancel)
	defer stop()
	return handler(server, &closingStream{stream, ctx})
}

// closingStream is a stream whose context also ends when the branch closes its streams.
type closingStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (c *closingStream) Context() context.Context { return c.ctx }
