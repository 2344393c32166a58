package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func settled() *trace.Run { return &trace.Run{Settled: true} }

func checked(t *rapid.T, sources []Source, opt Options) *Report {
	r, err := Check(context.Background(), sources, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustCheck(t testing.TB, sources []Source, opt Options) *Report {
	t.Helper()
	r, err := Check(context.Background(), sources, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(r *Report) string {
	var b bytes.Buffer
	r.WriteText(&b, TextOptions{})
	return b.String()
}

// TestValid checks that valid runs pass, and that between them every rule that such runs can show is checked.
func TestValid(t *testing.T) {
	checked := map[string]int64{}
	for seed := range uint64(50) {
		files := randomLogs(seed, 1+int(seed%5), 1+int(seed%4), 8)
		r := mustCheck(t, sourcesOf(files), Options{Strict: true, Run: settled()})
		if r.Verdict != Pass || len(r.Findings) > 0 || r.InFlight+r.Uncovered > 0 {
			t.Fatalf("seed %d:\n%s", seed, text(r))
		}
		for _, rule := range r.Rules {
			checked[rule.Rule] += rule.Checked
		}
	}
	for _, rule := range Rules() {
		if causal := rule.Name == "replica/dependency-missing"; (checked[rule.Name] == 0) != causal {
			t.Errorf("%s was checked %d times", rule.Name, checked[rule.Name])
		}
	}
}

// mutate changes the logs in one random way that readers may meet.
func mutate(t *rapid.T, files map[string][]byte) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	name := rapid.SampledFrom(names).Draw(t, "log")
	lines := bytes.SplitAfter(files[name], []byte("\n"))
	i := rapid.IntRange(0, max(0, len(lines)-2)).Draw(t, "line")
	digit := func(field string) {
		at := bytes.Index(lines[i], []byte(`"`+field+`":`))
		if at < 0 {
			return
		}
		at += len(field) + 3
		end := at
		for end < len(lines[i]) && lines[i][end] >= '0' && lines[i][end] <= '9' {
			end++
		}
		if end > at {
			value := rapid.Uint64Range(1, 80).Draw(t, "value")
			lines[i] = slices.Concat(lines[i][:at], fmt.Append(nil, value), lines[i][end:])
		}
	}
	switch op := rapid.SampledFrom([]string{
		"drop", "repeat", "swap", "cut", "garbage", "lose", "clock", "seq", "cause", "stamp", "balance", "at", "branch-1",
		"amount", "answers", "write", "request", "result", "peer",
	}).Draw(t, "mutation"); op {
	case "drop":
		lines = slices.Delete(lines, i, i+1)
	case "repeat":
		lines = slices.Insert(lines, i, lines[i])
	case "swap":
		j := rapid.IntRange(0, max(0, len(lines)-2)).Draw(t, "other")
		lines[i], lines[j] = lines[j], lines[i]
	case "cut":
		lines = lines[:i+1]
		lines[i] = lines[i][:len(lines[i])/2]
	case "garbage":
		lines[i] = []byte("what?\n")
	case "lose":
		if len(files) > 1 {
			delete(files, name)
		}
		return
	case "result", "write", "request", "peer":
		from := rapid.SampledFrom([]string{`"ok"`, `/1"`, `/2"`, `"branch-1"`, `"branch-1/`, `"customer-1/`}).Draw(t, "from")
		to := rapid.SampledFrom([]string{`"insufficient"`, `/2"`, `/3"`, `"branch-2"`, `"branch-2/`, `"customer-2/`}).Draw(t, "to")
		if from[0] == to[0] && strings.HasSuffix(from, "/") == strings.HasSuffix(to, "/") {
			lines[i] = bytes.Replace(lines[i], []byte(from), []byte(to), 1)
		}
	default:
		digit(op)
	}
	files[name] = bytes.Join(lines, nil)
}

func drawMutant(t *rapid.T) map[string][]byte {
	logs := rapid.SampledFrom([]func(uint64, int, int, int) map[string][]byte{randomLogs, forgetfulLogs}).Draw(t, "logs")
	files := logs(rapid.Uint64Range(0, 500).Draw(t, "seed"), rapid.IntRange(1, 4).Draw(t, "branches"),
		rapid.IntRange(1, 3).Draw(t, "customers"), rapid.IntRange(1, 5).Draw(t, "rounds"))
	for range rapid.IntRange(0, 4).Draw(t, "mutations") {
		mutate(t, files)
	}
	return files
}

// TestMergeOrder checks that neither the order of the sources nor that of the merging changes a report.
func TestMergeOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := drawMutant(t)
		opt := Options{Strict: rapid.Bool().Draw(t, "strict"), Run: &trace.Run{Settled: rapid.Bool().Draw(t, "settled")}}
		want, err := Check(context.Background(), sourcesOf(files), opt)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 2))
		sources := sourcesOf(files)
		rng.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		opt.pick = rng.IntN
		got, err := Check(context.Background(), sources, opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Report{}, Place{})); diff != "" {
			t.Fatalf("-by clock +shuffled:\n%s", diff)
		}
	})
}

