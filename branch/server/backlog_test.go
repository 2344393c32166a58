package server

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/branch"
)

func TestALinkThatCannotKeepUpIsDropped(t *testing.T) {
	l := &link{self: "a", peer: "b", ready: make(chan struct{}, 1)}
	l.ctx, l.end = context.WithCancelCause(t.Context())
	defer l.end(nil)
	for _, n := range []int{maxQueued - 1, 1} {
		l.staged = append(l.staged, make([]branch.Message, n)...)
		l.post()
	}
	if err := context.Cause(l.ctx); err != nil || len(l.queued) != maxQueued {
		t.Fatalf("%d messages are queued, %v", len(l.queued), err)
	}
	l.staged = append(l.staged, branch.Message{})
	l.post()
	if code := status.Code(context.Cause(l.ctx)); code != codes.ResourceExhausted || len(l.queued) != maxQueued || len(l.staged) > 0 {
		t.Errorf("the link ended with %v; %d messages are queued and %d staged", context.Cause(l.ctx), len(l.queued), len(l.staged))
	}
}
