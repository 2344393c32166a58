package cluster

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

const (
	// stopTimeout is how long a process may take to end in order before it is killed.
	stopTimeout = 10 * time.Second
	// mostOutput is how many of the last lines that a process wrote to standard error are kept.
	mostOutput = 40
	// mostLine is the length in bytes beyond which a line is cut.
	mostLine = 64 << 10
)

// ProcessError says that a process of a run ended before its time, or with an error.
type ProcessError struct {
	Process string
	Err     error    // why it ended; nil if it ended in order, but too early
	Output  []string // the last lines that it wrote to standard error
}

// Error gives the process, how it ended, and what it said, each line with its name.
func (e *ProcessError) Error() string {
	text := e.Process + " ended before it was told to"
	if e.Err != nil {
		text = fmt.Sprintf("%s ended: %v", e.Process, e.Err)
	}
	for _, line := range e.Output {
		text += "\n  " + e.Process + ": " + line
	}
	return text
}

// Unwrap returns why it ended.
func (e *ProcessError) Unwrap() error { return e.Err }

// process is one that this one has started.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // closed when it has ended and been waited for
	err   error         // how it ended, once ended is closed

	mu     sync.Mutex
	told   bool // to stop
	output []string
}

// start starts a process. Each line that it writes is handed over by one goroutine a stream; out may be nil.
func start(name string, cmd *exec.Cmd, out, errs func(line string)) (*process, error) {
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.stdin = in
	var reading sync.WaitGroup
	reading.Go(func() { lines(stdout, out) })
	reading.Go(func() { lines(stderr, func(line string) { p.keep(line); errs(line) }) })
	go func() {
		reading.Wait()
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// lines hands over line by line until the end.
func lines(r io.Reader, take func(string)) {
	in := bufio.NewReaderSize(r, mostLine)
	for {
		line, more, err := in.ReadLine()
		if err != nil {
			return
		}
		if take != nil {
			take(string(line))
		}
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
	}
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.output) == mostOutput {
		p.output = append(p.output[:0], p.output[1:]...)
	}
	p.output = append(p.output, line)
}

func (p *process) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}

// stop has the process end in order, kills it if it does not, and waits for its end. The error is how it ended, unless
// it had ended before.
func (p *process) stop() error {
	p.mu.Lock()
	select {
	case <-p.ended:
		p.mu.Unlock()
		return nil
	default:
	}
	p.told = true
	p.mu.Unlock()
	_ = p.stdin.Close() // it may have gone meanwhile
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		_ = p.cmd.Process.Kill() // it may have gone meanwhile
		<-p.ended
		return fmt.Errorf("%s did not stop within %v and was killed: %w", p.name, stopTimeout, p.failure())
	}
	if p.err != nil {
		return p.failure()
	}
	return nil
}

// failure is how a process that has ended did so.
func (p *process) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &ProcessError{Process: p.name, Err: p.err, Output: p.output}
}
