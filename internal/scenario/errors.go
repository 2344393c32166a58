package scenario

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is one problem of a scenario file. Only File, Problem and Remedy are always given.
type Error struct {
	File    string
	Line    int    // from 1; 0 if the problem is the file's as a whole
	Column  int    // from 1, in characters; 0 if Line is
	Place   string // where in the scenario, such as "customer 2, step 1"
	Value   string // what stands there
	Problem string
	Remedy  string
	Err     error // the cause, if something outside the file's content
}

// Error is the problem in one line: file:line:column: place: problem (value): cause; remedy.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column))
	}
	b.WriteString(": ")
	if e.Place != "" {
		b.WriteString(e.Place + ": ")
	}
	b.WriteString(e.Problem)
	if e.Value != "" {
		b.WriteString(" (" + e.Value + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// cleanText checks that data is text and returns it without byte order mark and with \n as the only end of line.
func cleanText(file string, data []byte) (string, *Error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "", &Error{File: file, Problem: "the file is text in UTF-16", Remedy: "save it as UTF-8"}
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	line, column := 1, 1
	for i := 0; i < len(data); {
		r, size := rune(data[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(data[i:])
		}
		if bad := r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == utf8.RuneError && size == 1; bad {
			return "", &Error{File: file, Line: line, Column: column, Value: "byte 0x" + strconv.FormatUint(uint64(data[i]), 16),
				Problem: "the file is not text in UTF-8", Remedy: "give a YAML or JSON file, saved as UTF-8"}
		}
		i += size
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	text := string(data)
	if strings.TrimSpace(text) == "" {
		return "", emptyError(file)
	}
	return text, nil
}

func emptyError(file string) *Error {
	return &Error{File: file, Problem: "the file is empty", Remedy: "write branches, opening and customers, or give a course file"}
}
