package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExplainPage runs the commands of docs/explain.md: what they print must be what the page shows; -update writes it anew.
func TestExplainPage(t *testing.T) {
	page, err := filepath.Abs(filepath.Join("..", "..", "docs", "explain.md"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	d := dryRun{t: t}
	after := d.follow(string(before))
	if len(d.commands) < 5 || d.status != exitHolds {
		t.Errorf("the page has the commands %q, the last with status %d; this proves nothing", d.commands, d.status)
	}
	switch {
	case after == string(before):
	case *update:
		if err := os.WriteFile(page, []byte(after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/explain.md: -page +what happens, or run with -update:\n%s", cmp.Diff(string(before), after))
	}
}
