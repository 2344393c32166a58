package trace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Dir is a trace folder that is being written.
type Dir struct {
	path    string
	mu      sync.Mutex
	packers [3]*packer // shared by the logs
}

// InUseError says that a folder holds a trace already. Path is the folder, File one of the trace's files.
type InUseError struct{ Path, File string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("%s: holds a trace already (%s); name another folder, or ask for it to be overwritten", e.Path, e.File)
}

// Create makes a folder for the trace of a run, and the folders above it. A folder that holds a trace is refused with
// an *[InUseError], unless overwrite is set: then the logs and the run.json in it are removed. Other files stay.
func Create(dir string, overwrite bool) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || name != RunFile && !IsLog(name) {
			continue
		}
		if !overwrite {
			return nil, &InUseError{dir, name}
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return &Dir{path: dir}, nil
}

// Path returns the folder.
func (d *Dir) Path() string { return d.path }

// WriteRun writes the folder's run.json.
func (d *Dir) WriteRun(r *Run) error { return WriteRun(d.path, r) }

// File creates the file for a log of JSON Lines, for a [Recorder], say. A process has one log: a second file for it is
// an error.
func (d *Dir) File(process string) (*os.File, error) { return d.file(process, JSONL) }

func (d *Dir) file(process string, enc Encoding) (*os.File, error) {
	if err := checkName(process); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(enc.LogPath(d.path, process), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: process %q has a log already; give each process a name of its own, upper and lower case aside",
			err, process)
	}
	return f, err
}

// Log creates the log of a process, in JSON Lines.
func (d *Dir) Log(process string) (*LogFile, error) { return d.LogIn(process, JSONL) }

// LogIn creates the log of a process, in the given encoding. All logs of a folder should have the same.
func (d *Dir) LogIn(process string, enc Encoding) (*LogFile, error) {
	f, err := d.file(process, enc)
	if err != nil {
		return nil, err
	}
	return &LogFile{Writer: newWriter(f, enc, d.packer(enc.packing())), file: f}, nil
}

func (d *Dir) packer(p packing) *packer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.packers[p] == nil {
		d.packers[p] = newPacker(p)
	}
	return d.packers[p]
}

// LogFile is a log that is being written. Between two of its writes the file ends with a whole record.
type LogFile struct {
	*Writer
	file *os.File
}

// Path returns the name of the file.
func (l *LogFile) Path() string { return l.file.Name() }

// Sync flushes, and waits until all that was written is on disk.
func (l *LogFile) Sync() error {
	if err := l.Flush(); err != nil {
		return err
	}
	return l.file.Sync()
}

// Close flushes and closes the file. What must outlive the machine is synced first.
func (l *LogFile) Close() error { return errors.Join(l.Flush(), l.file.Close()) }
