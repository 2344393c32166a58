package check

import "strconv"

// groupShown is how many of those that follow from one finding are printed, where not all are.
const groupShown = 5

// shownGroup is what a report shows of a finding and of those that follow from it.
type shownGroup struct {
	head *Finding
	tail []*Finding
	more int // that follow from it and are not shown
}

// warningsShown is how many warnings of one rule are printed, where not all are.
const warningsShown = 3

// shown returns what to print of the findings: violations first, then what could not be read, then warnings; each
// followed by those that follow from it, limit of them in all. Limit 0 means every one. It also returns how many that are.
func (r *Report) shown(limit int) (groups []shownGroup, n int) {
	followers := map[int][]int{}
	for i := range r.Findings {
		if cause := r.Findings[i].Cause; cause != nil {
			followers[*cause] = append(followers[*cause], i)
		}
	}
	warnings := map[string]int{}
	for _, severity := range []Severity{Violation, Unreadable, Warning} {
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Cause != nil || f.Severity != severity {
				continue
			}
			if limit > 0 && (n == limit || severity == Warning && warnings[f.Rule] == warningsShown) {
				continue
			}
			warnings[f.Rule]++
			g := r.withFollowers(i, followers[i], limit-n)
			n += 1 + len(g.tail)
			groups = append(groups, g)
		}
	}
	return groups, n
}

// withFollowers is a finding with those that follow from it, at most limit in all; a limit that is not above 0 is none.
func (r *Report) withFollowers(i int, followers []int, limit int) shownGroup {
	g := shownGroup{head: &r.Findings[i], more: len(followers)}
	for _, j := range followers {
		if limit > 0 && (1+len(g.tail) == limit || len(g.tail) == groupShown) {
			break
		}
		g.tail = append(g.tail, &r.Findings[j])
		g.more--
	}
	return g
}

// total is the number of all findings, those that Findings leaves out included.
func (r *Report) total() int64 {
	var n int64
	for _, rule := range r.Rules {
		n += rule.Findings
	}
	return n
}

// where returns file:line, or the file alone where it is about the file as a whole.
func (p *Place) where() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// words returns the finding in one line of plain text: what is wrong, what should be, where the other place is, and, of a
// finding that stands for its rule, the usual mistake.
func (f *Finding) words(likely bool) string {
	s := f.Message
	if f.Expected != "" {
		s += " Expected: " + f.Expected + "."
	}
	if f.Other != nil {
		s += " See " + f.Other.where() + "."
	}
	if len(f.Path) > 0 {
		s += " Path: " + pathText(f.Path) + "."
	}
	if rule, ok := LookupRule(f.Rule); ok && likely {
		s += " Likely: " + rule.Mistake
	}
	return printable(s)
}
