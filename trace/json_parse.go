package trace

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// record is what parseLine fills: one of the three records, and what is kept from line to line so that parsing
// allocates nothing.
type record struct {
	scanner
	is     recordKind
	header Header
	event  *Event // where the next one is read to; nil for one of its own
	end    End
	seen   uint64 // bit f: the line has field f
	names  names
	memos  memos
	refs   refs // of a binary log
	extra  extra

	lean   bool         // what branches say that they hold is read and not kept
	unkept clock.Vector // the latest of that
}

// fresh returns the event to read to, emptied.
func (r *record) fresh() *Event {
	if r.event == nil {
		r.event = new(Event)
	}
	r.event.empty()
	r.unkept = r.unkept[:0]
	return r.event
}

// has returns where to read what a branch says that it holds.
func (r *record) has() *clock.Vector {
	if r.lean {
		return &r.unkept
	}
	return &r.event.Has
}

type recordKind uint8

const (
	isEvent recordKind = iota
	isHeader
	isEnd
)

func (r *record) current() Record {
	switch r.is {
	case isHeader:
		return &r.header
	case isEnd:
		return &r.end
	default:
		return r.event
	}
}

// parseLine reads the record of one line, which has no line end. The names in it are shared with earlier records; the
// vectors and lists are those of into, used again. On an error into holds nothing that means anything.
func parseLine(line []byte, into *record) *SyntaxError {
	if into.quick(line) {
		return nil
	}
	return into.strict(line)
}

// strict reads any line that JSON allows, and says what is wrong with one that is not.
func (into *record) strict(line []byte) *SyntaxError {
	into.parse(line, isEvent)
	if into.err == nil && into.is == isEvent {
		return nil
	}
	// Fields may come in any order, so only now is it known that this is no event, or none that is right.
	kind, err := into.classify(line)
	switch {
	case err != nil:
		return err
	case kind != isEvent:
		into.parse(line, kind)
	}
	return into.err
}

// classify tells the kind of record from the names of its fields.
func (r *record) classify(line []byte) (recordKind, *SyntaxError) {
	failed := r.err
	r.scanner = scanner{line: line, scratch: r.scratch}
	r.space()
	if r.peek() != '{' {
		r.expected("'{'")
		return isEvent, r.err
	}
	r.pos++
	format, end := false, false
	for first := true; r.more(first, '}'); first = false {
		k := r.key()
		format = format || string(k) == "format"
		end = end || string(k) == "end"
		if r.err == nil {
			r.skip(2)
		}
	}
	switch {
	case r.err != nil: // not JSON: the same for every kind of record
		return isEvent, r.err
	case format && end:
		return isEvent, &SyntaxError{
			Problem: `a record has both "format" and "end"`,
			Remedy:  "write the header and the end of a log as two lines",
		}
	case format:
		return isHeader, nil
	case end:
		return isEnd, nil
	}
	r.err = failed
	return isEvent, nil
}

// parse reads the line as a record of the given kind. It stops early, with another kind in r.is, where the line is none
// of that kind.
func (r *record) parse(line []byte, kind recordKind) {
	r.scanner = scanner{line: line, scratch: r.scratch}
	r.is, r.seen, r.extra = kind, 0, extra{}
	switch kind {
	case isHeader:
		r.header = Header{Incarnation: 1, Peers: r.header.Peers[:0], Opening: r.header.Opening[:0]}
	case isEnd:
		r.end = End{}
	default:
		r.fresh()
	}
	r.space()
	if r.peek() != '{' {
		r.expected("'{'")
		return
	}
	r.pos++
	for first := true; r.more(first, '}'); first = false {
		at := r.pos
		f := fieldOf(r.key())
		switch {
		case r.err != nil:
			return
		case f == fFormat && kind == isEvent:
			r.is = isHeader
			return
		case f == fEnd && kind == isEvent:
			r.is = isEnd
			return
		case f == fNone || fields[f].on&(1<<kind) == 0:
			r.extra = extra{at: at + 1}
			r.skip(2)
			continue
		}
		r.field, r.remedy = fields[f].name, fields[f].remedy
		if r.seen&(1<<f) != 0 {
			r.wrong(r.pos, "is a second value")
			if r.err != nil && r.err.Field != "" {
				r.err.Remedy = "write each field once"
			}
			return
		}
		r.seen |= 1 << f
		r.value(f)
	}
	if r.space(); r.err == nil && r.pos < len(line) {
		r.expected("the end of the line")
	}
	if r.err == nil {
		r.complete()
	}
}

