package mutate

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func logMutations() []Mutation {
	return []Mutation{
		{
			Rule:    "log/malformed",
			Mistake: "a process was killed in the middle of a line, and went on in the same file when it came back",
			Needs:   "an event",
			apply:   halfLine,
		}, {
			Rule:    "log/truncated",
			Mistake: "a log was copied while its process was still writing the last line",
			Needs:   "a log that promises an end record and has it as its last line",
			apply:   tearEnd,
		}, {
			Rule:    "log/missing",
			Mistake: "one log was left out when the logs were collected",
			Needs:   "two processes of which one names the other as its peer",
			apply:   loseLog,
		}, {
			Rule:    "log/sequence-gap",
			Mistake: "an event was numbered and then never written, and nobody looked at the error",
			Needs:   "a process with two events",
			apply:   skipNumber,
		},
	}
}

// halfLine puts half of an event's line before the line.
func halfLine(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(*proc, *trace.Event) bool { return true }))
	if err != nil {
		return Change{}, err
	}
	log := ed.byName[e.Process].log
	i := slices.IndexFunc(log.Records, func(r Record) bool { return r.Event == e })
	line := trace.AppendEvent(nil, e)
	half := append(slices.Clip(line[:len(line)/2]), '\n')
	log.Records = slices.Insert(log.Records, i, Record{Raw: half})
	return Change{
		Event: trace.Ref{Process: e.Process}, Line: i + 1,
		Text: fmt.Sprintf("before the line of %s stands the first half of it, on a line of its own", e.Ref()),
	}, nil
}

// tearEnd cuts the end record off in the middle.
func tearEnd(ed *editor) (Change, error) {
	var places []*proc
	for _, p := range ed.procs {
		records := p.log.Records
		if end := records[len(records)-1].End; end != nil && end.Process == p.name && p.header != nil && p.header.Ends && ed.touches(p) {
			places = append(places, p)
		}
	}
	p, err := pick(ed, places)
	if err != nil {
		return Change{}, err
	}
	last := &p.log.Records[len(p.log.Records)-1]
	line := trace.AppendEnd(nil, last.End)
	*last = Record{Raw: line[:len(line)/2]}
	return Change{
		Event: trace.Ref{Process: p.name}, Line: len(p.log.Records),
		Text: fmt.Sprintf("the last line of the log of %s, its end record, is cut off in the middle", p.name),
	}, nil
}

// loseLog takes the log of a process away.
func loseLog(ed *editor) (Change, error) {
	named := map[string]bool{}
	for _, p := range ed.procs {
		for _, e := range p.events {
			named[e.Peer] = true
		}
		if p.header != nil {
			for _, peer := range p.header.Peers {
				named[peer] = true
			}
		}
	}
	p, err := pick(ed, slices.DeleteFunc(slices.Clone(ed.procs), func(p *proc) bool {
		return !named[p.name] || !ed.touches(p)
	}))
	if err != nil {
		return Change{}, err
	}
	p.log.Records = slices.DeleteFunc(p.log.Records, func(r Record) bool { return r.process() == p.name })
	ed.Logs = slices.DeleteFunc(ed.Logs, func(l Log) bool { return len(l.Records) == 0 })
	return Change{
		Event: trace.Ref{Process: p.name},
		Text:  fmt.Sprintf("the log of %s, with %d events, is left out", p.name, len(p.events)),
	}, nil
}

// skipNumber leaves one number out.
func skipNumber(ed *editor) (Change, error) {
	e, err := pick(ed, ed.chosen(func(_ *proc, e *trace.Event) bool { return ed.index[e] > 0 }))
	if err != nil {
		return Change{}, err
	}
	p, skipped := ed.byName[e.Process], e.Seq
	names := map[uint64]uint64{}
	for _, later := range p.events[ed.index[e]:] {
		names[later.Seq] = later.Seq + 1
	}
	ed.rename(p, names)
	return Change{
		Event: e.Ref(),
		Text:  fmt.Sprintf("%s has no event %d: what was %s:%d is %s, and so on", p.name, skipped, p.name, skipped, e.Ref()),
	}, nil
}
