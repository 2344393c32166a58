package checktest_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

// sane holds what Check finds to what it promises, whatever the logs are.
func sane(t interface{ Fatalf(string, ...any) }, logs []checktest.Log, opt checktest.Options) []checktest.Finding {
	found := checktest.Check(logs, opt)
	known := checktest.Rules()
	last := ""
	for _, f := range found {
		text := strings.Join([]string{f.Rule, f.Event, f.Other, f.Replica}, "\x00")
		if text <= last || f.Event == "" || !slices.Contains(known, f.Rule) {
			t.Fatalf("%+v is out of order, found twice, of no rule or without event", f)
		}
		last = text
	}
	return found
}

func baseLogs(t testing.TB) (logs []checktest.Log) {
	base, err := txtar.ParseFile(filepath.Join("testdata", "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range base.Files {
		logs = append(logs, checktest.Read(f.Name, f.Data))
	}
	return logs
}

func FuzzCheck(f *testing.F) {
	for _, family := range []string{"base", "rules/request", "rules/session", "rules/replica", "rules/causality"} {
		archive, err := txtar.ParseFile(filepath.Join("testdata", family+".txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for i := 1; i < len(archive.Files); i++ {
			f.Add(archive.Files[i-1].Data, archive.Files[i].Data, i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte, settled bool) {
		logs := []checktest.Log{checktest.Read("a", a), checktest.Read("b", b)}
		sane(t, logs, checktest.Options{Strict: true, Settled: settled, Mode: "total", Processes: []string{"branch-1"}})
	})
}

// Mutants are taken without panic, and what is found in them does not depend on the order of the logs.
func TestMutants(t *testing.T) {
	base := baseLogs(t)
	broken := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		logs := mutated(t, base)
		opt := checktest.Options{Strict: rapid.Bool().Draw(t, "strict"), Settled: rapid.Bool().Draw(t, "settled")}
		found := sane(t, logs, opt)
		slices.Reverse(logs)
		if diff := cmp.Diff(found, checktest.Check(logs, opt)); diff != "" {
			t.Fatalf("the logs in another order give other findings:\n%s", diff)
		}
		for _, f := range found {
			broken[f.Rule]++
		}
	})
	if len(broken) < 15 {
		t.Errorf("the mutants broke %d rules only: %v", len(broken), broken)
	}
}

// mutated returns the logs of the base after one to four random changes.
func mutated(t *rapid.T, base []checktest.Log) []checktest.Log {
	logs := cloneLogs(base)
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		log := &logs[rapid.IntRange(0, len(logs)-1).Draw(t, "log")]
		if len(log.Records) < 2 {
			continue
		}
		i := rapid.IntRange(0, len(log.Records)-2).Draw(t, "record")
		e := log.Records[i].Event
		change := rapid.IntRange(0, 9).Draw(t, "change")
		number := rapid.Uint64Range(1, 80).Draw(t, "number")
		switch {
		case change == 0:
			log.Records = slices.Delete(log.Records, i, i+1)
		case change == 1:
			log.Records[i], log.Records[i+1] = log.Records[i+1], log.Records[i]
		case change == 2:
			log.Records = log.Records[:len(log.Records)-1]
		case e == nil:
		case change == 3:
			e.Clock = number
		case change == 4 && e.Kind == trace.Receive:
			e.Cause = number
		case change == 5 && e.Kind == trace.Receive:
			e.Stamp = number
		case change == 6:
			e.Amount, e.Balance = int64(number), trace.KnownBalance(int64(number)-40)
		case change == 7:
			e.Result = trace.Result(number % 7)
		case change == 8 && !e.Write.IsZero():
			e.Write.N, e.At = number%5+1, number
		default:
			e.Sees, e.Peer = e.Sees.Set("branch-1", number%4), fmt.Sprintf("branch-%d", number%4)
		}
	}
	return logs
}

func cloneLogs(logs []checktest.Log) []checktest.Log {
	logs = slices.Clone(logs)
	for i := range logs {
		logs[i].Records = slices.Clone(logs[i].Records)
		for j := range logs[i].Records {
			if e := logs[i].Records[j].Event; e != nil {
				c := e.Clone()
				logs[i].Records[j].Event = &c
			}
		}
	}
	return logs
}
