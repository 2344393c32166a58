package checktest

import (
	"bytes"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Log is one file of a trace: its records in the order of the file.
type Log struct {
	Name    string
	Records []Record
}

// Record is what one line holds: exactly one of the four is not nil, and it shares nothing with a reader.
type Record struct {
	Line   int
	Header *trace.Header
	Event  *trace.Event
	End    *trace.End
	Syntax *trace.SyntaxError
}

// Read reads the text of a log in JSON Lines.
func Read(name string, data []byte) Log {
	log := Log{Name: name}
	r := trace.NewReader(bytes.NewReader(data), name)
	for r.Scan() {
		record := Record{Line: r.Line()}
		switch rec := r.Record().(type) {
		case *trace.Header:
			h := rec.Clone()
			record.Header = &h
		case *trace.Event:
			e := rec.Clone()
			record.Event = &e
		case *trace.End:
			e := *rec
			record.End = &e
		case *trace.SyntaxError:
			e := *rec
			record.Syntax = &e
		}
		log.Records = append(log.Records, record)
	}
	return log
}

// process returns whose record it is, "" for a line that is none.
func (r Record) process() string {
	switch {
	case r.Header != nil:
		return r.Header.Process
	case r.Event != nil:
		return r.Event.Process
	case r.End != nil:
		return r.End.Process
	}
	return ""
}
