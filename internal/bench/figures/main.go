// Command figures measures `bank-trace check` beside wc and cat on the same files, and the bank's deposits beside plain gRPC
// and beside etcd, and prints tables. See package bench. Its exit status is 0 when all was measured, whatever the figures are,
// and 2 when something failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/seed-8ff1fc32/bank-trace/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// report is what was measured of one kind.
type report interface {
	WriteText(io.Writer) error
	WriteMarkdown(io.Writer) error
}

// The kinds of figures.
const (
	checks       = "checks"
	causalChecks = "causal-checks" // of traces in mode causal
	deposits     = "deposits"
)

// run measures one kind after the other, and keeps what it has even if the next fails.
func run(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) error {
	f, err := parse(args, stderr)
	if err != nil {
		return err
	}
	line := progress{w: stderr, terminal: isatty.IsTerminal(stderr.Fd())}
	f.checks.Progress, f.deposits.Progress = line.show, line.show
	for _, kind := range f.kinds {
		var measured report
		switch kind {
		case checks:
			f.checks.Mode = "total"
			measured, err = bench.RunChecks(ctx, f.checks)
		case causalChecks:
			f.checks.Mode = "causal"
			measured, err = bench.RunChecks(ctx, f.checks)
		case deposits:
			measured, err = bench.Run(ctx, f.deposits)
		}
		line.clear()
		if err != nil {
			return err
		}
		if err := measured.WriteText(stdout); err != nil {
			return err
		}
		if f.out == "" {
			continue
		}
		if err := write(f.out, kind, measured); err != nil {
			return err
		}
	}
	return nil
}

// figures is what the flags ask for.
type figures struct {
	kinds    []string
	out      string
	checks   bench.ChecksOptions
	deposits bench.Options
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (*figures, error) {
	f := &figures{}
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	flags.SetOutput(stderr)
	all := []string{checks, causalChecks, deposits}
	kinds := flags.String("kinds", strings.Join(all, ","), "what to measure")
	rounds := flags.Int("rounds", 5, "how often each command, or cell, is measured")
	dir := flags.String("dir", "", "folder for traces and data, on the disk that is to be measured; that for temporary files by default")
	flags.StringVar(&f.out, "o", "", "file to write the reports to, as Markdown: between its marks, or at its end")

	flags.IntVar(&f.checks.Branches, "branches", 8, "checks: of the traces")
	flags.IntVar(&f.checks.Customers, "customers", 64, "checks: of the traces")
	flags.Int64Var(&f.checks.MostJSONL, "most-jsonl", 20_000_000, "checks: events of the largest trace that is measured in JSON Lines")
	sizes := flags.String("events", "100000,1000000,10000000", "checks: sizes of the traces; 100000000 too takes 6 GB of disk and its time")
	losses := flags.String("loss", "0,0.01", "checks: shares of messages that are lost")

	seconds := flags.Float64("seconds", 2, "deposits: measured in each cell; half as much goes before, to warm up")
	callers := flags.String("callers", "1,16,64", "deposits: numbers of callers at once")
	only := flags.String("only", "", "deposits: sides to measure, some of "+strings.Join(bench.Sides(), ",")+"; all by default")
	flags.StringVar(&f.deposits.Profile, "profile", "", "deposits: folder for CPU profiles of the first round")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("bench: %q is no flag; see --help", flags.Arg(0))
	}
	f.kinds = fields(*kinds)
	for _, kind := range f.kinds {
		if !slices.Contains(all, kind) {
			return nil, fmt.Errorf("bench: --kinds %q: give some of %s", kind, strings.Join(all, ","))
		}
	}
	f.checks.Rounds, f.deposits.Rounds = *rounds, *rounds
	f.checks.Dir, f.deposits.Dir = *dir, *dir
	f.deposits.Window = time.Duration(*seconds * float64(time.Second))
	f.deposits.Warm = f.deposits.Window / 2
	if *only != "" {
		f.deposits.Only = fields(*only)
	}
	var err error
	parseSize := func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
	parseShare := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	if f.checks.Sizes, err = numbers("--events", *sizes, parseSize); err != nil {
		return nil, err
	}
	if f.checks.Losses, err = numbers("--loss", *losses, parseShare); err != nil {
		return nil, err
	}
	f.deposits.Callers, err = numbers("--callers", *callers, strconv.Atoi)
	return f, err
}

func fields(list string) []string {
	all := strings.Split(list, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// numbers reads a list of numbers.
func numbers[T any](flag, list string, parse func(string) (T, error)) ([]T, error) {
	var all []T
	for _, field := range fields(list) {
		n, err := parse(field)
		if err != nil {
			return nil, fmt.Errorf("bench: %s %q: %q is no number; separate them by commas", flag, list, field)
		}
		all = append(all, n)
	}
	return all, nil
}

// progress is a line that is written over on a terminal, and one line a step elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	begun    time.Time // of the first cell
}

func (l *progress) show(p bench.Progress) {
	text := p.What
	if p.Cells > 0 {
		text = fmt.Sprintf("bench: cell %d of %d: %s", p.Done+1, p.Cells, p.What)
		if p.Done == 0 {
			l.begun = time.Now()
		} else {
			left := time.Since(l.begun) / time.Duration(p.Done) * time.Duration(p.Cells-p.Done)
			text += fmt.Sprintf(", %v left", left.Round(time.Second))
		}
	} else {
		text = "bench: " + text
	}
	if l.terminal {
		fmt.Fprintf(l.w, "\r\x1b[K%s", text)
	} else {
		fmt.Fprintln(l.w, text)
	}
}

func (l *progress) clear() {
	if l.terminal {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
