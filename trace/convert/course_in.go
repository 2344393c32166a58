package convert

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// MaxCourseFile is the largest file that [ReadCourse] takes, in bytes. What students hand in has some kilobytes.
const MaxCourseFile = 64 << 20

// sniffSize is how much of a file [IsCourse] looks at.
const sniffSize = 64 << 10

// File is a file that was read.
type File struct {
	Name string // as messages name it; nothing else is read from it
	Data []byte
}

// CourseTrace is what course output files say.
type CourseTrace struct {
	Processes  []CourseLog     // customers, then branches, each by number
	Problems   []CourseProblem // entries that are mislabelled or cannot be paired; by file and line
	Notes      []string        // what cannot be checked, and what was taken how
	PerProcess bool            // there were lists of one process each
	Flat       bool            // there were flat lists of all processes
	Older      bool            // there were lists of the older form, with pid and eventid
	// Shift is 1 where a clock of 0 was met, 0 else. It was added to every clock: a trace's clocks start at 1, and
	// what comes before what does not change.
	Shift uint64
}

// CourseLog is the log of one process.
type CourseLog struct {
	Process string // customer-1, branch-2
	Events  []CourseEvent
}

// CourseEvent is one entry. Its Seq is its place in the log, from 1; its Note is the entry's comment, or the name that the
// older form gives it. It has no Step: of the bank's rules none can be checked on it.
type CourseEvent struct {
	trace.Event
	File string
	Line int
	Text string // the entry as it stands, on one line
}

// CourseProblem is an entry that is mislabelled or cannot be paired.
type CourseProblem struct {
	File    string
	Line    int
	Process string // "" where the entry does not say
	Code    CourseCode
	Entry   string // the entry as it stands, on one line
	Text    string // what is wrong
	Remedy  string
}

// String returns file:line: process: what is wrong; remedy.
func (p CourseProblem) String() string {
	who := ""
	if p.Process != "" {
		who = p.Process + ": "
	}
	return fmt.Sprintf("%s:%d: %s%s; %s", p.File, p.Line, who, p.Text, p.Remedy)
}

// CourseCode is the sort of a [CourseProblem].
type CourseCode string

// The sorts of problem. The first is a violation of the clock condition, the others are wrong or missing labels.
const (
	CourseNotAfter       CourseCode = "receive-not-after-send" // older form: a clock at or before the one it comes after
	CourseNamesItself    CourseCode = "names-itself"
	CourseWrongOperation CourseCode = "wrong-operation"
	CourseReceiveAtSend  CourseCode = "receive-at-sender"
	CourseSendAtReceiver CourseCode = "send-at-receiver"
	CourseWrongPeer      CourseCode = "wrong-peer"
	CourseWrongRequest   CourseCode = "wrong-request"
	CourseNoSend         CourseCode = "no-send"
	CourseNoReceive      CourseCode = "no-receive"
	CourseTwoSends       CourseCode = "two-sends"
	CourseTwoReceives    CourseCode = "two-receives"
	CourseTwoOrigins     CourseCode = "two-origins"
	CourseNoProcess      CourseCode = "no-process"
	CourseNoRequest      CourseCode = "no-request"
	CourseNoClock        CourseCode = "no-clock"
	CourseUnknownComment CourseCode = "unknown-comment"
	CourseUnknownOp      CourseCode = "unknown-interface"
	CourseListsDiffer    CourseCode = "lists-differ"
	CourseFieldTwice     CourseCode = "field-twice"
)

// Logs returns the events of each process, ready to be written as logs of a trace.
func (t *CourseTrace) Logs() map[string][]trace.Event {
	logs := make(map[string][]trace.Event, len(t.Processes))
	for _, l := range t.Processes {
		events := make([]trace.Event, len(l.Events))
		for i := range l.Events {
			events[i] = l.Events[i].Event
		}
		logs[l.Process] = events
	}
	return logs
}

// Event returns the entry behind an event, nil if there is none of that name.
func (t *CourseTrace) Event(ref trace.Ref) *CourseEvent {
	for i := range t.Processes {
		if l := &t.Processes[i]; l.Process == ref.Process && ref.Seq >= 1 && ref.Seq <= uint64(len(l.Events)) {
			return &l.Events[ref.Seq-1]
		}
	}
	return nil
}

// IsCourse reports whether data is one of the files that the course asks for, by its content: lists of a customer's or
// branch's events, a flat list of all events, replies without clocks, or the lists of the older form. The course's
// inputs are not. It looks at the first 64 KiB, so it says yes to a file that turns out broken further down.
func IsCourse(data []byte) bool {
	values, _ := parseCourseJSON("", data[:min(len(data), sniffSize)])
	return slices.ContainsFunc(values, isCourseValue)
}

