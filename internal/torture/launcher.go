package torture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// launcher starts processes, and knows those that run: when it is closed, or where the system offers that when this process
// dies in whatever way, none is left.
type launcher struct {
	starts chan func()

	mu      sync.Mutex
	running map[*process]struct{}
	closed  bool
}

// newLauncher returns a launcher. It is to be closed.
func newLauncher() *launcher {
	l := &launcher{starts: make(chan func()), running: map[*process]struct{}{}}
	go func() {
		// Linux kills such a child when the thread that started it ends, so that one has to stay.
		runtime.LockOSThread()
		for start := range l.starts {
			start()
		}
	}()
	return l
}

// process is a process that was started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; err is set then
	err  error
}

// start starts a command. What it prints goes to out and errs.
func (l *launcher) start(out, errs io.Writer, binary string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, errs
	dieWithParent(p.cmd)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("torture: the launcher is closed")
	}
	started := make(chan error, 1)
	l.starts <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	l.running[p] = struct{}{}
	go func() {
		p.err = p.cmd.Wait()
		l.mu.Lock()
		delete(l.running, p)
		l.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// close kills what still runs, and waits for its end.
func (l *launcher) close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	var left []*process
	for p := range l.running {
		left = append(left, p)
	}
	l.mu.Unlock()
	for _, p := range left {
		p.kill()
	}
	for _, p := range left {
		<-p.done
	}
	close(l.starts)
}

// kill ends the process at whatever it is doing. One that has ended is left alone.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// terminate asks the process to end.
func (p *process) terminate() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// status returns the exit status of a process that has ended; killed says that a signal ended it.
func (p *process) status() (status int, killed bool) {
	status = p.cmd.ProcessState.ExitCode()
	return status, status < 0
}

// Build compiles the command into a folder and returns its path. It wants the go command and this module around the
// working folder.
func Build(dir string) (string, error) {
	binary := dir + string(os.PathSeparator) + "bank-trace"
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", binary, "github.com/seed-8ff1fc32/bank-trace/cmd/bank-trace").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}
