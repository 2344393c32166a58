package torture

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"testing"
	"time"
)

var (
	binary    = flag.String("bank-trace", "", "the command to run; built by default")
	mode      = flag.String("torture-mode", "total", "when the bank's writes execute")
	soakTime  = flag.Duration("soak", 0, "how long TestSoak keeps a bank at full load; 0 skips it")
	soakEach  = flag.Duration("soak-report", time.Minute, "how often TestSoak reports")
	soakDir   = flag.String("soak-dir", "", "folder for TestSoak's bank; a temporary one by default")
	soakMost  = flag.Float64("soak-trace-limit", 0, "size of the trace in GB at which TestSoak gives up; 0 means none")
	soakCheck = flag.Bool("soak-check", false, "check the trace of TestSoak at its end")
)

// interruptible returns a context that ends in time for the test to clean up, on Ctrl-C too.
func interruptible(t *testing.T) context.Context {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	t.Cleanup(stop)
	if deadline, ok := t.Deadline(); ok {
		limited, cancel := context.WithDeadline(ctx, deadline.Add(-5*time.Second))
		t.Cleanup(cancel)
		return limited
	}
	return ctx
}

// command returns the path of bank-trace.
func command(t *testing.T) string {
	if *binary != "" {
		return *binary
	}
	path, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSoak keeps a bank busy for -soak. Its data folders must not grow with the requests: see the lines that it prints.
func TestSoak(t *testing.T) {
	if *soakTime == 0 {
		t.Skip("needs -soak, as in -soak 1h -timeout 0")
	}
	dir := *soakDir
	if dir == "" {
		dir = t.TempDir()
	}
	err := Soak(interruptible(t), SoakConfig{
		Binary: command(t), Dir: dir, Mode: *mode, Time: *soakTime, Report: *soakEach, Check: *soakCheck, Out: os.Stdout,
		MaxTrace: *soakMost * 1e9,
	})
	if err != nil {
		t.Fatal(err)
	}
}
