package check

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of a JUnit report, as Jenkins, GitLab and GitHub actions read them.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string      `xml:"name,attr"`
	Class   string      `xml:"classname,attr"`
	File    string      `xml:"file,attr,omitempty"`
	Line    int         `xml:"line,attr,omitempty"`
	Failure *junitFault `xml:"failure"`
	Error   *junitFault `xml:"error"`
	Skipped *junitSkip  `xml:"skipped"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitFault struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkip struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the report as JUnit XML: a suite for each family, a test case for each rule, and one for the verdict.
// A violated rule is a failure, one that could not be decided an error, one that had nothing to check is skipped, and a
// warning passes with the warning as output. Of each rule's findings the first is the message, and at most limit of all
// are in the text, each with its file and line; 0 means every one that the report has.
func (r *Report) WriteJUnit(w io.Writer, limit int) error {
	texts, firsts := r.junitTexts(limit)
	all := junitSuites{Name: "bank-trace check"}
	for _, rule := range r.Rules {
		family, _, _ := strings.Cut(rule.Rule, "/")
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != family {
			all.Suites = append(all.Suites, junitSuite{Name: family})
		}
		all.Suites[len(all.Suites)-1].add(junitRule(rule, firsts[rule.Rule], texts[rule.Rule]))
	}
	verdict := junitSuite{Name: "verdict"}
	verdict.add(r.junitVerdict())
	all.Suites = append(all.Suites, verdict)
	for _, s := range all.Suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// junitTexts returns, by rule, the text of its findings and the first of them, which stands for the rule.
func (r *Report) junitTexts(limit int) (texts map[string]string, firsts map[string]*Finding) {
	texts, firsts = map[string]string{}, map[string]*Finding{}
	for i := range r.Findings {
		f := &r.Findings[i]
		first := firsts[f.Rule]
		if first == nil || first.Severity == Warning && f.Severity != Warning {
			firsts[f.Rule] = f // a warning does not stand for a rule that failed
		}
	}
	groups, _ := r.shown(limit)
	line := func(f, cause *Finding) {
		s := ""
		if f.Event != nil {
			s = printable(f.Event.where()) + ": "
		}
		s += f.words(false)
		if cause != nil {
			s += followsFrom(cause)
		}
		texts[f.Rule] += s + "\n"
	}
	for _, g := range groups {
		line(g.head, nil)
		for _, f := range g.tail {
			line(f, g.head)
		}
	}
	return texts, firsts
}

// followsFrom names the cause of a finding in words.
func followsFrom(cause *Finding) string {
	s := " Likely follows from " + cause.Rule
	if cause.Event != nil {
		s += " at " + printable(cause.Event.where())
	}
	return s + "."
}

func junitRule(rule RuleResult, first *Finding, text string) junitCase {
	family, _, _ := strings.Cut(rule.Rule, "/")
	c := junitCase{Name: rule.Rule, Class: "bank-trace." + family}
	if rule.Status == StatusNotChecked {
		c.Skipped = &junitSkip{Message: "had nothing to check"}
	}
	if first == nil {
		return c
	}
	if first.Event != nil {
		c.File, c.Line = first.Event.File, first.Event.Line
	}
	n := int64(strings.Count(text, "\n"))
	if more := rule.Findings - n; more > 0 {
		text += fmt.Sprintf("%s more that are not shown.\n", count(more, "finding"))
	}
	if known, ok := LookupRule(rule.Rule); ok {
		text += "Rule: " + known.Statement + "\nLikely: " + known.Mistake + "\n"
	}
	fault := &junitFault{Type: string(first.Severity), Message: first.words(false), Text: "\n" + text}
	switch first.Severity {
	case Violation:
		c.Failure = fault
	case Unreadable:
		c.Error = fault
	default:
		c.Out = fault.Text
	}
	return c
}

// junitVerdict is the test case that keeps a check which decided nothing from looking like a pass.
func (r *Report) junitVerdict() junitCase {
	c := junitCase{Name: "verdict", Class: "bank-trace", Out: strings.Join(append([]string{r.headline()}, r.Notes...), "\n")}
	if r.Verdict == Inconclusive {
		c.Out, c.Error = "", &junitFault{Type: string(Inconclusive), Message: r.headline()}
	}
	return c
}
