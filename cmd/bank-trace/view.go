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

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/viewer"
)

// viewFlags are the flags of `view`.
type viewFlags struct {
	noOpen  bool
	port    int
	out     string
	finding int
	strict  bool
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
  bank-trace view /tmp/broken --finding 1
  bank-trace view /tmp/t --no-open --port 8080
  bank-trace view /tmp/t -o trace.html`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("view: no trace given; name a folder or log files")
			case f.port < 0 || f.port > 65535:
				return fmt.Errorf("--port %d: give a number from 1 to 65535, or 0 for one that is free", f.port)
			case f.finding < 0:
				return fmt.Errorf("--finding %d: findings are numbered from 1", f.finding)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p := page{paths: args, strict: f.strict, link: viewer.Link{Finding: f.finding}}
			if f.out != "" {
				return p.write(cmd.Context(), c, f.out)
			}
			return view(cmd.Context(), c, f, p)
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.noOpen, "no-open", false, "do not open the browser, only print the address")
	fl.StringVarP(&f.out, "out", "o", "", "write the page as one file instead of serving it")
	fl.IntVar(&f.port, "port", 0, "port to serve the page at; 0 for one that is free")
	fl.IntVar(&f.finding, "finding", 0, "open with this finding; they are numbered from 1, as in the list of check --report json")
	fl.BoolVar(&f.strict, "strict", false, "check with --strict")
	return cmd
}

func view(ctx context.Context, c *console, f viewFlags, p page) (err error) {
	v, fragment, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	l, err := listen(f.port)
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	address := "http://" + l.Addr().String() + "/"
	showAt(ctx, c, address+fragment, f.noOpen)
	switch n := len(v.Report().Findings); {
	case n > 0 && f.finding == 0:
		fmt.Fprintf(c.err, "The check found something: press n in the page, or open %s#finding=1\n", address)
	case n == 0 && len(p.paths) == 1 && v.Events() > 0:
		fmt.Fprintf(c.err, "To see what a violation looks like:\n  bank-trace break %s --rule %s -o broken\n", p.paths[0], shownRule)
	}
	fmt.Fprintln(c.err, "Press Ctrl-C to stop.")
	return serve(ctx, l, v)
}

// shownRule is the rule by which newcomers are shown a violation.
const shownRule = "clock/receive-not-after-send"

// listen opens a port for this machine alone.
func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// showAt prints the address of a page, and opens it in the browser.
func showAt(ctx context.Context, c *console, address string, noOpen bool) {
	fmt.Fprintln(c.out, address)
	if noOpen {
		return
	}
	if err := openBrowser(ctx, address); err != nil {
		fmt.Fprintf(c.err, "No browser could be opened (%v); open the address above in one.\n", err)
	}
}

// page is a trace to be shown, and what its page opens with.
type page struct {
	paths  []string
	strict bool
	link   viewer.Link
	names  []causal.Name // of the events to open with
}

// open reads the trace. The fragment is that of the page's address.
func (p page) open(ctx context.Context, c *console) (v *viewer.Viewer, fragment string, err error) {
	folder, err := trace.Find(p.paths...)
	if err != nil {
		return nil, "", err
	}
	bar := newBar(c.err, "events", -1)
	defer bar.done()
	v, err = viewer.Open(ctx, folder, viewer.Options{
		Name: filepath.Base(filepath.Clean(p.paths[0])), Names: p.names, Check: check.Options{Strict: p.strict}, Progress: bar.set,
	})
	if err != nil {
		return nil, "", err
	}
	if p.link.Events, err = v.Named(); err == nil {
		fragment, err = v.Link(p.link)
	}
	if err != nil {
		return nil, "", errors.Join(err, v.Close())
	}
	return v, fragment, nil
}

// write writes the page and the whole trace as one HTML file, whole or not at all.
func (p page) write(ctx context.Context, c *console, out string) (err error) {
	v, fragment, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	var text bytes.Buffer
	if err := v.WritePage(ctx, &text, fragment); err != nil {
		return err
	}
	if err := os.WriteFile(out, text.Bytes(), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s: %s; open it in a browser\n", out, english.Plural(int(v.Events()), "event", ""))
	return err
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
