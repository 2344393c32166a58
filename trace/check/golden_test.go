package check

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

var update = flag.Bool("update", false, "write the reports of testdata/*.txtar anew")

// TestGolden checks the traces of testdata. An archive holds logs, perhaps a run.json, and what is to come out: report
// is the text, report.json the JSON where the archive has it. The comment's last line is the options.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			golden(t, path)
		})
	}
}

func golden(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opt, sources := archive(t, a)
	r := mustCheck(t, sources, opt)
	got := map[string][]byte{
		"report": fmt.Appendf([]byte(text(r)), "exit status %d\n", r.ExitStatus()),
	}
	var buf bytes.Buffer
	if err := r.WriteJSON(&buf); err != nil {
		t.Fatal(err)
	}
	got["report.json"] = buf.Bytes()
	changed := false
	for i, f := range a.Files {
		want, ok := got[f.Name]
		if !ok || bytes.Equal(want, f.Data) {
			continue
		}
		if !*update {
			t.Errorf("%s: -want +got, or run with -update:\n%s", f.Name, cmp.Diff(string(f.Data), string(want)))
		}
		a.Files[i].Data, changed = want, true
	}
	if *update && changed {
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range strings.Split(text(r), "\n") {
		if len([]rune(line)) > textWidth {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
	}
}

// archive returns the options and the logs of an archive. A log whose name ends in .torn is one without the last line end.
func archive(t *testing.T, a *txtar.Archive) (Options, []Source) {
	var opt Options
	lines := strings.Split(strings.TrimSpace(string(a.Comment)), "\n")
	for _, word := range strings.Fields(lines[len(lines)-1]) {
		switch {
		case word == "--strict":
			opt.Strict = true
		case word == "--allow-truncated":
			opt.AllowTruncated = true
		case strings.HasPrefix(word, "--rules="):
			opt.Rules = strings.Split(strings.TrimPrefix(word, "--rules="), ",")
		}
	}
	var sources []Source
	for _, f := range a.Files {
		switch {
		case f.Name == "run.json":
			opt.Run = &trace.Run{}
			if err := json.Unmarshal(f.Data, opt.Run); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(f.Name, ".torn"):
			sources = append(sources, Bytes(strings.TrimSuffix(f.Name, ".torn"), bytes.TrimSuffix(f.Data, []byte("\n"))))
		case strings.HasSuffix(f.Name, ".jsonl"):
			sources = append(sources, Bytes(f.Name, f.Data))
		}
	}
	return opt, sources
}