// TestProcessors checks that a report does not depend on how many goroutines decode the logs.
func TestProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rapid.Check(t, func(t *rapid.T) {
		files := drawMutant(t)
		var reports []*Report
		for _, n := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(n)
			reports = append(reports, checked(t, sourcesOf(files), Options{Strict: true, Run: settled()}))
			if diff := cmp.Diff(reports[0], reports[len(reports)-1], cmp.AllowUnexported(Report{}, Place{})); diff != "" {
				t.Fatalf("-one +%d:\n%s", n, diff)
			}
		}
	})
}

// TestSpilled checks that messages which wait in files are judged as those that wait in memory.
func TestSpilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		files := drawMutant(t)
		opt := Options{Strict: rapid.Bool().Draw(t, "strict"), Run: &trace.Run{Settled: rapid.Bool().Draw(t, "settled")}}
		want, err := Check(context.Background(), sourcesOf(files), opt)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 2))
		opt.keep = rapid.SampledFrom([]int{1, 400, 3000}).Draw(t, "keep")
		if rapid.Bool().Draw(t, "shuffled") {
			opt.pick = rng.IntN
		}
		got, err := Check(context.Background(), sourcesOf(files), opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Report{}, Place{})); diff != "" {
			t.Fatalf("-in memory +spilled:\n%s", diff)
		}
	})
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, error %v", left, err)
	}
}

// A file that cannot be made ends the check with an error that says what it was for.
func TestSpillFails(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	_, err := Check(context.Background(), sourcesOf(randomLogs(5, 3, 3, 20)), Options{keep: 1})
	if err == nil || !strings.Contains(err.Error(), "keep messages in flight in a temporary file") {
		t.Errorf("error %v", err)
	}
}

// TestMergedFile checks that one file of all processes gives what the logs one by one give, places excepted.
func TestMergedFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := randomLogs(rapid.Uint64Range(0, 500).Draw(t, "seed"), 3, 3, 4)
		kinds := []string{`"clock":`, `"balance":`, `"stamp":`, `"cause":`, `"at":`, `"seq":`}
		for _, s := range sourcesOf(files) { // digits only: every line stays a record
			data := files[s.Name]
			at := bytes.Index(data, []byte(rapid.SampledFrom(kinds).Draw(t, "field")))
			if at >= 0 && rapid.Bool().Draw(t, "change") {
				at += bytes.IndexByte(data[at:], ':') + 1
				data[at] = '1' + byte(rapid.IntRange(0, 8).Draw(t, "digit"))
			}
			files[s.Name] = data
		}
		want, err := Check(context.Background(), sourcesOf(files), Options{Run: settled()})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 3))
		one := Bytes("all.jsonl", merged(rng, files))
		got, err := Check(context.Background(), []Source{one}, Options{Run: settled()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(essence(want), essence(got)); diff != "" {
			t.Fatalf("-many files +one:\n%s", diff)
		}
	})
}

// essence is a report without the places of its findings.
func essence(r *Report) []string {
	var all []string
	for _, f := range r.Findings {
		s := f.Rule + " " + string(f.Severity) + " " + f.Message
		for _, p := range []*Place{f.Event, f.Other} {
			if p != nil {
				s += " " + p.Ref()
			}
		}
		all = append(all, s)
	}
	for _, rule := range r.Rules {
		if rule.Rule != "log/truncated" {
			all = append(all, fmt.Sprint(rule))
		}
	}
	return append(all, string(r.Verdict), fmt.Sprint(r.Events, r.Processes, r.Messages, r.InFlight, r.Uncovered))
}

