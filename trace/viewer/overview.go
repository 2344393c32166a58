package viewer

import (
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// overview is what the page knows before it asks for events.
type overview struct {
	Name     string    `json:"name"`
	Events   int64     `json:"events"`
	Messages int64     `json:"messages"`
	Clocks   [2]uint64 `json:"clocks"`
	Lanes    []laneOf  `json:"lanes"`
	Steps    []string  `json:"steps"` // by number
	Verdict  string    `json:"verdict"`
	Findings int       `json:"findings"` // that can be asked for
	Found    int64     `json:"found"`    // all of them

	Growing    bool  `json:"growing,omitempty"` // there is more to come, and no verdict yet
	Generation int64 `json:"generation"`
}

// laneOf is a process.
type laneOf struct {
	Name   string    `json:"name"`
	Role   string    `json:"role,omitempty"`
	Events int       `json:"events"`
	Clocks [2]uint64 `json:"clocks"`
	Logged bool      `json:"logged"`
	Cut    bool      `json:"cut,omitempty"`
	// Of each restart the clocks of the events around it, 0 where there is none.
	Restarts [][2]uint64 `json:"restarts,omitempty"`
}

// mostRestarts is how many restarts of a process are drawn.
const mostRestarts = 1000

func (ix *index) overview() *overview {
	o := &overview{
		Name: ix.name, Lanes: []laneOf{}, Events: ix.events, Messages: int64(len(ix.messages.all)), Clocks: ix.clocks, Steps: stepNames(),
		Verdict: string(ix.report.Verdict), Findings: len(ix.report.Findings),
		Growing: ix.growing, Generation: ix.generation,
	}
	for _, r := range ix.report.Rules {
		o.Found += r.Findings
	}
	for _, l := range ix.lanes {
		lo, hi := l.span()
		shown := laneOf{Name: l.name, Role: l.role, Events: l.len(), Clocks: [2]uint64{lo, hi}, Logged: l.logged, Cut: l.cut}
		for _, pos := range l.restarts[:min(len(l.restarts), mostRestarts)] {
			var around [2]uint64
			if pos > 0 {
				around[0] = l.clocks[pos-1]
			}
			if int(pos) < l.len() {
				around[1] = l.clocks[pos]
			}
			shown.Restarts = append(shown.Restarts, around)
		}
		o.Lanes = append(o.Lanes, shown)
	}
	return o
}

// stepNames returns the names of all steps by number, that of none being empty.
func stepNames() []string {
	names := []string{""}
	for s := trace.StepNone + 1; s <= trace.StepSnapshot; s++ {
		names = append(names, s.String())
	}
	return names
}

// finding is one thing that a check found.
type finding struct {
	Number    int     `json:"number"`
	Rule      string  `json:"rule"`
	Severity  string  `json:"severity"`
	Message   string  `json:"message"`
	Expected  string  `json:"expected,omitempty"`
	Event     *place  `json:"event,omitempty"`
	Other     *place  `json:"other,omitempty"`
	Path      []event `json:"path,omitempty"` // from Other to Event
	Cause     *int    `json:"cause,omitempty"`
	Statement string  `json:"statement,omitempty"`
	Mistake   string  `json:"mistake,omitempty"`
}

// place is where a finding is: a line, and the event that stands there if it is one.
type place struct {
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"`
	Event *event `json:"event,omitempty"`
}

// mostFindings is how many findings are sent at a time.
const mostFindings = 1000

func (ix *index) findings(from, limit int) []finding {
	all := ix.report.Findings
	from = min(from, len(all))
	found := []finding{}
	for i := range all[from:min(len(all), from+min(limit, mostFindings))] {
		found = append(found, ix.finding(from+i))
	}
	return found
}

func (ix *index) finding(i int) finding {
	f := &ix.report.Findings[i]
	shown := finding{
		Number: i, Rule: f.Rule, Severity: string(f.Severity), Message: f.Message, Expected: f.Expected,
		Event: ix.placeOf(f.Event), Other: ix.placeOf(f.Other), Cause: f.Cause,
	}
	if r, ok := check.LookupRule(f.Rule); ok {
		shown.Statement, shown.Mistake = r.Statement, r.Mistake
	}
	for _, name := range f.Path[:min(len(f.Path), mostPath)] {
		if at, ok := ix.named(name); ok {
			shown.Path = append(shown.Path, ix.event(at))
		}
	}
	return shown
}

func (ix *index) placeOf(p *check.Place) *place {
	if p == nil {
		return nil
	}
	shown := &place{File: p.File, Line: p.Line}
	if at, ok := ix.place(p); ok {
		e := ix.event(at)
		shown.Event = &e
	}
	return shown
}

// named returns the event of a name process:seq.
func (ix *index) named(name string) (causal.At, bool) {
	ref, err := trace.ParseRef(name)
	if err != nil {
		return causal.At{}, false
	}
	at, err := ix.trace.Find(ref)
	return at, err == nil
}
