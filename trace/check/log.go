package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func logRules() []Rule {
	return []Rule{
		{
			Name:      "log/malformed",
			Statement: "Every record of a log can be read, and a process has one log.",
			Reason:    "A record that cannot be read may hide a violation of any rule.",
			Source:    "the trace format, section \"Records\"",
			Mistake:   "The log was edited by hand, or two processes wrote to one file at once.",
			Exit:      2,
		}, {
			Name:      "log/truncated",
			Statement: "A log that promises an end record has it, and its last line is whole.",
			Reason:    "What happened after the cut is not known.",
			Source:    "the trace format, section \"End\"",
			Mistake:   "The process was killed, or the log was copied while it was being written.",
			Exit:      2,
		}, {
			Name:      "log/missing",
			Statement: "Every process that is named as a peer has a log.",
			Reason:    "Messages to and from a process without a log cannot be paired.",
			Source:    "the trace format, section \"Folders\"",
			Mistake:   "One log was left out when the logs were collected.",
			Exit:      2,
		}, {
			Name:      "log/sequence-gap",
			Statement: "Within a process seq goes up by exactly 1, and the end record counts the last one.",
			Reason:    "A number left out is an event that is not in the log; a number used twice names two events.",
			Source:    "the trace format, section \"Events\"",
			Mistake:   "Lines were lost, or two goroutines numbered events without a lock.",
			Exit:      1,
		},
	}
}

// logFamily checks the logs themselves.
//
//  1. Each record that cannot be read is a finding; a last line that was cut off is log/truncated instead.
//  2. A header begins an incarnation: the next must be one higher. An end closes it.
//  3. Each event's seq must be one above the one before. If no more events are missing than records of that file were
//     unreadable since, they may be those: no gap is claimed, and their seqs count as unknown.
//  4. At the end a log with a promise and no end is truncated, and whoever was named and has no log is missing.
type logFamily struct {
	*engine
	*tally
}

func (f *logFamily) wants(trace.Kind, trace.Step) bool { return true }

func (f *logFamily) first(v *visit) {
	p := v.p
	if p.closed {
		p.closed = false
		f.add(logMalformed, finding{
			event:   v.spot(),
			message: fmt.Sprintf("%s has an event after its end record and no header between them.", p.name),
		})
	}
	if v.peer != nil {
		v.peer.mentioned = true
		if !v.peer.hasLog() {
			f.named(v.peer, v.spot(), p.headed)
		}
	}
	f.checked[logSequenceGap]++
	if v.e.Seq == p.next() {
		return
	}
	if v.excused {
		p.unreadable = append(p.unreadable, span{p.next(), v.e.Seq - 1})
		return
	}
	message := fmt.Sprintf("%s has event %d where number %d should be: %s.", p.name, v.e.Seq, p.next(), events(v.missing))
	if v.missing == 0 {
		message = fmt.Sprintf("%s has event %d where number %d should be: seq must go up by 1.", p.name, v.e.Seq, p.next())
	}
	gap := finding{event: v.spot(), message: message, expected: fmt.Sprintf("seq %d", p.next())}
	if p.last.any {
		gap.other = p.previous()
	}
	f.add(logSequenceGap, gap)
}

func events(n uint64) string {
	if n == 1 {
		return "1 event is not in the log"
	}
	return fmt.Sprintf("%d events are not in the log", n)
}

func (f *logFamily) unreadable(c *cursor, err *trace.SyntaxError) {
	f.checked[logMalformed]++
	f.skip(c.at)
	rule := logMalformed
	what := *err
	what.File, what.Line, what.Truncated = "", 0, false
	message := what.Error() + "."
	message = strings.ToUpper(message[:1]) + message[1:]
	if err.Truncated {
		rule, c.torn = logTruncated, true
		f.checked[logTruncated]++
		message = "The last line was cut off. " + message
	}
	if rule == logTruncated && f.lenient {
		message += notCovered
	}
	f.add(rule, finding{event: spot{at: c.at}, message: message})
}

// begun takes a header of p.
func (f *logFamily) begun(c *cursor, p *proc, h *trace.Header) {
	f.checked[logMalformed]++
	if p.headed && h.Incarnation != p.incarnation+1 {
		f.add(logMalformed, finding{
			event:    spot{p: p, at: c.at},
			other:    spot{p: p, at: p.header},
			message:  fmt.Sprintf("%s has a header of incarnation %d after that of %d.", p.name, h.Incarnation, p.incarnation),
			expected: fmt.Sprintf("incarnation %d", p.incarnation+1),
		})
	}
	p.declare(h)
	p.introduce(h, c.at)
	p.header = c.at
	p.promised, p.closed = h.Ends, false
}

