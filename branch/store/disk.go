package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fuse blows at the first write that fails, and stays blown.
type fuse struct {
	once sync.Once
	err  error         // set before done is closed
	done chan struct{} // closed when the fuse has blown
}

func newFuse() *fuse { return &fuse{done: make(chan struct{})} }

func (f *fuse) blow(err error) { f.once.Do(func() { f.err = err; close(f.done) }) }

func (f *fuse) blown() error {
	select {
	case <-f.done:
		return f.err
	default:
		return nil
	}
}

// disk is a file system that changes nothing any more once a change has failed: what a failed sync has left on the disk is
// unknown, and a later sync that succeeds does not make it known. The key-value store is not told. It would panic, end the
// process or try for ever; so its changes seem to succeed and go nowhere, while the fuse tells the store, which takes
// nothing more and answers nothing.
type disk struct {
	vfs.FS
	fuse *fuse
}

// try makes a change if none has failed yet. Its only error is fs.ErrNotExist, which is an answer and not a failure.
func (d *disk) try(path, what string, change func() error) error {
	if d.fuse.blown() != nil {
		return nil
	}
	err := change()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.fuse.blow(diskError(path, what, err))
	return nil
}

func (d *disk) file(path string, open func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := d.try(path, "it cannot be created", func() (err error) { f, err = open(); return err })
	if err != nil {
		return nil, err
	}
	if f == nil {
		return &diskFile{File: nowhere{d, path}, disk: d, path: path}, nil
	}
	return &diskFile{File: f, disk: d, path: path}, nil
}

func (d *disk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.file(name, func() (vfs.File, error) { return d.FS.Create(name, category) })
}

func (d *disk) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.file(name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, category, opts...) })
}

func (d *disk) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.file(to, func() (vfs.File, error) { return d.FS.ReuseForWrite(from, to, category) })
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &diskFile{File: f, disk: d, path: name}, nil
}

func (d *disk) Link(from, to string) error {
	return d.try(to, "it cannot be linked", func() error { return d.FS.Link(from, to) })
}

func (d *disk) Rename(from, to string) error {
	return d.try(to, "it cannot be renamed", func() error { return d.FS.Rename(from, to) })
}

func (d *disk) MkdirAll(dir string, perm os.FileMode) error {
	return d.try(dir, "the folder cannot be made", func() error { return d.FS.MkdirAll(dir, perm) })
}

// Remove may fail: a file that is left over is removed another time.
func (d *disk) Remove(name string) error {
	if d.fuse.blown() != nil {
		return nil
	}
	return d.FS.Remove(name)
}

// RemoveAll may fail as Remove may.
func (d *disk) RemoveAll(name string) error {
	if d.fuse.blown() != nil {
		return nil
	}
	return d.FS.RemoveAll(name)
}

func (d *disk) Unwrap() vfs.FS { return d.FS }

// diskFile is a file on a disk.
type diskFile struct {
	vfs.File
	disk *disk
	path string
}

func (f *diskFile) Write(p []byte) (int, error) {
	return len(p), f.disk.try(f.path, "it cannot be written", func() error {
		n, err := f.File.Write(p)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		return err
	})
}

func (f *diskFile) WriteAt(p []byte, offset int64) (int, error) {
	return len(p), f.disk.try(f.path, "it cannot be written", func() error {
		_, err := f.File.WriteAt(p, offset)
		return err
	})
}

func (f *diskFile) Sync() error {
	return f.disk.try(f.path, "it cannot be synced", f.File.Sync)
}

func (f *diskFile) SyncData() error {
	return f.disk.try(f.path, "it cannot be synced", f.File.SyncData)
}

func (f *diskFile) SyncTo(length int64) (full bool, err error) {
	err = f.disk.try(f.path, "it cannot be synced", func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// nowhere is a file that could not be created.
type nowhere struct {
	disk *disk
	path string
}

func (nowhere) Read([]byte) (int, error)               { return 0, io.EOF }
func (nowhere) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (nowhere) Write(p []byte) (int, error)            { return len(p), nil }
func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Preallocate(int64, int64) error         { return nil }

// Stat returns what there is, the folder, since an error would end the process.
func (n nowhere) Stat() (vfs.FileInfo, error) { return n.disk.FS.Stat(n.disk.PathDir(n.path)) }
func (nowhere) Sync() error                   { return nil }
func (nowhere) SyncTo(int64) (bool, error)    { return true, nil }
func (nowhere) SyncData() error               { return nil }
func (nowhere) Prefetch(int64, int64) error   { return nil }
func (nowhere) Fd() uintptr                   { return vfs.InvalidFd }
func (nowhere) Close() error                  { return nil }
