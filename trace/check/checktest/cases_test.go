package checktest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

var update = flag.Bool("update", false, "write what is found into testdata")

// A file of testdata/rules holds the cases of one family of rules. A case is the sections that begin with its name,
// RULE/good… or RULE/bad…:
//
//	RULE/bad/options     settled, strict, mode=M, processes=P,P; settled is taken for granted with edits
//	RULE/bad/edits       changes to testdata/base.txtar, see edit; without this section a case has logs of its own
//	RULE/bad/a.jsonl     a log
//	RULE/bad/want        the findings: rule event other replica, one a line, - for none
type scenario struct {
	name, options, edits, want string
	logs                       []txtar.File
	at                         int // place of want in the archive, -1 without
}

func scenarios(t *testing.T, archive *txtar.Archive) (all []*scenario) {
	t.Helper()
	for i, f := range archive.Files {
		cut := strings.LastIndexByte(f.Name, '/')
		if cut < 0 {
			t.Fatalf("section %q has no case", f.Name)
		}
		name, part := f.Name[:cut], f.Name[cut+1:]
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, &scenario{name: name, at: -1})
		}
		s := all[len(all)-1]
		switch part {
		case "options":
			s.options = string(f.Data)
		case "edits":
			s.edits = string(f.Data)
		case "want":
			s.want, s.at = string(f.Data), i
		default:
			s.logs = append(s.logs, txtar.File{Name: strings.TrimSuffix(part, ".jsonl"), Data: f.Data})
		}
	}
	return all
}

func (s *scenario) run(t *testing.T, base []txtar.File) string {
	t.Helper()
	var opt checktest.Options
	opt.Settled = s.edits != ""
	for _, word := range strings.Fields(s.options) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "settled":
			opt.Settled = true
		case "unsettled":
			opt.Settled = false
		case "strict":
			opt.Strict = true
		case "mode":
			opt.Mode = value
		case "processes":
			opt.Processes = strings.Split(value, ",")
		default:
			t.Fatalf("%s: option %q", s.name, word)
		}
	}
	files := s.logs
	if s.edits != "" {
		files = edited(t, base, s.edits)
	}
	var logs []checktest.Log
	for _, f := range files {
		logs = append(logs, checktest.Read(f.Name, f.Data))
	}
	found := checktest.Check(logs, opt)
	slices.Reverse(logs)
	if diff := cmp.Diff(found, checktest.Check(logs, opt)); diff != "" {
		t.Errorf("the logs in another order give other findings:\n%s", diff)
	}
	var text strings.Builder
	for _, f := range found {
		line := fmt.Sprintf("%s %s %s %s", f.Rule, f.Event, orDash(f.Other), orDash(f.Replica))
		text.WriteString(strings.TrimSuffix(strings.TrimSuffix(line, " -"), " -") + "\n")
	}
	return text.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func TestRules(t *testing.T) {
	base, err := txtar.ParseFile(filepath.Join("testdata", "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range []string{"log", "clock", "message", "causality", "request", "replica", "money", "session"} {
		path := filepath.Join("testdata", "rules", family+".txtar")
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all := scenarios(t, archive)
		for _, s := range all {
			t.Run(family+"/"+s.name, func(t *testing.T) {
				got := s.run(t, base.Files)
				switch {
				case *update && s.at >= 0:
					archive.Files[s.at].Data = []byte(got)
				case s.at < 0:
					t.Fatal("the case has no want")
				case got != s.want:
					t.Errorf("found:\n%swant:\n%s", got, s.want)
				}
				rule, kind, _ := strings.Cut(s.name, "/")
				has := strings.Contains("\n"+got, "\n"+family+"/"+rule+" ")
				if has != strings.HasPrefix(kind, "bad") {
					t.Errorf("the case is called %s and finds:\n%s", kind, got)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, rule := range checktest.Rules() {
			if name, ok := strings.CutPrefix(rule, family+"/"); ok {
				for _, kind := range []string{"bad", "good"} {
					if !slices.ContainsFunc(all, func(s *scenario) bool { return strings.HasPrefix(s.name, name+"/"+kind) }) {
						t.Errorf("%s has no case called %s", rule, kind)
					}
				}
			}
		}
	}
}

// The base keeps every rule, so whatever a case with edits finds is the edits' work.
func TestBaseKeepsEveryRule(t *testing.T) {
	base, err := txtar.ParseFile(filepath.Join("testdata", "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{logs: base.Files, options: "settled strict processes=branch-1,branch-2,branch-3,customer-1,customer-2"}
	if got := s.run(t, nil); got != "" {
		t.Error(got)
	}
}

// edited returns the logs after edits, one a line:
//
//	branch-1:7 {"clock":9,"stamp":null}   change fields of an event; null removes one
//	branch-1:7 blank                      leave it process, seq, clock, kind, peer, cause and stamp
//	branch-1:7 delete
//	branch-1:7 after {…}                  add an event after it
//	branch-1 header {…}                   change fields of the header
//	branch-1 unended                      take the end record away
//	branch-1 torn                         cut the last line
//	branch-1 drop                         take the log away
func edited(t *testing.T, base []txtar.File, edits string) (files []txtar.File) {
	t.Helper()
	lines := map[string][]map[string]any{}
	torn := map[string]bool{}
	for _, f := range base {
		for line := range bytes.Lines(f.Data) {
			lines[f.Name] = append(lines[f.Name], object(t, string(line)))
		}
	}
	for edit := range strings.Lines(edits) {
		target, action, _ := strings.Cut(strings.TrimSpace(edit), " ")
		process, number, isEvent := strings.Cut(target, ":")
		log := lines[process]
		if len(log) == 0 {
			t.Fatalf("%s: no such log", edit)
		}
		i := 0
		if isEvent {
			i = slices.IndexFunc(log, func(r map[string]any) bool { return fmt.Sprint(r["seq"]) == number })
			if _, err := strconv.Atoi(number); err != nil || i < 0 {
				t.Fatalf("%s: no such event", edit)
			}
		}
		switch word, text, _ := strings.Cut(action, " "); word {
		case "delete":
			lines[process] = slices.Delete(log, i, i+1)
		case "after":
			added := object(t, text)
			added["process"] = process
			lines[process] = slices.Insert(log, i+1, added)
		case "blank":
			for _, field := range []string{"request", "step", "write", "at", "op", "account", "to_account", "amount", "balance", "to_balance", "result", "sees", "answers", "has"} {
				delete(log[i], field)
			}
		case "unended":
			lines[process] = log[:len(log)-1]
		case "torn":
			torn[process] = true
		case "drop":
			delete(lines, process)
		default:
			for field, value := range object(t, strings.TrimPrefix(action, "header ")) {
				if log[i][field] = value; value == nil {
					delete(log[i], field)
				}
			}
		}
	}
	for _, f := range base {
		var text []byte
		for _, record := range lines[f.Name] {
			line, err := json.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			text = append(append(text, line...), '\n')
		}
		if torn[f.Name] {
			text = text[:len(text)-5]
		}
		if text != nil {
			files = append(files, txtar.File{Name: f.Name, Data: text})
		}
	}
	return files
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return fields
}
