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

// shown returns what to print of the findings: each followed by those that follow from it, limit of them in all. Limit 0
// means every one. It also returns how many that are.
func (r *Report) shown(limit int) (groups []shownGroup, n int) {
	followers := map[int][]int{}
	for i := range r.Findings {
		if cause := r.Findings[i].Cause; cause != nil {
			followers[*cause] = append(followers[*cause], i)
		}
	}
	for i := range r.Findings {
		if r.Findings[i].Cause != nil {
			continue
		}
		if limit > 0 && n == limit {
			break
		}
		g := shownGroup{head: &r.Findings[i], more: len(followers[i])}
		n++
		for _, j := range followers[i] {
			if limit > 0 && (n == limit || len(g.tail) == groupShown) {
				break
			}
			g.tail = append(g.tail, &r.Findings[j])
			g.more--
			n++
		}
		groups = append(groups, g)
	}
	return groups, n
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
