package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// TestOwnLogsPage also demands that the commands of the CI step are among those that the page shows.
func TestOwnLogsPage(t *testing.T) {
	d := followPage(t, "own-logs.md")
	if d.files < 5 || len(d.commands) < 3 {
		t.Errorf("the page has %d files and the commands %q, so this proves nothing", d.files, d.commands)
	}
	for _, step := range d.steps {
		if strings.HasPrefix(step, "bank-trace ") && !slices.Contains(d.commands, step) {
			t.Errorf("the CI step %q is not shown with what it prints", step)
		}
	}
	if !slices.ContainsFunc(d.steps, func(s string) bool { return strings.HasPrefix(s, "bank-trace check --report github") }) {
		t.Errorf("no CI step checks: %q", d.steps)
	}
}

func TestExplainPage(t *testing.T) {
	if d := followPage(t, "explain.md"); len(d.commands) < 5 || d.status != exitHolds {
		t.Errorf("the page has the commands %q, the last with status %d; this proves nothing", d.commands, d.status)
	}
}

func TestTourPage(t *testing.T) {
	if d := followPage(t, "tour.md"); d.files != 2 || len(d.commands) < 10 {
		t.Errorf("the page has %d files and the commands %q; this proves nothing", d.files, d.commands)
	}
}

func TestFormatPage(t *testing.T) {
	if d := followPage(t, "format.md"); d.files != 1 || len(d.commands) < 2 {
		t.Errorf("the page has %d files and the commands %q; this proves nothing", d.files, d.commands)
	}
}

// followPage does what a page of docs tells its reader to do: a block after the name of a file is written to it, the commands of
// console blocks are run, and what they print must be what the page shows; -update writes it anew.
func followPage(t *testing.T, name string) *dryRun {
	t.Helper()
	page, err := filepath.Abs(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	d := &dryRun{t: t}
	after := d.follow(string(before))
	switch {
	case after == string(before):
	case *update:
		if err := os.WriteFile(page, []byte(after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/%s: -page +what happens, or run with -update:\n%s", name, cmp.Diff(string(before), after))
	}
	return d
}

// dryRun follows a page.
type dryRun struct {
	t        *testing.T
	files    int
	commands []string
	steps    []string // of the workflows in it
	status   int      // of the command run last
}

// follow returns the page with what its commands print now.
func (d *dryRun) follow(page string) string {
	var out strings.Builder
	lines := strings.SplitAfter(page, "\n")
	named := ""
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		out.WriteString(line)
		lang, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		if !fence {
			if text := strings.TrimSpace(line); text != "" {
				named = ""
				if name := strings.Trim(text, "`"); text == "`"+name+"`" {
					named = name
				}
			}
			continue
		}
		var block []string
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			block = append(block, lines[i])
		}
		out.WriteString(d.block(lang, named, block))
		named = ""
		if i < len(lines) {
			out.WriteString(lines[i])
		}
	}
	return out.String()
}

func (d *dryRun) block(lang, named string, lines []string) string {
	d.t.Helper()
	text := strings.Join(lines, "")
	switch {
	case named != "":
		d.files++
		if err := os.MkdirAll(filepath.Dir(named), 0o755); err != nil {
			d.t.Fatal(err)
		}
		if err := os.WriteFile(named, []byte(text), 0o644); err != nil {
			d.t.Fatal(err)
		}
	case lang == "console":
		var out strings.Builder
		for _, line := range lines {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
				out.WriteString(line + d.run(command))
			}
		}
		return out.String()
	case lang == "yaml":
		d.workflow(text)
	}
	return text
}

// run returns what a command prints.
func (d *dryRun) run(command string) string {
	d.t.Helper()
	if command == "echo $?" {
		return fmt.Sprintln(d.status)
	}
	words := strings.Fields(command)
	if words[0] != "bank-trace" {
		d.t.Fatalf("the page runs %q, which this test cannot", command)
	}
	d.commands = append(d.commands, command)
	var out, errs bytes.Buffer
	d.status = run(d.t.Context(), words[1:], strings.NewReader(""), &out, &errs)
	return errs.String() + out.String()
}

func (d *dryRun) workflow(text string) {
	d.t.Helper()
	var w struct {
		Jobs map[string]struct {
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		d.t.Fatalf("the workflow: %v", err)
	}
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			if step.Uses == "" && step.Run == "" {
				d.t.Error("a step of the workflow does nothing")
			}
			d.steps = append(d.steps, strings.TrimSpace(step.Run))
		}
	}
}
