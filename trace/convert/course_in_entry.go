package convert

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// maxEntryText is how much of an entry is shown, in bytes.
const maxEntryText = 240

var (
	clockKeys   = []string{"logical_clock", "clock"}
	requestKeys = []string{"customer_request_id"}
)

// shape is what an object of a course file is.
type shape uint8

const (
	shapeNone shape = iota
	shapeProcess
	shapeFlat
	shapeReplies
	shapeOldProcess
	shapeOldEvent
	shapeInput // a customer or branch of the course's inputs
)

func shapeOf(v *jsonValue) shape {
	has := func(keys ...string) bool { return v.get(keys...) != nil }
	switch {
	case v.kind != jsonObject:
		return shapeNone
	case v.list("events") != nil && has("type"):
		return shapeProcess
	case v.list("data") != nil && has("eventid", "event_id"):
		return shapeOldEvent
	case v.list("data") != nil && has("pid", "id"):
		return shapeOldProcess
	case v.list("recv") != nil && has("id"):
		return shapeReplies
	case has(clockKeys...) && !has("process") && (has(requestKeys...) || has("comment") && has("interface")):
		return shapeFlat
	case has("type") && has("id"):
		return shapeInput
	}
	return shapeNone
}

// noRequest is the request of an entry that names none.
const noRequest = -1

// courseEntry is one entry of a list while it is read.
type courseEntry struct {
	process    string
	fileNumber int
	file       string
	line       int
	text       string

	request    int64
	hasRequest bool
	op         courseOp
	dir        direction
	peer       string
	comment    string // of the older form: the name

	mislabelled bool         // what it says is wrong, but it may be paired
	unpairable  bool         // what it says does not suffice to pair it
	cause       *courseEntry // a receive: the send
	ev          trace.Event
}

func (e *courseEntry) place() string { return e.file + ":" + strconv.Itoa(e.line) }

// courseList is the log of a process as it is put together.
type courseList struct {
	entries []*courseEntry
	older   bool
}

type fileProblem struct {
	CourseProblem
	file int // number of the file among those given
}

type courseReader struct {
	files      int
	lists      map[string]*courseList
	order      []string         // the processes with a list, sorted once all is read
	flats      [][]*courseEntry // of each file
	oldEvents  []*courseEntry   // of the older form's lists by eventid
	older      bool
	perProcess bool
	all        []*courseEntry // all that are in lists
	customerOf map[int64]string

	problems  []fileProblem
	notes     map[string]int
	noteOrder []string
}

// countMark stands in a note for how often it came; no file name holds it.
const countMark = "\x00"

// note adds a note, once, and counts how often it came; %N in it becomes that count.
func (r *courseReader) note(format string, args ...any) {
	text := fmt.Sprintf(strings.ReplaceAll(format, "%N", countMark), args...)
	if r.notes[text]++; r.notes[text] == 1 {
		r.noteOrder = append(r.noteOrder, text)
	}
}

func (r *courseReader) problem(e *courseEntry, code CourseCode, text, remedy string) {
	r.problems = append(r.problems, fileProblem{CourseProblem{e.file, e.line, e.process, code, e.text, text, remedy}, e.fileNumber})
}

// file reads one file into lists.
func (r *courseReader) file(f File) []*trace.SyntaxError {
	r.files++
	if len(f.Data) > MaxCourseFile {
		return []*trace.SyntaxError{{File: f.Name, Problem: fmt.Sprintf("the file has %d bytes, more than the %d that a course file may have", len(f.Data), MaxCourseFile),
			Remedy: "split it, or write a trace in the format bank-trace/1, which may have any size"}}
	}
	values, p := parseCourseJSON(f.Name, f.Data)
	if len(p.errs) > 0 {
		return p.errs
	}
	if p.quotes > 0 {
		r.note("%s: texts in single quotes are taken for texts", f.Name)
	}
	if len(values) == 0 {
		return []*trace.SyntaxError{{File: f.Name, Problem: "the file is empty", Remedy: "give the lists of customers' and branches' events"}}
	}
	c := &courseFile{courseReader: r, name: f.Name, data: f.Data, number: r.files}
	course := slices.ContainsFunc(values, isCourseValue)
	for _, v := range values {
		if !c.value(v, course) {
			break
		}
	}
	if len(c.flat) > 0 {
		r.addFlat(f.Name, c.flat)
	}
	return c.errs
}

// courseFile reads the values of one file.
type courseFile struct {
	*courseReader
	name   string
	data   []byte
	number int
	flat   []*courseEntry
	errs   []*trace.SyntaxError
}

func (c *courseFile) fail(v *jsonValue, field, value, problem, remedy string) {
	c.errs = append(c.errs, &trace.SyntaxError{File: c.name, Line: v.line, Field: field, Value: value, Problem: problem, Remedy: remedy})
}

