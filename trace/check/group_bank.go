package check

import "slices"

const notConserved = "money/not-conserved"

// replica returns the event of the replica that finding i is about: where a write was never executed there, the event is
// its order, and the other the replica's last.
func (g *grouper) replica(i int) *Place {
	f := &g.findings[i]
	if f.Rule == "replica/missing-execute" && g.facts[i].event.Step != "execute" && f.Other != nil {
		return f.Other
	}
	return f.Event
}

// linkBank links findings about requests, replicas, money and sessions.
func (g *grouper) linkBank(i int, f *Finding) {
	said := g.facts[i]
	switch f.Rule {
	case notConserved:
		g.adopt(i, g.byReplica[f.Event.Process], nil)
		return
	case "replica/missing-execute":
		at := g.replica(i)
		gaps := slices.Clone(g.gaps[at.Process])
		slices.Reverse(gaps) // the last before it is the likeliest
		if g.adopt(i, gaps, func(gap *Finding) bool { return gap.Event.Seq <= at.Seq }) {
			return
		}
	case "money/overdrawn":
		if g.linkBelowZero(i, f) {
			return
		}
	case "request/answered-unexecuted":
		if g.adopt(i, g.gaps[f.Event.Process], func(gap *Finding) bool {
			return said.event.Answers < gap.Event.Seq && gap.Event.Seq <= f.Event.Seq
		}) {
			return
		}
	}
	if f.Rule == "money/unexplained-balance" && f.Other != nil && g.adopt(i, g.gaps[f.Event.Process], func(gap *Finding) bool {
		return f.Other.Seq < gap.Event.Seq && gap.Event.Seq <= f.Event.Seq
	}) {
		return
	}
	if key, ok := keyOf(f.Other); ok && f.Rule == "money/unexplained-balance" {
		if g.adopt(i, g.byEvent[key], func(cause *Finding) bool { return familyOf(cause) == "money" }) {
			return
		}
	}
	isReplica := func(cause *Finding) bool { return familyOf(cause) == "replica" }
	ofReplica := func(cause *Finding) bool { return isReplica(cause) || familyOf(cause) == "money" }
	switch {
	case familyOf(f) == "session":
		_ = g.adopt(i, g.byRequest[said.other.Request], ofReplica) || g.linkHole(i, f) ||
			g.adopt(i, g.byRequest[said.event.Request], isReplica)
	case f.Rule == "replica/wrong-vector" && g.linkHole(i, f):
	case said.event.Kind == "receive":
		// What a customer received and the branch did not send has nothing to do with how it came about there.
	default:
		_ = g.adopt(i, before(g.byRequest[said.event.Request], i), nil) ||
			familyOf(f) == "request" && g.adopt(i, g.byRequest[said.other.Request], ofReplica)
	}
}

// linkBelowZero links a balance below 0 with the one before it in the same account of the same process.
func (g *grouper) linkBelowZero(i int, f *Finding) bool {
	account := g.facts[i].event.Account
	if account == "" {
		return false
	}
	key := f.Event.Process + "\x00" + account
	j, ok := g.belowZero[key]
	g.belowZero[key] = i
	return ok && g.adopt(i, []int{j}, nil)
}

// hollow is a missing execute at a replica: from the event with seq since on, its log may show what is missing.
type hollow struct {
	since   uint64
	finding int
}

// findHoles lists the missing executes of each replica. One that was never made up for begins at the gap before it, or
// nobody can say where.
func (g *grouper) findHoles() {
	for i := range g.findings {
		f := &g.findings[i]
		if f.Rule != "replica/missing-execute" || f.Event == nil {
			continue
		}
		at := g.replica(i)
		since := at.Seq
		for _, j := range g.gaps[at.Process] {
			if seq := g.findings[j].Event.Seq; seq <= at.Seq {
				since = seq
			}
		}
		g.holes[at.Process] = append(g.holes[at.Process], hollow{since, i})
	}
}

// linkHole links what a replica had not executed at an event with a missing execute before it.
func (g *grouper) linkHole(i int, f *Finding) bool {
	for _, h := range g.holes[f.Event.Process] {
		if h.since <= f.Event.Seq && g.adopt(i, []int{h.finding}, nil) {
			return true
		}
	}
	return false
}
