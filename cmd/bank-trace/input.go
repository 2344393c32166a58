package main

import (
	"context"
	"io"
	"os/signal"
	"syscall"
)

// untilInputEnds returns a context that ends with ctx, or when the input does: a program that holds the other end stops
// this one by closing it, on every system, and also by being killed itself. Then nobody reads what this one still has to
// say, which must not end it before its time.
func untilInputEnds(ctx context.Context, input io.Reader) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, input) // whatever ends it, nobody is there any more
	}()
	return ctx, stop
}
