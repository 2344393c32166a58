package trace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Log is the log of one process: its file, or its rotated pieces in order.
type Log struct {
	Name  string // the process, as the file's name has it; [Stdin] for standard input
	Files []string
}

// Folder is a trace: logs and what is known about their run.
type Folder struct {
	Dir  string // "" where the trace is no single folder
	Logs []Log
	Run  *Run // nil where there is no run.json
}

// NoLogsError says that a folder holds no log. Path is the folder.
type NoLogsError struct{ Path string }

func (e *NoLogsError) Error() string {
	return e.Path + ": no logs in this folder; a trace folder has a file PROCESS.jsonl for each process: " +
		"make one with bank-trace run or bank-trace generate, or name the logs themselves"
}

// CopiesError says that two files of a folder are the same piece of one log, in two encodings.
type CopiesError struct{ First, Second string }

func (e *CopiesError) Error() string {
	return e.Second + ": the same log, or the same piece of one, as " + e.First + "; remove one, or name the files to read"
}

// TwiceError says that two of the paths are the same log.
type TwiceError struct{ First, Second string }

func (e *TwiceError) Error() string {
	if e.First == e.Second {
		return e.First + ": named twice; name each log once"
	}
	return e.Second + ": the same file as " + e.First + "; name each log once"
}

// OtherRunError says that the run.json of two folders are not of the same run.
type OtherRunError struct{ First, Second string }

func (e *OtherRunError) Error() string {
	return e.First + " and " + e.Second + " are of different runs; check one after the other"
}

// Find finds the logs that paths name: folders (every log in them, in any [Encoding], not in folders below), files, and
// "-" for standard input, which it does not read. Files of one folder that are pieces of one log (see the package
// documentation for their names) are put together, in the order of the events that they begin with. A run.json is read as
// the [Run]. Logs come in rising order of name.
//
// Only files that may be pieces are opened, for their first event; where none can be found their names give the order.
//
// The error is a *[NoLogsError], *[CopiesError], *[TwiceError] or *[OtherRunError], an error of ReadRun, or that of
// the file system where a path cannot be looked at.
func Find(paths ...string) (*Folder, error) {
	if len(paths) == 0 {
		return nil, errors.New("no trace named; name a folder, logs, or - for standard input")
	}
	f := finder{seen: make(map[string]string), logs: make(map[logKey]int)}
	for _, path := range paths {
		if err := f.add(path); err != nil {
			return nil, err
		}
	}
	if len(f.found.Logs) == 0 { // a run.json alone
		return nil, &NoLogsError{filepath.Dir(paths[0])}
	}
	for i := range f.found.Logs {
		if err := orderPieces(f.found.Logs[i].Files); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(f.found.Logs, func(a, b Log) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Files[0], b.Files[0]))
	})
	if len(paths) > 1 {
		f.found.Dir = ""
	}
	return &f.found, nil
}

type logKey struct{ dir, process string }

type finder struct {
	found   Folder
	seen    map[string]string // resolved path -> path as named
	logs    map[logKey]int    // place in found.Logs
	runFile string
}

func (f *finder) add(path string) error {
	if path == Stdin {
		return f.log(logKey{"", Stdin}, Stdin)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; name a trace folder, logs, or - for standard input", err)
	case err != nil:
		return err
	case info.IsDir():
		return f.folder(path)
	}
	return f.file(path)
}

func (f *finder) folder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	before := len(f.seen)
	f.found.Dir = dir
	hasRun := false
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case entry.IsDir():
		case name == RunFile:
			hasRun = true
		case IsLog(name):
			if err := f.file(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	if len(f.seen) == before {
		return &NoLogsError{dir}
	}
	if hasRun {
		return f.file(filepath.Join(dir, RunFile))
	}
	return nil
}

func (f *finder) file(path string) error {
	dir, name := filepath.Split(path)
	if name == RunFile {
		return f.run(path)
	}
	return f.log(logKey{filepath.Clean(dir), pieceOf(path).process}, path)
}

func (f *finder) log(key logKey, path string) error {
	real := path
	if path != Stdin {
		if resolved, err := filepath.EvalSymlinks(path); err == nil { // a pipe under /dev/fd resolves to no file
			real = resolved
		}
		var err error
		if real, err = filepath.Abs(real); err != nil {
			return err
		}
	}
	if first, ok := f.seen[real]; ok {
		return &TwiceError{first, path}
	}
	f.seen[real] = path
	i, ok := f.logs[key]
	if !ok {
		i = len(f.found.Logs)
		f.logs[key] = i
		f.found.Logs = append(f.found.Logs, Log{Name: key.process})
	}
	f.found.Logs[i].Files = append(f.found.Logs[i].Files, path)
	return nil
}

func (f *finder) run(path string) error {
	r, err := ReadRun(path)
	switch {
	case err != nil:
		return err
	case f.found.Run == nil:
		f.found.Run, f.runFile = r, path
	case !reflect.DeepEqual(f.found.Run, r):
		return &OtherRunError{f.runFile, path}
	}
	return nil
}
