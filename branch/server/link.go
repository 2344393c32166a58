package server

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

const (
	maxFrame  = 1 << 20 // bytes of a frame
	maxQueued = 1 << 17 // messages that wait for a slow peer before its link is dropped
	maxFrames = 4       // of one link, decoded and waiting for the owner
)

// stream is either side's end of a Connect call.
type stream interface {
	Send(*bankv1.Frame) error
	Recv() (*bankv1.Frame, error)
}

// link is a stream whose handshake is done.
type link struct {
	self, peer string
	hello      branch.PeerUp // what the peer said at the handshake
	stream     stream
	ctx        context.Context
	end        context.CancelCauseFunc

	staged []branch.Message // the owner's: of the batch under way

	mu     sync.Mutex
	queued []branch.Message
	ready  chan struct{} // holds one while queued has something
	room   chan struct{} // holds one for each received frame that waits for the owner
}

// exchange runs a link until its stream fails, ctx ends or the owner drops it, and returns why.
func (s *Server) exchange(ctx context.Context, hello branch.PeerUp, with stream) error {
	l := &link{self: s.cfg.Branch.Name, peer: hello.Peer, hello: hello, stream: with,
		ready: make(chan struct{}, 1), room: make(chan struct{}, maxFrames)}
	l.ctx, l.end = context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.closing, func() { l.end(stoppingError(l.self)) })
	defer stop()
	s.owner.submit(&linkUp{l})
	s.faults.well(l.peer)
	s.cfg.Logger.Info().Str("peer", l.peer).Msg("connected")
	s.links.Go(func() { l.end(l.send()) })
	s.links.Go(func() { l.end(l.receive(s.owner)) })
	<-l.ctx.Done()
	s.owner.submit(&linkDown{l})
	return context.Cause(l.ctx)
}

// post hands what is staged to the sending goroutine. A link that cannot keep up is dropped, as the core will send again
// what matters.
func (l *link) post() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queued)+len(l.staged) > maxQueued {
		l.end(linkError(ReasonBacklog, fmt.Sprintf("%d messages wait for %s already", len(l.queued), l.peer)))
	} else if len(l.queued) == 0 {
		l.queued, l.staged = l.staged, l.queued
	} else {
		l.queued = append(l.queued, l.staged...)
	}
	clear(l.staged)
	l.staged = l.staged[:0]
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// send writes what is posted as frames until the link ends. Everything posted meanwhile goes together.
func (l *link) send() error {
	var sending []branch.Message
	for {
		select {
		case <-l.ready:
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
		l.mu.Lock()
		sending, l.queued = l.queued, sending[:0]
		l.mu.Unlock()
		for rest := sending; len(rest) > 0; {
			n := wire.Fit(rest, maxFrame)
			if err := l.stream.Send(&bankv1.Frame{Content: &bankv1.Frame_Batch{Batch: wire.EncodeBatch(rest[:n])}}); err != nil {
				return err
			}
			rest = rest[n:]
		}
		clear(sending)
	}
}

// receive hands the owner what arrives, until the link ends. It ends a link that carries what no branch would send.
func (l *link) receive(o *owner) error {
	for {
		m, err := l.stream.Recv()
		if err != nil {
			return err
		}
		messages, err := l.decode(m)
		if err != nil {
			return linkError(ReasonBadFrame, fmt.Sprintf("frame from %s refused: %v", l.peer, err))
		}
		select {
		case l.room <- struct{}{}:
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
		o.submit(&frame{l, messages})
	}
}

func (l *link) decode(m *bankv1.Frame) ([]branch.Message, error) {
	content, ok := m.GetContent().(*bankv1.Frame_Batch)
	if !ok {
		return nil, &wire.FieldError{Field: "content", Problem: "is no batch, and after the handshake nothing else travels"}
	}
	messages, err := wire.DecodeBatch(content.Batch, l.self)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		if from := messages[i].Stamp.Process; from != l.peer {
			return nil, &wire.FieldError{Field: fmt.Sprintf("messages[%d].stamp.process", i), Problem: fmt.Sprintf("%q is not %q", from, l.peer)}
		}
	}
	return messages, nil
}

// linkUp says that a handshake is done.
type linkUp struct{ *link }

func (up *linkUp) take(o *owner) int {
	p := o.peers[up.peer]
	o.hangUp(up.peer)
	p.link, o.next.changed = up.link, true
	o.core.Step(up.hello, &o.next.effects)
	return 1
}

// hangUp drops the link to a peer that has connected anew.
func (o *owner) hangUp(peer string) {
	if p := o.peers[peer]; p.link != nil {
		p.link.end(linkError(ReasonLinkReplaced, fmt.Sprintf("%s has connected anew", peer)))
		p.link, o.next.changed = nil, true
		o.core.Step(branch.PeerDown{Peer: peer}, &o.next.effects)
	}
}

// linkDown says that a link has ended.
type linkDown struct{ *link }

func (down *linkDown) take(o *owner) int {
	if p := o.peers[down.peer]; p.link == down.link {
		p.link, o.next.changed = nil, true
		o.core.Step(branch.PeerDown{Peer: down.peer}, &o.next.effects)
	}
	return 1
}

// frame is what arrived in one piece on a link.
type frame struct {
	*link
	messages []branch.Message
}

func (f *frame) take(o *owner) int {
	<-f.room
	if o.peers[f.peer].link != f.link {
		return 0 // of a link that was dropped: lost, as on any datagram link
	}
	for i := range f.messages {
		o.core.Step(&f.messages[i], &o.next.effects)
	}
	return len(f.messages)
}

// causeText is an error's text without the words that gRPC puts before it.
func causeText(err error) string {
	if s, ok := status.FromError(err); ok {
		return s.Message()
	}
	return err.Error()
}
