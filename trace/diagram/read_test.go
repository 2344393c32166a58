package diagram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

func TestSourceThatCannotBeReadTwice(t *testing.T) {
	_, err := Read(t.Context(), []check.Source{check.Files("stdin", "-")}, Options{})
	var once *NoSourceError
	if !errors.As(err, &once) || once.File != "stdin" {
		t.Errorf("%v", err)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, []check.Source{long(2 * progressEvery)}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// long returns a log of so many local events.
func long(events int) check.Source {
	var b bytes.Buffer
	for i := range events {
		fmt.Fprintf(&b, `{"process":"p%d","seq":%d,"clock":%d,"kind":"local"}`+"\n", i%3, i/3+1, i+1)
	}
	return check.Bytes("long", b.Bytes())
}

func TestQueriesThatCannotBeDrawn(t *testing.T) {
	all := read(t, []check.Source{long(30)}, "p0:1", "p1:3")
	defer all.Close()
	a, b := all.Named()[0], all.Named()[1]
	for want, q := range map[string]Query{
		"cannot go from 9 to 3":          {From: 9, To: 3},
		"there is no finding 1":          {Finding: 1},
		"between two events":             {Path: []causal.At{a, a}},
		"one of them can be lit":         {Past: &a, Future: &b},
		"no event is of request":         {Of: trace.ID{Process: "c", N: 1}},
		"is not in the window":           {Around: []causal.At{a}, Processes: []string{"p1"}},
		`there is no process "elsewhere`: {Processes: []string{"elsewhere"}},
	} {
		_, err := all.Picture(t.Context(), q)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestWindow cuts a long trace around an event, and says so.
func TestWindow(t *testing.T) {
	all := read(t, []check.Source{long(30_000)}, "p1:5000")
	defer all.Close()
	p, err := all.Picture(t.Context(), Query{Around: all.Named()})
	if err != nil {
		t.Fatal(err)
	}
	middle := p.NodeOf(all.Named()[0])
	if middle < 0 || len(p.Nodes) != 43 || p.Nodes[0].Clock != 14_978 || p.Nodes[len(p.Nodes)-1].Clock != 15_020 {
		t.Errorf("%d events from clock %d to %d, the one asked for is %d", len(p.Nodes), p.Nodes[0].Clock, p.Nodes[len(p.Nodes)-1].Clock, middle)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "43 of 30,000 events") || !strings.Contains(strings.Join(p.Hints, " "), "--from 15021 goes on") {
		t.Errorf("notes: %s", notes)
	}
}

// TestFoldsCountWhatTheyHide draws two distant events with what lies between them folded.
func TestFoldsCountWhatTheyHide(t *testing.T) {
	all := read(t, []check.Source{long(3_000)}, "p0:1", "p2:1000")
	defer all.Close()
	p, err := all.Picture(t.Context(), Query{Around: all.Named(), Rows: 9})
	if err != nil {
		t.Fatal(err)
	}
	hidden, folds := int64(0), 0
	for _, r := range p.Rows {
		if r.Kind == RowFold {
			folds++
			hidden += r.Hidden
		}
	}
	if folds != 1 || hidden+int64(len(p.Nodes)) != 3_000 {
		t.Errorf("%d folds hide %d events, and %d are shown", folds, hidden, len(p.Nodes))
	}
}

// TestMutants draws every finding of every trace that breaks a rule.
func TestMutants(t *testing.T) {
	drawn := 0
	for _, rule := range mutate.Rules() {
		whole, err := mutate.Causal()
		if err != nil {
			t.Fatal(err)
		}
		_, err = mutate.Break(whole, rule, nil, 1)
		if errors.Is(err, mutate.ErrNoPlace) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var sources []check.Source
		for i := range whole.Logs {
			var b bytes.Buffer
			if err := whole.Logs[i].Write(&b); err != nil {
				t.Fatal(err)
			}
			sources = append(sources, check.Bytes(whole.Logs[i].Name, b.Bytes()))
		}
		all := read(t, sources)
		for n := range len(all.Findings()) + 1 {
			p, err := all.Picture(t.Context(), Query{Finding: n, Rows: 12})
			if err != nil {
				t.Fatalf("%s, finding %d: %v", rule, n, err)
			}
			drawn++
			once(t, p)
			for _, dir := range []Direction{Down, Right} {
				d := p.draw(SVGOptions{dir})
				apart(t, d)
				wellFormed(t, d.document(), p)
			}
			inText(t, p, TextOptions{})
			marked := false
			for _, m := range p.Marks {
				marked = marked || m.N == n && m.Main
			}
			if n > 0 && !marked {
				t.Errorf("%s: finding %d is not marked in its picture", rule, n)
			}
		}
		all.Close()
	}
	if drawn < 40 {
		t.Errorf("%d pictures prove little", drawn)
	}
}

// FuzzPicture draws whatever a log may hold.
func FuzzPicture(f *testing.F) {
	f.Add([]byte(`{"process":"a","seq":1,"clock":1,"kind":"send","peer":"b"}` + "\n" + `{"process":"b","seq":1,"clock":1,"kind":"receive","peer":"a","cause":1}` + "\n"))
	f.Add([]byte(`{"format":"bank-trace/1","process":"a","incarnation":2,"ends":true}` + "\n" + `{"process":"a","seq":3,"clock":9,"kind":"local","note":"<&\u001b"}` + "\n" + `{"pro`))
	f.Fuzz(func(t *testing.T, log []byte) {
		all := read(t, []check.Source{check.Bytes("log", log)})
		defer all.Close()
		for n := range min(3, len(all.Findings())) + 1 {
			p, err := all.Picture(t.Context(), Query{Finding: n})
			if err != nil {
				t.Fatal(err)
			}
			once(t, p)
			wellFormed(t, p.draw(SVGOptions{}).document(), p)
			inText(t, p, TextOptions{ASCII: true})
		}
	})
}
