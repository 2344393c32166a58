package causal

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize/english"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// columns is the width of the texts.
const columns = 80

// WriteText writes the answer for people. The first line is before, after or concurrent, as A stands to B; before also
// where each happened before the other.
func (p *Pair) WriteText(w io.Writer) error {
	var s text
	a, b := p.A.Ref(), p.B.Ref()
	switch p.Relation {
	case Before:
		s.line("before")
		s.para("%s happened before %s: %s.", a, b, p.Forth)
		s.trail(p.Forth)
	case After:
		s.line("after")
		s.para("%s happened after %s: %s.", a, b, p.Back)
		s.trail(p.Back)
	case Both:
		s.line("before")
		s.para("%s happened before %s, and after it: they are on a cycle, which cannot be. The logs are wrong. (bank-trace "+
			"explain causality/cycle)", a, b)
		s.para("There: %s.", p.Forth)
		s.trail(p.Forth)
		s.line("")
		s.para("And back: %s.", p.Back)
		s.trail(p.Back)
	default:
		s.line("concurrent")
		s.para("No chain of messages leads from %s to %s or back: neither can have had an influence on the other.", a, b)
		s.events(p.A, p.B)
		if a != b {
			s.knows(a, b, p.AKnows)
			s.knows(b, a, p.BKnows)
		}
	}
	s.line("")
	s.para("The clocks alone: %s", Numbers(&p.A.Event, &p.B.Event, p.Relation))
	if p.Relation == Concurrent {
		s.gaps(p.Cut, p.Missing)
	}
	return s.to(w)
}

// String says how long the trail is.
func (t *Trail) String() string {
	if t.Messages == 0 {
		return "it follows in the same log, " + counted(t.Steps, "event") + " on"
	}
	return fmt.Sprintf("a shortest causal path has %s and %s", counted(t.Messages, "message"), counted(t.Steps, "step"))
}

// Numbers says what the clocks of two events tell by themselves, beside what is the case.
func Numbers(a, b *trace.Event, is Relation) string {
	low, high := a, b
	if b.Clock < a.Clock {
		low, high = b, a
	}
	told := fmt.Sprintf("%d is lower than %d, so %s did not happen before %s.", low.Clock, high.Clock, high.Ref(), low.Ref())
	switch {
	case a.Ref() == b.Ref():
		return "it is one event."
	case is == Both:
		return fmt.Sprintf("they are %d and %d; no clocks can be right for events on a cycle.", a.Clock, b.Clock)
	case a.Clock == b.Clock && is == Concurrent:
		return fmt.Sprintf("both are %d, and of two events with the same clock neither happened before the other: they tell it all.", a.Clock)
	case a.Clock == b.Clock:
		return fmt.Sprintf("both are %d, which would make the two concurrent. They are not: a clock is wrong (bank-trace check names it).", a.Clock)
	case is == Before && low == b || is == After && low == a:
		return told + " But it did: a clock is wrong (bank-trace check names it)."
	case is == Concurrent:
		return fmt.Sprintf("%s Whether %s happened before %s they cannot tell: it did not.", told, low.Ref(), high.Ref())
	}
	return fmt.Sprintf("%s Whether %s happened before %s, or the two are concurrent, they cannot tell.", told, low.Ref(), high.Ref())
}

// WriteText writes the answer for people.
func (o *Origin) WriteText(w io.Writer) error {
	var s text
	switch x := o.Clock; {
	case x.Known && x.Least == o.Event.Clock:
		s.line("%s has clock %d, as expected", o.Ref(), o.Event.Clock)
	case x.Known && o.Event.Clock > x.Least:
		s.line("%s has clock %d, where %d would do", o.Ref(), o.Event.Clock, x.Least)
	case x.Known:
		s.line("%s has clock %d, expected %d", o.Ref(), o.Event.Clock, x.Least)
	case o.Event.Clock < x.Least:
		s.line("%s has clock %d, expected at least %d", o.Ref(), o.Event.Clock, x.Least)
	default:
		s.line("%s has clock %d; what to expect is not known", o.Ref(), o.Event.Clock)
	}
	s.line("")
	s.line("%s (%s:%d)", Words(&o.Event), o.File, o.Line)
	s.line("")
	s.para("%s", o.why())
	if difference := o.difference(); difference != "" {
		s.para("%s", difference)
	}
	s.line("")
	s.para("Of %s in the trace %d happened before it, %d after it, and %d are concurrent with it.",
		counted(o.Events, "event"), o.Past, o.Future, o.Concurrent())
	if o.Both > 0 {
		s.para("It is on a cycle: %s happened both before it and after it, itself included, which cannot be. (bank-trace explain "+
			"causality/cycle)", counted(o.Both, "event"))
	}
	s.para("Its vector clock, the latest of each process that it knows: %s.", vector(o.Vector))
	s.gaps(o.Cut, o.Missing)
	return s.to(w)
}

