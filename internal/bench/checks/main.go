// Command checks measures `bank-trace check` beside wc and cat on the same files, and prints a table. See package bench. Its
// exit status is 0 when all was measured, whatever the figures are, and 2 when something failed.
package main

import (
	"bytes"
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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, out, err := parse(args, stderr)
	if err != nil {
		return err
	}
	o.Progress = func(p bench.Progress) { fmt.Fprintf(stderr, "bench: %s\n", p.What) }
	report, err := bench.RunChecks(ctx, o)
	if err != nil {
		return err
	}
	if err := report.WriteText(stdout); err != nil || out == "" {
		return err
	}
	return write(out, report)
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (o bench.ChecksOptions, out string, err error) {
	flags := flag.NewFlagSet("checks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Mode, "mode", "", "of the traces: total by default")
	flags.IntVar(&o.Branches, "branches", 8, "of the traces")
	flags.IntVar(&o.Customers, "customers", 64, "of the traces")
	flags.IntVar(&o.Rounds, "rounds", 5, "how often each command is run on each trace")
	flags.Int64Var(&o.MostJSONL, "most-jsonl", 20_000_000, "events of the largest trace that is measured in JSON Lines")
	sizes := flags.String("events", "100000,1000000,10000000", "sizes of the traces; 100000000 too takes 6 GB of disk and its time")
	losses := flags.String("loss", "0,0.01", "shares of messages that are lost")
	flags.StringVar(&o.Dir, "dir", "", "folder for the traces; that for temporary files by default")
	flags.StringVar(&out, "o", "", "file to write the report to, as Markdown; one that has the marks of such a report gets it between them")
	if err := flags.Parse(args); err != nil {
		return o, "", err
	}
	if flags.NArg() > 0 {
		return o, "", fmt.Errorf("bench: %q is no flag; see --help", flags.Arg(0))
	}
	for _, field := range strings.Split(*sizes, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(field), 10, 64)
		if err != nil {
			return o, "", fmt.Errorf("bench: --events %q: %q is no number; give 100000,1000000, say", *sizes, field)
		}
		o.Sizes = append(o.Sizes, n)
	}
	for _, field := range strings.Split(*losses, ",") {
		share, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
		if err != nil {
			return o, "", fmt.Errorf("bench: --loss %q: %q is no share; give 0,0.01, say", *losses, field)
		}
		o.Losses = append(o.Losses, share)
	}
	return o, out, nil
}

const (
	markBegin = "<!-- written by internal/bench/checks -->\n"
	markEnd   = "<!-- end -->\n"
)

// write writes the report into a file, between the marks if it has them.
func write(path string, report *bench.ChecksReport) error {
	var text bytes.Buffer
	if err := report.WriteMarkdown(&text); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("bench: %w", err)
	}
	return os.WriteFile(path, between(old, text.Bytes()), 0o644)
}

// between returns the page with the report between its marks, or the report alone where the page has none.
func between(page, report []byte) []byte {
	before, rest, ok := bytes.Cut(page, []byte(markBegin))
	_, after, ended := bytes.Cut(rest, []byte(markEnd))
	if !ok || !ended {
		return report
	}
	return bytes.Join([][]byte{before, []byte(markBegin), report, []byte(markEnd), after}, nil)
}
