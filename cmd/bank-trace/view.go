package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/viewer"
)

// viewFlags are the flags of `view`.
type viewFlags struct {
	noOpen bool
	port   int
	out    string
}

func newView(c *console) *cobra.Command {
	var f viewFlags
	cmd := &cobra.Command{
		Use:   "view TRACE...",
		Short: "Look at a trace in the browser",
		Long: `Reads a trace (a folder or log files), checks it, and shows it in the browser:
each process as a line, each event by its clock, each message as an arrow. Choose
an event to see what happened before it, after it and concurrently with it;
choose two to have explained how they stand to each other; go from finding to
finding; guess clocks. Press ? in the page for its keys.

The page is served to this machine alone, until Ctrl-C. Its address is printed.
With -o the page and the whole trace, of up to 20,000 events, are written as one
HTML file that needs neither this program nor a network.`,
		Example: `  bank-trace generate --seed 7 -o /tmp/t
  bank-trace view /tmp/t
  bank-trace view /tmp/t --no-open --port 8080
  bank-trace view /tmp/t -o trace.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("view: no trace given; name a folder or log files")
			}
			if f.port < 0 || f.port > 65535 {
				return fmt.Errorf("--port %d: give a number from 1 to 65535, or 0 for one that is free", f.port)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.out != "" {
				return writePage(cmd.Context(), c, f.out, args)
			}
			return view(cmd.Context(), c, f, args)
		},
	}
	cmd.Flags().BoolVar(&f.noOpen, "no-open", false, "do not open the browser, only print the address")
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "write the page as one file instead of serving it")
	cmd.Flags().IntVar(&f.port, "port", 0, "port to serve the page at; 0 for one that is free")
	return cmd
}

func view(ctx context.Context, c *console, f viewFlags, paths []string) (err error) {
	v, err := openViewer(ctx, c, paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)))
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	address := fmt.Sprintf("http://%s/", l.Addr())
	fmt.Fprintln(c.out, address)
	fmt.Fprintln(c.err, "Press Ctrl-C to stop.")
	if !f.noOpen {
		if err := openBrowser(ctx, address); err != nil {
			fmt.Fprintf(c.err, "No browser could be opened (%v); open the address above in one.\n", err)
		}
	}
	return serve(ctx, l, v)
}

// openViewer reads the trace that paths name, for `view` and `draw`.
func openViewer(ctx context.Context, c *console, paths []string) (*viewer.Viewer, error) {
	folder, err := trace.Find(paths...)
	if err != nil {
		return nil, err
	}
	bar := newBar(c.err, "events", -1)
	defer bar.done()
	return viewer.Open(ctx, folder, viewer.Options{Name: filepath.Base(filepath.Clean(paths[0])), Progress: bar.set})
}

// writePage writes the page of the viewer and the whole trace as one HTML file, whole or not at all.
func writePage(ctx context.Context, c *console, out string, paths []string) (err error) {
	v, err := openViewer(ctx, c, paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	var page bytes.Buffer
	if err := v.WritePage(ctx, &page); err != nil {
		return err
	}
	return os.WriteFile(out, page.Bytes(), 0o644)
}

// mostLinger is how long answers that are under way may take once the server is to stop.
const mostLinger = 2 * time.Second

// serve serves until the context ends, which is no error.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	linger, cancel := context.WithTimeout(context.WithoutCancel(ctx), mostLinger)
	defer cancel()
	if err := s.Shutdown(linger); err != nil {
		err = s.Close()
		<-done
		return err
	}
	<-done
	return nil
}

// openBrowser opens an address in the user's browser.
func openBrowser(ctx context.Context, address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // what becomes of it is the user's
	return nil
}
