package trace

import (
	"strconv"
	"strings"
)

// SyntaxError says which line of a log is no record, and why. A [Reader] hands it out in the place of the record and
// reads on at the next line.
type SyntaxError struct {
	File      string
	Line      int    // from 1
	Field     string // the field that is wrong, "" where the line as a whole is
	Value     string // what it has, as it stands in the log and cut where long; "" where it is missing
	Problem   string // what is wrong: the part of the sentence that follows the value
	Remedy    string // what to write instead
	Truncated bool   // the last line has no line end: its writer was stopped in the middle
}

// Error returns file:line: field "f": value problem; remedy.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		b.WriteByte(':')
	}
	if e.Line > 0 {
		b.WriteString(strconv.Itoa(e.Line))
		b.WriteByte(':')
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if e.Field != "" {
		b.WriteString(`field "`)
		b.WriteString(e.Field)
		b.WriteString(`": `)
	}
	if e.Value != "" {
		b.WriteString(e.Value)
		b.WriteByte(' ')
	}
	b.WriteString(e.Problem)
	if e.Truncated {
		b.WriteString("; the last line has no line end")
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}
