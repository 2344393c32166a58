package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// The sides of a round of checks, by name. Each reads the same files.
const (
	WC         = "wc -l"
	Cat        = "cat"
	CheckJSONL = "check, JSON Lines"
	CheckBinpb = "check, protobuf"
)

func checkSides() []string { return []string{WC, Cat, CheckJSONL, CheckBinpb} }

// ChecksOptions say on which traces to measure check.
type ChecksOptions struct {
	Mode                string
	Branches, Customers int
	Sizes               []int64   // events, about
	Losses              []float64 // shares of messages
	Rounds              int
	MostJSONL           int64  // events of the largest trace that is measured in JSON Lines: it takes 250 bytes an event
	Dir                 string // folder for the traces, each of which is removed once it is measured; "" means the system's for temporary files
	Progress            func(Progress)
}

func (o *ChecksOptions) check() error {
	switch {
	case o.Rounds < 1:
		return fmt.Errorf("%d rounds; one is the least", o.Rounds)
	case len(o.Sizes) == 0 || len(o.Losses) == 0:
		return errors.New("no size of a trace, or no share of lost messages, is given")
	}
	for _, n := range o.Sizes {
		if n < 1000 {
			return fmt.Errorf("a trace of %d events; 1000 is the least", n)
		}
	}
	for _, loss := range o.Losses {
		if loss < 0 || loss > 0.5 {
			return fmt.Errorf("a share of %g of the messages lost; give 0 to 0.5", loss)
		}
	}
	return nil
}

// traceSize names one of the traces.
type traceSize struct {
	size int64 // as asked for
	loss float64
}

// taken is what one run of a command took.
type taken struct {
	wall, cpu time.Duration
	memory    int64 // bytes, at most; 0 where the system does not tell
}

// measuredTrace is a trace and what was measured on it.
type measuredTrace struct {
	traceSize
	events     int64
	bytes      map[string]int64 // by encoding
	generation taken
	sides      map[string][]taken // by side, a round each
}

// ChecksReport is what a run of RunChecks measured.
type ChecksReport struct {
	options  ChecksOptions
	traces   []*measuredTrace
	recorder recording
}

// RunChecks generates each trace, and lets the commands read it in turn, whole commands from start to end: wc and cat, and
// check of each encoding. Before each of them all files are read once, so that none waits for a disk.
func RunChecks(ctx context.Context, o ChecksOptions) (_ *ChecksReport, err error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	dir, err := os.MkdirTemp(o.Dir, "bank-trace-checks-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c := &checks{ChecksOptions: o, dir: dir, report: &ChecksReport{options: o}}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	c.Progress(Progress{What: "build bank-trace"})
	if err := c.build(ctx); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	for _, size := range o.Sizes {
		for _, loss := range o.Losses {
			if err := c.trace(ctx, traceSize{size, loss}); err != nil {
				return nil, fmt.Errorf("bench: trace of %d events with %g lost: %w", size, loss, err)
			}
		}
	}
	c.Progress(Progress{What: "record events"})
	c.report.recorder, err = record(dir)
	return c.report, err
}

// checks is a run under way.
type checks struct {
	ChecksOptions
	dir, program string
	report       *ChecksReport
}

func (c *checks) build(ctx context.Context) error {
	c.program = filepath.Join(c.dir, "bank-trace")
	if runtime.GOOS == "windows" {
		c.program += ".exe"
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", c.program, "github.com/seed-8ff1fc32/bank-trace/cmd/bank-trace").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, lastLine(out))
	}
	return nil
}

// run runs a command to its end. Its exit status must be 0.
func (c *checks) run(ctx context.Context, out io.Writer, name string, args ...string) (taken, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &complaint
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		return taken{}, errors.Join(context.Cause(ctx), fmt.Errorf("%s: %w: %s", name, err, lastLine(complaint.Bytes())))
	}
	wall, s := time.Since(begun), cmd.ProcessState
	return taken{wall, s.UserTime() + s.SystemTime(), peakMemory(s)}, nil
}

// requests returns how many requests cause about so many events: each write goes to every other branch, which tells all.
func (c *checks) requests(events int64) int64 {
	b := int64(c.Branches)
	return max(1, events/(4+b+b*b*3/4))
}

