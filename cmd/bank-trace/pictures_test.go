package main

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/internal/sim"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/diagram"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// pictureDir is where the pictures of the documentation are.
var pictureDir = filepath.Join("..", "..", "docs", "pictures")

// mostPicture is how large a picture of a rule may be, in bytes.
const mostPicture = 15_000

// TestPictures holds docs/pictures to what draw makes; -update draws them anew, and removes those that nobody draws.
func TestPictures(t *testing.T) {
	drawn := map[string][]byte{}
	for name, picture := range storyPictures(t) {
		drawn[name+".svg"] = picture
	}
	for rule, picture := range rulePictures(t) {
		if len(picture) > mostPicture {
			t.Errorf("the picture of %s has %d bytes, more than %d", rule, len(picture), mostPicture)
		}
		drawn[filepath.Join("rules", strings.ReplaceAll(rule, "/", "-")+".svg")] = picture
	}
	there, err := filepath.Glob(filepath.Join(pictureDir, "*.svg"))
	if err != nil {
		t.Fatal(err)
	}
	ofRules, err := filepath.Glob(filepath.Join(pictureDir, "rules", "*.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Concat(there, ofRules) {
		name, err := filepath.Rel(pictureDir, path)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case drawn[name] != nil:
		case *update:
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s: nobody draws it; run make pictures", path)
		}
	}
	for name, picture := range drawn {
		path := filepath.Join(pictureDir, name)
		before, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(before, picture):
		case *update:
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, picture, 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is behind the code (%v); run make pictures", path, err)
		}
	}
}

// pictured is a trace to draw, and what the check of it found.
type pictured struct {
	title  string
	trace  *mutate.Trace
	strict bool
}

// picture draws a window of a trace.
func (p pictured) picture(t *testing.T, ask func(*diagram.Trace) diagram.Query, names ...string) []byte {
	t.Helper()
	sources := sourcesOf(t, p.trace)
	report, err := check.Check(t.Context(), sources, check.Options{Strict: p.strict, Run: p.trace.Run})
	if err != nil {
		t.Fatal(err)
	}
	opt := diagram.Options{Report: report}
	for _, s := range names {
		name, err := causal.ParseName(s)
		if err != nil {
			t.Fatal(err)
		}
		opt.Names = append(opt.Names, name)
	}
	read, err := diagram.Read(t.Context(), sources, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	drawing, err := read.Picture(t.Context(), ask(read))
	if err != nil {
		t.Fatal(err)
	}
	drawing.Title = p.title
	var svg bytes.Buffer
	if err := drawing.WriteSVG(&svg, diagram.SVGOptions{}); err != nil {
		t.Fatal(err)
	}
	return svg.Bytes()
}

func sourcesOf(t *testing.T, all *mutate.Trace) []check.Source {
	t.Helper()
	var sources []check.Source
	for i := range all.Logs {
		var text bytes.Buffer
		if err := all.Logs[i].Write(&text); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, check.Bytes(all.Logs[i].Name, text.Bytes()))
	}
	return sources
}

