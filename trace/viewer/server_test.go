package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// small is a trace in which shop sends till a message, and till a later one that is lost.
func small(t *testing.T) (*Viewer, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shop": `{"process":"shop","seq":1,"clock":1,"kind":"send","peer":"till","colour":"red"}` + "\n\n" +
			`{"process":"shop","seq":2,"clock":5,"kind":"receive","peer":"till","cause":3}` + "\n",
		"till": `{"process":"till","seq":1,"clock":2,"kind":"receive","peer":"shop","cause":1}` + "\n" +
			`{"process":"till","seq":2,"clock":3,"kind":"send","peer":"shop"}` + "\n" +
			`{"process":"till","seq":3,"clock":4,"kind":"send","peer":"shop"}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".jsonl"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := opened(t, dir)
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v, dir
}

func ask(v *Viewer, method, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

func TestHost(t *testing.T) {
	t.Parallel()
	v, _ := small(t)
	for host, want := range map[string]int{
		"127.0.0.1:80": 200, "127.0.0.1": 200, "localhost:9": 200, "LOCALHOST": 200, "[::1]:9": 200,
		"evil.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:80": 403, "192.168.1.7": 403, "10.0.0.1:80": 403,
	} {
		for _, path := range []string{"/", "/viewer.js", "/api/overview"} {
			if got := ask(v, "GET", host, path).Code; got != want {
				t.Errorf("%s%s: status %d, want %d", host, path, got, want)
			}
		}
	}
	if w := ask(v, "POST", "localhost", "/api/overview"); w.Code != 405 {
		t.Errorf("POST: status %d", w.Code)
	}
	if p := ask(v, "GET", "localhost", "/").Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") {
		t.Errorf("policy %q", p)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	v, _ := small(t)
	for _, path := range []string{
		"tile", "tile?z=-1&i=0", "tile?z=54&i=0", "tile?z=3&i=-1", "tile?z=53&i=2", "tile?z=0&i=99999999999999999999", "tile?z=0&i=0&only=2",
		"tile?z=0&i=0&only=x", "event?at=0,2", "event?at=2,0", "event?at=-1,0", "event?at=0", "event", "pair?a=0,0", "pair?a=0,0&b=0,0",
		"near?p=2&clock=1", "near?p=0&clock=-1", "search?q=&limit=5", "search?q=a&limit=0", "search?q=a&limit=501", "search?q=clock%3D0&limit=5",
		"search?q=kind%3Dx&limit=5", "search?q=x%3D1&limit=5", "search?q=request%3D&limit=5", "search?limit=5&q=" + strings.Repeat("x", 1001),
		"findings", "findings?from=-1&limit=1", "findings?from=0&limit=1001",
	} {
		w := ask(v, "GET", "localhost", "/api/"+path)
		var answer struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusBadRequest || answer.Error == "" {
			t.Errorf("%s: status %d, %s", path, w.Code, w.Body)
		}
	}
	if w := ask(v, "GET", "localhost", "/api/nothing"); w.Code != 404 {
		t.Errorf("status %d", w.Code)
	}
	for _, edge := range []string{"tile?z=53&i=1", "tile?z=0&i=9007199254740992", "near?p=0&clock=9007199254740992"} {
		if w := ask(v, "GET", "localhost", "/api/"+edge); w.Code != 200 {
			t.Errorf("%s: status %d, %s", edge, w.Code, w.Body)
		}
	}
}

func TestEventAnswer(t *testing.T) {
	t.Parallel()
	v, dir := small(t)
	var d struct {
		Raw, Text, File, Words string
		Line                   int
		Event                  struct{ Name string }
		Send                   struct{ Name string }
		Cone                   struct{ Past, Future []int }
	}
	if err := json.Unmarshal(ask(v, "GET", "localhost", "/api/event?at=0,1").Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Event.Name != "shop:2" || d.Send.Name != "till:3" || d.Line != 3 || d.File != filepath.Join(dir, "shop.jsonl") ||
		fmt.Sprint(d.Cone.Past, d.Cone.Future) != "[1 3] [2 3]" || !strings.HasPrefix(d.Text, "shop:2 has clock 5, as expected\n") {
		t.Errorf("%+v", d)
	}
	if err := json.Unmarshal(ask(v, "GET", "localhost", "/api/event?at=0,0").Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Raw, `"colour":"red"`) {
		t.Errorf("the line is not as it stands in the log: %s", d.Raw)
	}
	if m := v.now.lanes[1].marks[1]; m&markLost == 0 {
		t.Errorf("till:2 was never received, and has mark %d", m)
	}
	if m := v.now.lanes[1].marks[2]; m&(markLost|markInFlight) != 0 {
		t.Errorf("till:3 was received, and has mark %d", m)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	v, _ := small(t)
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := v.WritePage(context.Background(), w, "#a=<1>&b"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the page is not the same each time")
	}
	page := a.String()
	for _, part := range []string{`id="trace-data" data-opening="#a=&lt;1&gt;&amp;b"`, "<style>", "default-src 'none'"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	if m := regexp.MustCompile(`(src|href)="[^#"d][^"]*"`).FindString(page); m != "" {
		t.Errorf("the page loads %s", m)
	}
	v.now.events = MostPage + 1
	var large *TooLargeError
	if err := v.WritePage(context.Background(), &a, ""); !errors.As(err, &large) {
		t.Errorf("error %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	var stdin *StdinError
	if _, err := Open(t.Context(), &trace.Folder{Logs: []trace.Log{{Name: "-", Files: []string{"-"}}}}, Options{}); !errors.As(err, &stdin) {
		t.Errorf("error %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	folder, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	var bad *trace.SyntaxError
	if _, err := Open(t.Context(), folder, Options{}); !errors.As(err, &bad) || bad.Line != 1 {
		t.Errorf("error %v", err)
	}
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "line %d %s\r\n", i+1, strings.Repeat("x", i%97))
	}
	text.WriteString(strings.Repeat("y", 100_000) + "\nlast")
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	tap := newLineTap(strings.NewReader(text.String()))
	for buf := make([]byte, 5000); ; {
		if _, err := tap.Read(buf); err != nil {
			break
		}
	}
	if len(tap.marks) < 4 {
		t.Fatalf("%d marks", len(tap.marks))
	}
	for n, want := range strings.Split(text.String(), "\n") {
		if n%37 != 0 && n < 19_990 {
			continue
		}
		want = strings.TrimSuffix(want, "\r")
		if len(want) > mostLine {
			want = want[:mostLine] + "…"
		}
		if got, err := readLine(file, tap.marks, n+1); err != nil || got != want {
			t.Fatalf("line %d: %q, %v; want %q", n+1, got, err, want)
		}
	}
	if _, err := readLine(file, tap.marks, 99_999); !errors.Is(err, errNoLine) {
		t.Errorf("error %v", err)
	}
}
