package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// history is what a store should keep after each of its commits: [0] is the new store.
type history []kept

// image is what is left of a disk after a power cut, and how many commits had been promised by then.
type image struct {
	files    *vfs.MemFS
	promised uint64
	at       string
}

// chronicle runs a life over a store and takes an image of the disk before operations on it, with some of what was not
// synced kept by chance.
func chronicle(t fataler, seed uint64, commits int) (history, []image) {
	mem := vfs.NewCrashableMem()
	r := rand.New(rand.NewPCG(seed, 2))
	var mu sync.Mutex // the key-value store writes in the background too
	var images []image
	promised := uint64(0)
	snap := func(at string) {
		mu.Lock()
		defer mu.Unlock()
		// Nothing or all that was not synced: Pebble creates a manifest and the marker that names it before one sync of
		// their folder, and counts on a file system that does not keep the second without the first.
		percent := 100 * r.IntN(2)
		images = append(images, image{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r}), promised, at})
	}
	files := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			snap(fmt.Sprintf("before operation %d on %s", op.Kind, op.Path))
		}
		return nil
	}))
	p, twin, l := open(t, files), NewMemory(), newLife(seed)
	all := history{mustContents(t, twin, 0)}
	for i := range commits {
		switch i % 10 {
		case 0: // also the very first commit
			n := twin.Incarnation() + 1
			ok(t, twin.Begin(n), p.Begin(n))
		case 9:
			closeStore(t, p)
			p = open(t, files)
			fallthrough
		default:
			batches := []Batch{l.step(), l.step()}
			ok(t, twin.Commit(batches...), p.Commit(batches...))
		}
		all = append(all, mustContents(t, twin, 0))
		mu.Lock()
		promised = p.position.commits
		mu.Unlock()
		snap("after a commit")
	}
	killed := image{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r}), promised, "killed"}
	closeStore(t, p)
	return all, append(images, killed)
}

func TestAPowerCutLosesNothingPromised(t *testing.T) {
	total, later := 0, 0
	for seed := range uint64(2) {
		all, images := chronicle(t, seed, 14)
		for _, cut := range images {
			p, err := Open("/data/branch-1", identity(), Options{FS: cut.files})
			if err != nil {
				t.Fatalf("seed %d, %s, %d commits promised: %v", seed, cut.at, cut.promised, err)
			}
			n := p.position.commits
			if n < cut.promised || n > cut.promised+1 {
				t.Fatalf("seed %d, %s: %d commits were promised, %d are there", seed, cut.at, cut.promised, n)
			}
			same(t, all[n], mustContents(t, p, 0), fmt.Sprintf("seed %d, %s, %d commits", seed, cut.at, n))
			if n > cut.promised {
				later++
			}
			// It goes on from there, also after another cut that keeps nothing unsynced.
			ok(t, p.Begin(p.Incarnation()+1))
			again := cut.files.CrashClone(vfs.CrashCloneCfg{})
			closeStore(t, p)
			p = open(t, again)
			if p.position.commits != n+1 {
				t.Fatalf("seed %d, %s: %d commits after a second cut, want %d", seed, cut.at, p.position.commits, n+1)
			}
			closeStore(t, p)
			total++
		}
	}
	t.Logf("%d power cuts, %d of them with a commit that nobody was told of", total, later)
	if total < 300 || later == 0 {
		t.Error("too few cuts to show anything")
	}
}

// listing returns all files below a folder.
func listing(t fataler, files vfs.FS, dir string) map[string][]byte {
	all := map[string][]byte{}
	names, err := files.List(dir)
	ok(t, err)
	for _, name := range names {
		path := files.PathJoin(dir, name)
		info, err := files.Stat(path)
		ok(t, err)
		if info.IsDir() {
			for inner, data := range listing(t, files, path) {
				all[inner] = data
			}
			continue
		}
		data, err := readFile(files, path)
		ok(t, err)
		all[path] = data
	}
	return all
}

func written(t fataler, all map[string][]byte) *vfs.MemFS {
	files := vfs.NewMem()
	ok(t, files.MkdirAll("/data/branch-1/db", 0o755))
	for path, data := range all {
		ok(t, writeFile(files, path, data))
	}
	return files
}

// damage opens a store with one bit of one file changed, at many places of all files, and returns how often it was
// refused, or was as before. Anything else fails the test.
func damage(t *testing.T, all history, files vfs.FS) (refused, equal int) {
	r := rand.New(rand.NewPCG(1, 3))
	whole := listing(t, files, "/data")
	for path, data := range whole {
		places := r.Perm(len(data))
		for _, at := range places[:min(len(places), 40)] {
			changed := slices.Clone(data)
			changed[at] ^= 1 << r.IntN(8)
			whole[path] = changed
			where := fmt.Sprintf("%s with byte %d of %d changed", path, at, len(data))
			p, err := Open("/data/branch-1", identity(), Options{FS: written(t, whole)})
			if err == nil {
				var k kept
				k, err = contents(p, 0)
				switch n := p.position.commits; {
				case err != nil:
				case int(n) == len(all)-1 && cmp.Equal(k, all[n], cmpopts.EquateEmpty()):
					equal++
				default:
					t.Errorf("%s: it has %d commits of %d", where, n, len(all)-1)
				}
				_ = p.Close()
			}
			var e *Error
			if err != nil {
				refused++
				if !errors.As(err, &e) || !strings.HasPrefix(e.Path, "/data/branch-1") || e.Remedy == "" || e.Kind != ErrCorrupt && e.Kind != ErrForeign {
					t.Errorf("%s: the error is %v", where, err)
				}
			}
		}
		whole[path] = data
	}
	t.Logf("%d refused, %d as before", refused, equal)
	return refused, equal
}