func TestRules(t *testing.T) {
	rules := Rules()
	if len(rules) != int(ruleCount) {
		t.Fatalf("%d rules, %d numbers", len(rules), ruleCount)
	}
	for id, name := range map[ruleID]string{
		logMalformed: "log/malformed", logTruncated: "log/truncated", logMissing: "log/missing",
		logSequenceGap: "log/sequence-gap", clockNotIncreasing: "clock/not-increasing",
		clockNotAfterSend: "clock/receive-not-after-send", clockStampMismatch: "clock/stamp-mismatch",
		clockNotExact: "clock/not-exact", messageOrphan: "message/orphan-receive",
		messageDuplicate: "message/duplicate-receive", messageMisdelivered: "message/misdelivered",
		messageLost: "message/lost", causalityCycle: "causality/cycle", requestUnanswered: "request/unanswered",
		requestTwice: "request/answered-twice", requestDiffers: "request/answer-differs",
		requestUnexecuted: "request/answered-unexecuted", requestAltered: "request/altered",
		replicaTwice: "replica/executed-twice", replicaPhantom: "replica/phantom-execute",
		replicaAltered: "replica/altered", replicaMissing: "replica/missing-execute",
		replicaOrder: "replica/order-differs", replicaHorizon: "replica/execute-before-horizon",
		replicaDependency: "replica/dependency-missing", replicaVector: "replica/wrong-vector",
		replicaDiverged: "replica/diverged", moneyUnexplained: "money/unexplained-balance",
		moneyOverdrawn: "money/overdrawn", moneyRefusal: "money/wrong-refusal",
		moneyRefused: "money/refused-but-executed", moneyLost: "money/acknowledged-but-lost",
		moneyConserved: "money/not-conserved", sessionOwnWrites: "session/read-your-writes",
		sessionReads: "session/monotonic-reads", sessionWrites: "session/monotonic-writes",
		sessionFollow: "session/writes-follow-reads",
	} {
		if rules[id].Name != name {
			t.Errorf("rule %d is %s, want %s", id, rules[id].Name, name)
		}
	}
	for _, r := range rules {
		if r.Statement == "" || r.Reason == "" || r.Source == "" || r.Mistake == "" || r.Family == "" {
			t.Errorf("%s lacks words: %+v", r.Name, r)
		}
		if got, ok := LookupRule(r.Name); !ok || got != r {
			t.Errorf("LookupRule(%s) = %+v, %v", r.Name, got, ok)
		}
	}
	if _, ok := LookupRule("clock/none"); ok {
		t.Error("found a rule that there is not")
	}
}

func TestUnknownRule(t *testing.T) {
	_, err := Check(context.Background(), nil, Options{Rules: []string{"clocks"}})
	var unknown *UnknownRuleError
	if !errors.As(err, &unknown) || unknown.Name != "clocks" || !strings.Contains(err.Error(), "clock/not-increasing") {
		t.Fatalf("%v", err)
	}
}