// why says where the expected clock comes from.
func (o *Origin) why() string {
	x := o.Clock
	own := "It is the first event of its process, so its own clock was 0."
	switch {
	case o.Before != nil && o.Before.Seq+1 == o.Seq:
		own = fmt.Sprintf("The event before it in its log, %s, has clock %d.", o.Before.Ref(), x.Own)
	case o.Before != nil:
		own = fmt.Sprintf("The event before it in its log, %s, has clock %d; what may lie between them is not in the log.", o.Before.Ref(), x.Own)
	case o.Seq > 1:
		own = "What came before it is not in its log, so its own clock is not known."
	}
	if o.Kind != trace.Receive {
		return fmt.Sprintf("%s A %s event has one more: %d + 1 = %d.", own, o.Kind, x.Own, x.Least)
	}
	sent := fmt.Sprintf("Its cause %s is no send in the trace, and it names no stamp.", o.CauseRef())
	switch {
	case o.Send != nil:
		sent = fmt.Sprintf("The send that it received, %s, has clock %d.", o.Send.Ref(), x.Message)
	case x.Stamp:
		sent = fmt.Sprintf("Its cause %s is no send in the trace; by its stamp the message carried %d.", o.CauseRef(), x.Message)
	}
	set := "the message set it"
	switch {
	case x.Message == 0:
		return fmt.Sprintf("%s %s A receive has one more than the higher of the two.", own, sent)
	case x.Own > x.Message:
		set = "the event before it set it, and the message made no difference"
	case x.Own == x.Message:
		set = "both set it"
	}
	return fmt.Sprintf("%s %s A receive has one more than the higher of the two: max(%d, %d) + 1 = %d; %s.",
		own, sent, x.Own, x.Message, x.Least, set)
}

// difference says what is wrong with the clock, if anything is.
func (o *Origin) difference() string {
	var wrong []string
	x := o.Clock
	if o.Event.Clock <= x.Own {
		wrong = append(wrong, fmt.Sprintf("%d is not higher than the clock before it, %d (clock/not-increasing).", o.Event.Clock, x.Own))
	}
	if o.Send != nil && o.Event.Clock <= x.Message {
		wrong = append(wrong, fmt.Sprintf("%d is not higher than the clock of its send, %d (clock/receive-not-after-send).", o.Event.Clock, x.Message))
	}
	if o.Send != nil && o.Stamp > 0 && o.Stamp != x.Message {
		wrong = append(wrong, fmt.Sprintf("It took stamp %d from its message, and the send has clock %d (clock/stamp-mismatch).", o.Stamp, x.Message))
	}
	if o.Send != nil && o.Send.Peer != "" && o.Send.Peer != o.Process {
		wrong = append(wrong, fmt.Sprintf("The message was sent to %s (message/misdelivered).", o.Send.Peer))
	}
	if x.Known && o.Event.Clock > x.Least {
		wrong = append(wrong, fmt.Sprintf("%d is %d higher than it need be: clocks may skip values, but with --strict (clock/not-exact) they may not.",
			o.Event.Clock, o.Event.Clock-x.Least))
	}
	return strings.Join(wrong, " ")
}

// vector writes a vector clock.
func vector(latest []trace.Ref) string {
	const most = 40
	var names []string
	for _, r := range latest[:min(len(latest), most)] {
		names = append(names, r.String())
	}
	if n := len(latest) - most; n > 0 {
		names = append(names, fmt.Sprintf("and of %d processes more", n))
	}
	return strings.Join(names, " ")
}

