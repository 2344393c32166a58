package trace

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested, as in encoding/json.
const maxDepth = 10000

// scanner walks over the JSON text (RFC 8259) of one line. The first problem stays in err; from then on nothing that the
// scanner returns means anything.
type scanner struct {
	line    []byte
	pos     int
	field   string // the known field being read, for errors
	remedy  string // what that field must be
	scratch []byte // the latest string that had escapes
	err     *SyntaxError
}

func (s *scanner) peek() byte {
	if s.pos < len(s.line) {
		return s.line[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.line) {
		switch s.line[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// expected reports that something else stands here than JSON wants.
func (s *scanner) expected(what string) {
	if s.err != nil {
		return
	}
	s.err = &SyntaxError{Remedy: "write each record as one JSON object on a line of its own"}
	if s.pos >= len(s.line) {
		s.err.Problem = fmt.Sprintf("the JSON breaks off at byte %d, where %s should stand", len(s.line)+1, what)
		return
	}
	r, _ := utf8.DecodeRune(s.line[s.pos:])
	s.err.Problem = fmt.Sprintf("not valid JSON: byte %d is %q, where %s should stand", s.pos+1, r, what)
}

// wrong reports that the value which starts at start is valid JSON but not what the field takes.
func (s *scanner) wrong(start int, problem string) {
	if s.err != nil {
		return
	}
	s.pos = start
	s.skip(2)
	if s.err == nil {
		s.err = &SyntaxError{Field: s.field, Value: excerpt(s.line[start:s.pos]), Problem: problem, Remedy: s.remedy}
	}
}

// excerpt shortens a value for an error.
func excerpt(b []byte) string {
	const most = 64
	if len(b) <= most {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b[:most], nil)) + "..."
}

// open steps over the byte that opens an array or an object. It reports whether the value was one, else the field's
// problem.
func (s *scanner) open(opening byte, problem string) bool {
	if s.peek() != opening {
		s.wrong(s.pos, problem)
		return false
	}
	s.pos++
	return true
}

// more reports whether another member or element follows in an array or object that ends with closing, and stands at
// its first byte then.
func (s *scanner) more(first bool, closing byte) bool {
	s.space()
	c := s.peek()
	switch {
	case s.err != nil:
		return false
	case c == closing && s.pos < len(s.line):
		s.pos++
		return false
	case first:
		return true
	case c != ',':
		s.expected("a comma or '" + string(rune(closing)) + "'")
		return false
	}
	s.pos++
	s.space()
	return true
}

// key reads a member's name and the colon, and stands at the value then.
func (s *scanner) key() []byte {
	k := s.text()
	s.space()
	if s.peek() != ':' {
		s.expected("a colon")
		return nil
	}
	s.pos++
	s.space()
	return k
}

// text reads a string. The bytes are valid until the next string is read.
func (s *scanner) text() []byte {
	if s.peek() != '"' {
		s.expected("a string")
		return nil
	}
	start := s.pos + 1
	for i := start; i < len(s.line); i++ {
		switch c := s.line[i]; {
		case c == '"':
			s.pos = i + 1
			return s.line[start:i]
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			s.scratch = append(s.scratch[:0], s.line[start:i]...)
			s.pos = i
			return s.unescape()
		}
	}
	s.pos = len(s.line)
	s.expected("the end of a string")
	return nil
}

// unescape reads the rest of a string that is not plain ASCII into scratch.
func (s *scanner) unescape() []byte {
	for s.err == nil && s.pos < len(s.line) {
		switch c := s.line[s.pos]; {
		case c == '"':
			s.pos++
			return s.scratch
		case c == '\\':
			s.pos++
			s.escape()
		case c < ' ':
			s.expected("the rest of a string (control characters are written as escapes)")
		case c < utf8.RuneSelf:
			s.scratch = append(s.scratch, c)
			s.pos++
		default:
			r, n := utf8.DecodeRune(s.line[s.pos:])
			if r == utf8.RuneError && n == 1 {
				s.err = &SyntaxError{
					Problem: fmt.Sprintf("byte %d is 0x%02x, which is not UTF-8", s.pos+1, c),
					Remedy:  "write logs in UTF-8",
				}
				return nil
			}
			s.scratch = append(s.scratch, s.line[s.pos:s.pos+n]...)
			s.pos += n
		}
	}
	s.expected("the end of a string")
	return nil
}

// escape reads what follows a backslash.
func (s *scanner) escape() {
	switch c := s.peek(); c {
	case '"', '\\', '/':
		s.scratch = append(s.scratch, c)
	case 'b':
		s.scratch = append(s.scratch, '\b')
	case 'f':
		s.scratch = append(s.scratch, '\f')
	case 'n':
		s.scratch = append(s.scratch, '\n')
	case 'r':
		s.scratch = append(s.scratch, '\r')
	case 't':
		s.scratch = append(s.scratch, '\t')
	case 'u':
		r, ok := hex4(s.line[s.pos+1:])
		if !ok {
			s.expected("an escape of four hexadecimal digits")
			return
		}
		s.pos += 4
		if utf16.IsSurrogate(r) {
			r = s.surrogate(r)
		}
		s.scratch = utf8.AppendRune(s.scratch, r)
	default:
		s.expected(`one of "\/bfnrtu after a backslash`)
		return
	}
	s.pos++
}

// surrogate returns the character of a pair of escapes whose first half was read, or the replacement character.
func (s *scanner) surrogate(first rune) rune {
	rest := s.line[s.pos+1:]
	if len(rest) < 2 || rest[0] != '\\' || rest[1] != 'u' {
		return utf8.RuneError
	}
	second, ok := hex4(rest[2:])
	r := utf16.DecodeRune(first, second)
	if !ok || r == utf8.RuneError {
		return utf8.RuneError
	}
	s.pos += 6
	return r
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 32)
	return rune(n), err == nil
}

// digits reads digits without a leading zero, up to 19 of them so that they fit in uint64. It reports false, and may
// have moved, where they are no plain integer.
func (s *scanner) digits() (n uint64, ok bool) {
	start := s.pos
	for s.pos < len(s.line) {
		c := s.line[s.pos] - '0'
		if c > 9 {
			break
		}
		n = n*10 + uint64(c)
		s.pos++
	}
	length := s.pos - start
	if length == 0 || length > 19 || length > 1 && s.line[start] == '0' {
		return 0, false
	}
	c := s.peek() | 0x20
	return n, c != '.' && c != 'e'
}

// number steps over a number of any form.
func (s *scanner) number() {
	run := func() {
		start := s.pos
		for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
			s.pos++
		}
		if s.pos == start {
			s.expected("a digit")
		}
	}
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else {
		run()
	}
	if s.peek() == '.' {
		s.pos++
		run()
	}
	if s.peek()|0x20 == 'e' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		run()
	}
}

// skip steps over a value of any type; depth is the depth of an array or object that starts here.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.expected("something less deeply nested")
		return
	}
	switch c := s.peek(); {
	case c == '"':
		s.text()
	case c == '{':
		s.pos++
		for first := true; s.more(first, '}'); first = false {
			s.key()
			if s.err == nil {
				s.skip(depth + 1)
			}
		}
	case c == '[':
		s.pos++
		for first := true; s.more(first, ']'); first = false {
			s.skip(depth + 1)
		}
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	default:
		s.expected("a value")
	}
}

func (s *scanner) literal(word string) {
	for i := range len(word) {
		if s.peek() != word[i] {
			s.expected(strconv.Quote(word))
			return
		}
		s.pos++
	}
}