// ended takes an end record of p.
func (f *logFamily) ended(c *cursor, p *proc, end *trace.End) {
	f.checked[logMalformed]++
	at := spot{p: p, at: c.at}
	last := p.last.seq
	if !p.last.any {
		last = p.first() - 1
	}
	switch {
	case p.closed:
		f.add(logMalformed, finding{event: at, message: fmt.Sprintf("%s has a second end record.", p.name)})
	case end.Events > last && end.Events-last <= uint64(c.broken-p.last.broken):
		p.unreadable = append(p.unreadable, span{last + 1, end.Events})
	case end.Events != last:
		f.add(logSequenceGap, finding{
			event:    at,
			other:    p.previousIfAny(),
			message:  fmt.Sprintf("The end record of %s counts %d events, and the last in the log is number %d.", p.name, end.Events, last),
			expected: fmt.Sprintf("%d events", last),
		})
	case p.last.any && end.Clock != p.last.clock:
		f.add(logMalformed, finding{
			event:    at,
			other:    p.previous(),
			message:  fmt.Sprintf("The end record of %s says clock %d, and its last event has %d.", p.name, end.Clock, p.last.clock),
			expected: fmt.Sprintf("clock %d", p.last.clock),
		})
	}
	p.closed = true
	p.most = max(p.most, end.Events)
}

func (p *proc) previousIfAny() spot {
	if p.last.any {
		return p.previous()
	}
	return spot{}
}

// secondLog reports, once for each, another log that speaks for p.
func (f *logFamily) secondLog(p *proc, c *cursor, at place) {
	f.skip(at)
	if slices.Contains(p.strays, c.index) {
		return
	}
	p.strays = append(p.strays, c.index)
	f.add(logMalformed, finding{
		event: spot{at: at},
		message: fmt.Sprintf("%s has a second log: %s and %s both speak for it. Its records here were skipped. "+
			"Give each process one log.", p.name, f.sources[p.source].Name, c.source.Name),
	})
}

// named notes that by speaks of p as a peer.
func (f *logFamily) named(p *proc, by spot, bank bool) {
	p.mentioned = true
	if n := (naming{by, bank}); n.improves(p.naming) {
		p.naming = n
	}
}

func (f *logFamily) finished(c *cursor) {
	if c.records == 0 {
		f.add(logMalformed, finding{
			event:   spot{at: place{c.file, 0}},
			message: "The file is empty: it has no record at all. Give the log that the process wrote, or leave the file out.",
		})
	}
	for _, p := range c.procs {
		p.torn = !p.closed && (c.torn || p.promised)
		if !p.promised {
			continue
		}
		f.checked[logTruncated]++
		if p.torn && !c.torn {
			f.cutOff(p)
		}
	}
}

func (f *logFamily) cutOff(p *proc) {
	last := spot{p: p, at: p.header}
	if p.last.any {
		last = p.previous()
	}
	message := fmt.Sprintf("The log of %s promises an end record and has none: it stops after this line. "+
		"What happened later is not known.", p.name)
	if f.lenient {
		message += notCovered
	}
	f.add(logTruncated, finding{event: last, message: message})
}

func (f *logFamily) end() {
	f.checked[logMalformed] += f.events
	for _, p := range f.procs {
		if !p.mentioned {
			continue
		}
		f.checked[logMissing]++
		if p.hasLog() {
			continue
		}
		f.add(logMissing, finding{
			event:   p.naming.by,
			warning: !p.naming.bank,
			message: fmt.Sprintf("%s is named as a peer by %s, and no log of it was given. Add its log.", p.name, p.naming.by.p.name),
		})
	}
	f.expected()
}

// expected looks for the processes that run.json lists.
func (f *logFamily) expected() {
	if f.opt.Run == nil {
		return
	}
	for _, name := range f.opt.Run.Processes {
		p := f.names[name]
		if p != nil && p.mentioned {
			continue
		}
		f.checked[logMissing]++
		if p == nil || !p.hasLog() {
			f.add(logMissing, finding{
				message: fmt.Sprintf("The run had a process %s, and no log of it was given. Add its log.", name),
			})
		}
	}
}

func (f *logFamily) suspects() bool { return false }
func (f *logFamily) again(*visit)   {}
func (f *logFamily) settle()        {}

// notCovered says what a check that allows truncated logs leaves open where one was cut off.
const notCovered = " Truncated logs are allowed, so what follows is not covered: what it did after this line, whether it " +
	"received what was sent to it, whether it had the replies to its requests, and whether it executed every write."

// absent reports whether a process that was named has no log.
func (f *logFamily) absent() bool {
	for _, p := range f.procs {
		if p.mentioned && !p.hasLog() {
			return true
		}
	}
	return f.opt.Run != nil && slices.ContainsFunc(f.opt.Run.Processes, func(name string) bool {
		return f.names[name] == nil || !f.names[name].hasLog()
	})
}
