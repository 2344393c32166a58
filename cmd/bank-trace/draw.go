package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/diagram"
)

// drawFlags are the flags of `draw`.
type drawFlags struct {
	out                string
	ascii, right       bool
	width, rows        int
	around             []string
	path, past, future string
	request            string
	finding            int
	from, to           uint64
	processes          []string
	strict, noCheck    bool
}

func newDraw(c *console) *cobra.Command {
	var f drawFlags
	cmd := &cobra.Command{
		Use:   "draw TRACE [-o x.svg|x.html]",
		Short: "Draw a trace as a space-time diagram, in the terminal or as a file",
		Long: `Draws the processes of a trace side by side, their events by their clocks, and the
messages between them. What check finds wrong is marked and numbered. Without -o
it is drawn in the terminal; -o x.svg writes a picture for a page, and -o x.html the
page that view shows, with the whole trace, as one file.

A trace that is too big for one picture is cut to a window: its beginning, or what
lies around the events that the flags name. The picture says what is left out. A
page has all of the trace, and opens with that window.

Events are named as for explain: branch-1:5 (process:seq), customer-1/3 (the first
event of that request), clock=17,process=branch-1.`,
		Example: `  bank-trace draw my-trace
  bank-trace draw my-trace -o my-trace.svg
  bank-trace draw my-trace -o my-trace.html
  bank-trace draw my-trace --request customer-1/1
  bank-trace draw my-trace --path customer-1:1 branch-3:2
  bank-trace draw broken --finding 1 -o finding.svg
  bank-trace draw my-trace --around branch-1:100 --processes branch-1,branch-2 --ascii`,
		Args: func(_ *cobra.Command, args []string) error { return f.check(args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.html() {
				return drawPage(cmd.Context(), c, f, args)
			}
			return draw(cmd.Context(), c, f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.out, "out", "o", "", "write a picture, x.svg, or a page, x.html, instead of drawing in the terminal")
	fl.BoolVar(&f.ascii, "ascii", false, "in the terminal, ASCII characters alone")
	fl.IntVar(&f.width, "width", 0, "columns of the terminal (default its own, or 80)")
	fl.BoolVar(&f.right, "right", false, "time goes to the right instead of down; with -o")
	fl.IntVar(&f.rows, "rows", 0, fmt.Sprintf("values of the clock in one picture, 1 to %d (default 44)", mostRows))
	fl.StringArrayVar(&f.around, "around", nil, "draw what lies around this event; may be given again")
	fl.StringVar(&f.path, "path", "", "light the causal path between two events: --path A B")
	fl.StringVar(&f.past, "past", "", "light what happened before this event")
	fl.StringVar(&f.future, "future", "", "light what happened after this event")
	fl.StringVar(&f.request, "request", "", "light a request, customer-1/3 for example")
	fl.IntVar(&f.finding, "finding", 0, "draw this finding; they are numbered from 1, as in the list of check --report json")
	fl.Uint64Var(&f.from, "from", 0, "draw from this value of the clock on")
	fl.Uint64Var(&f.to, "to", 0, "draw up to this value of the clock")
	fl.StringSliceVar(&f.processes, "processes", nil, "draw these processes alone, in this order")
	fl.BoolVar(&f.strict, "strict", false, "check with --strict")
	fl.BoolVar(&f.noCheck, "no-check", false, "do not check the trace, mark nothing")
	return cmd
}

// mostRows is the highest --rows.
const mostRows = 2000

func (f *drawFlags) check(args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("draw: no trace given; name a folder, a log, or - for standard input")
	case f.path != "" && len(args) != 2:
		return errors.New("draw: --path is between two events; write TRACE --path A B")
	case f.path == "" && len(args) != 1:
		return fmt.Errorf("draw: what is %q for? One picture is of one trace; name the folder", args[1])
	case f.rows < 0 || f.rows > mostRows:
		return fmt.Errorf("--rows %d: give a number from 1 to %d", f.rows, mostRows)
	case f.width < 0 || f.width > 0 && f.width < 40:
		return fmt.Errorf("--width %d: give at least 40 columns", f.width)
	case f.noCheck && f.finding > 0:
		return errors.New("draw: --finding needs the check that --no-check leaves out")
	case f.out == "" && f.right:
		return errors.New("draw: --right is for pictures; name one with -o x.svg")
	case f.out != "" && (f.ascii || f.width > 0):
		return errors.New("draw: --ascii and --width are for the terminal; leave -o out")
	}
	return f.checkOut()
}

// checkOut says which files can be written: the one place that knows their endings.
func (f *drawFlags) checkOut() error {
	switch ext := strings.ToLower(filepath.Ext(f.out)); {
	case f.html():
		return f.checkPage()
	case f.out == "" || ext == ".svg":
		return nil
	case ext == "":
		return fmt.Errorf("-o %s: give it the ending .svg or .html", f.out)
	default:
		return fmt.Errorf("-o %s: %s is not known; give it the ending .svg or .html", f.out, ext)
	}
}

// names are the events that flags name, in the order in which query takes them.
func (f *drawFlags) names(args []string) ([]causal.Name, error) {
	all := f.around
	if f.path != "" {
		all = append(all[:len(all):len(all)], f.path, args[1])
	}
	for _, name := range []string{f.past, f.future} {
		if name != "" {
			all = append(all[:len(all):len(all)], name)
		}
	}
	var names []causal.Name
	for _, s := range all {
		name, err := causal.ParseName(s)
		if err != nil {
			return nil, fmt.Errorf("draw: %w", err)
		}
		names = append(names, name)
	}
	return names, nil
}

// query is what the flags ask for; named are the events of names.
func (f *drawFlags) query(named []causal.At) (diagram.Query, error) {
	q := diagram.Query{From: f.from, To: f.to, Processes: f.processes, Rows: f.rows, Finding: f.finding}
	q.Around, named = named[:len(f.around)], named[len(f.around):]
	if f.path != "" {
		q.Path, named = named[:2], named[2:]
	}
	if f.past != "" {
		q.Past, named = &named[0], named[1:]
	}
	if f.future != "" {
		q.Future = &named[0]
	}
	if f.request != "" {
		id, err := trace.ParseID(f.request)
		if err != nil {
			return q, fmt.Errorf("--request %q: write customer/n, customer-1/3 for example", f.request)
		}
		q.Of = id
	}
	return q, nil
}

func draw(ctx context.Context, c *console, f drawFlags, args []string) (err error) {
	names, err := f.names(args)
	if err != nil {
		return err
	}
	folder, err := trace.Find(args[0])
	if err != nil {
		return err
	}
	sources, remove, err := twice(ctx, c, check.Folder(folder))
	if err != nil {
		return err
	}
	defer remove()
	bar := newBar(c.err, "events", -1)
	defer bar.done()
	opt := diagram.Options{Name: traceName(args[0]), Names: names, Progress: bar.set}
	if !f.noCheck {
		opt.Report, err = check.Check(ctx, sources, check.Options{Strict: f.strict, Run: folder.Run,
			Progress: func(events, _ int64) { bar.set(events) }})
		if err != nil {
			return err
		}
	}
	t, err := diagram.Read(ctx, sources, opt)
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	q, err := f.query(t.Named())
	if err != nil {
		return err
	}
	width := c.columns(f.width)
	if f.out == "" {
		q.Lanes = diagram.LanesIn(width)
	}
	p, err := t.Picture(ctx, q)
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	bar.done()
	if f.out == "" {
		return p.WriteText(c.out, diagram.TextOptions{Width: width, ASCII: f.ascii, Color: terminal(c.out)})
	}
	return writePicture(c, f, p)
}

func writePicture(c *console, f drawFlags, p *diagram.Picture) error {
	opt := diagram.SVGOptions{}
	if f.right {
		opt.Direction = diagram.Right
	}
	var b bytes.Buffer
	if err := p.WriteSVG(&b, opt); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, b.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %s, %s, %s marked\n", f.out, english.Plural(len(p.Nodes), "event", ""), english.Plural(len(p.Arrows), "message", ""), english.Plural(len(p.Marks), "finding", ""))
	for _, note := range slices.Concat(p.Notes, p.Hints) {
		fmt.Fprintln(c.out, wrap(note, 80, 0))
	}
	return nil
}

// traceName is how titles call a trace.
func traceName(path string) string {
	if path == trace.Stdin {
		return "standard input"
	}
	return filepath.Base(path)
}

// twice returns sources that can be read more than once: standard input is copied to a temporary file, which remove deletes.
func twice(ctx context.Context, c *console, sources []check.Source) (again []check.Source, remove func(), err error) {
	remove = func() {}
	for i := range sources {
		for k := range sources[i].Pieces {
			piece := &sources[i].Pieces[k]
			if piece.Open != nil {
				continue
			}
			kept, err := trace.Spool(ctx, c.stdin)
			if err != nil {
				return nil, nil, fmt.Errorf("draw: keep standard input for a second reading: %w", err)
			}
			piece.Open, remove = kept.Open, kept.Remove
		}
	}
	return sources, remove, nil
}

// columns returns the width to draw in: what was asked for, that of the terminal, or 80.
func (c *console) columns(asked int) int {
	if asked > 0 {
		return asked
	}
	if f, ok := c.out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= 40 {
			return width
		}
	}
	return 80
}
