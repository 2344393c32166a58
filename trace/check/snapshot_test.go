package check

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

// TestForgetful checks that runs in which branches lose their stores pass, and so do logs that begin after that.
func TestForgetful(t *testing.T) {
	snapshots := 0
	for seed := range uint64(60) {
		files := forgetfulLogs(seed, 2+int(seed%4), 1+int(seed%4), 8)
		for name, log := range files {
			snapshots += bytes.Count(log, []byte(`"snapshot"`))
			if seed%3 == 2 {
				files[name] = sliced(t, log)
			}
		}
		r := mustCheck(t, sourcesOf(files), Options{Strict: true, Run: settled()})
		if r.Verdict != Pass || len(r.Findings) > 0 {
			t.Fatalf("seed %d:\n%s", seed, text(r))
		}
	}
	if snapshots < 50 {
		t.Errorf("%d snapshots prove little", snapshots)
	}
}

// sliced returns a log from its last header on.
func sliced(t *testing.T, log []byte) []byte {
	at := bytes.LastIndex(log, []byte(`{"format"`))
	if at <= 0 {
		return log
	}
	reader := trace.NewReader(bytes.NewReader(log[at:]), "sliced")
	if !reader.Scan() {
		t.Fatal(reader.Err())
	}
	h := reader.Record().(*trace.Header).Clone()
	if !reader.Scan() {
		t.Fatal(reader.Err())
	}
	h.First = reader.Record().(*trace.Event).Seq
	_, rest, _ := bytes.Cut(log[at:], []byte("\n"))
	return append(trace.AppendHeader(nil, &h), rest...)
}

// TestSnapshotsAgainstTwin changes little around snapshots and compares with the dumb twin, whatever the order of merging.
func TestSnapshotsAgainstTwin(t *testing.T) {
	broken := map[string]int{}
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 6))
		files := forgetfulLogs(seed, 2+rng.IntN(3), 1+rng.IntN(3), 1+rng.IntN(6))
		var logs []checktest.Log
		for _, s := range sourcesOf(files) {
			logs = append(logs, checktest.Read(s.Name, files[s.Name]))
		}
		for range 1 + rng.IntN(3) {
			unsettle(rng, logs[rng.IntN(len(logs))].Records)
		}
		settled := rng.IntN(3) > 0
		var sources []Source
		for i, log := range logs {
			var text []byte
			for _, record := range log.Records {
				switch {
				case record.Header != nil:
					text = trace.AppendHeader(text, record.Header)
				case record.Event != nil:
					text = trace.AppendEvent(text, record.Event)
				case record.End != nil:
					text = trace.AppendEnd(text, record.End)
				}
			}
			sources, logs[i] = append(sources, Bytes(log.Name, text)), checktest.Read(log.Name, text)
		}
		want := twinOf(checktest.Check(logs, checktest.Options{Settled: settled}), broken)
		opt := Options{Run: &trace.Run{Settled: settled}, MaxFindings: 1 << 20}
		for _, pick := range []func(int) int{nil, rng.IntN} {
			opt.pick = pick
			r, err := Check(context.Background(), sources, opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, streamedOf(r)); diff != "" {
				t.Fatalf("seed %d: -twin +checker:\n%s", seed, diff)
			}
		}
	}
	for _, rule := range []string{
		"replica/executed-twice", "replica/phantom-execute", "replica/missing-execute", "replica/order-differs",
		"replica/wrong-vector", "replica/diverged", "money/unexplained-balance", "money/acknowledged-but-lost",
	} {
		if broken[rule] == 0 {
			t.Errorf("no change broke %s: %v", rule, broken)
		}
	}
}

// unsettle makes one change to a log that leaves every record one.
func unsettle(rng *rand.Rand, records []checktest.Record) {
	var places []int
	for i, record := range records {
		if e := record.Event; e != nil && (e.Step == trace.StepSnapshot || e.Step == trace.StepExecute && !e.Write.IsZero()) {
			places = append(places, i)
			if e.Step == trace.StepSnapshot {
				places = append(places, i, i, i)
			}
		}
	}
	if len(places) == 0 {
		return
	}
	e := records[places[rng.IntN(len(places))]].Event
	number := rng.Uint64N(5)
	snapshot := e.Step == trace.StepSnapshot
	switch change := rng.IntN(7); {
	case change == 0:
		*e = trace.Event{Process: e.Process, Seq: e.Seq, Clock: e.Clock, Kind: e.Kind}
	case change <= 2 && snapshot && len(e.Sees) > 0:
		entry := e.Sees[rng.IntN(len(e.Sees))]
		e.Sees = e.Sees.Clone().Set(entry.Process, max(entry.N+number, 2)-2)
	case change == 3 && snapshot:
		e.Balances = []trace.AccountBalance{{Account: "main", Amount: int64(number) * 100}}
	case change == 4 && snapshot:
		e.Balances = nil
	case change == 5:
		e.Step, e.Sees, e.Write = trace.StepSnapshot, e.Sees.Clone().Set("branch-1", number), trace.ID{}
	case !snapshot && change == 6:
		e.Write.N = max(e.Write.N+number, 3) - 2
	case !snapshot:
		e.At = max(e.At+number, 3) - 2
	}
}

// twinOf returns the twin's findings as rule, event and other, and counts them by rule.
func twinOf(found []checktest.Finding, broken map[string]int) (all []string) {
	for _, f := range found {
		broken[f.Rule]++
		all = append(all, f.Rule+" "+f.Event+" "+cmp.Or(f.Replica, f.Other))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// streamedOf returns the findings of a report likewise.
func streamedOf(r *Report) (all []string) {
	place := func(p *Place) string {
		switch {
		case p == nil || p.Seq == 0 && p.Process == "":
			return ""
		case p.Seq == 0:
			return p.Process
		}
		return p.Ref()
	}
	for _, f := range r.Findings {
		event, other := place(f.Event), place(f.Other)
		switch {
		case f.Rule == "money/not-conserved":
			event = f.Event.Process
		case f.Rule == "money/acknowledged-but-lost", f.Rule == "replica/missing-execute" && strings.Contains(f.Message, " never executed "):
			other = f.Other.Process
		case f.Other != nil && f.Other.Seq == 0 && f.Event.Seq > 0:
			other = "" // an opening
		}
		all = append(all, f.Rule+" "+event+" "+other)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
