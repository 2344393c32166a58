package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
)

func (p *printer) summary(r *Report) {
	passed := map[string][]string{}
	idle := map[string][]string{}
	var families []string
	for _, rule := range r.Rules {
		family, name, _ := strings.Cut(rule.Rule, "/")
		if len(families) == 0 || families[len(families)-1] != family {
			families = append(families, family)
		}
		switch rule.Status {
		case StatusNotChecked:
			idle[family] = append(idle[family], rule.Rule)
		case StatusFail, StatusWarn:
			p.broken(rule)
		default:
			passed[family] = append(passed[family], fmt.Sprintf("%s\u00a0%d", name, rule.Checked))
		}
	}
	for _, family := range families {
		if rules := passed[family]; len(rules) > 0 {
			p.wrapPainted(green, fmt.Sprintf("%-5s%-10s", "ok", family), strings.Repeat(" ", 15), strings.Join(rules, ", "))
		}
	}
	p.idle(r, families, idle)
	p.WriteByte('\n')
	p.totals(r)
}

// idle prints the rules that had nothing to check; a family of which none had, as one.
func (p *printer) idle(r *Report, families []string, idle map[string][]string) {
	size := map[string]int{}
	for _, rule := range r.Rules {
		family, _, _ := strings.Cut(rule.Rule, "/")
		size[family]++
	}
	var all []string
	for _, family := range families {
		if n := len(idle[family]); n > 1 && n == size[family] {
			all = append(all, family+"/*")
			continue
		}
		all = append(all, idle[family]...)
	}
	if len(all) > 0 {
		p.wrap("--   had nothing to check: ", "     ", strings.Join(all, ", "))
	}
}

// wrapPainted wraps and paints the first word.
func (p *printer) wrapPainted(color, first, rest, text string) {
	var part printer
	part.wrap(first, rest, text)
	word, tail, _ := strings.Cut(part.String(), " ")
	p.WriteString(p.paint(color, word) + " " + tail)
}

func (p *printer) broken(rule RuleResult) {
	head, color := "FAIL", red
	if rule.Status == StatusWarn {
		head, color = "WARN", yellow
	} else if known, _ := LookupRule(rule.Rule); known.Exit == 2 {
		head, color = "??  ", yellow
	}
	fmt.Fprintf(p, "%s %s: %s, %d checked\n", p.paint(color, head), rule.Rule, count(rule.Findings, "finding"), rule.Checked)
}

func (p *printer) totals(r *Report) {
	p.wrap("", "", r.totals())
	if r.Uncovered > 0 {
		p.wrap("", "", "Uncovered means that the sender's log is missing, or does not reach to where the send must be.")
	}
	if cut := r.allowedCuts(); len(cut) > 0 {
		p.wrap("", "", fmt.Sprintf("Cut off, and allowed to be: %s. No rule covers what happened there after the last line; "+
			"messages that may have come after it count as in flight, not as lost.", strings.Join(cut, ", ")))
	}
	if r.Skipped.Lines > 0 {
		p.wrap("", "", fmt.Sprintf("%s (%s) could not be used.", count(r.Skipped.Lines, "line"), count(r.Skipped.Bytes, "byte")))
	}
	for _, note := range r.Notes {
		p.wrap("Note: ", "      ", note)
	}
	color := red
	switch r.Verdict {
	case Pass:
		color = green
	case Inconclusive:
		color = yellow
	}
	word, rest, _ := strings.Cut(r.headline(), ":")
	p.wrapPainted(color, word+": ", "", rest)
}

// totals says in words how much was checked.
func (r *Report) totals() string {
	return fmt.Sprintf("%s of %s, %s: %d in flight, %s uncovered.",
		count(r.Events, "event"), count(int64(r.Processes), "process"), count(r.Messages, "message"),
		r.InFlight, count(r.Uncovered, "receive"))
}

// allowedCuts returns the files that were cut off where Options.AllowTruncated made that a warning.
func (r *Report) allowedCuts() []string {
	var files []string
	for _, f := range r.Findings {
		if f.Rule == "log/truncated" && f.Severity == Warning && f.Event != nil && !slices.Contains(files, f.Event.File) {
			files = append(files, f.Event.File)
		}
	}
	return files
}

// headline is the verdict and why, in words.
func (r *Report) headline() string {
	switch r.Verdict {
	case Pass:
		if n := r.severe[Warning]; n > 0 {
			return fmt.Sprintf("PASS: everything that was checked holds; %s.", count(n, "warning"))
		}
		return "PASS: everything that was checked holds."
	case Fail:
		return fmt.Sprintf("FAIL: %s%s.", count(r.severe[Violation], "violation"), r.causes())
	}
	if len(r.why) > 0 {
		return "INCONCLUSIVE: " + strings.Join(r.why, "; ") + "."
	}
	return "INCONCLUSIVE: not everything could be read, and nothing that was read is a violation."
}

// causes says how many causes the violations likely have, where that is known and fewer.
func (r *Report) causes() string {
	var violations, causes int64
	for _, f := range r.Findings {
		if f.Severity != Violation {
			continue
		}
		violations++
		if f.Cause == nil || r.Findings[*f.Cause].Severity != Violation {
			causes++
		}
	}
	if violations < r.severe[Violation] || causes == violations {
		return ""
	}
	return ", likely of " + count(causes, "cause")
}

// count writes a number of things, without commas: programs may read it.
func count(n int64, what string) string {
	return fmt.Sprintf("%d %s", n, english.PluralWord(int(n), what, ""))
}