func isCourseValue(v *jsonValue) bool {
	if v.kind == jsonList {
		return slices.ContainsFunc(v.items, isCourseValue)
	}
	switch shapeOf(v) {
	case shapeFlat, shapeReplies:
		return true
	case shapeProcess:
		events := v.list("events")
		role := v.get("type")
		return slices.ContainsFunc(events.items, func(e *jsonValue) bool { return e.get(clockKeys...) != nil }) ||
			len(events.items) == 0 && role != nil && strings.EqualFold(role.text, "branch")
	case shapeOldProcess, shapeOldEvent:
		data := v.list("data")
		return len(data.items) == 0 || slices.ContainsFunc(data.items, func(e *jsonValue) bool { return e.get("name") != nil && e.get(clockKeys...) != nil })
	}
	return false
}

// ReadCourse reads the files that students hand in, of any of the course's shapes, together:
//
//	[{"id":1,"type":"customer","events":[{"customer-request-id":1,"logical_clock":1,"interface":"deposit","comment":"event_sent from customer 1"}]}]
//	[{"id":1,"type":"branch","customer-request-id":1,"logical_clock":2,"interface":"deposit","comment":"event_recv from customer 1"}]
//	[{"pid":2,"data":[{"id":2,"name":"deposit_request","clock":2}]},{"eventid":2,"data":[{"name":"deposit_request","clock":2}]}]
//
// It pairs a send with its receive by request, operation and the two ends that the comments name. A receive whose send is
// found becomes a receive event with that cause; one whose send is not becomes a local event and a problem, so that a
// checker can go on. Where several messages agree in all of these, the receive with the least clock gets the send with the
// least clock, and so on: if any pairing obeys the clock condition, that one does.
//
// The lists of one process each give the order of its events. A flat list is compared with them, entry by entry; of a
// process that stands in the flat list alone the events are put in the order of their clocks, so that of their order only
// equal clocks can be found wrong.
//
// The older form names no ends and logs no sends. There a branch's execute stands for the sending of what it does next: the
// earliest broadcast_request of other branches is the receive of the origin's execute, later ones are compared with it here
// ([CourseNotAfter]), and the broadcast_responses at the origin are the receives of the other branches' executes.
//
// An error is one or more *[trace.SyntaxError], joined: a file that is not of these shapes, or no JSON. All else
// that is wrong is in the trace's Problems.
func ReadCourse(files []File) (*CourseTrace, error) {
	r := &courseReader{lists: map[string]*courseList{}, notes: map[string]int{}}
	var errs []error
	for _, f := range files {
		for _, err := range r.file(f) {
			errs = append(errs, err)
		}
	}
	if len(files) == 0 {
		errs = append(errs, errors.New("no course files named; name the lists of customers' and branches' events"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	r.settleLists()
	r.pair()
	r.pairOlder()
	return r.result(), nil
}

// result numbers the events and hands everything over.
func (r *courseReader) result() *CourseTrace {
	t := &CourseTrace{PerProcess: r.perProcess, Flat: len(r.flats) > 0, Older: r.older}
	for _, e := range r.all {
		if e.ev.Clock == 0 {
			t.Shift = 1
		}
	}
	if t.Shift > 0 {
		r.note("every clock is counted up by 1 here, since there are clocks of 0 and a trace starts at 1; what comes before what stays the same")
	}
	for _, p := range r.order {
		l := CourseLog{Process: p}
		for i, e := range r.lists[p].entries {
			e.ev.Process, e.ev.Seq, e.ev.Note = p, uint64(i+1), cut(e.comment, 1_000)
			e.ev.Clock += t.Shift
		}
		t.Processes = append(t.Processes, l)
	}
	for i, p := range r.order {
		for _, e := range r.lists[p].entries {
			if e.cause != nil {
				e.ev.Kind, e.ev.Peer, e.ev.Cause = trace.Receive, e.cause.ev.Process, e.cause.ev.Seq
			}
			r.setRequest(e)
			t.Processes[i].Events = append(t.Processes[i].Events, CourseEvent{e.ev, e.file, e.line, e.text})
		}
	}
	slices.SortStableFunc(r.problems, func(a, b fileProblem) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.Line, b.Line))
	})
	for _, p := range r.problems {
		t.Problems = append(t.Problems, p.CourseProblem)
	}
	for _, n := range r.noteOrder {
		t.Notes = append(t.Notes, strings.ReplaceAll(n, countMark, fmt.Sprint(r.notes[n])))
	}
	return t
}

// setRequest names the request where it is known whose it is.
func (r *courseReader) setRequest(e *courseEntry) {
	if !e.hasRequest || e.request < 1 {
		return
	}
	customer := ""
	switch {
	case isCustomer(e.process):
		customer = e.process
	case isCustomer(e.ev.Peer):
		customer = e.ev.Peer
	default:
		customer = r.customerOf[e.request]
	}
	if customer != "" {
		e.ev.Request = trace.ID{Process: customer, N: uint64(e.request)}
	}
}
