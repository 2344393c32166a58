//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// until waits for a condition that no event tells of.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("after %v it does not hold: %s", patience, what)
		}
	}
}

// A run of processes that is stopped, or killed, leaves no process behind and whole logs.
func TestProcessesEndWithTheRun(t *testing.T) {
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
		status int
	}{
		{"Ctrl-C", syscall.SIGINT, exitUndecided},
		{"SIGTERM", syscall.SIGTERM, exitUndecided},
		{"SIGKILL", syscall.SIGKILL, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			logs, kept := filepath.Join(dir, "trace"), filepath.Join(dir, "tmp")
			endless := filepath.Join(dir, "endless.yaml")
			text := "branches: 2\nopening: {main: 0}\ncustomers:\n  - id: 1\n    steps: [{deposit: 1, at: 1}, {wait: 10m}]\n"
			if err := os.WriteFile(endless, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(kept, 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := bankTrace("run", endless, "--processes", "-o", logs)
			cmd.Env = append(os.Environ(), "TMPDIR="+kept)
			r := launch(t, cmd)
			has := func(process, what string) func() bool {
				return func() bool {
					text, err := os.ReadFile(filepath.Join(logs, process+".jsonl"))
					return err == nil && bytes.Contains(text, []byte(what))
				}
			}
			until(t, "the customer has its answer", has("customer-1", `"kind":"receive"`))
			if err := cmd.Process.Signal(tc.signal); err != nil {
				t.Fatal(err)
			}
			if status := r.status(); status != tc.status {
				t.Errorf("exit status %d", status)
			}
			for _, process := range []string{"branch-1", "branch-2", "customer-1"} {
				until(t, process+" has ended its log", has(process, `{"end":true`))
			}
			// A branch's folder can be opened again when its process has gone, or the folder has.
			for _, id := range []string{"1", "2"} {
				until(t, "branch-"+id+" has gone", func() bool { return gone(t, filepath.Join(kept, "*", "branch-"+id, "LOCK")) })
			}
			if left, err := os.ReadDir(kept); err != nil || len(left) > 0 && tc.status >= 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// gone reports whether no process holds the lock of a store.
func gone(t *testing.T, pattern string) bool {
	t.Helper()
	locks, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range locks {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		lock := syscall.Flock_t{Type: syscall.F_WRLCK}
		err = syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock)
		if f.Close(); err != nil || lock.Type != syscall.F_UNLCK {
			return false
		}
	}
	return true
}
