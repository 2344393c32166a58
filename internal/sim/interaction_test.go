package sim_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite what testdata/interaction and docs/protocol.md expect")

const (
	interactions = "testdata/interaction"
	protocolPage = "../../docs/protocol.md"
	indent       = "    "
)

// entry is one step of a scenario: the lines before it (comments, empty lines), the step, what it leads to.
type entry struct {
	before []string
	line   int // of the step in the section, from 1
	step   string
	output []string
}

// parseSteps reads the steps of a scenario: a step begins its line, its output is indented under it.
func parseSteps(text string) (entries []entry, rest []string) {
	var before []string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, indent) && len(entries) > 0 && len(before) == 0:
			last := &entries[len(entries)-1]
			last.output = append(last.output, strings.TrimPrefix(line, indent))
		case line == "" || line[0] == '#':
			before = append(before, line)
		default:
			entries = append(entries, entry{before: before, line: i + 1, step: line})
			before = nil
		}
	}
	return entries, before
}

// writeSteps is the inverse of parseSteps.
func writeSteps(entries []entry, rest []string) string {
	var b strings.Builder
	for _, e := range entries {
		for _, line := range e.before {
			b.WriteString(line + "\n")
		}
		b.WriteString(e.String())
	}
	for _, line := range rest {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// String writes the step with its output, as in the file.
func (e entry) String() string {
	text := e.step + "\n"
	for _, line := range e.output {
		text += indent + line + "\n"
	}
	return text
}

// scenarios returns the archives of testdata/interaction by name.
func scenarios(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob(interactions + "/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios in %s: %v", interactions, err)
	}
	all := map[string]*txtar.Archive{}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Comment) == 0 || len(a.Files) != 1 || a.Files[0].Name != "steps" {
			t.Fatalf("%s: a scenario is a comment and one section, steps", path)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".txtar")] = a
	}
	return all
}

// TestInteractions plays the scenarios of testdata/interaction. Each drives the cores by hand, one step a line, and
// holds under every step the events and clocks that must come of it. What the branches recorded is checked at the end.
func TestInteractions(t *testing.T) {
	used := map[string]bool{}
	all := scenarios(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		t.Run(name, func(t *testing.T) {
			entries, rest := parseSteps(string(a.Files[0].Data))
			if n := len(entries); n == 0 || entries[n-1].step != "check" {
				t.Fatal("the last step of a scenario is check")
			}
			b := newBottle(t)
			for i := range entries {
				used[strings.Fields(entries[i].step)[0]] = true
				output, err := b.play(entries[i].step)
				if err != nil {
					t.Fatalf("%s: step %d, %q: %v", name, i+1, entries[i].step, err)
				}
				entries[i].output = output
			}
			got := []byte(writeSteps(entries, rest))
			if bytes.Equal(got, a.Files[0].Data) {
				return
			}
			if !*update {
				t.Fatalf("-want +got, or run with -update:\n%s", cmp.Diff(string(a.Files[0].Data), string(got)))
			}
			a.Files[0].Data = got
			if err := os.WriteFile(filepath.Join(interactions, name+".txtar"), txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
	for name := range verbs() {
		if !used[name] && !t.Failed() {
			t.Errorf("no scenario has a step %q", name)
		}
	}
}

// TestProtocolPage keeps the excerpts of docs/protocol.md equal to the scenarios. The fence of an excerpt names the
// scenario and its steps, counted from 1: ```text 02-two-withdrawals 3-5
func TestProtocolPage(t *testing.T) {
	page, err := os.ReadFile(protocolPage)
	if err != nil {
		t.Fatal(err)
	}
	all := scenarios(t)
	shown := map[string]bool{}
	var out []string
	lines := strings.Split(string(page), "\n")
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		place, ok := strings.CutPrefix(lines[i], "```text ")
		if !ok {
			continue
		}
		name, steps, err := excerpt(all, place)
		if err != nil {
			t.Fatalf("%s:%d: %v", protocolPage, i+1, err)
		}
		shown[name] = true
		end := slices.Index(lines[i:], "```")
		if end < 0 {
			t.Fatalf("%s:%d: the excerpt has no end", protocolPage, i+1)
		}
		out = append(out, strings.Split(strings.TrimSuffix(steps, "\n"), "\n")...)
		i += end - 1
	}
	for name := range all {
		if !shown[name] && !strings.Contains(string(page), name) {
			t.Errorf("%s does not speak of scenario %s", protocolPage, name)
		}
	}
	if n := len(out); n > 201 {
		t.Errorf("%s has %d lines; keep it to 200", protocolPage, n-1)
	}
	got := strings.Join(out, "\n")
	if got == string(page) {
		return
	}
	if !*update {
		t.Fatalf("-page +scenarios, or run with -update:\n%s", cmp.Diff(string(page), got))
	}
	if err := os.WriteFile(protocolPage, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
}

// excerpt returns the steps that a place names, as they stand in the file: "NAME FROM-TO" or "NAME STEP".
func excerpt(all map[string]*txtar.Archive, place string) (name, text string, err error) {
	name, steps, _ := strings.Cut(place, " ")
	a, ok := all[name]
	if !ok {
		return "", "", fmt.Errorf("there is no scenario %q", name)
	}
	entries, _ := parseSteps(string(a.Files[0].Data))
	first, last, isRange := strings.Cut(steps, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || from < 1 || from > to || to > len(entries) {
		return "", "", fmt.Errorf("%q: %s has steps 1 to %d", place, name, len(entries))
	}
	var b strings.Builder
	for _, e := range entries[from-1 : to] {
		b.WriteString(e.String())
	}
	return name, b.String(), nil
}
