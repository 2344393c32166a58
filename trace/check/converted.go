package check

import "slices"

// Conversion tells a report on a converted trace in terms of the files that it was converted from.
type Conversion struct {
	// Place returns where an event stands in those files, with the text that stands there.
	Place    func(process string, seq uint64) (file string, line int, text string, ok bool)
	Findings []Finding // what the conversion found wrong; their rules need not be in the catalogue
	Notes    []string  // what cannot be checked, and what was taken how
}

// Converted moves the report's places to the files that the trace was converted from, and adds what the conversion found.
func (r *Report) Converted(c Conversion) {
	for i := range r.Findings {
		for _, p := range []*Place{r.Findings[i].Event, r.Findings[i].Other} {
			if p == nil {
				continue
			}
			if file, line, text, ok := c.Place(p.Process, p.Seq); ok {
				p.File, p.Line, p.text = file, line, text
			}
		}
	}
	for _, f := range c.Findings {
		i := slices.IndexFunc(r.Rules, func(x RuleResult) bool { return x.Rule == f.Rule })
		if i < 0 {
			i = len(r.Rules)
			r.Rules = append(r.Rules, RuleResult{Rule: f.Rule})
		}
		r.Rules[i].Status = StatusFail
		r.Rules[i].Findings++
		r.Rules[i].Checked++
		r.severe[f.Severity]++
		if f.Event != nil && f.Event.text == "" {
			_, _, f.Event.text, _ = c.Place(f.Event.Process, f.Event.Seq)
		}
		r.Findings = append(r.Findings, f)
		switch {
		case f.Severity == Violation:
			r.Verdict = Fail
		case f.Severity == Unreadable && r.Verdict == Pass:
			r.Verdict = Inconclusive
		}
	}
	r.Notes = append(r.Notes, c.Notes...)
}
