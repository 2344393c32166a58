package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sameEntry is what an entry of a flat list and one of a list per process have in common.
type sameEntry struct {
	process string
	request int64
	op      courseOp
	comment string
	clock   uint64
}

// key of an entry; of the older form's lists by eventid the process is unknown.
func (e *courseEntry) key() sameEntry {
	return sameEntry{e.process, e.request, e.op, strings.ToLower(strings.Join(strings.Fields(e.comment), " ")), e.ev.Clock}
}

func sameEntries(a, b []*courseEntry) bool {
	return slices.EqualFunc(a, b, func(a, b *courseEntry) bool { return a.key() == b.key() })
}

// addList takes over a list of one process. Programs that print it again and again as it grows, and copies of a file, say
// the same twice.
func (r *courseReader) addList(process string, entries []*courseEntry, older bool) {
	l := r.lists[process]
	if l == nil {
		r.lists[process] = &courseList{entries, older}
		return
	}
	n := min(len(l.entries), len(entries))
	switch {
	case n == 0:
		l.entries = append(l.entries, entries...)
	case sameEntries(l.entries[:n], entries[:n]):
		if len(entries) > n {
			l.entries = entries
		}
		r.note("%s has lists that start with the same events; the longest is taken", process)
	default:
		l.entries = append(l.entries, entries...)
		r.note("%s has several lists; they are taken one after the other, as given", process)
	}
	l.older = l.older || older
}

// addFlat takes over the flat list of a file.
func (r *courseReader) addFlat(file string, entries []*courseEntry) {
	for _, other := range r.flats {
		if sameEntries(other, entries) {
			r.note("%s: the same flat list as %s; it is taken once", file, other[0].file)
			return
		}
	}
	r.flats = append(r.flats, entries)
}

// settleLists makes one list of each process from all that was read, and compares what was said twice.
func (r *courseReader) settleLists() {
	listed := map[string][]*courseEntry{}
	flatOnly := map[string]bool{}
	for _, flat := range r.flats {
		for _, e := range flat {
			if l := r.lists[e.process]; l != nil && !flatOnly[e.process] {
				listed[e.process] = append(listed[e.process], e)
				continue
			}
			flatOnly[e.process] = true
			if r.lists[e.process] == nil {
				r.lists[e.process] = &courseList{}
			}
			r.lists[e.process].entries = append(r.lists[e.process].entries, e)
		}
	}
	for process := range r.lists {
		r.order = append(r.order, process)
	}
	slices.SortFunc(r.order, compareProcesses)
	for _, process := range r.order {
		entries := r.lists[process].entries
		if flatOnly[process] {
			slices.SortStableFunc(entries, func(a, b *courseEntry) int { return cmp.Compare(a.ev.Clock, b.ev.Clock) })
		} else if flat := listed[process]; flat != nil {
			r.compare(entries, flat, "the flat list", true)
		} else if len(r.flats) > 0 && len(entries) > 0 {
			r.note("%s is not in the flat list; its events come from its own list alone", process)
		}
		r.all = append(r.all, entries...)
	}
	if len(flatOnly) > 0 {
		r.note("the order of the events of %d processes comes from a flat list, by clock: of these, that clocks rise can only fail where two are equal", len(flatOnly))
	}
	if len(r.flats) > 0 {
		r.note("the order of a flat list's entries says nothing about their clocks and is not checked")
	}
	r.compareOlder()
}

// compareProcesses orders customers before branches, each by number.
func compareProcesses(a, b string) int {
	kindA, numberA, _ := strings.Cut(a, "-")
	kindB, numberB, _ := strings.Cut(b, "-")
	m, _ := strconv.ParseInt(numberA, 10, 64)
	n, _ := strconv.ParseInt(numberB, 10, 64)
	return cmp.Or(-cmp.Compare(kindA, kindB), cmp.Compare(m, n))
}

// compareOlder compares the lists by eventid with those by pid.
func (r *courseReader) compareOlder() {
	if len(r.oldEvents) == 0 {
		return
	}
	var listed []*courseEntry
	for _, process := range r.order {
		if r.lists[process].older {
			listed = append(listed, r.lists[process].entries...)
		}
	}
	if len(listed) == 0 {
		r.note("lists by eventid name no process, so nothing in them can be checked without the lists by pid")
		return
	}
	covered := map[int64]bool{}
	for _, e := range r.oldEvents {
		covered[e.request] = true
	}
	both := slices.DeleteFunc(slices.Clone(listed), func(e *courseEntry) bool { return !covered[e.request] })
	if n := len(listed) - len(both); n > 0 {
		r.note("%d entries are of requests that have no list by eventid", n)
	}
	r.compare(both, r.oldEvents, "the lists by eventid", false)
}

// compare reports entries that stand in only one of two sources, or in both with different clocks.
//
//  1. Take off what is equal in both, however often it comes.
//  2. Of what remains, an entry of the second source that is equal but for its clock is the same event.
//  3. The others are missing on the other side.
func (r *courseReader) compare(first, second []*courseEntry, name string, byProcess bool) {
	key := func(e *courseEntry) sameEntry {
		k := e.key()
		if !byProcess {
			k.process = ""
		}
		return k
	}
	equal, rest := matchEntries(first, second, key)
	alike, missing := matchEntries(leftOf(first, equal), rest, func(e *courseEntry) sameEntry {
		k := key(e)
		k.clock = 0
		return k
	})
	for _, a := range first {
		b := alike[a]
		if b == nil {
			continue
		}
		r.problem(b, CourseListsDiffer, fmt.Sprintf("clock %d here, but %d in the list of %s at %s", b.ev.Clock, a.ev.Clock, spoken(a.process), a.place()),
			"write every list from one log; the list of the process was taken here")
	}
	for _, e := range missing {
		r.problem(e, CourseListsDiffer, "the entry is not in the list of its process", "write every list from one log; the entry is passed over")
	}
	for _, e := range leftOf(leftOf(first, equal), alike) {
		r.problem(e, CourseListsDiffer, "the entry is missing in "+name, "write every list from one log; the list of the process was taken here")
	}
}

// matchEntries pairs entries with equal keys, and returns those of the second list that are left.
func matchEntries(first, second []*courseEntry, key func(*courseEntry) sameEntry) (pairs map[*courseEntry]*courseEntry, rest []*courseEntry) {
	waiting := map[sameEntry][]*courseEntry{}
	for _, e := range first {
		k := key(e)
		waiting[k] = append(waiting[k], e)
	}
	pairs = map[*courseEntry]*courseEntry{}
	for _, e := range second {
		k := key(e)
		if w := waiting[k]; len(w) > 0 {
			pairs[w[0]], waiting[k] = e, w[1:]
		} else {
			rest = append(rest, e)
		}
	}
	return pairs, rest
}

func leftOf(entries []*courseEntry, pairs map[*courseEntry]*courseEntry) []*courseEntry {
	var left []*courseEntry
	for _, e := range entries {
		if pairs[e] == nil {
			left = append(left, e)
		}
	}
	return left
}
