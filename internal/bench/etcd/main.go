// Command etcd puts keys into an etcd cluster of three nodes, all in this process, by a number of callers at once, and
// prints what it measured as one line of JSON: the baseline of durable branches. It is a module of its own, so that nobody
// who uses the bank downloads etcd. It ends early when its standard input does, so that it never outlives who started it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // any end of it means the same
		cancel(fmt.Errorf("standard input has ended: %w", context.Canceled))
	}()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "etcd: %v\n", err)
		os.Exit(1)
	}
}

// figures are what callers measured.
type figures struct {
	Window    time.Duration   `json:"window_ns"`
	Latencies []time.Duration `json:"latencies_ns"` // of the puts that ended within the window
	CPU       time.Duration   `json:"cpu_ns"`       // that this process used for all puts; 0 where it is not known
	Puts      int             `json:"puts"`         // all, those before and after the window included
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	dir := flags.String("dir", "", "empty folder for the nodes' data, which is left behind")
	callers := flags.Int("callers", 64, "callers, each with one put under way")
	warm := flags.Duration("warm", time.Second, "time to run before anything is measured")
	window := flags.Duration("window", 2*time.Second, "time to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *callers < 1 || *warm < 0 || *window <= 0 {
		return fmt.Errorf("--dir %q, --callers %d, --warm %v or --window %v makes no sense", *dir, *callers, *warm, *window)
	}
	c, err := start(ctx, *dir)
	if err != nil {
		return err
	}
	f, err := puts(ctx, c, *callers, *warm, *window)
	if err != nil {
		return err
	}
	if err := c.verify(ctx, f.Puts); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}
