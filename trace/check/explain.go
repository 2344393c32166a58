package check

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// meaning says in words what a finding of the rule is.
func (r Rule) meaning() string {
	switch r.Exit {
	case 1:
		return "a violation: exit status 1"
	case 2:
		return "a thing that keeps the check from deciding: exit status 2, unless a violation is proven beside it"
	}
	return "a warning: the exit status stays"
}

// WriteText explains the rule for people: what it says, why, what usually breaks it, and an example with what a check says
// of it, which is found out by checking it.
func (r Rule) WriteText(ctx context.Context, w io.Writer, color bool) error {
	const indent = "                "
	p := &printer{color: color}
	p.WriteString(p.paint(bold, r.Name) + "\n\n")
	p.wrap("Holds when:     ", indent, r.Statement)
	p.wrap("Why:            ", indent, r.Reason)
	p.wrap("Usual mistake:  ", indent, r.Mistake)
	p.wrap("Source:         ", indent, r.Source)
	p.wrap("A finding is:   ", indent, r.meaning()+".")
	if x, ok := r.Example(); ok {
		p.WriteByte('\n')
		p.wrap("Example:        ", indent, x.Caption)
		for _, log := range x.files() {
			fmt.Fprintf(p, "\n  %s\n", log.Name)
			for line := range strings.Lines(log.Text) {
				p.jsonRows("    ", strings.TrimRight(line, "\n"))
			}
		}
		fmt.Fprintf(p, "\nWhat check --rules %s says of it:\n\n", r.Name)
		if err := x.WriteFinding(ctx, p, TextOptions{Color: color}, true); err != nil {
			return err
		}
	}
	_, err := w.Write(p.Bytes())
	return err
}

// jsonRows prints a log line in as many rows as it needs.
func (p *printer) jsonRows(indent, line string) {
	for line != "" {
		row := foldJSON(line)[0]
		p.WriteString(indent + p.paint(dim, row) + "\n")
		line = line[len(row):]
	}
}

// files returns the logs and, where there is one, run.json, as they stand in a trace folder.
func (x *Example) files() []ExampleLog {
	files := x.Logs
	if x.Run != nil {
		text, err := json.Marshal(x.Run)
		if err == nil { // a Run of strings and numbers always can be
			files = append([]ExampleLog{{"run.json", string(text) + "\n"}}, files...)
		}
	}
	return files
}

// WriteRules writes the catalogue as Markdown, with an example of each rule and what a check says of it: docs/rules.md.
func WriteRules(ctx context.Context, w io.Writer) error {
	var b strings.Builder
	b.WriteString(rulesIntro)
	b.WriteString("| rule | holds when | exit |\n|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %d |\n", r.Name, strings.ReplaceAll(r.Name, "/", ""), cellText(r.Statement), r.Exit)
	}
	for _, r := range Rules() {
		if err := r.markdown(ctx, &b); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const rulesIntro = "# The rules that `bank-trace check` knows\n\n" +
	"<!-- Written by `bank-trace rules --markdown` from the code and from trace/check/examples; change it there. -->\n\n" +
	"A rule that had nothing to check is shown as not checked, never as a pass. `exit` is the exit status that a finding\n" +
	"leads to: 1 a violation, 2 it could not be decided, 0 a warning, which leaves the status alone. `--rules` selects by\n" +
	"rule or by family, as in `--rules clock,message/lost`. `bank-trace explain RULE` says what stands here. The pictures are\n" +
	"drawn by `bank-trace draw` from traces in which `bank-trace break` has violated the rule.\n\n"

func cellText(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func (r Rule) markdown(ctx context.Context, b *strings.Builder) error {
	fmt.Fprintf(b, "\n## %s\n\n", r.Name)
	fmt.Fprintf(b, "**Holds when:** %s\n\n**Why:** %s\n\n**Usual mistake:** %s\n\n**Source:** %s\n\n**A finding is** %s.\n",
		r.Statement, r.Reason, r.Mistake, r.Source, r.meaning())
	file := strings.ReplaceAll(r.Name, "/", "-")
	fmt.Fprintf(b, "\n![A space-time diagram of a trace that violates %s](pictures/rules/%s.svg)\n", r.Name, file)
	x, ok := r.Example()
	if !ok {
		return nil
	}
	fmt.Fprintf(b, "\n**Example.** %s\n", x.Caption)
	for _, log := range x.files() {
		fmt.Fprintf(b, "\n`%s`\n\n```json\n%s\n```\n", log.Name, strings.TrimRight(log.Text, "\n"))
	}
	fmt.Fprintf(b, "\n`check --rules %s` says:\n\n```text\n", r.Name)
	if err := x.WriteFinding(ctx, b, TextOptions{}, true); err != nil {
		return err
	}
	b.WriteString("```\n")
	return nil
}
