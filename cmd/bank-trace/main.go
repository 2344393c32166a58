// Command bank-trace records, checks and teaches logical time: a bank whose every process carries a Lamport clock.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// The exit statuses of the installed command.
const (
	exitHolds     = 0
	exitViolation = 1
	exitUndecided = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// errViolation says that a violation was found and printed: exit status 1, and nothing more to say.
var errViolation = errors.New("a rule is violated")

// errUndecided says that a verdict could not be reached, and that the report has said why: exit status 2.
var errUndecided = errors.New("the check could not be decided")

// run is the whole command: it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&console{stdin: stdin, out: stdout, err: stderr})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitHolds
	case errors.Is(err, errViolation):
		return exitViolation
	case errors.Is(err, errUndecided):
		return exitUndecided
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bank-trace: interrupted")
		return exitUndecided
	}
	fmt.Fprintf(stderr, "bank-trace: %v\n", err)
	return exitUndecided
}

// console is what a verb talks to. Results go to out, all else to err.
type console struct {
	stdin   io.Reader
	out     io.Writer
	err     io.Writer
	verbose bool
}

// logger returns the logger that shells of servers and clients write to.
func (c *console) logger() zerolog.Logger {
	level := zerolog.ErrorLevel
	if c.verbose {
		level = zerolog.DebugLevel
	}
	w := zerolog.ConsoleWriter{Out: c.err, NoColor: !terminal(c.err), TimeFormat: "15:04:05.000"}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// terminal reports whether w is a terminal that may be given colours and progress bars.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && isatty.IsTerminal(f.Fd())
}

func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "bank-trace",
		Short: "Record, check and learn logical time",
		Long: `bank-trace runs a distributed bank whose every process carries a Lamport clock
and writes its own event log, and proves from those logs that happens-before was
kept, that no money was lost, that the replicas agree and that every customer
read its own writes.

New here? Run: bank-trace demo

Exit status: 0 holds, 1 a violation was found, 2 it could not be decided (usage,
unreadable or malformed input, a truncated log, a timeout).`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVarP(&c.verbose, "verbose", "v", false, "log what the servers do, to standard error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\nSee: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newDemo(c), newRun(c), newGenerate(c), newCheck(c), newConvert(c), newBreak(c), newDraw(c), newView(c), newRules(c),
		newExplain(c), newBranch(c), newCustomer(c), newVersion(c))
	return root
}
