package check

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawReport makes a report of arbitrary text, as file names and log lines may hold any bytes.
func drawReport(t *rapid.T) *Report {
	r := &Report{Format: ReportFormat, Verdict: Fail, severe: map[Severity]int64{}}
	anything := func(label string) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, label)) }
	severities := []Severity{Violation, Unreadable, Warning}
	rules := Rules()
	for i := range rapid.IntRange(1, 4).Draw(t, "findings") {
		f := Finding{
			Rule: rules[i].Name, Severity: rapid.SampledFrom(severities).Draw(t, "severity"), Message: anything("message"),
			Expected: anything("expected"),
		}
		if rapid.Bool().Draw(t, "placed") {
			f.Event = &Place{Process: anything("process"), Seq: 1, File: "x" + anything("file"), Line: rapid.IntRange(0, 9).Draw(t, "line")}
		}
		if i > 0 && rapid.Bool().Draw(t, "follows") {
			f.Cause = new(int)
		}
		status := StatusFail
		if f.Severity == Warning {
			status = StatusWarn
		}
		r.severe[f.Severity]++
		r.Findings = append(r.Findings, f)
		r.Rules = append(r.Rules, RuleResult{Rule: f.Rule, Status: status, Checked: 1, Findings: 1})
	}
	r.Rules = append(r.Rules, RuleResult{Rule: rules[4].Name, Status: StatusNotChecked}, RuleResult{Rule: rules[5].Name, Status: StatusPass, Checked: 1})
	return r
}

// TestJUnitOfAnyBytes reads every report back as XML and counts its test cases.
func TestJUnitOfAnyBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := drawReport(rt)
		var b bytes.Buffer
		if err := r.WriteJUnit(&b, 0); err != nil {
			rt.Fatal(err)
		}
		for dec := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
			if _, err := dec.Token(); err == io.EOF {
				break
			} else if err != nil {
				rt.Fatalf("%v\n%s", err, b.String())
			}
		}
		var got junitSuites
		if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
			rt.Fatal(err)
		}
		if want := len(r.Rules) + 1; got.Tests != want {
			rt.Fatalf("%d tests, want %d", got.Tests, want)
		}
		if int64(got.Failures) != r.severe[Violation] || int64(got.Errors) != r.severe[Unreadable] || got.Skipped != 1 {
			rt.Fatalf("%d failures, %d errors, %d skipped:\n%s", got.Failures, got.Errors, got.Skipped, b.String())
		}
		cases := map[string]junitCase{}
		for _, s := range got.Suites {
			for _, c := range s.Cases {
				cases[c.Name] = c
			}
		}
		for _, f := range r.Findings {
			c := cases[f.Rule]
			if f.Event != nil && c.Line != f.Event.Line {
				rt.Fatalf("%s at line %d, want %d", f.Rule, c.Line, f.Event.Line)
			}
			if f.Severity == Warning && (c.Failure != nil || c.Error != nil || c.Out == "") {
				rt.Fatalf("a warning is %+v", c)
			}
		}
	})
}

// TestGitHubOfAnyBytes reads every workflow command back.
func TestGitHubOfAnyBytes(t *testing.T) {
	unescape := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",")
	rapid.Check(t, func(rt *rapid.T) {
		r := drawReport(rt)
		var b bytes.Buffer
		if err := r.WriteGitHub(&b, 0); err != nil {
			rt.Fatal(err)
		}
		if strings.Contains(b.String(), "\r") {
			rt.Fatal("a carriage return ends a command")
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if want := len(r.Findings) + 1; len(lines) != want {
			rt.Fatalf("%d commands, want %d:\n%s", len(lines), want, b.String())
		}
		files := map[string]int{}
		for _, line := range lines {
			head, body, ok := strings.Cut(strings.TrimPrefix(line, "::"), "::")
			kind, properties, _ := strings.Cut(head, " ")
			if !ok || !strings.HasPrefix(line, "::") || body == "" && len(r.Findings) == 0 {
				rt.Fatalf("no command: %q", line)
			}
			if kind != "error" && kind != "warning" && kind != "notice" {
				rt.Fatalf("kind %q", kind)
			}
			for property := range strings.SplitSeq(properties, ",") {
				name, value, ok := strings.Cut(property, "=")
				if !ok {
					rt.Fatalf("property %q of %q", property, line)
				}
				if name == "file" {
					files[unescape.Replace(value)]++
				}
			}
		}
		for _, f := range r.Findings {
			if f.Event == nil {
				continue
			}
			name := strings.ToValidUTF8(f.Event.File, "?")
			if files[name]--; files[name] < 0 {
				rt.Fatalf("no annotation in %q", name)
			}
		}
	})
}

// TestUndecidedIsNoPass checks that a check which checked nothing passes in no form of report.
func TestUndecidedIsNoPass(t *testing.T) {
	r := mustCheck(t, []Source{Bytes("a", []byte(`{"process":"a","seq":1,"clock":1,"kind":"local"}`))}, Options{Rules: []string{"money"}})
	if r.Verdict != Inconclusive {
		t.Fatal(r.Verdict)
	}
	var junit, github bytes.Buffer
	if err := r.WriteJUnit(&junit, 0); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteGitHub(&github, 0); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(junit.String(), `<error type="inconclusive" message="INCONCLUSIVE: money was asked for`) {
		t.Errorf("JUnit:\n%s", junit.String())
	}
	if !strings.Contains(junit.String(), `<skipped message="had nothing to check">`) {
		t.Errorf("JUnit does not say what was not checked:\n%s", junit.String())
	}
	if !strings.HasPrefix(github.String(), "::error title=bank-trace check::INCONCLUSIVE: money was asked for") {
		t.Errorf("GitHub:\n%s", github.String())
	}
}

// TestLimit checks that a limit cuts what is printed, says so, and changes no count.
func TestLimit(t *testing.T) {
	var log strings.Builder
	for i := range 40 {
		fmt.Fprintf(&log, `{"process":"a","seq":%d,"clock":%d,"kind":"local"}`+"\n", i+1, 100+i/2) // every other one is not higher
	}
	r := mustCheck(t, []Source{Bytes("a", []byte(log.String()))}, Options{})
	var b bytes.Buffer
	for _, write := range []func() error{
		func() error { return r.WriteText(&b, TextOptions{MaxFindings: 3}) },
		func() error { return r.WriteJUnit(&b, 3) },
		func() error { return r.WriteGitHub(&b, 3) },
	} {
		b.Reset()
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "17 findings more that are not shown") || !strings.Contains(b.String(), "20 violations") {
			t.Errorf("of 20 findings 3 are shown:\n%s", b.String())
		}
	}
}
