package check

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TextOptions says how a report is printed.
type TextOptions struct {
	MaxFindings int  // findings printed; all are counted. 0 means all that the report has
	Color       bool // with terminal escapes
	Brief       bool // the findings alone, without what was checked
}

// textWidth is the number of columns that a printed report keeps to, file names and log lines permitting.
const textWidth = 80

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

type printer struct {
	bytes.Buffer
	color bool
}

func (p *printer) paint(color, s string) string {
	if !p.color {
		return s
	}
	return color + s + plain
}

// WriteText writes the report for people: each finding with the lines it is about, then what was checked.
func (r *Report) WriteText(w io.Writer, opt TextOptions) error {
	p := &printer{color: opt.Color}
	shown := r.Findings
	if opt.MaxFindings > 0 && len(shown) > opt.MaxFindings {
		shown = shown[:opt.MaxFindings]
	}
	explained := map[string]bool{}
	for i := range shown {
		p.finding(&shown[i], !explained[shown[i].Rule])
		explained[shown[i].Rule] = true
	}
	var total int64
	for _, rule := range r.Rules {
		total += rule.Findings
	}
	if opt.Brief {
		_, err := w.Write(p.Bytes())
		return err
	}
	if more := total - int64(len(shown)); more > 0 {
		fmt.Fprintf(p, "%s more that are not shown; the table counts them all.\n\n", count(more, "finding"))
	}
	p.summary(r)
	_, err := w.Write(p.Bytes())
	return err
}

// finding prints one finding; the first of its rule with the rule in words.
func (p *printer) finding(f *Finding, explain bool) {
	head, color := "FAIL", red
	switch f.Severity {
	case Unreadable:
		head, color = "INCONCLUSIVE", yellow
	case Warning:
		head, color = "WARN", yellow
	}
	fmt.Fprintf(p, "%s %s\n", p.paint(color, head), p.paint(bold, f.Rule))
	p.wrap("  ", "  ", f.Message)
	if f.Expected != "" {
		p.wrap("  Expected: ", "            ", f.Expected+".")
	}
	p.place(f.Event)
	p.place(f.Other)
	if len(f.Path) > 0 {
		p.wrap("  Path: ", "        ", strings.Join(f.Path, " -> "))
	}
	if rule, ok := LookupRule(f.Rule); ok && explain {
		p.wrap("  Rule:   ", "          ", rule.Statement)
		p.wrap("  Likely: ", "          ", rule.Mistake)
	}
	p.WriteByte('\n')
}

func (p *printer) place(at *Place) {
	if at == nil {
		return
	}
	where := at.File
	if at.Line > 0 {
		where += ":" + strconv.Itoa(at.Line)
	}
	fmt.Fprintf(p, "  %s\n", p.paint(bold, printable(where)))
	for _, line := range foldJSON(printable(at.text)) {
		fmt.Fprintf(p, "    %s\n", p.paint(dim, line))
	}
}

// quoteLines is how many rows a quoted line may take.
const quoteLines = 4

// foldJSON breaks a log line into rows, between fields where it can.
func foldJSON(s string) []string {
	const width = textWidth - 4
	var rows []string
	for s != "" {
		if len(rows) == quoteLines {
			rows[quoteLines-1] += "…"
			break
		}
		if utf8.RuneCountInString(s) <= width {
			rows = append(rows, s)
			break
		}
		n := cut(s, width-1) // the last column is for the sign of more
		if i := strings.LastIndex(s[:n], `,"`); i > 0 {
			n = i + 1
		}
		rows = append(rows, s[:n])
		s = s[n:]
	}
	return rows
}

// cut returns how many bytes the first n runes of s have.
func cut(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// printable makes what a file holds safe for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// wrap prints text in lines of textWidth. A no-break space keeps what it joins on one line.
func (p *printer) wrap(first, rest, text string) {
	line, empty := first, true
	for _, word := range strings.FieldsFunc(printable(text), func(r rune) bool { return r == ' ' || r == '\t' }) {
		word = strings.ReplaceAll(word, "\u00a0", " ")
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > textWidth {
			p.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	p.WriteString(strings.TrimRight(line, " ") + "\n")
}

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
			p.wrapPainted(green, fmt.Sprintf("%-5s%-9s", "ok", family), strings.Repeat(" ", 14), strings.Join(rules, ", "))
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
	p.wrap("", "", fmt.Sprintf("%s of %s, %s: %d in flight, %s uncovered.",
		count(r.Events, "event"), count(int64(r.Processes), "process"), count(r.Messages, "message"),
		r.InFlight, count(r.Uncovered, "receive")))
	if r.Uncovered > 0 {
		p.wrap("", "", "Uncovered means that the sender's log is missing, or does not reach to where the send must be.")
	}
	if r.Skipped.Lines > 0 {
		p.wrap("", "", fmt.Sprintf("%s (%s) could not be used.", count(r.Skipped.Lines, "line"), count(r.Skipped.Bytes, "byte")))
	}
	switch r.Verdict {
	case Pass:
		tail := ": everything that was checked holds.\n"
		if r.severe[Warning] > 0 {
			tail = fmt.Sprintf(": everything that was checked holds; %s.\n", count(r.severe[Warning], "warning"))
		}
		p.WriteString(p.paint(green, "PASS") + tail)
	case Fail:
		p.WriteString(p.paint(red, "FAIL") + fmt.Sprintf(": %s.\n", count(r.severe[Violation], "violation")))
	case Inconclusive:
		why := append([]string(nil), r.why...)
		if len(why) == 0 {
			why = append(why, "not everything could be read, and nothing that was read is a violation")
		}
		p.wrapPainted(yellow, "INCONCLUSIVE: ", "", strings.Join(why, "; ")+".")
	}
}

func count(n int64, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "s"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
