package check

import (
	"bytes"
	"context"
	"slices"
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
	e := newEngine(sourcesOf(randomLogs(5, 4, 5, 200)), sel, Options{MaxFindings: 10, Strict: true, Run: settled()})
	m := merger{engine: e}
	if err := m.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	messages, replicas, requests := e.messageFamily(), e.replicaFamily(), e.requestFamily()
	if n := messages.flights.len() + len(messages.replies) + len(messages.early) + len(messages.suspect); n > 0 {
		t.Errorf("%d messages are kept", n)
	}
	if n := replicas.open.len() + len(replicas.twice) + len(replicas.suspect) + len(replicas.states.kept); n > 0 {
		t.Errorf("%d writes and states are kept", n)
	}
	if n := requests.received.len() + len(requests.twice) + len(requests.suspect); n > 0 {
		t.Errorf("%d requests are kept", n)
	}
	for _, s := range e.sessionFamily().sessions {
		if s == nil {
			continue
		}
		if s.suspect {
			t.Errorf("%s is suspect", s.p.name)
		}
		for _, a := range s.recent {
			if len(a.reads)+len(a.told) > 0 {
				t.Errorf("%s: %d reads and %d replies kept", s.p.name, len(a.reads), len(a.told))
			}
		}
	}
	for id, s := range e.families[conservedPlace].(*conservedFamily).purses {
		if s != nil && s.suspect {
			t.Errorf("%s is suspect", e.procs[id].name)
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

// TestLeftOut checks that each rule finds what its example shows, and is the only one to do so: without it, it is not
// found.
func TestLeftOut(t *testing.T) {
	for id, rule := range Rules() {
		x, ok := rule.Example()
		if !ok {
			t.Errorf("%s has no example", rule.Name)
			continue
		}
		var sources []Source
		for _, log := range x.Logs {
			sources = append(sources, Bytes(log.Name, []byte(log.Text)))
		}
		opt := Options{Strict: rule.Name == "clock/not-exact", Run: x.Run}
		if !finds(mustCheck(t, sources, opt), rule.Name) {
			t.Errorf("%s is not found in its example", rule.Name)
		}
		opt.without = []ruleID{ruleID(id)}
		if r := mustCheck(t, sources, opt); finds(r, rule.Name) {
			t.Errorf("%s is found although it is left out:\n%s", rule.Name, text(r))
		}
	}
}

// TestFarApart checks that a receive which stands a million events before its send is reported with both places.
func TestFarApart(t *testing.T) {
	const far = 1_000_000
	busy := make([]byte, 0, far*60)
	for i := range uint64(far) {
		busy = trace.AppendEvent(busy, &trace.Event{Process: "busy", Seq: i + 1, Clock: i + 1, Kind: trace.Local})
	}
	busy = trace.AppendEvent(busy, &trace.Event{Process: "busy", Seq: far + 1, Clock: far + 1, Kind: trace.Send, Peer: "quick"})
	quick := trace.AppendEvent(nil, &trace.Event{Process: "quick", Seq: 1, Clock: 2, Kind: trace.Receive, Peer: "busy", Cause: far + 1})
	r := mustCheck(t, []Source{Bytes("busy.jsonl", busy), Bytes("quick.jsonl", quick)}, Options{})
	if r.Events != far+2 || len(r.Findings) != 1 {
		t.Fatalf("%d events, %d findings\n%s", r.Events, len(r.Findings), text(r))
	}
	f := r.Findings[0]
	if f.Rule != "clock/receive-not-after-send" || f.Event.File != "quick.jsonl" || f.Event.Line != 1 ||
		f.Other.File != "busy.jsonl" || f.Other.Line != far+1 || f.Expected != "a clock of at least 1000002" {
		t.Errorf("%+v %+v %+v", f, f.Event, f.Other)
	}
}

// TestSkips checks that a valid log which skips clock values passes, and that --strict says exactly where it does.
func TestSkips(t *testing.T) {
	files := randomLogs(4, 3, 2, 6)
	var logs []Source
	var want []string
	for _, s := range sourcesOf(files) {
		var log []byte
		for line := range bytes.Lines(files[s.Name]) {
			reader := trace.NewReader(bytes.NewReader(line), s.Name)
			reader.Scan()
			switch r := reader.Record().(type) {
			case *trace.Event:
				c := r.Clone() // ten times the clock obeys Lamport's condition and skips nine values at each event
				c.Clock, c.Stamp, c.At = 10*c.Clock, 10*c.Stamp, 10*c.At
				want = append(want, c.Ref().String())
				log = trace.AppendEvent(log, &c)
			case *trace.End:
				log = trace.AppendEnd(log, &trace.End{Process: r.Process, Events: r.Events, Clock: 10 * r.Clock})
			default:
				log = append(log, line...)
			}
		}
		logs = append(logs, Bytes(s.Name, log))
	}
	if r := mustCheck(t, logs, Options{Run: settled()}); r.Verdict != Pass || len(r.Findings) > 0 {
		t.Fatalf("skipping values is legal:\n%s", text(r))
	}
	r := mustCheck(t, logs, Options{Run: settled(), Strict: true})
	var got []string
	for _, f := range r.Findings {
		if f.Rule != "clock/not-exact" {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Event.Ref())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("found at %v\nwant at %v", got, want)
	}
}

// TestTruncatedAllowed checks that a report on a log that was cut off says what is then not covered.
func TestTruncatedAllowed(t *testing.T) {
	files := randomLogs(2, 3, 2, 4)
	cut := files["branch-2.jsonl"]
	files["branch-2.jsonl"] = cut[:bytes.LastIndexByte(cut[:len(cut)-1], '\n')+1]
	r := mustCheck(t, sourcesOf(files), Options{Run: settled()})
	if r.Verdict != Inconclusive {
		t.Fatalf("%s", text(r))
	}
	r = mustCheck(t, sourcesOf(files), Options{Run: settled(), AllowTruncated: true})
	if r.Verdict != Pass || len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Message, "not covered: what it did after this line") {
		t.Fatalf("%s", text(r))
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
	if r.Verdict != Fail || !finds(r, "replica/executed-twice") || !strings.Contains(r.Findings[0].Message, "which the snapshot b:1 had brought already") {
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
