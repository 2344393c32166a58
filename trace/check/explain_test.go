package check

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestRulesPage holds docs/rules.md to the code; -update writes it anew.
func TestRulesPage(t *testing.T) {
	const page = "../../docs/rules.md"
	var want bytes.Buffer
	if err := WriteRules(t.Context(), &want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if bytes.Equal(got, want.Bytes()) {
		return
	}
	if !*update {
		t.Fatalf("docs/rules.md is behind the code; run go test ./trace/check -run TestRulesPage -update\n%s",
			cmp.Diff(string(got), want.String()))
	}
	if err := os.WriteFile(page, want.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestExplainEveryRule(t *testing.T) {
	for _, rule := range Rules() {
		var b bytes.Buffer
		if err := rule.WriteText(t.Context(), &b, false); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		words := strings.Join(strings.Fields(text), " ")
		for _, want := range []string{rule.Name, rule.Statement, rule.Reason, rule.Mistake, rule.Source} {
			if !strings.Contains(words, want) {
				t.Errorf("%s: does not say %q", rule.Name, want)
			}
		}
		if strings.Contains(text, "\x1b") {
			t.Errorf("%s: escapes", rule.Name)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > textWidth {
				t.Errorf("%s: %d columns: %s", rule.Name, n, line)
			}
		}
	}
}