// simulated returns the trace of a bank.
func simulated(t *testing.T, change func(*sim.Spec)) *mutate.Trace {
	t.Helper()
	spec := sim.DefaultSpec()
	change(&spec)
	all, err := simulateSpec(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// recorded reads a trace that was recorded once, of real servers.
func recorded(t *testing.T, dir string) *mutate.Trace {
	t.Helper()
	folder, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := mutate.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// storyPictures are those that the README and the tour show: the demo's run and a broken copy of it; a smaller run and what
// led to its answer; and faults.
func storyPictures(t *testing.T) map[string][]byte {
	run := simulated(t, func(s *sim.Spec) {
		s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Roaming = storySeed, 2, 1, 2, 1, 1
	})
	whole := func(*diagram.Trace) diagram.Query { return diagram.Query{} }
	pictures := map[string][]byte{
		"run": pictured{title: "A deposit at one branch, and a query at the other", trace: run}.picture(t, whole),
	}
	pictures["path"] = pictured{title: "What made the deposit known at the other branch", trace: run}.picture(t, func(read *diagram.Trace) diagram.Query {
		return diagram.Query{Path: read.Named()}
	}, "customer-1/1", "process=branch-2,step=execute,write=branch-1/1")

	demo := recorded(t, filepath.Join("..", "..", "examples", "demo-trace"))
	story := func(*diagram.Trace) diagram.Query {
		return diagram.Query{Of: trace.ID{Process: "customer-1", N: 1}, Processes: []string{"customer-1", "branch-1", "branch-2", "branch-3"}}
	}
	pictures["demo"] = pictured{title: "What became of one deposit", trace: demo}.picture(t, story)
	broken := demo.Clone()
	if _, err := mutate.Break(broken, "clock/receive-not-after-send", func(e *trace.Event) bool {
		return e.Process == "customer-1" && e.Request.N == 1
	}, 1); err != nil {
		t.Fatal(err)
	}
	pictures["broken"] = pictured{title: "A copy in which one clock is wrong", trace: broken}.picture(t, func(*diagram.Trace) diagram.Query {
		return diagram.Query{Finding: 1, Processes: []string{"customer-1", "branch-1", "branch-2", "branch-3"}, To: 11}
	})
	faults := simulated(t, func(s *sim.Spec) {
		s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts = faultSeed, 2, 1, 2, 1
		s.Faults = map[string]float64{"loss": 0.08, "crash": 3}
	})
	pictures["faults"] = pictured{title: "An acknowledgement is lost, and a branch is killed and starts again", trace: faults}.picture(t, func(*diagram.Trace) diagram.Query {
		return diagram.Query{Rows: 36}
	})
	return pictures
}

// The seeds of the pictured runs: a deposit and then a query at the other branch; a message lost and a branch restarted.
const (
	storySeed = 109
	faultSeed = 268
)

// rulePictures draws for every rule a trace that break makes, around the finding: of the smallest bank that the rule can
// be violated in.
func rulePictures(t *testing.T) map[string][]byte {
	var traces []*mutate.Trace
	for seed := range uint64(8) {
		for _, size := range [][4]int{{2, 1, 3, 1}, {2, 2, 6, 1}, {2, 2, 8, 2}, {2, 2, 24, 2}, {3, 2, 8, 2}, {3, 2, 24, 2}, {3, 3, 40, 2}} {
			traces = append(traces, simulated(t, func(s *sim.Spec) {
				s.Seed, s.Branches, s.Customers, s.Requests, s.Accounts, s.Roaming = seed+1, size[0], size[1], size[2], size[3], 0.8
			}))
		}
	}
	slices.SortStableFunc(traces, func(a, b *mutate.Trace) int {
		return cmp.Or(cmp.Compare(len(a.Logs), len(b.Logs)), cmp.Compare(records(a), records(b)))
	})
	more, err := tableTraces(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	traces = append(traces, more...)
	pictures := map[string][]byte{}
	for _, rule := range mutate.Rules() {
		pictures[rule] = rulePicture(t, rule, traces)
	}
	return pictures
}

func records(t *mutate.Trace) int {
	n := 0
	for _, l := range t.Logs {
		n += len(l.Records)
	}
	return n
}

func rulePicture(t *testing.T, rule string, traces []*mutate.Trace) []byte {
	t.Helper()
	for _, all := range traces {
		all = all.Clone()
		change, err := mutate.Break(all, rule, nil, 1)
		if errors.Is(err, mutate.ErrNoPlace) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		p := pictured{title: rule + ", violated", trace: all, strict: rule == "clock/not-exact"}
		rows := 14
		ask := func(read *diagram.Trace) diagram.Query {
			findings := read.Findings()
			number := 1 + slices.IndexFunc(findings, func(f check.Finding) bool {
				return f.Rule == rule && f.Event != nil && f.Event.Process == change.Event.Process && f.Event.Seq == change.Event.Seq
			})
			if number == 0 {
				number = 1 + slices.IndexFunc(findings, func(f check.Finding) bool { return f.Rule == rule })
			}
			if number == 0 {
				t.Fatalf("%s: check does not find what break did: %s", rule, change.Text)
			}
			return diagram.Query{Finding: number, Rows: rows}
		}
		picture := p.picture(t, ask)
		for len(picture) > mostPicture && rows > 6 { // a smaller window
			rows -= 2
			picture = p.picture(t, ask)
		}
		return picture
	}
	t.Fatalf("%s: none of the traces has a place to break it", rule)
	return nil
}
