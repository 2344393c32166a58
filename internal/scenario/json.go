package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// jsonParser reads JSON (RFC 8259) that may hold comments, trailing commas and no-break spaces between tokens, and
// keeps the place of every value.
type jsonParser struct {
	file string
	src  string
	pos  int
	// mark is how far place has been counted; it follows pos, so the whole count is linear.
	mark  int
	place position
}

// jsonStart tells whether the first thing in text, blanks and comments aside, opens a JSON list or object.
func jsonStart(file, text string) (bool, *Error) {
	p := newJSONParser(file, text)
	if err := p.skip(); err != nil {
		return false, err
	}
	return p.peek() == '[' || p.peek() == '{', nil
}

func newJSONParser(file, text string) *jsonParser {
	return &jsonParser{file: file, src: text, place: position{1, 1}}
}

func parseJSON(file, text string) (*node, *Error) {
	p := newJSONParser(file, text)
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		remedy := "remove what follows"
		if c := p.peek(); c == '{' || c == '[' {
			remedy = "put all customers and branches into one list [ ... ]; if this is a log, give it to check"
		}
		return nil, p.fail("the file goes on after its value has ended", p.token(), remedy)
	}
	return root, nil
}

// here is the place of pos. pos never goes back behind a place that was asked for.
func (p *jsonParser) here() position {
	for ; p.mark < p.pos; p.mark++ {
		switch c := p.src[p.mark]; {
		case c == '\n':
			p.place = position{p.place.line + 1, 1}
		case utf8.RuneStart(c):
			p.place.column++
		}
	}
	return p.place
}

func (p *jsonParser) fail(problem, value, remedy string) *Error {
	at := p.here()
	return &Error{File: p.file, Line: at.line, Column: at.column, Problem: problem, Value: value, Remedy: remedy}
}

// peek is the byte at pos, or 0 at the end; the text holds no byte 0.
func (p *jsonParser) peek() byte {
	if p.pos >= len(p.src) {
		return 0
	}
	return p.src[p.pos]
}

// token shows in an error what stands at pos.
func (p *jsonParser) token() string {
	if p.pos >= len(p.src) {
		return "end of the file"
	}
	rest := p.src[p.pos:]
	if end := strings.IndexAny(rest, " \t\n,:[]{}"); end > 0 {
		rest = rest[:end]
	} else {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[:size]
	}
	return cutTo(rest, 40)
}

// skip passes over blanks and comments.
func (p *jsonParser) skip() *Error {
	const noBreakSpace = "\u00a0"
	for {
		rest := p.src[p.pos:]
		switch {
		case rest == "":
			return nil
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n':
			p.pos++
		case strings.HasPrefix(rest, noBreakSpace):
			p.pos += len(noBreakSpace)
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			p.pos += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return p.fail("this comment never ends", "", "close it with */")
			}
			p.pos += end + 4
		default:
			return nil
		}
	}
}

func (p *jsonParser) value(depth int) (*node, *Error) {
	if err := p.skip(); err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, p.fail(fmt.Sprintf("lists and objects are nested more than %d deep", maxDepth), "", "a scenario needs five levels at most")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '"':
		at := p.here()
		s, err := p.str()
		return &node{position: at, kind: kindString, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	return p.word()
}

func (p *jsonParser) word() (*node, *Error) {
	n := &node{position: p.here()}
	for text, k := range map[string]kind{"null": kindNull, "true": kindBool, "false": kindBool} {
		if p.token() == text {
			n.kind, n.text = k, text
			p.pos += len(text)
			return n, nil
		}
	}
	return nil, p.fail("a value is expected here", p.token(), p.quoteRemedy("write a number, a text in double quotes, a list or an object"))
}

// quoteRemedy is the remedy for the usual wrong quotes, if such a one stands here.
func (p *jsonParser) quoteRemedy(otherwise string) string {
	for _, q := range []string{"'", "\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "`"} {
		if strings.HasPrefix(p.src[p.pos:], q) {
			return `use straight double quotes: "`
		}
	}
	return otherwise
}

func (p *jsonParser) number() (*node, *Error) {
	at, start := p.here(), p.pos
	end := start
	for end < len(p.src) && strings.IndexByte("+-.0123456789eE", p.src[end]) >= 0 {
		end++
	}
	text := p.src[start:end]
	if !json.Valid([]byte(text)) {
		return nil, p.fail("this is not a number", p.token(), "write it in plain decimal digits, without leading zero")
	}
	p.pos = end
	return &node{position: at, kind: kindNumber, text: text}, nil
}

// str reads the text in double quotes at pos.
func (p *jsonParser) str() (string, *Error) {
	for i := p.pos + 1; i < len(p.src); i++ {
		switch p.src[i] {
		case '\\':
			i++
		case '\n':
			return "", p.fail("this text does not end on its line", "", `close it with a double quote: "`)
		case '\t':
			return "", p.fail("this text holds a tab", "", `write the tab as \t`)
		case '"':
			var s string
			if err := json.Unmarshal([]byte(p.src[p.pos:i+1]), &s); err != nil {
				return "", p.fail("this text holds a wrong escape", cutTo(p.src[p.pos:i+1], 60), `a backslash itself is written \\`)
			}
			p.pos = i + 1
			return s, nil
		}
	}
	return "", p.fail("this text does not end", "", `close it with a double quote: "`)
}

func (p *jsonParser) list(depth int) (*node, *Error) {
	n := &node{position: p.here(), kind: kindList}
	p.pos++
	for {
		if err := p.skip(); err != nil {
			return nil, err
		}
		if p.peek() == ']' {
			p.pos++
			return n, nil
		}
		if p.pos == len(p.src) {
			return nil, p.fail(fmt.Sprintf("the list opened on line %d is not closed", n.line), p.token(), "close it with ]")
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
		if err := p.separator("list", n.line, ']'); err != nil {
			return nil, err
		}
	}
}

func (p *jsonParser) object(depth int) (*node, *Error) {
	n := &node{position: p.here(), kind: kindObject}
	p.pos++
	for {
		if err := p.skip(); err != nil {
			return nil, err
		}
		switch p.peek() {
		case '}':
			p.pos++
			return n, nil
		case '"':
		case 0:
			return nil, p.fail(fmt.Sprintf("the object opened on line %d is not closed", n.line), p.token(), "close it with }")
		default:
			return nil, p.fail("a key is expected here", p.token(), p.quoteRemedy("put keys in double quotes"))
		}
		f := field{position: p.here()}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		f.key = strings.TrimSpace(key)
		if err := p.skip(); err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.fail(fmt.Sprintf("the key %q is not followed by a colon", cutTo(f.key, 60)), p.token(), "put : between key and value")
		}
		p.pos++
		if f.value, err = p.value(depth + 1); err != nil {
			return nil, err
		}
		n.fields = append(n.fields, f)
		if err := p.separator("object", n.line, '}'); err != nil {
			return nil, err
		}
	}
}

// separator passes over the comma after an entry; before the closing bracket there may be none.
func (p *jsonParser) separator(what string, line int, closing byte) *Error {
	if err := p.skip(); err != nil {
		return err
	}
	switch p.peek() {
	case closing:
	case ',':
		p.pos++
	case 0:
		return p.fail(fmt.Sprintf("the %s opened on line %d is not closed", what, line), p.token(), fmt.Sprintf("close it with %c", closing))
	default:
		return p.fail(fmt.Sprintf("a comma or %c is expected here, in the %s opened on line %d", closing, what, line), p.token(), "put a comma between entries")
	}
	return nil
}
