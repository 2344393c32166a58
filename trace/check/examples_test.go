package check

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestExamples holds every example to its rule: it violates that rule, with the rule's severity, and the text that the
// archive keeps is what the checker says.
func TestExamples(t *testing.T) {
	names, err := filepath.Glob("examples/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	of := map[string]Rule{}
	for _, rule := range Rules() {
		of[exampleFile(rule.Name)] = rule
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			rule, ok := of[filepath.ToSlash(name)]
			if !ok {
				t.Fatalf("%s is the example of no rule", name)
			}
			example(t, rule, name)
		})
	}
}

func example(t *testing.T, rule Rule, name string) {
	x, ok := rule.Example()
	if !ok {
		t.Fatal("the example cannot be read")
	}
	r, err := x.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) == 0 {
		t.Fatal("the example violates nothing")
	}
	probe := finding{exit: rule.Exit}
	if got, want := r.Findings[0].Severity, probe.severity(); got != want {
		t.Errorf("severity %s, want %s", got, want)
	}
	if len(r.Findings) > 1 {
		t.Errorf("%d findings, want one", len(r.Findings))
	}
	lines := 0
	for _, log := range x.Logs {
		lines += strings.Count(log.Text, "\n")
	}
	if lines > 8 {
		t.Errorf("%d lines are too many for an example", lines)
	}
	var got bytes.Buffer
	if err := x.WriteFinding(t.Context(), &got, TextOptions{}, false); err != nil {
		t.Fatal(err)
	}
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	last := &a.Files[len(a.Files)-1]
	if last.Name != "finding" {
		t.Fatal("the archive's last file is not finding")
	}
	if bytes.Equal(last.Data, got.Bytes()) {
		return
	}
	if !*update {
		t.Errorf("finding: -want +got, or run with -update:\n%s", cmp.Diff(string(last.Data), got.String()))
		return
	}
	last.Data = got.Bytes()
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEveryRuleHasAnExample(t *testing.T) {
	for _, rule := range Rules() {
		if _, ok := rule.Example(); !ok {
			t.Errorf("%s has no example; write %s", rule.Name, exampleFile(rule.Name))
		}
	}
}
