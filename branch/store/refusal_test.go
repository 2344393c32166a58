package store

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// refused checks an error's kind, that it names the path, and that its text has all that a person needs.
func refused(t *testing.T, err, kind error, path string, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind || !errors.Is(err, kind) {
		t.Fatalf("got %v, want an error of kind %v", err, kind)
	}
	if e.Path != path || e.Remedy == "" {
		t.Errorf("got path %q and remedy %q, want path %q", e.Path, e.Remedy, path)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %q", word, err)
		}
	}
}

func TestTheStoreOfAnotherIsRefused(t *testing.T) {
	files := vfs.NewMem()
	closeStore(t, open(t, files))
	other := bank
	other.Opening = map[string]int64{"main": 500}
	foreign := Identity{other.ClusterHash(), other.ClusterText(), bank.Name}
	_, err := Open("/data/branch-1", foreign, Options{FS: files})
	refused(t, err, ErrForeign, "/data/branch-1/STORE", `\"main\"=400`, `\"main\"=500`)

	sibling := identity()
	sibling.Branch = "branch-2"
	_, err = Open("/data/branch-1", sibling, Options{FS: files})
	refused(t, err, ErrForeign, "/data/branch-1/STORE", `"branch-1"`, `"branch-2"`)

	if _, err = Open("/data", identity(), Options{FS: files}); err == nil {
		t.Fatal("a folder with something else was taken")
	}
	refused(t, err, ErrForeign, "/data", `"branch-1"`)
	if names, _ := files.List("/data"); len(names) != 1 {
		t.Errorf("the folder that was refused holds %q now", names)
	}

	later := claim{format: "bank-trace-store/2", id: identity()}
	ok(t, writeFile(files, "/data/branch-1/STORE", later.encode()))
	_, err = Open("/data/branch-1", identity(), Options{FS: files})
	refused(t, err, ErrVersion, "/data/branch-1/STORE", "bank-trace-store/2", format)

	// The file STORE of one store with the data of another.
	swapped := claim{format: format, id: sibling}
	ok(t, writeFile(files, "/data/branch-1/STORE", swapped.encode()))
	_, err = Open("/data/branch-1", sibling, Options{FS: files})
	refused(t, err, ErrForeign, "/data/branch-1/db", `"branch-1"`, `"branch-2"`)
}

func TestAStoreInUseIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p, err := Open(dir, identity(), Options{})
	ok(t, err)
	_, err = Open(dir, identity(), Options{})
	refused(t, err, ErrLocked, filepath.Join(dir, lockFile))
	closeStore(t, p)

	holder := exec.Command(os.Args[0], "-test.run=^TestHoldStore$")
	holder.Env = append(os.Environ(), "HOLD_STORE="+dir)
	in, err := holder.StdinPipe()
	ok(t, err)
	out, err := holder.StdoutPipe()
	ok(t, err, holder.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	_, err = Open(dir, identity(), Options{})
	refused(t, err, ErrLocked, filepath.Join(dir, lockFile))
	ok(t, holder.Process.Kill(), in.Close())
	if err := holder.Wait(); err == nil {
		t.Error("the other process was not killed")
	}
	p, err = Open(dir, identity(), Options{})
	ok(t, err)
	if p.Incarnation() != 7 {
		t.Errorf("incarnation %d, want what the killed process began", p.Incarnation())
	}
	closeStore(t, p)
}

// TestHoldStore is the other process.
func TestHoldStore(t *testing.T) {
	dir := os.Getenv("HOLD_STORE")
	if dir == "" {
		t.Skip("only as a process of its own")
	}
	p, err := Open(dir, identity(), Options{})
	ok(t, err, p.Begin(7))
	_, err = os.Stdout.WriteString("held\n")
	ok(t, err)
	_, err = io.Copy(io.Discard, os.Stdin) // until it is killed
	ok(t, err)
}

func TestAFolderThatCannotBeWrittenIsRefused(t *testing.T) {
	for _, cause := range []error{syscall.EROFS, fs.ErrPermission} {
		files := vfs.NewMem()
		for range 2 { // a new folder, and one with a store in it
			_, err := Open("/data/branch-1", identity(), Options{FS: errorfs.Wrap(files, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == errorfs.OpLock || op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					return cause
				}
				return nil
			}))})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			refused(t, err, ErrReadOnly, e.Path)
			closeStore(t, open(t, files))
		}
	}
	if os.Getuid() == 0 {
		t.Log("root writes everywhere: a real folder is not tried")
		return
	}
	dir := t.TempDir()
	ok(t, os.Chmod(dir, 0o555))
	_, err := Open(filepath.Join(dir, "data"), identity(), Options{})
	refused(t, err, ErrReadOnly, filepath.Join(dir, "data"))
}

func TestADiskThatFailsStopsTheStore(t *testing.T) {
	mem := vfs.NewMem()
	failing := false
	p, err := Open("/data/branch-1", identity(), Options{FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			return syscall.EIO
		}
		return nil
	}))})
	ok(t, err)
	l := newLife(3)
	ok(t, p.Commit(l.step()))
	failing = true
	err = p.Commit(l.step())
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	refused(t, err, ErrFailed, e.Path, "input/output error")
	failing = false // a sync that succeeds afterwards says nothing of what the other one left
	if again := p.Commit(l.step()); !errors.Is(again, ErrFailed) {
		t.Errorf("the store goes on: %v", again)
	}
	if _, err := p.Load(); !errors.Is(err, ErrFailed) {
		t.Errorf("the store answers: %v", err)
	}
	if err := p.Close(); !errors.Is(err, ErrFailed) {
		t.Errorf("closing says %v", err)
	}
}
