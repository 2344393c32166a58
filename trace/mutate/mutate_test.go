package mutate

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func causal(t testing.TB) *Trace {
	all, err := Causal()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// text returns all logs, one after the other.
func text(t rapid.TB, all *Trace) string {
	var b bytes.Buffer
	for i := range all.Logs {
		if err := all.Logs[i].Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestReadAndWriteKeepEverything(t *testing.T) {
	all := causal(t)
	d, err := trace.Create(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Write(d); err != nil {
		t.Fatal(err)
	}
	folder, err := trace.Find(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text(t, all), text(t, again)); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
	if diff := cmp.Diff(all.Run, again.Run); diff != "" {
		t.Errorf("run.json: -written +read:\n%s", diff)
	}
}

func TestReadRefusesWhatIsNoRecord(t *testing.T) {
	_, err := ReadLog("a.jsonl", strings.NewReader("{\"process\":\"a\",\"seq\":1,\"clock\":1,\"kind\":\"local\"}\n{\"proc\n"))
	var wrong *trace.SyntaxError
	if !errors.As(err, &wrong) || wrong.File != "a.jsonl" || wrong.Line != 2 {
		t.Errorf("%v is not about a.jsonl:2", err)
	}
}

func TestUnknownRule(t *testing.T) {
	all := causal(t)
	_, err := Break(all, "no/such", nil, 1)
	var unknown *UnknownRuleError
	if !errors.As(err, &unknown) || unknown.Rule != "no/such" || len(unknown.Known) != len(Mutations()) {
		t.Errorf("%v", err)
	}
}

func TestNoPlaceSaysWhatIsNeeded(t *testing.T) {
	for _, rule := range []string{"replica/order-differs", "replica/execute-before-horizon", "money/wrong-refusal"} {
		all := causal(t)
		before := text(t, all)
		_, err := Break(all, rule, nil, 1)
		var none *NoPlaceError
		if !errors.Is(err, ErrNoPlace) || !errors.As(err, &none) || none.Rule != rule || !strings.Contains(err.Error(), "mode total") {
			t.Errorf("%s: %v", rule, err)
		}
		if diff := cmp.Diff(before, text(t, all)); diff != "" {
			t.Errorf("%s: an error has changed the trace:\n%s", rule, diff)
		}
	}
	total := causal(t)
	for _, l := range total.Logs {
		for _, r := range l.Records {
			if r.Header != nil && r.Header.Mode != "" {
				r.Header.Mode = "total"
			}
		}
	}
	if _, err := Break(total, "replica/dependency-missing", nil, 1); !errors.Is(err, ErrNoPlace) || !strings.Contains(err.Error(), "it is of mode total") {
		t.Errorf("%v", err)
	}
}

func TestEveryMutationSaysWhatItIs(t *testing.T) {
	names := Rules()
	for _, m := range Mutations() {
		if m.Mistake == "" || m.Needs == "" || strings.HasSuffix(m.Mistake, ".") || strings.Contains(m.Mistake, "\n") {
			t.Errorf("%s: %q, %q", m.Rule, m.Mistake, m.Needs)
		}
		for _, rule := range m.Implies {
			if rule == m.Rule || !slices.Contains(names, rule) {
				t.Errorf("%s implies %q", m.Rule, rule)
			}
		}
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(Mutations()) {
		t.Error("a rule has two mutations")
	}
}

// Whatever the trace, Break changes something or says why not and changes nothing.
func TestBreakOfAnything(t *testing.T) {
	whole := causal(t)
	rapid.Check(t, func(t *rapid.T) {
		all := whole.Clone()
		for i := range all.Logs {
			l := &all.Logs[i]
			l.Records = slices.DeleteFunc(l.Records, func(Record) bool { return rapid.IntRange(0, 5).Draw(t, "drop") == 0 })
			for range rapid.IntRange(0, 2).Draw(t, "swaps") {
				if n := len(l.Records); n > 0 {
					j, k := rapid.IntRange(0, n-1).Draw(t, "one"), rapid.IntRange(0, n-1).Draw(t, "other")
					l.Records[j], l.Records[k] = l.Records[k], l.Records[j]
				}
			}
		}
		rule := rapid.SampledFrom(Rules()).Draw(t, "rule")
		before := text(t, all)
		_, err := Break(all, rule, nil, rapid.Uint64Range(0, 9).Draw(t, "seed"))
		changed := before != text(t, all)
		switch {
		case err != nil && !errors.Is(err, ErrNoPlace):
			t.Fatal(err)
		case err != nil && changed:
			t.Fatalf("%s: %v, and the trace has changed", rule, err)
		case err == nil && !changed:
			t.Fatalf("%s: nothing has changed", rule)
		}
	})
}

// An event that is moved is renumbered wherever it is named, and time makes room for it.
func TestMoveAfter(t *testing.T) {
	all := causal(t)
	ed := newEditor(all, func(*trace.Event) bool { return true }, nil)
	events := ed.byName["branch-2"].events
	reply, order := events[5], events[3]
	ed.moveAfter(order, reply)
	got := ed.byName["customer-2"].events[1]
	if reply.Seq != 5 || reply.Clock != order.Clock+1 || reply.Answers != 3 || got.Cause != 5 || got.Stamp != reply.Clock || got.Clock != 14 {
		t.Errorf("%+v received as %+v", reply, got)
	}
	if x := events[4]; x.Seq != 6 || x.Clock != reply.Clock+1 || order.At != 10 {
		t.Errorf("what it was moved over is %+v", x)
	}
}
