package check

import (
	"bytes"
	"fmt"
	"io"
	"slices"
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
	groups, shown := r.shown(opt.MaxFindings)
	explained := map[string]bool{}
	for _, g := range groups {
		p.group(g, !explained[g.head.Rule])
		explained[g.head.Rule] = true
	}
	if opt.Brief {
		_, err := w.Write(p.Bytes())
		return err
	}
	more := r.total() - int64(shown)
	for _, g := range groups {
		more -= int64(g.more) // said under the group
	}
	if more > 0 {
		fmt.Fprintf(p, "%s more that are not shown; the table counts them all.\n\n", count(more, "finding"))
	}
	p.summary(r)
	_, err := w.Write(p.Bytes())
	return err
}

// group prints a finding with its proof, and those that follow from it in short.
func (p *printer) group(g shownGroup, explain bool) {
	p.finding(g.head, explain)
	if len(g.tail) > 0 {
		p.WriteString("  Likely the cause of:\n")
	}
	for _, f := range g.tail {
		p.follower(f, f.Severity != g.head.Severity)
	}
	if g.more > 0 {
		fmt.Fprintf(p, "    and %d more\n", g.more)
	}
	p.WriteByte('\n')
}

// follower prints a finding that follows from another.
func (p *printer) follower(f *Finding, differs bool) {
	title := f.Rule
	if f.Event != nil {
		title += ", " + unbroken(f.Event.where())
	}
	if f.Other != nil {
		title += " and " + unbroken(f.Other.where())
	}
	var part printer
	if differs {
		head, color := heading(f.Severity)
		part.wrap("    "+head+" ", "      ", title)
		p.WriteString(strings.Replace(part.String(), head, p.paint(color, head), 1))
	} else {
		part.wrap("    ", "      ", title)
		p.Write(part.Bytes())
	}
	p.wrap("      ", "      ", f.Message)
	if f.Expected != "" {
		p.wrap("      Expected: ", "                ", f.Expected+".")
	}
}

// unbroken keeps a file name on one line.
func unbroken(where string) string { return strings.ReplaceAll(where, " ", "\u00a0") }

func heading(s Severity) (head, color string) {
	switch s {
	case Unreadable:
		return "INCONCLUSIVE", yellow
	case Warning:
		return "WARN", yellow
	}
	return "FAIL", red
}

// finding prints one finding; the first of its rule with the rule in words.
func (p *printer) finding(f *Finding, explain bool) {
	head, color := heading(f.Severity)
	fmt.Fprintf(p, "%s %s\n", p.paint(color, head), p.paint(bold, f.Rule))
	p.wrap("  ", "  ", f.Message)
	if f.Expected != "" {
		p.wrap("  Expected: ", "            ", f.Expected+".")
	}
	p.place(f.Event)
	p.place(f.Other)
	if len(f.Path) > 0 {
		p.wrap("  Path: ", "        ", pathText(f.Path))
	}
	if rule, ok := LookupRule(f.Rule); ok && explain {
		p.wrap("  Rule:   ", "          ", rule.Statement)
		p.wrap("  Likely: ", "          ", rule.Mistake)
	}
}

// pathText is a causal chain in words of the report.
func pathText(path []string) string {
	const ends = 5 // how much of a long chain is shown at either end
	if more := len(path) - 2*ends; more > 1 {
		path = slices.Concat(path[:ends], []string{fmt.Sprintf("(%d\u00a0more)", more)}, path[len(path)-ends:])
	}
	return strings.Join(path, " -> ")
}

func (p *printer) place(at *Place) {
	if at == nil {
		return
	}
	fmt.Fprintf(p, "  %s\n", p.paint(bold, printable(at.where())))
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