// WriteText writes the answer for people.
func (c *Cone) WriteText(w io.Writer) error {
	var s text
	what := map[Side]string{PastSide: "happened before", FutureSide: "happened after", ConcurrentSide: "are concurrent with"}[c.Side]
	s.line("%s: %d of %s %s %s", c.Side, c.Events, counted(c.Total, "event"), what, c.Of.Ref())
	width := 0
	for _, st := range c.Stretches {
		width = max(width, utf8.RuneCountInString(st.Process))
	}
	for _, st := range c.Stretches {
		if st.Events == 1 {
			s.line("  %-*s  %-13s %d", width, st.Process, "1 event", st.First)
			continue
		}
		s.line("  %-*s  %-13s %d to %d", width, st.Process, counted(st.Events, "event"), st.First, st.Last)
	}
	if len(c.Shown) > 0 {
		s.line("")
		s.events(c.Shown...)
	}
	if more := c.Events - int64(len(c.Shown)); more > 0 && len(c.Shown) > 0 {
		s.line("… and %d more", more)
	}
	if c.Side == ConcurrentSide {
		s.gaps(c.Cut, c.Missing)
	}
	return s.to(w)
}

// text is text that is being written.
type text struct{ strings.Builder }

func (s *text) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// para writes a paragraph, broken into lines.
func (s *text) para(format string, args ...any) {
	column := 0
	for word := range strings.FieldsSeq(fmt.Sprintf(format, args...)) {
		n := utf8.RuneCountInString(word)
		switch {
		case column > 0 && column+1+n > columns:
			s.WriteByte('\n')
			column = 0
		case column > 0:
			s.WriteByte(' ')
			column++
		}
		s.WriteString(word)
		column += n
	}
	s.WriteByte('\n')
}

// trail writes a causal path as numbered steps.
func (s *text) trail(t *Trail) {
	if t.Messages == 0 {
		s.events(t.Entries...)
		return
	}
	s.line("")
	c := columnsOf(t.Entries)
	for i, e := range t.Entries {
		if n := t.between(i); n > 0 {
			s.line("     … %s of %s", counted(n, "event"), e.Process)
		}
		astray := ""
		if i+1 < len(t.Entries) && t.message(i+1) && e.Peer != "" && e.Peer != t.Entries[i+1].Process {
			astray = "; " + t.Entries[i+1].Process + " received it"
		}
		s.line("%3d. %s%s", i+1, c.row(e), astray)
	}
}

// message reports whether the path comes to its i-th event over a message, and not within a log.
func (t *Trail) message(i int) bool {
	a, b := t.Events[i-1], t.Events[i]
	return a.Process != b.Process || a.Pos > b.Pos
}

// between returns how many events of the log lie between the i-th of the path and the one before it.
func (t *Trail) between(i int) int32 {
	if i == 0 || t.message(i) {
		return 0
	}
	return t.Events[i].Pos - t.Events[i-1].Pos - 1
}

// events writes events, one a line.
func (s *text) events(entries ...*Entry) {
	c := columnsOf(entries)
	for _, e := range entries {
		s.line("  %s", c.row(e))
	}
}

// columnsOf has the widths of the columns of a list of events.
func columnsOf(entries []*Entry) widths {
	var w widths
	for _, e := range entries {
		w.name = max(w.name, utf8.RuneCountInString(e.Ref().String()))
		w.clock = max(w.clock, len(strconv.FormatUint(e.Clock, 10)))
	}
	return w
}

type widths struct{ name, clock int }

func (w widths) row(e *Entry) string {
	return fmt.Sprintf("%-*s  clock %*d  %-7s  %s", w.name, e.Ref(), w.clock, e.Clock, e.Kind, Words(&e.Event))
}

// knows says what event a knows of the process of event b.
func (s *text) knows(a, b, latest trace.Ref) {
	if latest.Seq == 0 {
		s.para("%s knows nothing of %s.", a, b.Process)
		return
	}
	s.para("%s knows %s up to %s, and %s came later.", a, b.Process, latest, b)
}

// gaps says which logs may hide that events were ordered.
func (s *text) gaps(cut, missing []string) {
	if len(cut) > 0 {
		s.para("Not known: what %s did after the end of the log, which was cut off.", some(cut))
	}
	if len(missing) > 0 {
		s.para("Not known: what %s did, of which there is no log.", some(missing))
	}
	if len(cut)+len(missing) > 0 {
		s.para("Events that are concurrent by the logs may have been ordered by it.")
	}
}

// some writes the first of a list of names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return english.WordSeries(names, "and")
}

func (s *text) to(w io.Writer) error {
	_, err := io.WriteString(w, s.String())
	return err
}
