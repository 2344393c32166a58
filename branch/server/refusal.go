package server

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// refuse says once that something was refused which nobody sends who means well.
func (s *Server) refuse(from string, err error) {
	if s.refused.news("", errors.New(causeText(err))) {
		s.cfg.Logger.Warn().Str("from", from).Str("error", causeText(err)).Msg("refused")
	}
}

// preface is how every HTTP/2 connection begins (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// doorkeeper is a listener that notices who does not speak HTTP/2: gRPC closes such connections without a word.
type doorkeeper struct {
	net.Listener
	server *Server
}

func (d *doorkeeper) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &visitor{Conn: conn, server: d.server}, nil
}

// visitor is a connection whose first bytes are looked at.
type visitor struct {
	net.Conn
	server *Server
	seen   atomic.Int32 // bytes of the preface; all of them, or -1 where something else came
}

func (v *visitor) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	if seen := int(v.seen.Load()); seen >= 0 && seen < len(preface) && n > 0 {
		k := min(n, len(preface)-seen)
		if bytes.Equal(p[:k], []byte(preface[seen:seen+k])) {
			v.seen.Store(int32(seen + k))
		} else {
			v.seen.Store(-1)
			host, _, _ := net.SplitHostPort(v.RemoteAddr().String())
			v.server.refuse(host, errors.New("bytes that are no gRPC came to the branch's port"))
		}
	}
	return n, err
}

// rejected notices calls that gRPC itself turns down before they reach the branch, such as those that are too large.
type rejected struct{ server *Server }

// TagRPC is for stats.Handler.
func (rejected) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC is for stats.Handler.
func (r rejected) HandleRPC(_ context.Context, s stats.RPCStats) {
	end, ok := s.(*stats.End)
	if !ok || end.Error == nil {
		return
	}
	switch e := status.Convert(end.Error); e.Code() {
	case codes.ResourceExhausted, codes.Internal, codes.Unimplemented:
		if len(e.Details()) == 0 { // those of the branch have some
			r.server.refuse("a caller", end.Error)
		}
	}
}

// TagConn is for stats.Handler.
func (rejected) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn is for stats.Handler.
func (rejected) HandleConn(context.Context, stats.ConnStats) {}
