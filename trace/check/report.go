package check

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"         // everything that was checked holds
	Fail         Verdict = "fail"         // a violation is proven
	Inconclusive Verdict = "inconclusive" // nothing is proven: something could not be read, or nothing was checked
)

// Severity says what a finding means for the verdict.
type Severity string

// The severities.
const (
	Violation  Severity = "violation"  // the verdict is fail
	Unreadable Severity = "unreadable" // the verdict is inconclusive, unless something is proven
	Warning    Severity = "warning"    // the verdict stays
)

// Status is what became of one rule.
type Status string

// The statuses.
const (
	StatusPass       Status = "pass"
	StatusFail       Status = "fail"
	StatusWarn       Status = "warn"
	StatusNotChecked Status = "not-checked" // there was nothing to check it on; never a pass
)

// ReportFormat names the form of the JSON report. Fields are only ever added to it; else the number rises.
const ReportFormat = "bank-trace-report/1"

// Report is what a check found. docs/report.md describes its JSON.
type Report struct {
	Format    string       `json:"format"` // [ReportFormat]
	Verdict   Verdict      `json:"verdict"`
	Events    int64        `json:"events"`
	Processes int          `json:"processes"`       // with a log
	Messages  int64        `json:"messages"`        // sent
	InFlight  int64        `json:"in_flight"`       // sent, and not received before the receiver's log stops
	Uncovered int64        `json:"uncovered"`       // receives whose send no log could show
	Rules     []RuleResult `json:"rules"`           // in the order of the catalogue, those that were left out excepted
	Findings  []Finding    `json:"findings"`        // the first of each rule, see Options.MaxFindings; in the order of clocks
	Skipped   Skipped      `json:"skipped"`         // what could not be read
	Notes     []string     `json:"notes,omitempty"` // what a converted trace leaves out of the check, see [Report.Converted]

	severe map[Severity]int64 // findings, all of them
	why    []string           // why an inconclusive verdict is one, apart from findings
}

// RuleResult is what became of one rule.
type RuleResult struct {
	Rule     string `json:"rule"`
	Status   Status `json:"status"`
	Checked  int64  `json:"checked"`  // how many things the rule was applied to
	Findings int64  `json:"findings"` // all of them, those that Report.Findings leaves out included
}

// Skipped counts the lines that no rule saw, and their bytes.
type Skipped struct {
	Lines int64 `json:"lines"`
	Bytes int64 `json:"bytes"`
}

// Finding is one thing that is wrong.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Event    *Place   `json:"event,omitempty"`
	Other    *Place   `json:"other,omitempty"`    // the event that it does not fit with
	Expected string   `json:"expected,omitempty"` // what should stand there
	Path     []string `json:"path,omitempty"`     // a causal chain of process:seq from Other to Event; of a cycle, on to Other
	Cause    *int     `json:"cause,omitempty"`    // index of the finding that this one likely follows from, itself without cause
}

// Place is an event and where its line is. Process is "" for a line that could not be read, Seq is 0 for one that is no
// event.
type Place struct {
	Process string `json:"process,omitempty"`
	Seq     uint64 `json:"seq,omitempty"`
	Clock   uint64 `json:"clock,omitempty"`
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"` // 0 for the file as a whole

	text string // the line as it stands in the file
	file int32  // its number in the engine
}

// Ref returns process:seq.
func (p *Place) Ref() string { return fmt.Sprintf("%s:%d", p.Process, p.Seq) }

// ExitStatus returns 0 for pass, 1 for fail, 2 for inconclusive.
func (r *Report) ExitStatus() int {
	switch r.Verdict {
	case Pass:
		return 0
	case Fail:
		return 1
	}
	return 2
}

// WriteJSON writes the report as one indented JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// report makes the report of a finished run.
func (e *engine) report(ctx context.Context) (*Report, error) {
	r := &Report{
		Format: ReportFormat,
		Events: e.events, Messages: e.messages, InFlight: e.inFlight, Uncovered: e.uncovered,
		Findings: []Finding{}, severe: e.tally.severe,
	}
	for _, p := range e.procs {
		if p.hasLog() {
			r.Processes++
		}
	}
	rules := catalogue()
	for id := range rules {
		if e.sel.on[id] {
			r.Rules = append(r.Rules, e.tally.result(ruleID(id), rules[id].Name))
		}
	}
	for _, f := range e.tally.all() {
		r.Findings = append(r.Findings, Finding{
			Rule: rules[f.rule].Name, Severity: f.severity(), Message: f.message,
			Event: e.place(f.event), Other: e.place(f.other), Expected: f.expected,
			Path: f.path,
		})
	}
	e.decide(r)
	if err := e.quote(ctx, r); err != nil {
		return r, err
	}
	r.group()
	return r, nil
}

