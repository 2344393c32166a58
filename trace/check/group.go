package check

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// grouper finds which findings of a report follow from which others. It knows nothing but the report and the lines that
// the report quotes, and says nothing where it is not sure; docs/report.md tells the user its rules.
//
//  1. A line that cannot be read, right after one that cannot be read either, follows from that one.
//  2. An orphan receive follows from the gap in the sender's log that its send is in.
//  3. A clock finding follows from one about the event that it is compared with; of those compared with the same event,
//     and of those about the same event, the others follow from the first in the order of rank.
//  4. A cycle follows from a clock finding about an event on it.
//  5. A missing execute, or an answer without execute, follows from a gap in that replica's log before it.
//  6. An unexplained balance follows from a wrong one that was left before, or from a gap since; an account that was below
//     0 stays there.
//  7. Findings of replicas, money and answers about one request follow from the first of them in the order of rank.
//     What a session did not see follows from what is wrong with the request that wrote it. A wrong vector, and what a
//     session misses at a replica, follow from a missing execute there, from the gap that it is in on.
//  8. Money that is not conserved at a branch follows from the first finding of replicas or money at that branch.
//
// A violation never follows from a warning, and nothing follows from itself. Each finding is given the first of its chain.
type grouper struct {
	findings []Finding
	facts    []facts
	parents  []int          // -1 for none
	order    map[string]int // of the rules

	byEvent   map[lineKey][]int
	byOther   map[lineKey][]int // clock findings by the event they are compared with
	byRef     map[string][]int  // process:seq -> clock findings about it
	byRequest map[string][]int
	byReplica map[string][]int // process -> findings of replicas and money there
	gaps      map[string][]int // process -> its gaps
	holes     map[string][]hollow
	torn      map[lineKey]int // line that could not be read -> finding
	belowZero map[string]int  // process and account -> latest overdrawn finding
}

// lineKey names an event by where its line is, which tells apart even two that have the same seq.
type lineKey struct {
	file int32
	line int
}

// facts is what the line of a finding's event, and that of the other one, say.
type facts struct {
	event, other quoted
}

// quoted is what grouping needs of a log line. A line that is too long to be kept whole says nothing.
type quoted struct {
	Kind    string `json:"kind"`
	Peer    string `json:"peer"`
	Cause   uint64 `json:"cause"`
	Request string `json:"request"`
	Step    string `json:"step"`
	Account string `json:"account"`
	Answers uint64 `json:"answers"`
}

func quotedLine(p *Place) (q quoted) {
	if p != nil && json.Unmarshal([]byte(p.text), &q) != nil {
		return quoted{}
	}
	return q
}

func keyOf(p *Place) (lineKey, bool) {
	if p == nil || p.Seq == 0 || p.Line == 0 {
		return lineKey{}, false
	}
	return lineKey{p.file, p.Line}, true
}

// group sets Cause of the findings.
func (r *Report) group() {
	g := &grouper{
		findings: r.Findings, order: causeOrder(), facts: make([]facts, len(r.Findings)), parents: make([]int, len(r.Findings)),
		byEvent: map[lineKey][]int{}, byOther: map[lineKey][]int{}, byRef: map[string][]int{},
		byRequest: map[string][]int{}, byReplica: map[string][]int{}, gaps: map[string][]int{},
		holes: map[string][]hollow{}, torn: map[lineKey]int{}, belowZero: map[string]int{},
	}
	for i := range g.findings {
		g.index(i)
	}
	g.rankAll()
	g.findHoles()
	for i := range g.findings {
		g.parents[i] = -1
	}
	for i := range g.findings {
		g.link(i)
	}
	for i := range g.findings {
		if root := g.root(i); root != i {
			g.findings[i].Cause = &root
		}
	}
}

func (g *grouper) index(i int) {
	f := &g.findings[i]
	g.facts[i] = facts{quotedLine(f.Event), quotedLine(f.Other)}
	if f.Event == nil {
		return
	}
	if f.Event.Process == "" && f.Event.Line > 0 {
		g.torn[lineKey{f.Event.file, f.Event.Line}] = i
	}
	if key, ok := keyOf(f.Event); ok {
		g.byEvent[key] = append(g.byEvent[key], i)
		if familyOf(f) == "clock" {
			g.byRef[f.Event.Ref()] = append(g.byRef[f.Event.Ref()], i)
		}
	}
	if key, ok := keyOf(f.Other); ok && familyOf(f) == "clock" {
		g.byOther[key] = append(g.byOther[key], i)
	}
	if f.Rule == "log/sequence-gap" && f.Event.Seq > 0 {
		g.gaps[f.Event.Process] = append(g.gaps[f.Event.Process], i)
	}
	if f.Rule == notConserved {
		return // it is about the branch as a whole, whatever event it stands at
	}
	if request := g.facts[i].event.Request; request != "" && aboutBank(f) && familyOf(f) != "session" {
		g.byRequest[request] = append(g.byRequest[request], i)
	}
	if at := g.replica(i); familyOf(f) == "replica" || familyOf(f) == "money" {
		g.byReplica[at.Process] = append(g.byReplica[at.Process], i)
	}
}