// complete checks that nothing is missing and nothing contradicts the kind of event.
func (r *record) complete() {
	need := uint64(1<<fProcess | 1<<fSeq | 1<<fClock | 1<<fKind)
	of := "an event"
	switch {
	case r.is == isHeader:
		need, of = 1<<fFormat|1<<fProcess, "a header"
	case r.is == isEnd:
		need, of = 1<<fEnd|1<<fProcess|1<<fEvents|1<<fClock, "an end record"
	case r.event.Kind == Receive:
		need, of = need|1<<fPeer|1<<fCause, "a receive"
	default:
		for _, f := range [...]field{fCause, fStamp} {
			if r.seen&(1<<f) != 0 {
				r.err = &SyntaxError{
					Field:   fields[f].name,
					Problem: "has no meaning on a " + r.event.Kind.String() + " event",
					Remedy:  `leave it out, or write "kind":"receive"`,
				}
				return
			}
		}
	}
	for f := fNone + 1; need&^r.seen != 0; f++ {
		if need&^r.seen&(1<<f) != 0 {
			r.err = &SyntaxError{Field: fields[f].name, Problem: "is missing from " + of, Remedy: fields[f].remedy}
			return
		}
	}
}

// count reads an integer from lo to clock.Max.
func (r *record) count(lo uint64) uint64 {
	start := r.pos
	n, ok := r.digits()
	if !ok || n < lo || n > clock.Max {
		r.wrong(start, fmt.Sprintf("is not an integer from %d to 2^53", lo))
	}
	return n
}

// integer reads any int64.
func (r *record) integer() int64 {
	start := r.pos
	negative := r.peek() == '-'
	if negative {
		r.pos++
	}
	n, ok := r.digits()
	switch {
	case ok && n <= math.MaxInt64 && negative:
		return -int64(n)
	case ok && n <= math.MaxInt64:
		return int64(n)
	case ok && negative && n == 1<<63:
		return math.MinInt64
	}
	r.wrong(start, "is not an integer of 64 bits")
	return 0
}

// name reads the name of a process or an account: 1 to 255 bytes.
func (r *record) name(f field) string {
	start := r.pos
	b := r.string("is not a name (a string)")
	return r.named(b, f, start)
}

func (r *record) named(b []byte, f field, start int) string {
	if r.err != nil {
		return ""
	}
	if len(b) == 0 || len(b) > maxName {
		r.wrong(start, "is not a name of 1 to 255 bytes")
		return ""
	}
	return r.names.get(b, f)
}

// string reads a string, or reports the field's problem.
func (r *record) string(problem string) []byte {
	if r.peek() != '"' {
		r.wrong(r.pos, problem)
		return nil
	}
	return r.text()
}

// id reads process/n.
func (r *record) id(f field) ID {
	const problem = "is not of the form process/n with n from 1 to 2^53"
	start := r.pos
	b := r.string(problem)
	if r.err != nil {
		return ID{}
	}
	i := bytes.LastIndexByte(b, '/')
	digits := scanner{line: b, pos: i + 1}
	n, ok := digits.digits()
	if i <= 0 || i > maxName || !ok || digits.pos < len(b) || n < 1 || n > clock.Max {
		r.wrong(start, problem)
		return ID{}
	}
	return ID{r.names.get(b[:i], f), n}
}

// word reads one of the names, whose place it returns.
func (r *record) word(names []string) int {
	start := r.pos
	b := r.string("is not a string")
	for i := 1; i < len(names) && r.err == nil; i++ {
		if names[i] == string(b) {
			return i
		}
	}
	r.wrong(start, "is none of "+strings.Join(names[1:], ", "))
	return 0
}

// yes reads true or false.
func (r *record) yes() bool {
	switch start := r.pos; r.peek() {
	case 't':
		r.literal("true")
		return true
	case 'f':
		r.literal("false")
	default:
		r.wrong(start, "is not true or false")
	}
	return false
}

func (r *record) list(into []string, f field) []string {
	if !r.open('[', "is not a list of names") {
		return into
	}
	for first := true; r.more(first, ']'); first = false {
		into = append(into, r.name(f))
	}
	return into
}

// vector reads an object of counts. Entries of 0 say nothing and are left out.
func (r *record) vector(into clock.Vector) clock.Vector {
	start := r.pos
	if !r.open('{', "is not an object of processes and counts") {
		return into
	}
	for first := true; r.more(first, '}'); first = false {
		process := r.member()
		if r.err != nil {
			return into
		}
		into = append(into, clock.Entry{Process: process, N: r.count(0)})
	}
	if r.err != nil {
		return into
	}
	into, twice := sortVector(into)
	if twice != "" {
		r.wrong(start, fmt.Sprintf("names %q twice", twice))
	}
	return into
}

// accounts reads an object of balances.
func (r *record) accounts(into []AccountBalance) []AccountBalance {
	start := r.pos
	if !r.open('{', "is not an object of accounts and balances") {
		return into
	}
	for first := true; r.more(first, '}'); first = false {
		account := r.member()
		if r.err != nil {
			return into
		}
		into = append(into, AccountBalance{account, r.integer()})
	}
	if twice := sortAccounts(into); twice != "" {
		r.wrong(start, fmt.Sprintf("names %q twice", twice))
	}
	return into
}

// member reads the name of an object's member, up to its value.
func (r *record) member() string {
	start := r.pos
	k := r.key()
	if r.err == nil && (len(k) == 0 || len(k) > maxName) {
		r.wrong(start, "is not a name of 1 to 255 bytes")
		return ""
	}
	return r.names.get(k, fNone)
}
