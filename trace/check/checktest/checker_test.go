package checktest_test

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// The streaming checker finds in every case what the twin does, by rule and event.
func TestCheckerOnTheCases(t *testing.T) {
	base, err := txtar.ParseFile(filepath.Join("testdata", "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join("testdata", "rules", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range scenarios(t, archive) {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+s.name, func(t *testing.T) {
				files := s.logs
				if s.edits != "" {
					files = edited(t, base.Files, s.edits)
				}
				var want []string
				for line := range strings.Lines(s.want) {
					words := strings.Fields(line)
					want = append(want, words[0]+" "+words[1])
				}
				slices.Sort(want)
				if diff := gocmp.Diff(slices.Compact(want), streamed(t, s, files)); diff != "" {
					t.Errorf("-twin +checker:\n%s", diff)
				}
			})
		}
	}
}

// streamed returns what the checker finds, as rule and event.
func streamed(t *testing.T, s *scenario, files []txtar.File) []string {
	opt := check.Options{Run: &trace.Run{Settled: s.edits != ""}}
	for _, word := range strings.Fields(s.options) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "settled":
			opt.Run.Settled = true
		case "unsettled":
			opt.Run.Settled = false
		case "strict":
			opt.Strict = true
		case "mode":
			opt.Run.Mode = value
		case "processes":
			opt.Run.Processes = strings.Split(value, ",")
		}
	}
	var sources []check.Source
	for _, f := range files {
		sources = append(sources, check.Bytes(f.Name, f.Data))
	}
	r, err := check.Check(t.Context(), sources, opt)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range r.Findings {
		event := ""
		switch {
		case f.Rule == "log/missing":
			event, _, _ = strings.Cut(strings.TrimPrefix(f.Message, "The run had a process "), " is named as a peer by ")
			event, _, _ = strings.Cut(event, ", and no log")
		case f.Event.Seq > 0 && f.Rule != "log/truncated" && f.Rule != "money/not-conserved":
			event = f.Event.Ref()
		default:
			event = cmp.Or(f.Event.Process, f.Event.File)
		}
		found = append(found, f.Rule+" "+event)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
