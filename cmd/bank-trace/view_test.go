package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// serving is a command that serves a page.
type serving struct {
	t       *testing.T
	printed string // its first line
	address string // of the page
	stop    context.CancelFunc
	status  chan int
	errs    lockedBuffer
	out     bytes.Buffer // after the first line, once drained
	drained chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// startServing starts a command, and waits until it has printed an address.
func startServing(t *testing.T, args ...string) *serving {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	s := &serving{t: t, stop: stop, status: make(chan int, 1), drained: make(chan struct{})}
	r, w := io.Pipe()
	go func() {
		status := run(ctx, args, nil, w, &s.errs)
		w.Close()
		s.status <- status
	}()
	lines := bufio.NewReader(r)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, &s.errs)
	}
	go func() {
		defer close(s.drained)
		_, _ = io.Copy(&s.out, lines)
	}()
	s.printed = strings.TrimSpace(line)
	s.address, _, _ = strings.Cut(s.printed, "#")
	if !strings.HasPrefix(s.address, "http://127.0.0.1:") {
		t.Fatalf("printed %q", line)
	}
	return s
}

// get asks for a page.
func (s *serving) get(path string) string {
	s.t.Helper()
	response, err := http.Get(s.address + path)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, &s.errs)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
		s.t.Errorf("/%s: status %d, %v", path, response.StatusCode, err)
	}
	return string(body)
}

// end stops the command as Ctrl-C does.
func (s *serving) end(want int) {
	s.t.Helper()
	s.stop()
	<-s.drained
	if got := <-s.status; got != want {
		s.t.Errorf("status %d after Ctrl-C, want %d: %s", got, want, &s.errs)
	}
	if response, err := http.Get(s.address); err == nil {
		response.Body.Close()
		s.t.Error("it still answers")
	}
}

func TestViewServes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out, errs bytes.Buffer
	for _, args := range [][]string{
		{"generate", "--seed", "7", "--requests", "5", "-o", dir + "/t"},
		{"break", dir + "/t", "--rule", shownRule, "-o", dir + "/broken"},
	} {
		if status := run(t.Context(), args, nil, &out, &errs); status != 0 {
			t.Fatalf("status %d: %s", status, errs.String())
		}
	}
	s := startServing(t, "view", dir+"/t", "--no-open")
	for path, want := range map[string]string{"": "<canvas", "viewer.js": "d3-zoom", "api/overview": `"verdict":"pass"`} {
		if got := s.get(path); !strings.Contains(got, want) {
			t.Errorf("/%s is without %q", path, want)
		}
	}
	s.end(exitHolds)
	if got := s.errs.String(); !strings.Contains(got, "bank-trace break "+dir+"/t --rule "+shownRule+" -o broken\n") {
		t.Errorf("it names no next command: %s", got)
	}
	broken := startServing(t, "view", dir+"/broken", "--finding", "1", "--no-open")
	if broken.printed != broken.address+"#finding=1" {
		t.Errorf("printed %q", broken.printed)
	}
	broken.end(exitHolds)
	unnamed := startServing(t, "view", dir+"/broken", "--no-open")
	unnamed.end(exitHolds)
	if got := unnamed.errs.String(); !strings.Contains(got, "open "+unnamed.address+"#finding=1\n") {
		t.Errorf("it does not name the finding: %s", got)
	}
}

// slow is a scenario whose customer waits between two requests.
func slow(t *testing.T, wait string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "slow.yaml")
	text := "branches: 2\nopening: {main: 400}\ncustomers:\n  - id: 1\n    steps:\n      - {deposit: 1, account: main, at: 1}\n" +
		"      - wait: " + wait + "\n      - {deposit: 1, account: main, at: 2}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// overview is what these tests ask of a page.
type overview struct {
	Events     int
	Growing    bool
	Verdict    string
	Generation int
}

// until asks for the overview until it is as wanted.
func (s *serving) until(ok func(overview) bool) (o overview) {
	s.t.Helper()
	for {
		o = overview{}
		if err := json.Unmarshal([]byte(s.get("api/overview")), &o); err != nil {
			s.t.Fatal(err)
		}
		if ok(o) || s.t.Failed() {
			return o
		}
	}
}

// TestRunView watches a run: events are there before it is over, then the verdict, and the page stays.
func TestRunView(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "t")
	s := startServing(t, "run", slow(t, "1s"), "--view", "--no-open", "-o", dir)
	early := s.until(func(o overview) bool { return o.Events > 0 })
	if !early.Growing || early.Verdict != "" {
		t.Errorf("while it runs: %+v", early)
	}
	late := s.until(func(o overview) bool { return !o.Growing })
	if late.Verdict != "pass" || late.Events <= early.Events || late.Generation <= early.Generation {
		t.Errorf("after %+v: %+v", early, late)
	}
	s.end(exitHolds)
	if out, errs := s.out.String(), s.errs.String(); !strings.Contains(out, "PASS") || !strings.Contains(errs, "The page stays at "+s.address+" until Ctrl-C.") {
		t.Errorf("printed %s, %s", out, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "run.json")); err != nil {
		t.Error(err)
	}
}

// TestRunViewStops stops a run that is watched: the command ends, and what was logged is readable.
func TestRunViewStops(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "t")
	s := startServing(t, "run", slow(t, "1h"), "--view", "--no-open", "-o", dir)
	s.until(func(o overview) bool { return o.Events > 0 })
	s.end(exitUndecided)
	if got := s.errs.String(); !strings.Contains(got, "interrupted") {
		t.Errorf("printed %s", got)
	}
	if _, err := readEvents(dir); err != nil {
		t.Error(err)
	}
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"run", slow(t, "1ms"), "--view", "--no-open", "-o", dir}, nil, &out, &errs); status != exitUndecided ||
		!strings.Contains(errs.String(), "holds a trace already") || out.Len() > 0 {
		t.Errorf("status %d, %s, %s", status, &out, &errs)
	}
}
