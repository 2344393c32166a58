package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// beyond is how many seqs a branch passes over that joins again: more than it can have used since it last wrote to its log
// or told a peer.
const beyond = 1 << 32

// rejoinTimeout is how long one other branch may take to tell what it knows, or to give its state.
const rejoinTimeout = 30 * time.Second

// ErrNotEmpty says that a branch with a store of its own was asked to join again.
var ErrNotEmpty = errors.New("the branch has data of its own")

// RejoinError says which other branch keeps one from joining again, and what to do.
type RejoinError struct {
	Branch, Peer, Address string
	Err                   error
}

func (e *RejoinError) Error() string {
	remedy := "see that it is served there, and try again"
	for _, d := range status.Convert(e.Err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			remedy = Explain(branch.Reason(info.Reason)).Remedy
		}
	}
	return fmt.Sprintf("server: %s cannot join again without %s at %s: %s; %s", e.Branch, e.Peer, e.Address, causeText(e.Err), remedy)
}

func (e *RejoinError) Unwrap() error { return e.Err }

// Rejoin fills the empty store of a branch whose own was lost, with the help of all other branches; Config.Peers has the
// addresses of all of them. Then the branch can be served. Its log begins anew, and an older one is set aside. The error is
// ErrNotEmpty where nothing was lost, a *branch.LostError where writes of the branch are nowhere any more, a *LogError, or
// a *RejoinError.
//
//  1. Every other branch forgets what this one was known to hold, and tells what it knows of it.
//  2. The log, if it is there, tells of writes of the branch that nobody else may have.
//  3. The branch that holds most of this one's writes gives its state.
//  4. State and first events are stored as one whole: the receive of the message that brought them, the snapshot event.
func Rejoin(ctx context.Context, cfg Config) (err error) {
	if cfg, err = cfg.normalize(); err != nil {
		return err
	}
	state, err := cfg.Store.Load()
	if err != nil {
		return err
	}
	if state.Seq > 0 || cfg.Store.Incarnation() > 0 {
		return fmt.Errorf("server: %s cannot join again: %w; start it as usual", cfg.Branch.Name, ErrNotEmpty)
	}
	j := &joiner{cfg: cfg, peers: map[string]bankv1.ReplicationServiceClient{}, told: map[string]branch.Standing{}}
	defer func() { err = errors.Join(err, j.close()) }()
	if err := j.announce(ctx); err != nil {
		return err
	}
	if err := j.remember(); err != nil {
		return err
	}
	snapshot, err := j.take(ctx)
	if err != nil {
		return err
	}
	var first branch.Effects
	if _, err := branch.Rejoin(cfg.Branch, snapshot, j.past, &first); err != nil {
		return err
	}
	if cfg.crash != nil {
		if err := cfg.crash(inSnapshot, nil, first.Events); err != nil {
			return err
		}
	}
	return cfg.Store.Commit(store.Batch{Durable: &first.Durable, Events: first.Events})
}

// joiner is a branch that joins again.
type joiner struct {
	cfg   Config
	conns []*grpc.ClientConn
	peers map[string]bankv1.ReplicationServiceClient
	told  map[string]branch.Standing
	past  branch.Past
}

func (j *joiner) close() error {
	var err error
	for _, c := range j.conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (j *joiner) hello(peer string) *bankv1.Hello {
	hash := j.cfg.Branch.ClusterHash()
	return &bankv1.Hello{Process: j.cfg.Branch.Name, Peer: peer, Cluster: hash[:], ClusterText: j.cfg.Branch.ClusterText()}
}

// announce asks every other branch what it knows.
func (j *joiner) announce(ctx context.Context) error {
	for _, peer := range j.cfg.Branch.Branches {
		if peer == j.cfg.Branch.Name {
			continue
		}
		if j.cfg.Peers[peer] == "" {
			return fmt.Errorf("server: Peers has no address for %q, and all branches must help", peer)
		}
		conn, err := grpc.NewClient(j.cfg.Peers[peer],
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(), grpc.WithDisableServiceConfig())
		if err != nil {
			return fmt.Errorf("server: address %q of %s: %w", j.cfg.Peers[peer], peer, err)
		}
		j.conns = append(j.conns, conn)
		j.peers[peer] = bankv1.NewReplicationServiceClient(conn)
		if err := j.ask(ctx, peer); err != nil {
			return &RejoinError{j.cfg.Branch.Name, peer, j.cfg.Peers[peer], err}
		}
	}
	return nil
}

func (j *joiner) ask(ctx context.Context, peer string) error {
	ctx, cancel := context.WithTimeout(ctx, rejoinTimeout)
	defer cancel()
	m, err := j.peers[peer].AnnounceRejoin(ctx, &bankv1.AnnounceRejoinRequest{Hello: j.hello(peer)}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	j.told[peer], err = wire.DecodeStanding(m)
	return err
}

// source returns the branch that holds most of this one's writes.
func (j *joiner) source() string {
	names := slices.Sorted(maps.Keys(j.told))
	return slices.MaxFunc(names, func(a, b string) int { return int(j.told[a].Holds) - int(j.told[b].Holds) })
}

// remember finds out how far the branch had come, from its log, if there is one, and from what the others know. Neither
// need tell of its newest events, so that its numbers go on far beyond.
func (j *joiner) remember() error {
	if j.cfg.LogFile != "" {
		tail, err := trace.ReadTail(j.cfg.LogFile, j.cfg.Branch.Name, 0)
		if err == nil && tail.Whole > 0 {
			err = j.readLog(tail)
		}
		if err != nil {
			return err
		}
	}
	for peer, s := range j.told {
		j.past.Peer(peer, s)
		j.past.Seq, j.past.Clock = max(j.past.Seq, s.Knows.Seq), max(j.past.Clock, s.Clock)
	}
	j.past.Seq += beyond
	return nil
}

func (j *joiner) readLog(tail *trace.Tail) error {
	f, err := tail.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	held := j.told[j.source()].Holds
	r := trace.NewReader(f, tail.Path)
	for r.Scan() {
		if e, ok := r.Record().(*trace.Event); ok {
			j.past.Log(e, held)
		}
	}
	return r.Err()
}

// take has the state given.
func (j *joiner) take(ctx context.Context) (*branch.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, rejoinTimeout)
	defer cancel()
	peer, self := j.source(), j.cfg.Branch.Name
	failed := func(err error) error { return &RejoinError{self, peer, j.cfg.Peers[peer], err} }
	parts, err := j.peers[peer].TakeSnapshot(ctx, &bankv1.TakeSnapshotRequest{Hello: j.hello(peer)})
	if err != nil {
		return nil, failed(err)
	}
	s := new(branch.Snapshot)
	for {
		part, err := parts.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = wire.DecodeSnapshot(part, self, s)
		}
		if err != nil {
			return nil, failed(err)
		}
	}
	if len(s.Messages) == 0 || s.Messages[0].Stamp.Process != peer {
		return nil, failed(errors.New("the state came without its message"))
	}
	return s, nil
}
