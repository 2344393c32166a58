package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how deep lists and mappings may nest; a scenario needs five.
const maxDepth = 32

// maxName is the length in bytes of a scenario's name.
const maxName = 200

type kind int

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindList
	kindObject
)

type position struct{ line, column int }

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.line, q.line), cmp.Compare(p.column, q.column))
}

// node is a value of a file with its place, the same for JSON and YAML.
type node struct {
	position
	kind   kind
	text   string // of a scalar: a number as written, a string's content
	items  []*node
	fields []field
}

// field is one key of an object. The key has lost the blanks at its ends.
type field struct {
	position
	key   string
	value *node
}

// describe shows a value in an error: a scalar as it stands, else its kind.
func (n *node) describe() string {
	const most = 60
	switch n.kind {
	case kindList:
		return "a list"
	case kindObject:
		return "a mapping"
	case kindNull:
		return "nothing"
	case kindString:
		if len(n.text) > most {
			return strconv.Quote(cutTo(n.text, most)) + "..."
		}
		return strconv.Quote(n.text)
	}
	if len(n.text) > most {
		return n.text[:most] + "..."
	}
	return n.text
}

// keys lists the keys of an object, for errors about one that is missing: it may be misspelt.
func (n *node) keys() string {
	all := make([]string, len(n.fields))
	for i, f := range n.fields {
		all[i] = f.key
	}
	if len(all) == 0 {
		return ""
	}
	text := strings.Join(all, ", ")
	if cut := cutTo(text, 100); cut != text {
		text = cut + "..."
	}
	return "keys here: " + text
}

// decoder turns a tree into a Scenario and gathers every problem on the way.
type decoder struct {
	file  string
	errs  []*Error
	notes []note
	noted map[string]int // text of a note -> its index in notes
}

// note is a warning and how often it applied; the position is that of the first.
type note struct {
	position
	text  string
	count int
}

func (d *decoder) fail(n *node, place, problem, value, remedy string) {
	d.failAt(n.position, place, problem, value, remedy)
}

func (d *decoder) failAt(p position, place, problem, value, remedy string) {
	d.errs = append(d.errs, &Error{File: d.file, Line: p.line, Column: p.column, Place: place, Problem: problem, Value: value, Remedy: remedy})
}

// err joins the problems in the order of their places.
func (d *decoder) err() error {
	slices.SortStableFunc(d.errs, func(a, b *Error) int {
		return position{a.Line, a.Column}.compare(position{b.Line, b.Column})
	})
	all := make([]error, len(d.errs))
	for i, e := range d.errs {
		all[i] = e
	}
	return errors.Join(all...)
}

func (d *decoder) warn(p position, text string) {
	if i, ok := d.noted[text]; ok {
		d.notes[i].count++
		return
	}
	if d.noted == nil {
		d.noted = map[string]int{}
	}
	d.noted[text] = len(d.notes)
	d.notes = append(d.notes, note{position: p, text: text, count: 1})
}

func (d *decoder) warnings() []string {
	slices.SortStableFunc(d.notes, func(a, b note) int { return a.compare(b.position) })
	var all []string
	for _, n := range d.notes {
		w := fmt.Sprintf("%s:%d:%d: %s", d.file, n.line, n.column, n.text)
		if n.count > 1 {
			w += fmt.Sprintf(" (%d times in all)", n.count)
		}
		all = append(all, w)
	}
	return all
}

// object returns the fields of n by key. A key not in known is warned about and left out, a key given twice is an
// error; ok is false if n is no object.
func (d *decoder) object(n *node, place, remedy string, known ...string) (fields map[string]*field, ok bool) {
	if n.kind != kindObject {
		d.fail(n, place, "a mapping is expected here", n.describe(), remedy)
		return nil, false
	}
	fields = map[string]*field{}
	for i := range n.fields {
		f := &n.fields[i]
		if !slices.Contains(known, f.key) {
			d.warn(f.position, fmt.Sprintf("unknown key %q ignored", cutTo(f.key, 60)))
			continue
		}
		if first, twice := fields[f.key]; twice {
			d.failAt(f.position, place, fmt.Sprintf("the key %q is given twice, first on line %d", f.key, first.line), "", "remove one of them")
			continue
		}
		fields[f.key] = f
	}
	return fields, true
}

// list returns the items of the list n.
func (d *decoder) list(n *node, place, what, remedy string) (items []*node, ok bool) {
	if n.kind != kindList {
		d.fail(n, place, what+" must be a list", n.describe(), remedy)
		return nil, false
	}
	return n.items, true
}

// integer returns the whole number n within [least, most].
func (d *decoder) integer(n *node, place, what string, least, most int64) (v int64, ok bool) {
	problem := fmt.Sprintf("%s must be a whole number from %d to %d", what, least, most)
	if n.kind != kindNumber {
		remedy := "write it in digits"
		if n.kind == kindString {
			if _, err := strconv.ParseInt(strings.TrimSpace(n.text), 10, 64); err == nil {
				remedy = "remove the quotes"
			}
		}
		d.fail(n, place, problem, n.describe(), remedy)
		return 0, false
	}
	v, err := strconv.ParseInt(n.text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax) || strconv.FormatInt(v, 10) != n.text && err == nil:
		d.fail(n, place, problem, n.describe(), "write it in plain decimal digits, without sign, point, exponent or leading zero")
	case err != nil || v > most:
		d.fail(n, place, problem, n.describe(), "choose a smaller number")
	case v < least:
		d.fail(n, place, problem, n.describe(), "choose a larger number")
	default:
		return v, true
	}
	return 0, false
}

// name returns the string n.
func (d *decoder) name(n *node, place, what string) (string, bool) {
	if n.kind == kindString {
		return n.text, true
	}
	remedy := "write a word"
	if n.kind == kindNumber || n.kind == kindBool {
		remedy = "put it in quotes"
	}
	d.fail(n, place, what+" must be a word", n.describe(), remedy)
	return "", false
}

// ids remembers where each id of one sort was given, to find duplicates.
type ids map[int]position

// add notes an id and reports it if it was there before.
func (d *decoder) add(seen ids, n *node, id int, place, what string) bool {
	if first, twice := seen[id]; twice {
		d.fail(n, place, fmt.Sprintf("%s %d is given twice, first on line %d", what, id, first.line), "", "give each its own id")
		return false
	}
	seen[id] = n.position
	return true
}