func TestNothingChecked(t *testing.T) {
	if r := mustCheck(t, nil, Options{}); r.ExitStatus() != 2 {
		t.Errorf("no source at all: exit %d", r.ExitStatus())
	}
	foreign := Bytes("a.jsonl", []byte(`{"process":"a","seq":1,"clock":1,"kind":"local"}`+"\n"))
	if r := mustCheck(t, []Source{foreign}, Options{}); r.ExitStatus() != 0 {
		t.Errorf("one event: exit %d\n%s", r.ExitStatus(), text(r))
	}
	if r := mustCheck(t, []Source{foreign}, Options{Rules: []string{"money"}}); r.ExitStatus() != 2 {
		t.Errorf("money asked for, none there: exit %d\n%s", r.ExitStatus(), text(r))
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, sourcesOf(randomLogs(1, 2, 2, 2)), Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
}

func TestFilesAndStdin(t *testing.T) {
	dir := t.TempDir()
	files := randomLogs(7, 3, 2, 5)
	var stdin []byte
	for name, data := range files {
		if name == "branch-1.jsonl" { // a clock that goes back, so that there is a second pass
			data = bytes.Replace(data, []byte(`"seq":3,"clock":`), []byte(`"seq":3,"clock":9`), 1)
			files[name] = data
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		stdin = append(stdin, data...)
	}
	want := mustCheck(t, sourcesOf(files), Options{})
	if want.Verdict != Fail {
		t.Fatalf("the change broke nothing:\n%s", text(want))
	}
	folder, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustCheck(t, Folder(folder), Options{Run: folder.Run}); !slices.Equal(essence(got), essence(want)) {
		t.Errorf("folder:\n%s\nin memory:\n%s", text(got), text(want))
	}
	sparing := sourcesOf(files)
	for i := range sparing {
		sparing[i] = fileSource(sparing[i].Name, []string{filepath.Join(dir, sparing[i].Name)}, true)
	}
	if got := mustCheck(t, sparing, Options{}); !slices.Equal(essence(got), essence(want)) {
		t.Errorf("files that are not held open:\n%s\nin memory:\n%s", text(got), text(want))
	}
	got := mustCheck(t, []Source{Files("-", "-")}, Options{Stdin: bytes.NewReader(stdin)})
	if !slices.Equal(essence(got), essence(want)) {
		t.Errorf("standard input:\n%s\nin memory:\n%s", text(got), text(want))
	}
	if _, err := Check(context.Background(), []Source{Files("x", filepath.Join(dir, "none"))}, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestLongLine(t *testing.T) {
	files := randomLogs(3, 2, 1, 4)
	lines := bytes.SplitAfter(files["branch-1.jsonl"], []byte("\n"))
	lines[3] = []byte(`{"process":"branch-1","note":"` + strings.Repeat("x", 2<<20) + "\"}\n")
	files["branch-1.jsonl"] = bytes.Join(lines, nil)
	r := mustCheck(t, sourcesOf(files), Options{Rules: []string{"log", "clock", "message"}})
	if r.ExitStatus() != 2 || len(r.Findings) != 1 {
		t.Fatalf("exit %d\n%s", r.ExitStatus(), text(r))
	}
	f := r.Findings[0]
	if f.Rule != "log/malformed" || f.Event.File != "branch-1.jsonl" || f.Event.Line != 4 || !strings.Contains(f.Message, "1 MiB") {
		t.Errorf("%+v", f)
	}
	if r.Skipped.Lines != 1 || r.Skipped.Bytes != int64(len(lines[3])) {
		t.Errorf("skipped %+v, want 1 line of %d bytes", r.Skipped, len(lines[3]))
	}
}

// TestManyFindings checks that what is kept is capped and what is counted is not.
func TestManyFindings(t *testing.T) {
	var log []byte
	for i := range uint64(500) {
		log = trace.AppendEvent(log, &trace.Event{Process: "a", Seq: i + 1, Clock: 7, Kind: trace.Local})
	}
	r := mustCheck(t, []Source{Bytes("a.jsonl", log)}, Options{MaxFindings: 20})
	if len(r.Findings) != 20 || r.Rules[clockNotIncreasing].Findings != 499 {
		t.Fatalf("%d kept, %d counted", len(r.Findings), r.Rules[clockNotIncreasing].Findings)
	}
	if r.Findings[0].Event.Seq != 2 || r.Findings[19].Event.Seq != 21 {
		t.Errorf("kept %v to %v", r.Findings[0].Event, r.Findings[19].Event)
	}
	if s := text(r); !strings.Contains(s, "479 findings more") {
		t.Errorf("%s", s)
	}
}

func TestJSONShape(t *testing.T) {
	r := mustCheck(t, sourcesOf(randomLogs(1, 2, 1, 2)), Options{Run: settled()})
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	want := []string{"events", "findings", "format", "in_flight", "messages", "processes", "rules", "skipped", "uncovered", "verdict"}
	var got []string
	for name := range fields {
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
}

func FuzzCheck(f *testing.F) {
	for seed := range uint64(3) {
		files := randomLogs(seed, 2, 1, 1)
		f.Add(files["branch-1.jsonl"], files["branch-2.jsonl"])
		f.Add(merged(rand.New(rand.NewPCG(seed, 4)), files), files["customer-1.jsonl"])
	}
	f.Add([]byte(`{"process":"a","seq":9007199254740992,"clock":9007199254740992,"kind":"receive","peer":"a","cause":9007199254740992}`), []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		sources := []Source{Bytes("a", a), Bytes("b", b)}
		r := mustCheck(t, sources, Options{Strict: true, Run: settled()})
		if r.Verdict == Pass && r.Events == 0 {
			t.Error("nothing was checked, and it passed")
		}
		if err := r.WriteText(&bytes.Buffer{}, TextOptions{Color: true}); err != nil {
			t.Error(err)
		}
		if err := r.WriteJSON(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	files := randomLogs(1, 5, 10, 400)
	sources := sourcesOf(files)
	var size, events int64
	for _, data := range files {
		size += int64(len(data))
	}
	b.ReportAllocs()
	b.SetBytes(size)
	for b.Loop() {
		events = mustCheck(b, sources, Options{Run: settled()}).Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
}
