package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// etcdSide is an etcd cluster of three nodes, all in one process of their own together with the callers. Each puts under a
// key of its own at one of the nodes. The program is a Go module of its own, in the folder etcd beside this file.
type etcdSide struct{ program string }

// unavailable says why there is no etcd to compare with.
type unavailable struct{ why string }

func (u *unavailable) Error() string { return u.why }

const stopTime = 10 * time.Second // for the process to end when it is told to

// buildEtcd builds the program into a folder. The error is an *unavailable if it cannot be built here.
func buildEtcd(ctx context.Context, dir string) (etcdSide, error) {
	module, err := etcdModule(ctx)
	if err != nil {
		return etcdSide{}, err
	}
	program := filepath.Join(dir, "etcd-puts")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = module
	build.Env = append(os.Environ(), "GOWORK=off")
	out, err := build.CombinedOutput()
	if ctx.Err() != nil {
		return etcdSide{}, context.Cause(ctx)
	}
	if err != nil {
		return etcdSide{}, &unavailable{fmt.Sprintf("go build in %s: %v: %s; building it the first time needs a module proxy (go env GOPROXY)",
			module, err, lastLine(out))}
	}
	return etcdSide{program}, nil
}

// etcdModule finds the folder of the program's source.
func etcdModule(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", &unavailable{fmt.Sprintf("go env GOMOD: %v; the go command builds it", err)}
	}
	file := strings.TrimSpace(string(out)) // "" or the null device outside all modules
	module := filepath.Join(filepath.Dir(file), "internal", "bench", "etcd")
	_, err = os.Stat(filepath.Join(module, "go.mod"))
	switch {
	case filepath.Base(file) != "go.mod" || errors.Is(err, fs.ErrNotExist):
		return "", &unavailable{"its source is not here; run this in a folder of bank-trace's own source"}
	case err != nil:
		return "", err
	}
	return module, nil
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// measure runs the program once. It ends when its standard input does, and so never outlives this process.
func (e etcdSide) measure(ctx context.Context, c cell) (sample, error) {
	run := exec.CommandContext(ctx, e.program, "--dir", c.dir, "--callers", strconv.Itoa(c.callers),
		"--warm", c.warm.String(), "--window", c.window.String())
	var out, problem bytes.Buffer
	run.Stdout, run.Stderr = &out, &problem
	in, err := run.StdinPipe()
	if err != nil {
		return sample{}, err
	}
	run.Cancel, run.WaitDelay = in.Close, stopTime
	err = run.Run()
	if ctx.Err() != nil {
		return sample{}, context.Cause(ctx)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, lastLine(problem.Bytes()))
	}
	var figures struct {
		Window    time.Duration   `json:"window_ns"`
		Latencies []time.Duration `json:"latencies_ns"`
		Puts      int             `json:"puts"`
		CPU       time.Duration   `json:"cpu_ns"`
	}
	if err := json.Unmarshal(out.Bytes(), &figures); err != nil {
		return sample{}, fmt.Errorf("what the process printed: %w", err)
	}
	s, err := newSample(figures.Latencies, figures.Window)
	s.cpu = perCall(figures.CPU, figures.Puts)
	return s, err
}