// rankAll puts what may be the cause of the others first, wherever the others are found by it.
func (g *grouper) rankAll() {
	byRank := func(i, j int) int {
		return cmp.Or(cmp.Compare(g.rank(i), g.rank(j)), cmp.Compare(i, j))
	}
	for _, all := range []map[lineKey][]int{g.byEvent, g.byOther} {
		for _, list := range all {
			slices.SortFunc(list, byRank)
		}
	}
	for _, list := range g.byRequest {
		slices.SortFunc(list, byRank)
	}
}

// causeOrder is the order in which findings that have to do with each other are taken for the cause: what a process did
// wrong before what others saw of it.
func causeOrder() map[string]int {
	order := map[string]int{}
	for i, rule := range []string{
		"log/sequence-gap",
		"clock/not-increasing", "message/orphan-receive", "message/misdelivered", "message/duplicate-receive",
		"clock/receive-not-after-send", "clock/stamp-mismatch", "clock/not-exact", "causality/cycle",
		"request/altered", "replica/phantom-execute", "replica/altered", "replica/executed-twice",
		"replica/execute-before-horizon", "replica/dependency-missing", "replica/order-differs",
		"replica/missing-execute", "replica/wrong-vector", "money/unexplained-balance", "money/overdrawn",
		"money/wrong-refusal", "replica/diverged",
	} {
		order[rule] = i
	}
	return order
}

func (g *grouper) rank(i int) int {
	if at, ok := g.order[g.findings[i].Rule]; ok {
		return at
	}
	return len(g.order)
}

func familyOf(f *Finding) string {
	name, _, _ := strings.Cut(f.Rule, "/")
	return name
}

func aboutBank(f *Finding) bool {
	switch familyOf(f) {
	case "request", "replica", "money", "session":
		return true
	}
	return false
}

// root returns the first of the chain that finding i follows from.
func (g *grouper) root(i int) int {
	for g.parents[i] >= 0 {
		i = g.parents[i]
	}
	return i
}

// adopt makes finding i follow from the first of the candidates that may be its cause.
func (g *grouper) adopt(i int, candidates []int, fits func(f *Finding) bool) bool {
	for _, j := range candidates {
		cause := &g.findings[j]
		if j == i || cause.Severity == Warning && g.findings[i].Severity != Warning || fits != nil && !fits(cause) {
			continue
		}
		if g.root(j) == i {
			continue
		}
		g.parents[i] = j
		return true
	}
	return false
}

// before cuts a list in the order of rank where finding i stands in it.
func before(list []int, i int) []int {
	if n := slices.Index(list, i); n >= 0 {
		return list[:n]
	}
	return nil
}

func (g *grouper) link(i int) {
	f := &g.findings[i]
	switch {
	case f.Event == nil:
	case aboutBank(f):
		g.linkBank(i, f)
	case f.Event.Process == "":
		if j, ok := g.torn[lineKey{f.Event.file, f.Event.Line - 1}]; ok {
			g.adopt(i, []int{j}, nil)
		}
	default:
		g.linkOrder(i, f)
	}
}

// linkOrder links findings about clocks and messages.
func (g *grouper) linkOrder(i int, f *Finding) {
	if f.Rule == "message/orphan-receive" {
		said := g.facts[i].event
		if g.adopt(i, g.gaps[said.Peer], func(gap *Finding) bool { return within(gap, said.Cause) }) {
			return
		}
	}
	if f.Rule == "causality/cycle" {
		refs := append(slices.Clone(f.Path), f.Event.Ref())
		if f.Other != nil {
			refs = append(refs, f.Other.Ref())
		}
		for _, ref := range refs {
			if g.adopt(i, g.byRef[ref], nil) {
				return
			}
		}
	}
	clock := familyOf(f) == "clock"
	isClock := func(cause *Finding) bool { return familyOf(cause) == "clock" }
	if key, ok := keyOf(f.Other); ok && clock && g.adopt(i, g.byEvent[key], isClock) {
		return
	}
	if key, ok := keyOf(f.Event); ok && g.adopt(i, before(g.byEvent[key], i), func(cause *Finding) bool {
		return sameEvent(f, cause)
	}) {
		return
	}
	if key, ok := keyOf(f.Other); ok && clock {
		g.adopt(i, before(g.byOther[key], i), nil)
	}
}

// sameEvent reports whether a finding about an event may be the cause of another about it: a gap before it, its clock, or
// a mix-up of messages, which makes the clocks of the pair look wrong.
func sameEvent(f, cause *Finding) bool {
	switch familyOf(f) {
	case "clock":
		return familyOf(cause) == "clock" || cause.Rule == "log/sequence-gap" ||
			familyOf(cause) == "message" && f.Rule != "clock/not-increasing"
	case "message":
		return familyOf(cause) == "message"
	}
	return false
}

// within reports whether an event with that seq would be in the gap.
func within(gap *Finding, seq uint64) bool {
	return gap.Other != nil && gap.Other.Seq < seq && seq < gap.Event.Seq
}
