package diagram

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

var update = flag.Bool("update", false, "draw the pictures of testdata/*.txtar anew")

// TestGolden draws the traces of testdata. An archive holds logs and what is to come out: text and ascii as a terminal of 80
// columns has it, svg for a page. The comment's last line is what is asked for.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, path) })
	}
}

func golden(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var sources []check.Source
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".jsonl") {
			sources = append(sources, check.Bytes(f.Name, f.Data))
		}
	}
	lines := strings.Split(strings.TrimRight(string(a.Comment), "\n"), "\n")
	p, dir := ask(t, sources, strings.Fields(lines[len(lines)-1]))
	drawn := map[string]func(*bytes.Buffer) error{
		"text":  func(b *bytes.Buffer) error { return p.WriteText(b, TextOptions{}) },
		"ascii": func(b *bytes.Buffer) error { return p.WriteText(b, TextOptions{ASCII: true}) },
		"svg":   func(b *bytes.Buffer) error { return p.WriteSVG(b, SVGOptions{dir}) },
	}
	pictures := 0
	for i, f := range a.Files {
		write := drawn[f.Name]
		if write == nil {
			continue
		}
		pictures++
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(b.Bytes(), f.Data) {
			continue
		}
		if !*update {
			t.Errorf("%s: -want +got, or run with -update:\n%s", f.Name, cmp.Diff(string(f.Data), b.String()))
		}
		a.Files[i].Data = b.Bytes()
	}
	if pictures == 0 {
		t.Error("the archive asks for no picture")
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ask draws what the words ask for.
func ask(t *testing.T, sources []check.Source, words []string) (*Picture, Direction) {
	t.Helper()
	var q Query
	dir := Down
	var names []string
	var take func(*Trace)
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found && word != "right" {
			continue
		}
		switch key {
		case "rows":
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			q.Rows = n
		case "processes":
			q.Processes = strings.Split(value, ",")
		case "path":
			names = strings.Split(value, ",")
			take = func(all *Trace) { q.Path = all.Named() }
		case "past":
			names = []string{value}
			take = func(all *Trace) { q.Past = &all.Named()[0] }
		case "future":
			names = []string{value}
			take = func(all *Trace) { q.Future = &all.Named()[0] }
		case "right":
			dir = Right
		}
	}
	all := read(t, sources, names...)
	t.Cleanup(func() { all.Close() })
	if take != nil {
		take(all)
	}
	p, err := all.Picture(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	once(t, p)
	apart(t, p.draw(SVGOptions{dir}))
	return p, dir
}
