package causal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Name names an event of a trace as people do, see [ParseName].
type Name struct {
	text    string
	ref     trace.Ref // process:seq; zero where the name is of another form
	bare    bool      // a request alone: its first event is meant
	process string
	clock   uint64
	kind    trace.Kind
	step    trace.Step
	request trace.ID
	write   trace.ID
}

// NameForms says how an event may be named.
const NameForms = "process:seq (branch-1:5), a request (customer-1/3: its first event), or what tells it from the others: " +
	"process= clock= kind= step= request= write=, joined by commas (clock=17,process=branch-1)"

// ParseName reads the name of an event:
//
//	branch-1:5                          the event with seq 5 of branch-1
//	customer-1/3                        the first event of that request: the customer sends it
//	clock=17,process=branch-1           the one event that has all these: process, clock, kind, step, request, write
func ParseName(s string) (Name, error) {
	if ref, err := trace.ParseRef(s); err == nil {
		return Name{text: s, ref: ref}, nil
	}
	n := Name{text: s}
	if !strings.Contains(s, "=") {
		id, err := trace.ParseID(s)
		if err != nil {
			return n, fmt.Errorf("%q names no event; write %s", s, NameForms)
		}
		n.request, n.bare = id, true
		return n, nil
	}
	for term := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(term, "=")
		if err := n.set(key, value); err != nil {
			return n, fmt.Errorf("%q names no event: %w; write %s", s, err, NameForms)
		}
	}
	return n, nil
}

func (n *Name) set(key, value string) (err error) {
	switch key {
	case "process":
		n.process = value
	case "clock":
		n.clock, err = strconv.ParseUint(value, 10, 64)
		if err != nil || n.clock == 0 || n.clock > clock.Max {
			return fmt.Errorf("clock %q is no number from 1 to 2^53", value)
		}
	case "kind":
		n.kind, err = trace.ParseKind(value)
	case "step":
		n.step, err = trace.ParseStep(value)
	case "request":
		n.request, err = trace.ParseID(value)
	case "write":
		n.write, err = trace.ParseID(value)
	default:
		return fmt.Errorf("%q is none of process, clock, kind, step, request, write", key)
	}
	if value == "" {
		return fmt.Errorf("%s has no value", key)
	}
	return err
}

// String returns the name as it was given.
func (n Name) String() string { return n.text }

// searched reports whether events must be looked at to find the one that is named.
func (n *Name) searched() bool { return n.ref.Seq == 0 }

func (n *Name) fits(e *trace.Event) bool {
	return (n.clock == 0 || n.clock == e.Clock) && (n.process == "" || n.process == e.Process) &&
		(n.kind == 0 || n.kind == e.Kind) && (n.step == 0 || n.step == e.Step) &&
		(n.request.N == 0 || n.request == e.Request) && (n.write.N == 0 || n.write == e.Write)
}

// match is an event that fits a name.
type match struct {
	ref   trace.Ref
	at    At // with the number that the process has during the scan
	clock uint64
}

// matches is the events that fit a name: how many, and the first of them.
type matches struct {
	count int64
	first []match // in the order of Name.order
}

// mostMatches is how many matches are kept, and listed in an error.
const mostMatches = 8

// order puts the events that fit a name in order: by their clocks, and for a request alone those of its customer first,
// as its log has them.
func (n *Name) order(a, b match) int {
	byPlace := cmp.Or(cmp.Compare(a.ref.Process, b.ref.Process), cmp.Compare(a.at.Pos, b.at.Pos))
	ownA, ownB := n.bare && a.ref.Process == n.request.Process, n.bare && b.ref.Process == n.request.Process
	switch {
	case ownA && ownB:
		return byPlace
	case ownA:
		return -1
	case ownB:
		return 1
	}
	return cmp.Or(cmp.Compare(a.clock, b.clock), byPlace)
}

func (m *matches) add(n *Name, found match) {
	i, _ := slices.BinarySearchFunc(m.first, found, n.order)
	if i == mostMatches {
		return
	}
	m.first = slices.Insert(m.first, i, found)
	m.first = m.first[:min(len(m.first), mostMatches)]
}

// AmbiguousError says that a name fits several events: Count, the first of which are Events, in the order of their clocks.
type AmbiguousError struct {
	Name   string
	Count  int64
	Events []trace.Ref
}

func (e *AmbiguousError) Error() string {
	names := make([]string, len(e.Events))
	for i, r := range e.Events {
		names[i] = r.String()
	}
	if n := e.Count - int64(len(names)); n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return fmt.Sprintf("%s fits %d events: %s; name one of them", e.Name, e.Count, english.WordSeries(names, "and"))
}

// NoMatchError says that a name fits no event. Clocks is the range of clocks in the trace, and Requests, where a request
// was named, the number of the last request of that customer, 0 if it has none.
type NoMatchError struct {
	Name     string
	Request  trace.ID
	Clocks   [2]uint64
	Requests uint64
}

func (e *NoMatchError) Error() string {
	switch {
	case e.Request.IsZero():
		return fmt.Sprintf("no event fits %s; clocks go from %d to %d", e.Name, e.Clocks[0], e.Clocks[1])
	case e.Requests == 0:
		return fmt.Sprintf("no event fits %s: %s has no requests", e.Name, e.Request.Process)
	}
	return fmt.Sprintf("no event fits %s; the last request of %s is %s", e.Name, e.Request.Process,
		trace.ID{Process: e.Request.Process, N: e.Requests})
}

// pick returns the one match that is meant.
func (n *Name) pick(m *matches) (match, error) {
	if n.bare || m.count == 1 {
		return m.first[0], nil
	}
	e := &AmbiguousError{Name: n.text, Count: m.count}
	for _, match := range m.first {
		e.Events = append(e.Events, match.ref)
	}
	return match{}, e
}
