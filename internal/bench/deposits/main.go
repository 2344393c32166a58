// Command deposits measures the bank's deposits beside plain gRPC and beside etcd, and prints a table. See package bench.
// Its exit status is 0 when all was measured, whatever the figures are, and 2 when something failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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

func run(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) error {
	o, out, err := parse(args, stderr)
	if err != nil {
		return err
	}
	line := progress{w: stderr, terminal: isatty.IsTerminal(stderr.Fd())}
	o.Progress = line.show
	report, err := bench.Run(ctx, o)
	line.clear()
	if err != nil {
		return err
	}
	if err := report.WriteText(stdout); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	return write(out, report)
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (o bench.Options, out string, err error) {
	flags := flag.NewFlagSet("deposits", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Mode, "mode", "total", "when writes execute: total or causal")
	flags.IntVar(&o.Rounds, "rounds", 5, "how often each cell is measured")
	seconds := flags.Float64("seconds", 2, "measured in each cell; half as much goes before, to warm up")
	callers := flags.String("callers", "1,16,64", "numbers of callers at once")
	only := flags.String("only", "", "sides to measure: some of "+strings.Join(bench.Sides(), ",")+"; all by default")
	flags.StringVar(&o.Dir, "dir", "", "folder for the data, on the disk that is to be measured; that for temporary files by default")
	flags.StringVar(&o.Profile, "profile", "", "folder for CPU profiles of the first round")
	flags.StringVar(&out, "o", "", "file to write the report to, as Markdown")
	if err := flags.Parse(args); err != nil {
		return o, "", err
	}
	if flags.NArg() > 0 {
		return o, "", fmt.Errorf("bench: %q is no flag; see --help", flags.Arg(0))
	}
	o.Window = time.Duration(*seconds * float64(time.Second))
	o.Warm = o.Window / 2
	for _, field := range strings.Split(*callers, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil {
			return o, "", fmt.Errorf("bench: --callers %q: %q is no number; give 1,16,64, say", *callers, field)
		}
		o.Callers = append(o.Callers, n)
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	return o, out, nil
}

func write(path string, report *bench.Report) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return report.WriteMarkdown(f)
}

// progress is a line that is written over on a terminal, and one line a cell elsewhere.
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
