package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestViewServes opens a trace, asks for the page at the address that is printed, and stops as Ctrl-C does.
func TestViewServes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"generate", "--seed", "7", "--requests", "5", "-o", dir + "/t"}, nil, &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	status := make(chan int, 1)
	go func() { status <- run(ctx, []string{"view", dir + "/t", "--no-open"}, nil, w, io.Discard) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(line)
	if !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("printed %q", line)
	}
	for path, want := range map[string]string{"": "<canvas", "viewer.js": "d3-zoom", "api/overview": `"verdict":"pass"`} {
		response, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(want)) {
			t.Errorf("/%s: status %d, %v, without %q", path, response.StatusCode, err, want)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	if got := <-status; got != exitHolds {
		t.Errorf("status %d after Ctrl-C", got)
	}
	if _, err := http.Get(address); err == nil {
		t.Error("it still answers")
	}
}
