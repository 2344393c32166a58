package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// logText is a log of JSON Lines.
type logText struct {
	name string
	text []byte
}

// reports checks logs and returns the text and the JSON of the report.
func reports(t *testing.T, logs []logText, opt check.Options) (r *check.Report, text, json string) {
	t.Helper()
	var sources []check.Source
	for _, l := range logs {
		sources = append(sources, check.Bytes(l.name, l.text))
	}
	r, err := check.Check(t.Context(), sources, opt)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(r.WriteText(&a, check.TextOptions{}), r.WriteJSON(&b)); err != nil {
		t.Fatal(err)
	}
	return r, a.String(), b.String()
}

// placeless is the JSON of a report without the names of files and the numbers of lines.
func placeless(t *testing.T, r *check.Report) string {
	t.Helper()
	c := *r
	c.Findings = slices.Clone(r.Findings)
	for i := range c.Findings {
		for _, p := range []**check.Place{&c.Findings[i].Event, &c.Findings[i].Other} {
			if *p != nil {
				*p = &check.Place{Process: (*p).Process, Seq: (*p).Seq, Clock: (*p).Clock}
			}
		}
	}
	var out bytes.Buffer
	if err := c.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// compareEncodings checks a trace in every encoding, and with all logs in one file.
func compareEncodings(t *testing.T, logs []logText, opt check.Options) {
	t.Helper()
	want, wantText, wantJSON := reports(t, logs, opt)
	for _, enc := range trace.Encodings() {
		var coded []logText
		var merged bytes.Buffer
		var wrong *trace.SyntaxError
		for _, l := range logs {
			var out bytes.Buffer
			_, err := (&convert.Recode{Encoding: enc}).Stream(context.Background(), &out, bytes.NewReader(l.text), l.name)
			if errors.As(err, &wrong) && enc.Binary() {
				continue // a record that cannot be read is in no other form
			}
			if err != nil {
				t.Fatal(err)
			}
			coded = append(coded, logText{l.name, out.Bytes()})
			merged.Write(out.Bytes())
		}
		if wrong != nil {
			continue
		}
		_, text, json := reports(t, coded, opt)
		if diff := cmp.Diff(wantText, text); diff != "" {
			t.Errorf("%s: the text differs:\n%s", enc, diff)
		}
		if diff := cmp.Diff(wantJSON, json); diff != "" {
			t.Errorf("%s: the JSON differs:\n%s", enc, diff)
		}
		if slices.ContainsFunc(want.Findings, func(f check.Finding) bool { return strings.HasPrefix(f.Rule, "log/") }) {
			continue // how many files there are, and how they end, is what these are about
		}
		one, _, _ := reports(t, []logText{{"all", merged.Bytes()}}, opt)
		if diff := cmp.Diff(placeless(t, want), placeless(t, one)); diff != "" {
			t.Errorf("%s in one file differs:\n%s", enc, diff)
		}
	}
}

// TestFindingsOfEveryEncoding demands the same findings, byte for byte, from every encoding of the examples and of traces
// that are broken on purpose, and from one file of all processes.
func TestFindingsOfEveryEncoding(t *testing.T) {
	for _, rule := range check.Rules() {
		t.Run("example "+strings.ReplaceAll(rule.Name, "/", " "), func(t *testing.T) {
			x, ok := rule.Example()
			if !ok {
				t.Skip("the rule has no example")
			}
			var logs []logText
			for _, l := range x.Logs {
				logs = append(logs, logText{l.Name, []byte(l.Text)})
			}
			compareEncodings(t, logs, check.Options{Strict: true, Run: x.Run})
		})
	}
	sim, err := simulate(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	causal, err := mutate.Causal()
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for _, m := range mutate.Mutations() {
		t.Run("broken "+strings.ReplaceAll(m.Rule, "/", " "), func(t *testing.T) {
			for _, whole := range []*mutate.Trace{sim, causal} {
				c := whole.Clone()
				if _, err := mutate.Break(c, m.Rule, nil, 1); err != nil {
					continue
				}
				var logs []logText
				for i := range c.Logs {
					var out bytes.Buffer
					if err := c.Logs[i].Write(&out); err != nil {
						t.Fatal(err)
					}
					logs = append(logs, logText{c.Logs[i].Name, out.Bytes()})
				}
				compareEncodings(t, logs, check.Options{Strict: m.Rule == "clock/not-exact", Run: c.Run})
				broken++
				return
			}
		})
	}
	if broken < 25 {
		t.Errorf("only %d rules were broken", broken)
	}
}

// A binary log that is damaged or cut is malformed or truncated, and nothing else is said of the events that it may have had.
func TestFindingsOfADamagedBinaryLog(t *testing.T) {
	whole, err := simulate(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		damage func([]byte) []byte
		rule   string
		says   string
	}{
		{"cut", func(log []byte) []byte { return log[:len(log)-4] }, "log/truncated", "t byte "},
		{"size", func(log []byte) []byte { log[2000] ^= 0xff; return log }, "log/malformed", "t byte "},
		{"hole", func(log []byte) []byte { clear(log[3000:3300]); return log }, "log/malformed", "t byte "},
	} {
		t.Run(c.name, func(t *testing.T) {
			var logs []logText
			for i := range whole.Logs {
				var text, out bytes.Buffer
				if err := whole.Logs[i].Write(&text); err != nil {
					t.Fatal(err)
				}
				if _, err := (&convert.Recode{Encoding: trace.Binpb}).Stream(t.Context(), &out, &text, "log"); err != nil {
					t.Fatal(err)
				}
				log := out.Bytes()
				if i == 0 {
					log = c.damage(log)
				}
				logs = append(logs, logText{whole.Logs[i].Name + ".binpb", log})
			}
			r, text, _ := reports(t, logs, check.Options{Run: whole.Run})
			if r.ExitStatus() != exitUndecided {
				t.Errorf("exit status %d", r.ExitStatus())
			}
			i := slices.IndexFunc(r.Findings, func(f check.Finding) bool { return f.Rule == c.rule })
			if i < 0 || !strings.Contains(r.Findings[i].Message, c.says) || r.Findings[i].Event.Line == 0 ||
				r.Findings[i].Event.File != logs[0].name {
				t.Errorf("no finding of %s that says %q:\n%s", c.rule, c.says, text)
			}
			for _, f := range r.Findings {
				if f.Severity == check.Violation {
					t.Errorf("a violation: %s: %s", f.Rule, f.Message)
				}
			}
		})
	}
}
