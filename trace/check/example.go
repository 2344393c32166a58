package check

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// exampleFiles has an archive for each rule: family-rule.txtar. Its comment says what is wrong, its files are the logs,
// perhaps a run.json, and finding: the text of what check says, which a test holds to what it really says. A log whose
// name ends in .torn lacks the last line end.
//
//go:embed examples/*.txtar
var exampleFiles embed.FS

// Example is a small trace that violates a rule.
type Example struct {
	Rule    string
	Caption string // what is wrong, in a sentence
	Logs    []ExampleLog
	Run     *trace.Run
}

// ExampleLog is a log of an example.
type ExampleLog struct {
	Name string
	Text string
}

// Example returns the example of the rule, if it has one.
func (r Rule) Example() (*Example, bool) {
	data, err := exampleFiles.ReadFile(exampleFile(r.Name))
	if err != nil {
		return nil, false
	}
	x, err := parseExample(r.Name, data)
	return x, err == nil
}

func exampleFile(rule string) string {
	return path.Join("examples", strings.ReplaceAll(rule, "/", "-")+".txtar")
}

func parseExample(rule string, data []byte) (*Example, error) {
	a := txtar.Parse(data)
	x := &Example{Rule: rule, Caption: strings.Join(strings.Fields(string(a.Comment)), " ")}
	for _, f := range a.Files {
		name, torn := strings.CutSuffix(f.Name, ".torn")
		switch {
		case f.Name == "run.json":
			x.Run = &trace.Run{}
			if err := json.Unmarshal(f.Data, x.Run); err != nil {
				return nil, fmt.Errorf("example of %s: run.json: %w", rule, err)
			}
		case torn:
			x.Logs = append(x.Logs, ExampleLog{name, string(bytes.TrimSuffix(f.Data, []byte("\n")))})
		case strings.HasSuffix(name, ".jsonl"):
			x.Logs = append(x.Logs, ExampleLog{name, string(f.Data)})
		}
	}
	if len(x.Logs) == 0 {
		return nil, fmt.Errorf("example of %s: no log", rule)
	}
	return x, nil
}

// Check checks the example for its rule and returns a report of that rule's findings alone.
func (x *Example) Check(ctx context.Context) (*Report, error) {
	var sources []Source
	for _, log := range x.Logs {
		sources = append(sources, Bytes(log.Name, []byte(log.Text)))
	}
	r, err := Check(ctx, sources, Options{Rules: []string{x.Rule}, Run: x.Run})
	if err != nil {
		return nil, err
	}
	own := []Finding{}
	for _, f := range r.Findings {
		if f.Rule == x.Rule {
			f.Cause = nil
			own = append(own, f)
		}
	}
	r.Findings = own
	r.group()
	return r, nil
}

// WriteFinding checks the example and writes what a report says of it. The rule and the usual mistake, which the text of
// a finding ends with, are left out where plain is set.
func (x *Example) WriteFinding(ctx context.Context, w io.Writer, opt TextOptions, plain bool) error {
	r, err := x.Check(ctx)
	if err != nil {
		return err
	}
	p := &printer{color: opt.Color}
	groups, _ := r.shown(opt.MaxFindings)
	for i, g := range groups {
		if i > 0 {
			p.WriteByte('\n')
		}
		p.group(g, !plain && i == 0)
	}
	_, err = w.Write(append(bytes.TrimRight(p.Bytes(), "\n"), '\n'))
	return err
}
