package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// maxCourseDepth is how deep lists and objects may be nested; the course's shapes need four levels.
const maxCourseDepth = 16

// maxCourseErrors is after how many errors in a file of one value a line the rest is not read.
const maxCourseErrors = 1_000

type jsonKind uint8

const (
	jsonWord jsonKind = iota // null, true, false
	jsonText
	jsonNumber
	jsonList
	jsonObject
)

// jsonValue is a value with its place. Of a value that could not be read to its end it holds what was read.
type jsonValue struct {
	kind       jsonKind
	line       int // of its first byte, from 1
	start, end int // in the file's bytes
	text       string
	keys       []string // of an object: folded, see foldKey
	items      []*jsonValue
}

// courseJSON reads what programs print where they mean JSON (RFC 8259): comments, trailing commas, Python's quotes and
// words, and several values one after the other are taken, too. What of these it met it counts.
type courseJSON struct {
	file   string
	src    []byte
	pos    int
	line   int
	quotes int // texts in single quotes
	errs   []*trace.SyntaxError
}

// parseCourseJSON returns the values of a file and what is wrong with it. After an error it goes on at the next line if
// the file has one value a line.
func parseCourseJSON(file string, data []byte) (values []*jsonValue, p *courseJSON) {
	p = &courseJSON{file: file, src: data, line: 1}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		p.fail("the file is text in UTF-16", "", "save it as UTF-8")
		return nil, p
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		p.pos = 3
	}
	for p.skip() {
		if p.src[p.pos] == ',' && len(values) > 0 {
			p.pos++
			continue
		}
		v := &jsonValue{}
		values = append(values, v)
		if p.value(v, 0) {
			continue
		}
		if p.line != v.line || v.kind != jsonObject || len(p.errs) >= maxCourseErrors || !p.nextLine() {
			break
		}
	}
	return values, p
}

// nextLine goes on behind the end of the line; false if it is the last.
func (p *courseJSON) nextLine() bool {
	i := bytes.IndexByte(p.src[p.pos:], '\n')
	if i < 0 {
		return false
	}
	p.pos += i + 1
	p.line++
	return true
}

func (p *courseJSON) fail(problem, value, remedy string) bool {
	p.errs = append(p.errs, &trace.SyntaxError{File: p.file, Line: p.line, Value: value, Problem: problem, Remedy: remedy})
	return false
}

// peek is the byte at pos, 0 at the end.
func (p *courseJSON) peek() byte {
	if p.pos >= len(p.src) {
		return 0
	}
	return p.src[p.pos]
}

// token shows in an error what stands at pos.
func (p *courseJSON) token() string {
	if p.pos >= len(p.src) {
		return "the end of the file"
	}
	rest := p.src[p.pos:]
	if end := bytes.IndexAny(rest, " \t\r\n,:[]{}"); end > 0 {
		rest = rest[:end]
	} else {
		_, size := utf8.DecodeRune(rest)
		rest = rest[:size]
	}
	if rest[0] == '"' {
		return oneLine(rest, 40)
	}
	return fmt.Sprintf("%q", oneLine(rest, 40))
}

// skip passes over blanks and comments, and reports whether anything follows.
func (p *courseJSON) skip() bool {
	for p.pos < len(p.src) {
		rest := p.src[p.pos:]
		switch c := rest[0]; {
		case c == '\n':
			p.line++
			p.pos++
		case c == ' ' || c == '\t' || c == '\r':
			p.pos++
		case c == 0xc2 && len(rest) > 1 && rest[1] == 0xa0: // no-break space, as pasted from web pages
			p.pos += 2
		case bytes.HasPrefix(rest, []byte("//")):
			if end := bytes.IndexByte(rest, '\n'); end >= 0 {
				p.pos += end
			} else {
				p.pos = len(p.src)
			}
		case bytes.HasPrefix(rest, []byte("/*")):
			end := bytes.Index(rest[2:], []byte("*/"))
			if end < 0 {
				p.fail("this comment never ends", "", "close it with */")
				p.pos = len(p.src)
				return false
			}
			p.line += bytes.Count(rest[:end+4], []byte("\n"))
			p.pos += end + 4
		default:
			return true
		}
	}
	return false
}