func (c *checks) trace(ctx context.Context, size traceSize) (err error) {
	t := &measuredTrace{traceSize: size, bytes: map[string]int64{}, sides: map[string][]taken{}}
	c.report.traces = append(c.report.traces, t)
	folders := map[string]string{CheckBinpb: filepath.Join(c.dir, "binpb"), CheckJSONL: filepath.Join(c.dir, "jsonl")}
	defer func() {
		for _, folder := range folders {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	what := fmt.Sprintf("%d events, %g%% lost", size.size, 100*size.loss)
	c.Progress(Progress{What: "generate " + what})
	args := []string{"generate", "--branches", strconv.Itoa(c.Branches), "--customers", strconv.Itoa(c.Customers),
		"--requests", strconv.FormatInt(c.requests(size.size), 10), "--seed", "1", "--encoding", "binpb", "-o", folders[CheckBinpb]}
	if c.Mode != "" {
		args = append(args, "--mode", c.Mode)
	}
	if size.loss > 0 {
		args = append(args, "--faults", fmt.Sprintf("loss=%g", size.loss))
	}
	if t.generation, err = c.run(ctx, io.Discard, c.program, args...); err != nil {
		return err
	}
	sides := []string{CheckBinpb}
	if size.size <= c.MostJSONL {
		sides = checkSides()
		if _, err := c.run(ctx, io.Discard, c.program, "convert", folders[CheckBinpb], folders[CheckJSONL], "--encoding", "jsonl"); err != nil {
			return err
		}
	}
	for round := range c.Rounds {
		for _, side := range sides {
			c.Progress(Progress{What: fmt.Sprintf("%s: round %d of %d, %s", what, round+1, c.Rounds, side)})
			if err := c.side(ctx, t, side, folders); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checks) side(ctx context.Context, t *measuredTrace, side string, folders map[string]string) error {
	folder := folders[CheckJSONL]
	if side == CheckBinpb {
		folder = folders[CheckBinpb]
	}
	logs, size, err := warm(folder)
	if err != nil {
		return err
	}
	t.bytes[side] = size
	var took taken
	switch side {
	case WC:
		took, err = c.run(ctx, io.Discard, "wc", append([]string{"-l"}, logs...)...)
	case Cat:
		took, err = c.run(ctx, io.Discard, "cat", logs...)
	default:
		var out bytes.Buffer
		took, err = c.run(ctx, &out, c.program, "check", "--report", "json", folder)
		var report struct{ Events int64 }
		if err == nil {
			err = json.Unmarshal(out.Bytes(), &report)
		}
		t.events = report.Events
	}
	t.sides[side] = append(t.sides[side], took)
	return err
}

// warm reads the logs of a folder, so that the system has them in memory.
func warm(folder string) (logs []string, size int64, err error) {
	found, err := trace.Find(folder)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range found.Logs {
		for _, file := range l.Files {
			n, err := readAll(file)
			if err != nil {
				return nil, 0, err
			}
			logs, size = append(logs, file), size+n
		}
	}
	return logs, size, nil
}

func readAll(file string) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(io.Discard, struct{ io.Reader }{f})
}

// recording is what it takes to record an event.
type recording struct {
	each   time.Duration
	allocs float64
}

// record records events as lines of JSON into a buffered file.
func record(dir string) (_ recording, err error) {
	const events, lap = 4 << 20, 1 << 18 // the file starts over after a lap, so that the disk does not fill
	f, err := os.Create(filepath.Join(dir, "recorder.jsonl"))
	if err != nil {
		return recording{}, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	r, err := trace.NewRecorder(f, trace.Header{Process: "branch-1", Role: "branch", Mode: "total"})
	if err != nil {
		return recording{}, err
	}
	sent := trace.Event{Step: trace.StepPropagate, Peer: "branch-2", At: 70003,
		Request: trace.ID{Process: "customer-1", N: 12345}, Write: trace.ID{Process: "branch-1", N: 6789}}
	var e trace.Event
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	for n := range events {
		if n%lap == 0 {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return recording{}, err
			}
		}
		e = sent
		if _, err := r.Send(&e); err != nil {
			return recording{}, err
		}
	}
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	return recording{took / events, float64(after.Mallocs-before.Mallocs) / events}, r.Close()
}
