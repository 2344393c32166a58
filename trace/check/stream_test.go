package check

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// TestForgets checks that nothing of a trace is kept once it is settled: what is remembered must not grow with it.
func TestForgets(t *testing.T) {
	sel, err := choose(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(sourcesOf(randomLogs(5, 4, 5, 200)), sel, Options{MaxFindings: 10, Strict: true})
	m := merger{engine: e}
	if err := m.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	messages, replicas := e.families[2].(*messageFamily), e.families[3].(*replicaFamily)
	if n := len(messages.flights) + len(messages.early) + len(messages.suspect); n > 0 {
		t.Errorf("%d messages are kept", n)
	}
	if n := len(replicas.open) + len(replicas.twice) + len(replicas.diverged); n > 0 {
		t.Errorf("%d writes are kept", n)
	}
	for p, s := range e.families[5].(*sessionFamily).sessions {
		if len(s.written) > 1 || s.suspect {
			t.Errorf("%s: %d writes kept, suspect %v", p.name, len(s.written), s.suspect)
		}
	}
}

// TestOnePass checks that a trace without suspects is read once.
func TestOnePass(t *testing.T) {
	files := randomLogs(5, 3, 3, 20)
	var events int64
	passes := 0
	opt := Options{Progress: func(n, _ int64) {
		if n <= events {
			passes++
		}
		events = n
	}}
	mustCheck(t, sourcesOf(files), opt)
	if passes != 0 {
		t.Errorf("read again %d times", passes)
	}
	files["branch-1.jsonl"] = []byte(strings.Replace(string(files["branch-1.jsonl"]), `"stamp":`, `"stamp":9`, 1))
	events = 0
	mustCheck(t, sourcesOf(files), opt)
	if passes != 1 {
		t.Errorf("with a suspect: read again %d times, want once", passes)
	}
}

// TestLeftOut checks that each rule which finds something is the only one to find it: without it, it is not there.
func TestLeftOut(t *testing.T) {
	files := map[string][]byte{"a.jsonl": []byte(`{"process":"a","seq":1,"clock":3,"kind":"send","peer":"b"}
{"process":"a","seq":3,"clock":2,"kind":"local"}
{"process":"a","seq":4,"clock":9,"kind":"local","step":"execute","write":"a/1","op":"deposit","account":"main","amount":1,"balance":-5,"result":"ok"}
what
`), "b.jsonl": []byte(`{"process":"b","seq":1,"clock":2,"kind":"receive","peer":"a","cause":1,"stamp":4}
{"process":"b","seq":2,"clock":4,"kind":"receive","peer":"a","cause":1,"stamp":3}
{"process":"b","seq":3,"clock":5,"kind":"receive","peer":"a","cause":2}
`)}
	want := []ruleID{
		logMalformed, logSequenceGap, clockNotIncreasing, clockNotAfterSend, clockStampMismatch, messageOrphan,
		messageDuplicate, moneyOverdrawn,
	}
	all := mustCheck(t, sourcesOf(files), Options{})
	for _, id := range want {
		name := catalogue()[id].Name
		if !finds(all, name) {
			t.Errorf("%s is not found", name)
		}
		if finds(mustCheck(t, sourcesOf(files), Options{without: []ruleID{id}}), name) {
			t.Errorf("%s is found although it is left out", name)
		}
	}
}

func finds(r *Report, rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// TestSnapshot checks that the writes which a snapshot brought count as executed, and its balances as known.
func TestSnapshot(t *testing.T) {
	const head = `{"format":"bank-trace/1","process":"b","role":"branch","incarnation":1,"mode":"total","peers":["b"],"opening":{"main":0}}
{"process":"b","seq":1,"clock":1,"kind":"local","step":"snapshot","sees":{"a":3},"balances":{"main":50}}
`
	next := func(n string) []byte {
		return []byte(head + `{"process":"b","seq":2,"clock":2,"kind":"local","step":"execute","write":"a/` + n +
			`","at":2,"op":"deposit","account":"main","amount":5,"balance":55,"result":"ok"}` + "\n")
	}
	if r := mustCheck(t, []Source{Bytes("b", next("4"))}, Options{}); r.Verdict != Pass || len(r.Findings) > 0 {
		t.Errorf("the write after the snapshot:\n%s", text(r))
	}
	r := mustCheck(t, []Source{Bytes("b", next("3"))}, Options{})
	if r.Verdict != Fail || !finds(r, "replica/executed-twice") || !strings.Contains(text(r), "a snapshot had brought") {
		t.Errorf("a write that the snapshot brought:\n%s", text(r))
	}
	if r = mustCheck(t, []Source{Bytes("b", next("6"))}, Options{}); !finds(r, "replica/missing-execute") {
		t.Errorf("writes passed over after the snapshot:\n%s", text(r))
	}
}

// TestColor checks that there are no escapes unless they are asked for.
func TestColor(t *testing.T) {
	r := mustCheck(t, []Source{Bytes("a", trace.AppendEvent(nil, &trace.Event{
		Process: "a", Seq: 2, Clock: 1, Kind: trace.Local, Note: "\x1b[31m",
	}))}, Options{})
	var with, without strings.Builder
	if r.WriteText(&with, TextOptions{Color: true}) != nil || r.WriteText(&without, TextOptions{}) != nil {
		t.Fatal("a strings.Builder does not fail")
	}
	if strings.Contains(without.String(), "\x1b") || !strings.Contains(with.String(), red+"FAIL"+plain) {
		t.Errorf("with colour:\n%q\nwithout:\n%q", with.String(), without.String())
	}
}