// value reads the value at pos, which is no blank, into v.
func (p *courseJSON) value(v *jsonValue, depth int) (ok bool) {
	v.line, v.start = p.line, p.pos
	defer func() { v.end = p.pos }()
	switch c := p.peek(); {
	case depth > maxCourseDepth:
		return p.fail(fmt.Sprintf("lists and objects are nested more than %d deep", maxCourseDepth), "", "the course's lists need four levels")
	case c == '{':
		v.kind = jsonObject
		return p.container(v, '}', depth)
	case c == '[':
		v.kind = jsonList
		return p.container(v, ']', depth)
	case c == '"' || c == '\'':
		v.kind = jsonText
		v.text, ok = p.str(c)
		return ok
	}
	end := p.pos
	for end < len(p.src) && (isWordByte(p.src[end])) {
		end++
	}
	v.text = string(p.src[p.pos:end])
	switch v.text {
	case "null", "true", "false", "None", "True", "False":
		v.kind = jsonWord
	default:
		v.kind = jsonNumber
		if !json.Valid([]byte(v.text)) {
			return p.fail("stands where a value is expected", p.token(), "write a number, a text in double quotes, a list or an object")
		}
	}
	p.pos = end
	return true
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '+' || c == '-'
}

// container reads the rest of a list or an object.
func (p *courseJSON) container(v *jsonValue, closing byte, depth int) bool {
	p.pos++
	for {
		if !p.skip() {
			return p.fail(fmt.Sprintf("the %q opened on line %d is not closed", p.src[v.start], v.line), "", fmt.Sprintf("close it with %c", closing))
		}
		if p.peek() == closing {
			p.pos++
			return true
		}
		if v.kind == jsonObject && !p.key(v) {
			return false
		}
		item := &jsonValue{}
		v.items = append(v.items, item)
		if !p.value(item, depth+1) {
			return false
		}
		p.skip()
		switch p.peek() {
		case ',':
			p.pos++
		case closing, 0:
		default:
			return p.fail(fmt.Sprintf("stands where a comma or %c is expected", closing), p.token(), "put a comma between entries")
		}
	}
}

// key reads a key and the colon behind it, up to the value.
func (p *courseJSON) key(v *jsonValue) bool {
	c := p.peek()
	if c != '"' && c != '\'' {
		return p.fail("stands where a key is expected", p.token(), "put keys in double quotes")
	}
	key, ok := p.str(c)
	if !ok {
		return false
	}
	if !p.skip() || p.peek() != ':' {
		return p.fail(fmt.Sprintf("follows the key %q, where a colon is expected", cut(key, 40)), p.token(), "put : between key and value")
	}
	p.pos++
	if !p.skip() {
		return p.fail(fmt.Sprintf("the key %q has no value", cut(key, 40)), "", "write the value behind the colon")
	}
	v.keys = append(v.keys, foldKey(key))
	return true
}

// str reads the text at pos, which quote opens and closes.
func (p *courseJSON) str(quote byte) (string, bool) {
	for i := p.pos + 1; i < len(p.src) && p.src[i] != '\n'; i++ {
		switch p.src[i] {
		case '\\':
			i++
		case quote:
			raw := p.src[p.pos : i+1]
			if quote == '\'' {
				p.quotes++
				raw = doubleQuoted(raw)
			}
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return "", p.fail("is no text that JSON allows", fmt.Sprintf("%q", oneLine(raw, 60)), `write a backslash as \\ and a tab as \t`)
			}
			p.pos = i + 1
			return s, true
		}
	}
	return "", p.fail("the text that opens here does not end on its line", "", fmt.Sprintf("close it with %c", quote))
}

// doubleQuoted turns 'it\'s "x"' into "it's \"x\"".
func doubleQuoted(raw []byte) []byte {
	out := []byte{'"'}
	for i := 1; i < len(raw)-1; i++ {
		switch {
		case raw[i] == '"':
			out = append(out, '\\', '"')
		case raw[i] == '\\' && raw[i+1] == '\'':
		case raw[i] == '\\':
			out = append(out, raw[i], raw[i+1])
			i++
		default:
			out = append(out, raw[i])
		}
	}
	return append(out, '"')
}

// foldKey makes one of the ways to write a key: " Customer-Request-Id " is customer_request_id.
func foldKey(key string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(key)))
}

// get returns the first field that has one of the keys, nil if none has.
func (v *jsonValue) get(keys ...string) *jsonValue {
	for i, key := range v.keys {
		if i < len(v.items) && slices.Contains(keys, key) {
			return v.items[i]
		}
	}
	return nil
}

// list returns the field of that key if it is a list.
func (v *jsonValue) list(key string) *jsonValue {
	if f := v.get(key); f != nil && f.kind == jsonList {
		return f
	}
	return nil
}

// oneLine shows raw text on one line, with runs of blanks made one, cut to n bytes.
func oneLine(raw []byte, n int) string {
	if len(raw) > 8*n {
		raw = raw[:8*n]
	}
	return cut(strings.Join(strings.Fields(strings.ToValidUTF8(string(raw), "\ufffd")), " "), n)
}

// cut shortens s to at most n bytes, between characters, and shows that it did.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
