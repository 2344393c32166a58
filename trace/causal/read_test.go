package causal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// write writes files of records in a new folder, and returns what Find finds there.
func write(t testing.TB, files map[string]string) *trace.Folder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func read(t testing.TB, folder *trace.Folder, opt causal.Options) *causal.Trace {
	t.Helper()
	tr, err := causal.Read(t.Context(), folder, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// lines writes n events of a process, with a note that makes lines of many lengths, and blank lines between. It sends to the other and
// receives from it by turns.
func lines(process, peer string, from, n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	var b bytes.Buffer
	for seq := from; seq < from+n; seq++ {
		kind := `"kind":"send"`
		if seq%2 == 0 {
			kind = fmt.Sprintf(`"kind":"receive","cause":%d`, seq-1)
		}
		fmt.Fprintf(&b, `{"process":%q,"seq":%d,"clock":%d,%s,"peer":%q,"note":%q}`+"\n",
			process, seq, seq, kind, peer, strings.Repeat("n", r.IntN(300)))
		if r.IntN(10) == 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// TestEntries reads events of a log with many marks, in two pieces, and of one that two processes share, again.
func TestEntries(t *testing.T) {
	const n = 20_000
	folder := write(t, map[string]string{
		"a.0001.jsonl": lines("a", "b", 1, n/2),
		"a.jsonl":      lines("a", "b", n/2+1, n/2),
		"both.jsonl":   lines("b", "a", 1, 50) + lines("c", "a", 1, 50) + lines("b", "a", 51, 50),
	})
	tr := read(t, folder, causal.Options{Held: 5000})
	if tr.Marks() < 4 || !tr.Spilled() {
		t.Fatalf("%d marks, messages in a file: %v; this shows nothing", tr.Marks(), tr.Spilled())
	}
	files := map[string][]string{}
	for _, l := range folder.Logs {
		for _, f := range l.Files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			files[f] = strings.Split(string(text), "\n")
		}
	}
	check := func(found map[causal.At]*causal.Entry) {
		t.Helper()
		for at, e := range found {
			if e.Ref() != tr.Ref(at) || e.Seq != uint64(at.Pos)+1 {
				t.Fatalf("%v is %v, and %v was read", at, tr.Ref(at), e.Ref())
			}
			line := files[e.File][e.Line-1]
			if !strings.HasPrefix(line, fmt.Sprintf(`{"process":%q,"seq":%d,`, e.Process, e.Seq)) {
				t.Fatalf("%v is not in %s:%d: %s", e.Ref(), e.File, e.Line, line)
			}
		}
	}
	whole, err := tr.Entries(t.Context(), all(tr.Graph)...)
	if err != nil || len(whole) != n+150 {
		t.Fatalf("%d events read, %v", len(whole), err)
	}
	check(whole)
	r := rand.New(rand.NewPCG(3, 3))
	for range 30 {
		some := []causal.At{{Pos: r.Int32N(n)}, {Pos: r.Int32N(n)}, {Process: 1, Pos: r.Int32N(100)}}
		found, err := tr.Entries(t.Context(), some...)
		if err != nil {
			t.Fatal(err)
		}
		check(found)
	}
}

func TestReadStandardInput(t *testing.T) {
	folder, err := trace.Find(trace.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	in := strings.NewReader(lines("a", "b", 1, 4) + lines("b", "a", 1, 4))
	tr := read(t, folder, causal.Options{Stdin: in})
	a, err := tr.Find(trace.Ref{Process: "a", Seq: 1})
	if err != nil {
		t.Fatal(err)
	}
	b, err := tr.Find(trace.Ref{Process: "b", Seq: 2})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tr.Pair(t.Context(), a, b)
	if err != nil || p.Relation != causal.Before || p.B.File != "stdin" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestReadRefuses(t *testing.T) {
	event := `{"process":"a","seq":1,"clock":1,"kind":"local"}` + "\n"
	_, err := causal.Read(t.Context(), write(t, map[string]string{"a.jsonl": event + "{}\n" + event}), causal.Options{})
	var syntax *trace.SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 2 {
		t.Errorf("%v is not about line 2", err)
	}
	_, err = causal.Read(t.Context(), write(t, map[string]string{"a.jsonl": event, "b.jsonl": event}), causal.Options{})
	var second *causal.SecondLogError
	if !errors.As(err, &second) || second.Process != "a" {
		t.Errorf("%v is not about two logs of a", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = causal.Read(ctx, write(t, map[string]string{"a.jsonl": event}), causal.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestGaps tells what cannot be known: of a log that is torn, of one that stops without its end, of one that is missing.
func TestGaps(t *testing.T) {
	event := `{"process":%q,"seq":1,"clock":1,"kind":"send","peer":"d"}` + "\n"
	header := `{"format":"bank-trace/1","process":%q,"ends":true}` + "\n"
	tr := read(t, write(t, map[string]string{
		"a.jsonl": fmt.Sprintf(event, "a") + `{"process":"a","se`,
		"b.jsonl": fmt.Sprintf(header+event, "b", "b"),
		"c.jsonl": fmt.Sprintf(header+event, "c", "c") + `{"end":true,"process":"c","events":1,"clock":1}` + "\n",
		"e.jsonl": `{"process":"e","seq":1,"clock":2,"kind":"receive","peer":"d","cause":4}` + "\n",
	}), causal.Options{})
	if diff := cmp.Diff([]string{"a", "b"}, tr.Cut); diff != "" {
		t.Errorf("cut off: %s", diff)
	}
	if diff := cmp.Diff([]string{"d"}, tr.Missing); diff != "" {
		t.Errorf("missing: %s", diff)
	}
	var none *causal.NoProcessError
	if _, err := tr.Find(trace.Ref{Process: "d", Seq: 1}); !errors.As(err, &none) || !slices.Equal(none.Names, []string{"a", "b", "c", "e"}) {
		t.Errorf("%v", err)
	}
}

// TestCones holds the three sides of every event of a faulty trace to each other.
func TestCones(t *testing.T) {
	files := map[string]string{
		"a.jsonl": lines("a", "b", 1, 9),
		"b.jsonl": lines("b", "a", 1, 7),
		"c.jsonl": `{"process":"c","seq":1,"clock":2,"kind":"receive","peer":"a","cause":7}` + "\n",
	}
	tr := read(t, write(t, files), causal.Options{})
	for _, of := range all(tr.Graph) {
		o, err := tr.Origin(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[causal.Side]int64{causal.PastSide: o.Past, causal.FutureSide: o.Future, causal.ConcurrentSide: o.Concurrent()}
		for _, side := range slices.Sorted(maps.Keys(counts)) {
			cone, err := tr.Cone(t.Context(), of, side, 100)
			if err != nil {
				t.Fatal(err)
			}
			wanted := map[trace.Ref]bool{}
			for _, e := range all(tr.Graph) {
				relation, _, _, err := tr.Relate(of, e)
				if err != nil {
					t.Fatal(err)
				}
				if side == causal.PastSide && relation&causal.After != 0 || side == causal.FutureSide && relation&causal.Before != 0 ||
					side == causal.ConcurrentSide && relation == causal.Concurrent && e != of {
					wanted[tr.Ref(e)] = true
				}
			}
			got := map[trace.Ref]bool{}
			for _, e := range cone.Shown {
				got[e.Ref()] = true
			}
			if diff := cmp.Diff(wanted, got); diff != "" || cone.Events != counts[side] || int(cone.Events) != len(wanted) {
				t.Errorf("%s of %v: %d, by Origin %d, -by Relate +by Cone:\n%s", side, tr.Ref(of), cone.Events, counts[side], diff)
			}
		}
	}
}
