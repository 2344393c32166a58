package trace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "trace")
	dir, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if dir.Path() != path {
		t.Fatalf("path is %s", dir.Path())
	}
	seed := uint64(7)
	run := &Run{Mode: "total", Seed: &seed, Scenario: "<demo>", Versions: map[string]string{"bank-trace": "1"}, Processes: []string{"a/b"}, Settled: true}
	log, err := dir.Log("a/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Header(&Header{Process: "a/b"}), log.Sync()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(log.Path()); err != nil || string(text) != `{"format":"bank-trace/1","process":"a/b"}`+"\n" {
		t.Fatalf("after Sync the file holds %q, %v", text, err)
	}
	if err := errors.Join(log.End(&End{Process: "a/b"}), log.Close(), dir.WriteRun(run)); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Log("a/b"); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("a second log of a process: %v", err)
	}
	if _, err := dir.Log(""); err == nil {
		t.Fatal("a log of a process without name")
	}

	found, err := Find(path)
	if err != nil {
		t.Fatal(err)
	}
	run.Format = Format
	want := &Folder{Dir: path, Logs: []Log{{"a/b", []string{filepath.Join(path, "a%2Fb.jsonl")}}}, Run: run}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatal(diff)
	}

	notes := filepath.Join(path, "notes.txt")
	if err := os.WriteFile(notes, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var inUse *InUseError
	if _, err := Create(path, false); !errors.As(err, &inUse) || inUse.Path != path || inUse.File != "a%2Fb.jsonl" {
		t.Fatalf("over a trace: %v", err)
	}
	if want := path + ": holds a trace already (a%2Fb.jsonl); name another folder, or ask for it to be overwritten"; inUse.Error() != want {
		t.Fatalf("got  %s\nwant %s", inUse, want)
	}
	if _, err := Create(path, true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 1 || entries[0].Name() != "notes.txt" {
		t.Fatalf("overwriting left %v, %v", entries, err)
	}
	if _, err := Create(notes, false); err == nil {
		t.Fatal("made a folder of a file")
	}
}

func TestReadRunErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"format":"bank-trace/2"}`:                           `run.json:1: field "format": "bank-trace/2" is not a format that this version reads; write "bank-trace/1"; logs of a later format need a later version of this program`,
		`{"format":"bank-trace/1","mode":"quick"}`:            `run.json:1: field "mode": "quick" is none of total, causal; leave it out where neither is meant`,
		"{\"format\":\"bank-trace/1\",\n\"settled\":\"yes\"}": `run.json:2: field "settled": a JSON string does not belong here; write it as the documentation of the trace format says, or delete it: the logs can be checked without`,
		"{}{}": `run.json:1: not valid JSON: invalid character '{' after top-level value; write it as the documentation of the trace format says, or delete it: the logs can be checked without`,
	} {
		dir := write(t, map[string]string{RunFile: text})
		_, err := ReadRun(dir)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := filepath.Rel(dir, err.Error()); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	if _, err := ReadRun(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
