package trace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// write makes files with the given texts in a new folder.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const runText = `{"format":"bank-trace/1","mode":"total","processes":["a"],"settled":true}`

func TestFindFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"b.jsonl": "", "a%2Fb%2Ec.jsonl": "", "a.0010.jsonl": "", "a.0002.jsonl": "", "a.jsonl": "", "a-b.jsonl": "",
		"service.12.jsonl": "", "run.json": runText, "notes.txt": "", "below/c.jsonl": "", "d.jsonl/e.jsonl": "",
	})
	got, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	in := func(names ...string) (paths []string) {
		for _, n := range names {
			paths = append(paths, filepath.Join(dir, n))
		}
		return paths
	}
	want := &Folder{Dir: dir, Run: &Run{Format: Format, Mode: "total", Processes: []string{"a"}, Settled: true}, Logs: []Log{
		{"a", in("a.0002.jsonl", "a.0010.jsonl", "a.jsonl")},
		{"a-b", in("a-b.jsonl")},
		{"a/b.c", in("a%2Fb%2Ec.jsonl")},
		{"b", in("b.jsonl")},
		{"service.12", in("service.12.jsonl")},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestFindFiles(t *testing.T) {
	one := write(t, map[string]string{"a.0001.jsonl": "", "a.0002.jsonl": "", "all.log": "", "run.json": runText})
	two := write(t, map[string]string{"a.jsonl": "", "run.json": runText})
	path := func(dir, name string) string { return filepath.Join(dir, name) }

	got, err := Find(Stdin, path(one, "a.0002.jsonl"), path(one, "all.log"), path(one, "run.json"), two, path(one, "a.0001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Log{
		{Stdin, []string{Stdin}},
		{"a", []string{path(one, "a.0001.jsonl"), path(one, "a.0002.jsonl")}},
		{"a", []string{path(two, "a.jsonl")}},
		{"all.log", []string{path(one, "all.log")}},
	}
	if want[1].Files[0] > want[2].Files[0] {
		want[1], want[2] = want[2], want[1]
	}
	if diff := cmp.Diff(want, got.Logs); diff != "" {
		t.Fatal(diff)
	}
	if got.Dir != "" || got.Run == nil || !got.Run.Settled {
		t.Fatalf("%+v", got)
	}
}

func TestFindErrors(t *testing.T) {
	dir := write(t, map[string]string{
		"full/a.jsonl": "", "full/run.json": runText, "full/run/b.jsonl": "", "empty/notes.txt": "", "runonly/run.json": runText,
		"copies/a.jsonl": "", "copies/a.binpb.zst": "",
		"other/a.jsonl": "", "other/run.json": strings.Replace(runText, "total", "causal", 1), "bad/a.jsonl": "", "bad/run.json": "{\n\"format\":",
	})
	if err := os.Symlink(filepath.Join(dir, "full", "a.jsonl"), filepath.Join(dir, "link.jsonl")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	for _, c := range []struct {
		paths []string
		want  any
		text  string
	}{
		{nil, nil, "no trace named; name a folder, logs, or - for standard input"},
		{[]string{"nowhere"}, fs.ErrNotExist, "stat DIR/nowhere: no such file or directory; name a trace folder, logs, or - for standard input"},
		{[]string{"empty"}, new(*NoLogsError), "DIR/empty: no logs in this folder; a trace folder has a file PROCESS.jsonl for each process: make one with bank-trace run or bank-trace generate, or name the logs themselves"},
		{[]string{"runonly"}, new(*NoLogsError), ""},
		{[]string{"runonly/run.json"}, new(*NoLogsError), ""},
		{[]string{"full", "empty"}, new(*NoLogsError), ""},
		{[]string{"copies"}, new(*CopiesError), "DIR/copies/a.jsonl: the same log, or the same piece of one, as DIR/copies/a.binpb.zst; remove one, or name the files to read"},
		{[]string{"full/a.jsonl", "full/../full/a.jsonl"}, new(*TwiceError), "DIR/full/a.jsonl: named twice; name each log once"},
		{[]string{"full", "link.jsonl"}, new(*TwiceError), "DIR/link.jsonl: the same file as DIR/full/a.jsonl; name each log once"},
		{[]string{"-", "-"}, new(*TwiceError), "-: named twice; name each log once"},
		{[]string{"full", "other"}, new(*OtherRunError), "DIR/full/run.json and DIR/other/run.json are of different runs; check one after the other"},
		{[]string{"bad"}, new(*SyntaxError), "DIR/bad/run.json:2: not valid JSON: unexpected end of JSON input; write it as the documentation of the trace format says, or delete it: the logs can be checked without"},
	} {
		var paths []string
		for _, p := range c.paths {
			if p != Stdin {
				p = filepath.Join(dir, p)
			}
			paths = append(paths, p)
		}
		_, err := Find(paths...)
		if err == nil {
			t.Errorf("%v: no error", c.paths)
			continue
		}
		got := strings.ReplaceAll(err.Error(), dir, "DIR")
		switch want := c.want.(type) {
		case nil:
		case error:
			if !errors.Is(err, want) {
				t.Errorf("%v: %v is not %v", c.paths, err, want)
			}
		default:
			if !errors.As(err, want) {
				t.Errorf("%v: %v is no %T", c.paths, err, want)
			}
		}
		if c.text != "" && filepath.ToSlash(got) != c.text {
			t.Errorf("%v\ngot  %s\nwant %s", c.paths, got, c.text)
		}
	}
}

// The name of a log's file stands for its process alone, and is safe on every file system.
func TestFileName(t *testing.T) {
	for process, want := range map[string]string{
		"branch-1": "branch-1.jsonl", "a.0001": "a%2E0001.jsonl", "..": "%2E%2E.jsonl", "a/b": "a%2Fb.jsonl", `a\b`: "a%5Cb.jsonl", "c:d": "c%3Ad.jsonl",
	} {
		if got := fileName(process, JSONL); got != want {
			t.Errorf("fileName(%q) = %s, want %s", process, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		process := rapid.StringOfN(rapid.Rune(), 1, -1, maxName).Draw(t, "process")
		name := fileName(process, JSONL)
		if strings.ContainsAny(name, "/\\:*?\"<>|\x00 ") || strings.Count(name, ".") != 1 {
			t.Fatalf("%q is no safe name", name)
		}
		if got := splitName(name); got != (piece{process: process}) {
			t.Fatalf("%q is read as %+v, not as the log of %q", name, got, process)
		}
		bare := strings.TrimSuffix(name, ".jsonl")
		for _, numbered := range []string{bare + ".0042.jsonl", bare + ".0042.binpb.zst", bare + ".jsonl.42", bare + ".binpb.42.gz"} {
			if got := splitName(numbered); got != (piece{process: process, number: 42}) || !IsLog(numbered) {
				t.Fatalf("%q is read as %+v, not as piece 42 of %q", numbered, got, process)
			}
		}
	})
}

func TestLogOpen(t *testing.T) {
	dir := write(t, map[string]string{
		"a.0001.jsonl": seeds[0] + "\n\n" + seeds[1] + "\n", "a.0002.jsonl": "", "a.0003.jsonl": seeds[2] + "\njunk\n" + seeds[4][:9],
	})
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := found.Logs[0].Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	type place struct {
		File string
		Line int
		Text string
	}
	var got []place
	for log.Scan() {
		text := strings.TrimSuffix(string(appendRecord(nil, log.Record())), "\n")
		if err, ok := log.Record().(*SyntaxError); ok {
			text = filepath.Base(err.File)
		}
		got = append(got, place{filepath.Base(log.File()), log.Line(), text})
	}
	if log.Err() != nil {
		t.Fatal(log.Err())
	}
	want := []place{
		{"a.0001.jsonl", 1, seeds[0]}, {"a.0001.jsonl", 3, seeds[1]},
		{"a.0003.jsonl", 1, seeds[2]}, {"a.0003.jsonl", 2, "a.0003.jsonl"}, {"a.0003.jsonl", 3, "a.0003.jsonl"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}

	std, err := Log{Stdin, []string{Stdin}}.Open(strings.NewReader(seeds[4]))
	if err != nil || !std.Scan() || std.Scan() || std.Err() != nil || std.File() != "standard input" {
		t.Fatalf("standard input: %v, %v", err, std.Err())
	}

	if err := os.Remove(filepath.Join(dir, "a.0003.jsonl")); err != nil {
		t.Fatal(err)
	}
	gone, err := found.Logs[0].Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for gone.Scan() {
		n++
	}
	if n != 2 || !errors.Is(gone.Err(), fs.ErrNotExist) {
		t.Fatalf("a piece that is gone: %d records, %v", n, gone.Err())
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := (Log{Name: "x"}).Open(nil); err == nil {
		t.Fatal("opened a log without file")
	}
}