func TestADamagedStoreIsRefused(t *testing.T) {
	all, images := chronicle(t, 7, 14)
	killed := images[len(images)-1].files // of a process killed after the last commit, which loses nothing written
	closed := killed.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 4))})
	closeStore(t, open(t, closed))
	t.Run("closed", func(t *testing.T) {
		refused, equal := damage(t, all, closed)
		if refused < 100 || equal == 0 {
			t.Error("too little was damaged to show anything")
		}
	})
	t.Run("killed", func(t *testing.T) {
		refused, _ := damage(t, all, killed)
		if refused < 100 {
			t.Error("too little was damaged to show anything")
		}
	})
	t.Run("a file is gone", func(t *testing.T) {
		whole := listing(t, closed, "/data")
		for path, data := range whole {
			delete(whole, path)
			p, err := Open("/data/branch-1", identity(), Options{FS: written(t, whole)})
			if err == nil {
				same(t, all[len(all)-1], mustContents(t, p, 0), "without "+path)
				closeStore(t, p)
			} else if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
				t.Errorf("without %s: %v", path, err)
			}
			whole[path] = data
		}
	})
}

// A list of files that ends too early names an older state, which is whole in itself.
func TestAnOlderStateIsRefused(t *testing.T) {
	all, images := chronicle(t, 7, 12)
	p := open(t, images[len(images)-1].files)
	closeStore(t, p)
	files := p.disk.FS
	before := listing(t, files, "/data")
	p = open(t, files)
	ok(t, p.Commit(newLifeAfter(all).step()))
	closeStore(t, p)
	after := listing(t, files, "/data")
	before["/data/branch-1/STORE"] = after["/data/branch-1/STORE"]
	_, err := Open("/data/branch-1", identity(), Options{FS: written(t, before)})
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "commit") {
		t.Errorf("got %v", err)
	}
}

// newLifeAfter returns a life whose events follow those of a history.
func newLifeAfter(all history) *life {
	l := newLife(99)
	last := all[len(all)-1].State
	l.seq, l.clock = last.Seq, last.Clock
	for origin, writes := range last.Writes {
		l.held[origin] = last.Executed.Get(origin)
		if len(writes) > 0 {
			l.held[origin] = writes[len(writes)-1].ID.N
		}
		l.executed[origin] = l.held[origin]
	}
	return l
}

// fullAfter is a disk with room for n operations that take some.
func fullAfter(n int32) errorfs.Injector {
	var left atomic.Int32
	left.Store(n)
	return errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpCreate, errorfs.OpMkdirAll, errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData:
			if left.Add(-1) < 0 {
				return syscall.ENOSPC
			}
		}
		return nil
	})
}

func TestAFullDiskStopsTheStore(t *testing.T) {
	stopped := 0
	for fail := int32(0); fail < 150; fail += 3 {
		mem, l, twin := vfs.NewMem(), newLife(uint64(fail)), NewMemory()
		files := errorfs.Wrap(mem, fullAfter(fail))
		var all history
		p, err := Open("/data/branch-1", identity(), Options{FS: files})
		acknowledged := 0
		all = append(all, mustContents(t, twin, 0))
		for i := 0; err == nil && i < 30; i++ {
			b := l.step()
			ok(t, twin.Commit(b))
			all = append(all, mustContents(t, twin, 0))
			if err = p.Commit(b); err == nil {
				acknowledged = i + 1
			}
			if i == 15 && err == nil { // what the key-value store does in the background
				ok(t, p.db.Flush())
			}
		}
		if p != nil {
			if err == nil {
				err = p.Close()
			} else {
				if again := p.Commit(l.step()); !errors.Is(again, ErrFull) {
					t.Errorf("failing after %d: the store goes on after %v: %v", fail, err, again)
				}
				_ = p.Close()
			}
		}
		if err == nil {
			continue
		}
		stopped++
		var e *Error
		if !errors.As(err, &e) || e.Kind != ErrFull || !strings.HasPrefix(e.Path, "/data/branch-1") || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("failing after %d: got %v", fail, err)
		}
		p = open(t, mem)
		n := int(p.position.commits)
		if n < acknowledged || n >= len(all) {
			t.Fatalf("failing after %d: %d commits were acknowledged, and it has %d", fail, acknowledged, n)
		}
		same(t, all[n], mustContents(t, p, 0), fmt.Sprintf("failing after %d", fail))
		closeStore(t, p)
	}
	t.Logf("%d disks were full in time", stopped)
	if stopped < 20 {
		t.Error("too few to show anything")
	}
}
