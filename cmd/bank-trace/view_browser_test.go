package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBrowser drives the page of `view` in Chromium, by the tests in trace/viewer/web/test. It takes a minute, so it is run only
// where BANK_TRACE_BROWSER asks for it: with BANK_TRACE_BROWSER=must it fails where there is no Chromium, else it is skipped there.
func TestBrowser(t *testing.T) {
	t.Parallel()
	asked := os.Getenv("BANK_TRACE_BROWSER")
	if asked == "" {
		t.Skip("SKIPPED: a browser takes a minute; ask for it with BANK_TRACE_BROWSER=must, or make browser")
	}
	must := asked == "must"
	miss := func(why string) {
		if must {
			t.Fatal(why)
		}
		t.Skip("SKIPPED: " + why)
	}
	web := filepath.Join("..", "..", "trace", "viewer", "web")
	node, err := exec.LookPath("node")
	if err != nil {
		miss("Node.js is not on PATH")
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules", "playwright-core")); err != nil {
		miss("playwright-core is not installed; run npm ci in trace/viewer/web")
	}
	files, err := filepath.Glob(filepath.Join(web, "test", "*.test.mjs"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests of the page: %v", err)
	}
	args := []string{"--test", "--test-reporter=spec"}
	for _, f := range files {
		args = append(args, filepath.Join("test", filepath.Base(f)))
	}
	cmd := exec.CommandContext(t.Context(), node, args...)
	cmd.Dir = web
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("SKIPPED: ")) {
		miss(string(out[bytes.Index(out, []byte("SKIPPED: "))+9:]))
	}
	t.Logf("%s", out)
}
