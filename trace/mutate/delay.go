package mutate

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// delay is an execute that can be moved to after a later one of the same branch, so that nothing is wrong but the order:
// all executes between are of writes to other accounts and of other origins, so balances and gaps are as they were, and
// of queries that need not see the write.
type delay struct {
	execute, after *trace.Event
	unseen         []*trace.Event // executes between that say what they see, and will not see the write
	wrote          bool           // a customer of those that come first had a confirmation of the write
	saw            bool           // a customer of those that come first had seen the write
	last           bool           // it is for the last of them that wrote or saw is so, and for no other
}

// delays returns the least delays that fit.
func (ed *editor) delays(fits func(p *proc, d *delay) bool) []*delay {
	var all []*delay
	for _, p := range ed.branches() {
		for i, e := range p.events {
			if !ed.foreign(p, e) {
				continue
			}
			if d := ed.least(p, i, fits); d != nil && (ed.at(d.execute) || ed.at(d.after)) {
				all = append(all, d)
			}
		}
	}
	return all
}

// least returns the least delay of the execute with that index that fits; nil where there is none.
func (ed *editor) least(p *proc, i int, fits func(p *proc, d *delay) bool) *delay {
	d, asked := delay{execute: p.events[i]}, map[string]bool{}
	for _, e := range p.events[i+1:] {
		switch {
		case !isExecute(e) && e.Step != trace.StepSnapshot:
			continue
		case !isExecute(e) || e.Write.Process == d.execute.Write.Process || sharesAccount(e, d.execute):
			return nil
		case isQuery(e) && (ed.wrote(d.execute, e.Request) || ed.saw(d.execute.Write, e.Request)):
			return nil
		}
		if isQuery(e) || len(e.Sees) > 0 {
			d.unseen = append(d.unseen, e)
		}
		if isQuery(e) {
			asked[e.Request.Process] = true
			continue
		}
		if asked[e.Request.Process] {
			return nil // what its customer saw would be hidden too
		}
		d.after = e
		before := d.wrote || d.saw
		d.wrote = d.wrote || e.Result == trace.OK && ed.wrote(d.execute, e.Request)
		d.saw = d.saw || e.Result == trace.OK && ed.saw(d.execute.Write, e.Request)
		d.last = !before && (d.wrote || d.saw)
		if fits(p, &d) {
			return &d
		}
	}
	return nil
}

// hide takes a write out of what an execute sees, with all of the same origin that came after it.
func hide(e, write *trace.Event) {
	e.Sees = e.Sees.Clone().Set(write.Write.Process, min(e.Sees.Get(write.Write.Process), write.Write.N-1))
}

func sharesAccount(a, b *trace.Event) bool {
	accounts := []string{a.Account}
	if a.ToAccount != "" {
		accounts = append(accounts, a.ToAccount)
	}
	return slices.Contains(accounts, b.Account) || b.ToAccount != "" && slices.Contains(accounts, b.ToAccount)
}

// do moves the execute. The finding of a rule about the order names the one that comes late; one about the sessions, or
// about what a write depends on, the one that did not wait for it.
func (d *delay) do(ed *editor, late bool) Change {
	for _, e := range d.unseen {
		hide(e, d.execute)
	}
	ed.moveAfter(d.after, d.execute)
	c := Change{
		Event: d.after.Ref(),
		Text: fmt.Sprintf("%s, which executes %s, comes after %s, which executes %s; it was the other way round",
			d.execute.Ref(), d.execute.Write, d.after.Ref(), d.after.Write),
	}
	if late {
		c.Event = d.execute.Ref()
	}
	return c
}

func outOfOrder(ed *editor) (Change, error) {
	d, err := pick(ed, ed.delays(func(p *proc, d *delay) bool { return p.total() && !d.wrote && !d.saw }))
	if err != nil {
		return Change{}, err
	}
	return d.do(ed, true), nil
}

func breakSession(ed *editor, writes bool) (Change, error) {
	d, err := pick(ed, ed.delays(func(_ *proc, d *delay) bool {
		return d.last && d.wrote == writes && d.saw != writes && d.execute.Result == trace.OK
	}))
	if err != nil {
		return Change{}, err
	}
	return d.do(ed, false), nil
}

func withoutDependency(ed *editor) (Change, error) {
	causal := slices.ContainsFunc(ed.branches(), func(p *proc) bool { return !p.total() })
	if !causal {
		return Change{}, &NoPlaceError{Why: "it is of mode total, where writes have no deps"}
	}
	depends := func(d *delay) bool {
		order := ed.ordered[d.after.Write]
		return order != nil && order.Deps.Get(d.execute.Write.Process) >= d.execute.Write.N
	}
	d, err := pick(ed, ed.delays(func(p *proc, d *delay) bool { return !p.total() && depends(d) && !d.wrote && !d.saw }),
		ed.delays(func(p *proc, d *delay) bool { return !p.total() && depends(d) }))
	if err != nil {
		return Change{}, err
	}
	return d.do(ed, false), nil
}