func (c *courseFile) show(v *jsonValue) string { return oneLine(c.data[v.start:v.end], maxEntryText) }

// value reads what stands at the top level, or in a list there. False: the whole file is something else.
func (c *courseFile) value(v *jsonValue, course bool) bool {
	if v.kind == jsonList {
		for _, item := range v.items {
			if !c.value(item, course) {
				return false
			}
		}
		return true
	}
	s := shapeOf(v)
	switch {
	case !course && s != shapeNone:
		c.fail(v, "", c.show(v), "is no event with a clock, as the course's outputs have them", `give the outputs, with "logical_clock" and "comment" in each event; a course input is for run`)
		return false
	case s == shapeProcess:
		c.process(v)
	case s == shapeFlat:
		e := c.entry(v, "")
		if e != nil {
			c.flat = append(c.flat, e)
		}
	case s == shapeOldProcess:
		c.oldProcess(v)
	case s == shapeOldEvent:
		c.oldEvent(v)
	case s == shapeReplies:
		c.note("%s: the replies of balances and results have no clocks; nothing in them is checked", c.name)
	case s == shapeInput:
		c.note("%s: customers and branches without a list of events, as in the course's inputs, are passed over", c.name)
	default:
		c.fail(v, "", c.show(v), "is neither a process with its events nor an event", `write {"id":1,"type":"branch","events":[...]}, or {"id":1,"type":"branch","customer-request-id":1,"logical_clock":2,"interface":"deposit","comment":"event_recv from customer 1"}`)
	}
	return true
}

// process reads {"id":1,"type":"branch","events":[...]}.
func (c *courseFile) process(v *jsonValue) {
	name, ok := c.processOf(v)
	if !ok {
		return
	}
	c.perProcess = true
	entries := make([]*courseEntry, 0, len(v.list("events").items))
	for _, item := range v.list("events").items {
		if e := c.entry(item, name); e != nil {
			entries = append(entries, e)
		}
	}
	c.addList(name, entries, false)
}

// processOf reads whose list v is. What is wrong there is an error: without it nothing in the list means anything.
func (c *courseFile) processOf(v *jsonValue) (name string, ok bool) {
	id, text, ok := c.number64(v.get("id"))
	if !ok {
		c.fail(v, "id", text, "is no number of a customer or branch", `write "id":1, say`)
		return "", false
	}
	t := v.get("type")
	role, ok := courseRole(t.text)
	if !ok || t.kind != jsonText {
		c.fail(t, "type", c.show(t), "is no type", `write "type":"customer" or "type":"branch"`)
		return "", false
	}
	return processName(role, strconv.FormatInt(id, 10)), true
}

