package trace

import (
	"fmt"
	"strconv"
	"strings"
)

// SyntaxError says which line of a log is no record, and why. A [Reader] hands it out in the place of the record and
// reads on at the next line; in a binary log at the next record, or at the next block where it is not known where that
// begins.
type SyntaxError struct {
	File      string
	Line      int    // from 1; the number of the record in a binary log
	Field     string // the field that is wrong, "" where the line as a whole is
	Value     string // what it has, as it stands in the log and cut where long; "" where it is missing
	Problem   string // what is wrong: the part of the sentence that follows the value
	Remedy    string // what to write instead
	Truncated bool   // the last line has no line end, or the last record breaks off: its writer was stopped in the middle
	Binary    bool   // the log is binary
	Offset    int64  // of a binary log: where the record begins, in bytes from 0 and without compression
	Lost      int    // how many events may have been there, at the most; 0 means one
}

// Records returns how many events may have stood where no record could be read, 1 or more.
func (e *SyntaxError) Records() int { return max(1, e.Lost) }

// Error returns file:line: field "f": value problem; remedy. Of a binary log it gives the place in bytes, too.
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
	if e.Binary {
		fmt.Fprintf(&b, "at byte %d: ", e.Offset)
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
	if e.Truncated && !e.Binary {
		b.WriteString("; the last line has no line end")
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}