func (e *engine) place(s spot) *Place {
	if s == (spot{}) {
		return nil
	}
	p := &Place{Seq: s.seq, Clock: s.clock, File: e.files[s.at.file], Line: s.at.line, file: s.at.file}
	if s.p != nil {
		p.Process = s.p.name
	}
	return p
}

// decide sets the verdict: proven beats undecidable beats pass.
func (e *engine) decide(r *Report) {
	r.Verdict = Pass
	if e.events == 0 {
		r.why = append(r.why, "no log has an event")
	}
	for _, name := range e.opt.Rules {
		if !slices.ContainsFunc(e.sel.named[name], func(id ruleID) bool { return e.tally.checked[id] > 0 }) {
			r.why = append(r.why, name+" was asked for and had nothing to check")
		}
	}
	slices.Sort(r.why)
	r.why = slices.Compact(r.why)
	if len(r.why) > 0 || e.tally.severe[Unreadable] > 0 {
		r.Verdict = Inconclusive
	}
	if e.tally.severe[Violation] > 0 {
		r.Verdict = Fail
	}
}

// finding is a finding before its places are written out.
type finding struct {
	rule     ruleID
	exit     int
	warning  bool // a warning, whatever the rule's findings are otherwise
	event    spot
	other    spot
	message  string
	expected string
	path     []string // process:seq, from other to event, where a causal chain is the proof
}

func (f *finding) severity() Severity {
	switch {
	case f.warning || f.exit == 0:
		return Warning
	case f.exit == 2:
		return Unreadable
	}
	return Violation
}

// tally counts what was checked and found, and keeps the first findings of each rule.
type tally struct {
	checked [ruleCount]int64
	found   [ruleCount]int64
	failed  [ruleCount]int64 // found, warnings excepted
	severe  map[Severity]int64
	kept    [ruleCount][]finding
	on      [ruleCount]bool
	exits   [ruleCount]int
	limit   int
	lenient bool // truncated logs are warnings
}

func newTally(sel selection, opt Options) *tally {
	t := &tally{on: sel.on, limit: opt.MaxFindings, severe: map[Severity]int64{}, lenient: opt.AllowTruncated}
	for id, r := range catalogue() {
		t.exits[id] = r.Exit
	}
	return t
}

// add takes a finding of a rule. Of more than limit findings it keeps those that come first in the report, whatever the
// order in which they are added.
func (t *tally) add(rule ruleID, f finding) {
	if !t.on[rule] {
		return
	}
	f.rule, f.exit = rule, t.exits[rule]
	f.warning = f.warning || rule == logTruncated && t.lenient
	t.found[rule]++
	t.severe[f.severity()]++
	if f.severity() != Warning {
		t.failed[rule]++
	}
	t.kept[rule] = append(t.kept[rule], f)
	if len(t.kept[rule]) >= 2*t.limit {
		t.trim(rule)
	}
}

func (t *tally) trim(rule ruleID) {
	slices.SortFunc(t.kept[rule], compareFindings)
	if len(t.kept[rule]) > t.limit {
		clear(t.kept[rule][t.limit:])
		t.kept[rule] = t.kept[rule][:t.limit]
	}
}

func (t *tally) result(id ruleID, name string) RuleResult {
	r := RuleResult{Rule: name, Status: StatusPass, Checked: t.checked[id], Findings: t.found[id]}
	switch {
	case t.failed[id] > 0:
		r.Status = StatusFail
	case t.found[id] > 0:
		r.Status = StatusWarn
	case r.Checked == 0:
		r.Status = StatusNotChecked
	}
	return r
}

// all returns the findings that were kept, in their order.
func (t *tally) all() []finding {
	var all []finding
	for id := range t.kept {
		t.trim(ruleID(id))
		all = append(all, t.kept[id]...)
	}
	slices.SortFunc(all, compareFindings)
	return all
}

// compareFindings puts what is no event first, then goes by clock, so that causes tend to come before what follows
// from them.
func compareFindings(a, b finding) int {
	return cmp.Or(
		compareSpots(a.event, b.event),
		cmp.Compare(a.rule, b.rule),
		compareSpots(a.other, b.other),
		cmp.Compare(a.message, b.message),
	)
}

func compareSpots(a, b spot) int {
	return cmp.Or(
		cmp.Compare(min(a.seq, 1), min(b.seq, 1)),
		cmp.Compare(a.clock, b.clock),
		cmp.Compare(a.name(), b.name()),
		cmp.Compare(a.seq, b.seq),
		cmp.Compare(a.at.file, b.at.file),
		cmp.Compare(a.at.line, b.at.line),
	)
}

func (s spot) name() string {
	if s.p == nil {
		return ""
	}
	return s.p.name
}
