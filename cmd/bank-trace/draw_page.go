package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/viewer"
)

// html reports whether a page is to be written, and no picture.
func (f *drawFlags) html() bool { return strings.EqualFold(filepath.Ext(f.out), ".html") }

// checkPage refuses what only pictures have.
func (f *drawFlags) checkPage() error {
	events := len(f.around)
	for _, name := range []string{f.path, f.past, f.future} {
		if name != "" {
			events++
		}
	}
	switch {
	case f.right:
		return errors.New("draw: --right is for pictures; time always goes to the right in a page")
	case f.rows > 0:
		return errors.New("draw: --rows is for pictures; in a page say --from and --to, or zoom")
	case f.noCheck:
		return errors.New("draw: --no-check is for pictures; a page is always checked")
	case events > 1:
		return errors.New("draw: a page opens with one of --around, --path, --past and --future, given once")
	case f.finding > 0 && (events > 0 || f.request != ""):
		return errors.New("draw: a page opens with --finding, or with events that other flags name, not both")
	}
	return nil
}

// drawPage writes the page that `view` writes. It opens with what the flags name.
func drawPage(ctx context.Context, c *console, f drawFlags, args []string) error {
	names, err := f.names(args)
	if err != nil {
		return err
	}
	p := page{paths: args[:1], strict: f.strict, names: names,
		link: viewer.Link{Finding: f.finding, Clocks: [2]uint64{f.from, f.to}, Processes: f.processes}}
	if f.request != "" {
		if p.link.Request, err = trace.ParseID(f.request); err != nil {
			return fmt.Errorf("--request %q: write customer/n, customer-1/3 for example", f.request)
		}
		if len(names) == 0 {
			first, err := causal.ParseName(f.request)
			if err != nil {
				return fmt.Errorf("draw: %w", err)
			}
			p.names = append(p.names, first)
		}
	}
	return p.write(ctx, c, f.out)
}
