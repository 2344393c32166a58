package trace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

const logSuffix = ".jsonl"

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

// EncodingError says that a log is compressed or binary, in a way that this version does not read.
type EncodingError struct{ Path string }

func (e *EncodingError) Error() string {
	remedy := "convert it to JSON Lines"
	switch filepath.Ext(e.Path) {
	case ".zst":
		remedy = "unpack it with zstd -d"
	case ".gz":
		remedy = "unpack it with gunzip"
	}
	return e.Path + ": this version does not read such logs; " + remedy + " first"
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

// Find finds the logs that paths name: folders (every *.jsonl in them, not in folders below), files, and "-" for
// standard input, which it does not read. Pieces PROCESS.0001.jsonl, PROCESS.0002.jsonl ... of one folder are one log; a
// PROCESS.jsonl beside them is the latest piece. A run.json is read as the [Run]. Logs come in rising order of name; no
// log is opened.
//
// The error is a *[NoLogsError], *[EncodingError], *[TwiceError] or *[OtherRunError], an error of ReadRun, or that of
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
		slices.SortFunc(f.found.Logs[i].Files, comparePieces)
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
		case strings.HasSuffix(name, logSuffix) || isOtherEncoding(name):
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
	switch {
	case isOtherEncoding(name):
		return &EncodingError{path}
	case name == RunFile:
		return f.run(path)
	}
	process, _ := splitName(name)
	return f.log(logKey{filepath.Clean(dir), process}, path)
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

// isOtherEncoding reports whether name is that of a log which this version does not read.
func isOtherEncoding(name string) bool {
	bare := strings.TrimSuffix(strings.TrimSuffix(name, ".zst"), ".gz")
	return strings.HasSuffix(bare, ".binpb") || bare != name && strings.HasSuffix(bare, logSuffix)
}

// fileName returns the name of the file that a process's log has in a trace folder: bytes that file systems or pieces
// give a meaning to are percent-escaped.
func fileName(process string) string {
	return strings.NewReplacer(".", "%2E", ":", "%3A").Replace(url.PathEscape(process)) + logSuffix
}

// splitName returns the process that a log's file name stands for, and the number of the piece, 0 where it has none.
func splitName(name string) (process string, piece uint64) {
	name = strings.TrimSuffix(name, logSuffix)
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i-1 >= 4 {
		if n, err := strconv.ParseUint(name[i+1:], 10, 64); err == nil && n > 0 {
			name, piece = name[:i], n
		}
	}
	if process, err := url.PathUnescape(name); err == nil && process != "" {
		return process, piece
	}
	return name, piece
}

// comparePieces orders the files of one log: by number, and the one without number, which is still written, last.
func comparePieces(a, b string) int {
	_, m := splitName(filepath.Base(a))
	_, n := splitName(filepath.Base(b))
	return cmp.Or(cmp.Compare(m-1, n-1), cmp.Compare(a, b)) // 0-1 is the largest
}