// number64 reads an integer from 0 to 2^53, also one in quotes or with a point. The text is what stands there.
func (c *courseFile) number64(v *jsonValue) (n int64, text string, ok bool) {
	if v == nil {
		return 0, "", false
	}
	text = c.show(v)
	if v.kind != jsonNumber && v.kind != jsonText {
		return 0, text, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(v.text, 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > float64(clock.Max) {
			return 0, text, false
		}
		n = int64(f)
	}
	if n < 0 || uint64(n) > clock.Max {
		return 0, text, false
	}
	if err != nil || v.kind == jsonText {
		c.note("%s: numbers written as texts or with a point are taken for numbers", c.name)
	}
	return n, text, true
}

// entry reads an event of the named process, or with process "" of the flat list. It returns nil for an entry that
// cannot stand in a log; then it has reported why.
func (c *courseFile) entry(v *jsonValue, process string) *courseEntry {
	e := &courseEntry{process: process, fileNumber: c.number, file: c.name, line: v.line, text: c.show(v)}
	if v.kind != jsonObject {
		c.fail(v, "", e.text, "stands where an event is expected", `write {"customer-request-id":1,"logical_clock":2,"interface":"deposit","comment":"event_recv from customer 1"}`)
		return nil
	}
	c.once(e, v)
	if process == "" && !c.flatProcess(e, v) || !c.clock(e, v) {
		return nil
	}
	c.requestOf(e, v.get(requestKeys...), `"customer-request-id"`)
	c.operation(e, v.get("interface"), `"interface"`)
	c.comment(e, v.get("comment"))
	return e
}

// once reports fields that are given twice with different values.
func (c *courseFile) once(e *courseEntry, v *jsonValue) {
	for i, key := range v.keys {
		first := slices.Index(v.keys, key)
		if first < i && c.show(v.items[first]) != c.show(v.items[i]) {
			c.problem(e, CourseFieldTwice, fmt.Sprintf("the field %q is given twice, as %s and as %s", cut(key, 40), c.show(v.items[first]), c.show(v.items[i])),
				"keep one of them; the first was taken here")
		}
	}
}

func (c *courseFile) flatProcess(e *courseEntry, v *jsonValue) bool {
	id, _, ok := c.number64(v.get("id"))
	role := ""
	if t := v.get("type"); ok && t != nil {
		role, ok = courseRole(t.text)
	}
	if !ok || role == "" {
		c.problem(e, CourseNoProcess, "the entry of a flat list does not say whose event it is, and is passed over", `add "id":1 and "type":"branch" or "type":"customer"`)
		return false
	}
	e.process = processName(role, strconv.FormatInt(id, 10))
	return true
}

func (c *courseFile) clock(e *courseEntry, v *jsonValue) bool {
	f := v.get(clockKeys...)
	n, text, ok := c.number64(f)
	ok = ok && uint64(n) < clock.Max // one is left for CourseTrace.Shift
	switch {
	case f == nil:
		c.problem(e, CourseNoClock, "the entry has no clock, and is passed over", `add "logical_clock" with the process's Lamport clock at this event`)
	case !ok:
		c.problem(e, CourseNoClock, fmt.Sprintf("%s is no clock, and the entry is passed over", text), "write a whole number from 1 to 2^53-1")
	}
	e.ev.Clock, e.ev.Kind = uint64(n), trace.Local
	return ok
}

func (c *courseFile) requestOf(e *courseEntry, f *jsonValue, field string) {
	n, text, ok := c.number64(f)
	if e.request, e.hasRequest = n, ok; !ok {
		e.request = noRequest
	}
	switch {
	case f == nil:
		c.problem(e, CourseNoRequest, "the entry has no "+field+", so it can be paired with no other", "add the number of the request that caused it")
	case !ok:
		c.problem(e, CourseNoRequest, fmt.Sprintf("%s is no number of a request, so the entry can be paired with no other", text), "write the number that the input gives the request")
	}
	e.unpairable = e.unpairable || !ok
}

func (c *courseFile) operation(e *courseEntry, f *jsonValue, field string) {
	const remedy = "write query, deposit or withdraw, with propagate_ before it between branches"
	if f == nil || f.kind != jsonText {
		c.problem(e, CourseUnknownOp, "the entry has no "+field, remedy)
		e.unpairable = true
		return
	}
	op, odd, ok := parseCourseOp(f.text)
	if !ok {
		c.problem(e, CourseUnknownOp, fmt.Sprintf("%s %q is none of the course's operations", field, cut(f.text, 60)), remedy)
		e.unpairable = true
		return
	}
	if odd != "" {
		c.note("the misspelt word %q is taken as meant (%N entries)", odd)
	}
	e.op = op
}

// comment reads what the entry is and who is at the other end.
func (c *courseFile) comment(e *courseEntry, f *jsonValue) {
	if f != nil && f.kind == jsonText {
		e.comment = f.text
		e.dir, e.peer, _ = parseCourseComment(f.text)
	}
	me := spoken(e.process)
	switch {
	case e.dir == dirNone && e.op.phase == phaseExecute:
		c.note("executions, which no message starts or ends with, are taken for local events: %N")
		return
	case e.dir == dirNone:
		c.problem(e, CourseUnknownComment, fmt.Sprintf("the comment %q does not say what was sent to whom or received from whom", cut(e.comment, 80)),
			`write "event_sent to branch 3", "event_recv from branch 3", "event_recv from customer 1", or for a customer's request "event_sent from customer 1"`)
	case e.dir == dirSentBy && e.peer != e.process:
		c.problem(e, CourseSendAtReceiver, fmt.Sprintf("the comment says that %s sent it, but it stands in the list of %s", spoken(e.peer), me),
			fmt.Sprintf("move it to the list of %s, or name who %s sent it to or received it from", spoken(e.peer), me))
	case e.dir == dirSentBy && !isCustomer(e.process):
		c.problem(e, CourseNamesItself, fmt.Sprintf("%s names itself as the sender, and not whom it sent to", me), `write "event_sent to branch 3", with the receiver`)
	case e.dir == dirTo && e.peer == e.process:
		c.problem(e, CourseNamesItself, fmt.Sprintf("%s says that it sent to itself", me), "name the receiver, not the process whose list this is")
	case e.dir == dirFrom && e.peer == e.process:
		c.problem(e, CourseNamesItself, fmt.Sprintf("%s says that it received from itself", me), "name the sender, not the process whose list this is")
	default:
		c.propagation(e)
		return
	}
	e.unpairable = true
}

// propagation checks that what goes between branches is propagated, and nothing else.
func (c *courseFile) propagation(e *courseEntry) {
	between := e.dir != dirSentBy && !isCustomer(e.process) && !isCustomer(e.peer)
	if e.op.base == "" || between == e.op.propagate {
		return
	}
	e.mislabelled = true
	right := e.op
	right.propagate = between
	who := "a customer and a branch"
	if between {
		who = "branches"
	}
	c.problem(e, CourseWrongOperation, fmt.Sprintf("%q between %s", e.op, who), fmt.Sprintf("write %q, or name the right process in the comment", right))
}
