package trace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a trace folder that is being written.
type Dir struct{ path string }

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
		if entry.IsDir() || name != RunFile && !strings.HasSuffix(name, logSuffix) && !isOtherEncoding(name) {
			continue
		}
		if !overwrite {
			return nil, &InUseError{dir, name}
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return &Dir{dir}, nil
}

// Path returns the folder.
func (d *Dir) Path() string { return d.path }

// WriteRun writes the folder's run.json.
func (d *Dir) WriteRun(r *Run) error { return WriteRun(d.path, r) }

// File creates the file for the log of a process, for a [Recorder], say. A process has one log: a second file for it is
// an error.
func (d *Dir) File(process string) (*os.File, error) {
	if err := checkName(process); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(d.path, fileName(process)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: process %q has a log already; give each process a name of its own, upper and lower case aside",
			err, process)
	}
	return f, err
}

// Log creates the log of a process.
func (d *Dir) Log(process string) (*LogFile, error) {
	f, err := d.File(process)
	if err != nil {
		return nil, err
	}
	return &LogFile{Writer: NewWriter(f), file: f}, nil
}

// LogFile is a log that is being written. Between two of its writes the file ends with a whole line.
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
