package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzJSON compares the parser with encoding/json: whatever is strict JSON is read, and as the same values; every
// value is where the parser says.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`[]`, `{}`, `[{"id" : 1, "type " : "client", "events" : [{ "money": -4.5e+3}]}, null, true, false]`,
		"[\n\t\"é\\u00e9\\n\\\"\", {\"a\":{\"a\":[[]]},\"a\":0}]", `["x" /* y */, 1, // z` + "\n]", `[1,]`, `[1 2]`, `{"a" 1}`, "[\u00a01]",
		strings.Repeat("[", 40) + strings.Repeat("]", 40), `["\ud800"]`, `["\x"]`, `[01, +1, .5, nul]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		text, perr := cleanText("f", []byte(in))
		if perr != nil {
			return
		}
		root, perr := parseJSON("f", text)
		trimmed := strings.TrimLeft(text, " \t\n")
		strict := json.Valid([]byte(text)) && (trimmed[0] == '[' || trimmed[0] == '{')
		if perr != nil {
			if strict && !strings.Contains(perr.Problem, "nested more than") {
				t.Fatalf("strict JSON refused: %v\n%s", perr, text)
			}
			return
		}
		checkPlaces(t, strings.Split(text, "\n"), root)
		if !strict {
			return
		}
		var got []string
		flatten(root, &got)
		if diff := cmp.Diff(tokens(t, text), got); diff != "" {
			t.Fatalf("values differ (-encoding/json +ours):\n%s\n%s", diff, text)
		}
	})
}

// tokens lists the values of text in their order, as encoding/json reads them.
func tokens(t *testing.T, text string) []string {
	var out []string
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var walk func(isKey bool)
	walk = func(isKey bool) {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case json.Delim:
			out = append(out, tok.String())
			for d.More() {
				if tok == '{' {
					walk(true)
				}
				walk(false)
			}
			end, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(end))
		case string:
			if isKey {
				tok = strings.TrimSpace(tok)
			}
			out = append(out, fmt.Sprintf("%q", tok))
		case nil:
			out = append(out, "null")
		default:
			out = append(out, fmt.Sprint(tok))
		}
	}
	walk(false)
	return out
}

// flatten lists the values of n in the same form.
func flatten(n *node, out *[]string) {
	switch n.kind {
	case kindObject:
		*out = append(*out, "{")
		for _, f := range n.fields {
			*out = append(*out, fmt.Sprintf("%q", f.key))
			flatten(f.value, out)
		}
		*out = append(*out, "}")
	case kindList:
		*out = append(*out, "[")
		for _, item := range n.items {
			flatten(item, out)
		}
		*out = append(*out, "]")
	case kindString:
		*out = append(*out, fmt.Sprintf("%q", n.text))
	default:
		*out = append(*out, n.text)
	}
}

// checkPlaces looks at the place of every value for what begins such a value.
func checkPlaces(t *testing.T, lines []string, n *node) {
	begins := map[kind]string{kindObject: "{", kindList: "[", kindString: `"`}[n.kind]
	if begins == "" {
		begins = n.text
	}
	wantAt(t, lines, n.position, begins)
	for _, item := range n.items {
		checkPlaces(t, lines, item)
	}
	for _, f := range n.fields {
		wantAt(t, lines, f.position, `"`)
		checkPlaces(t, lines, f.value)
	}
}

func wantAt(t *testing.T, lines []string, p position, begins string) {
	t.Helper()
	rest := lines[p.line-1]
	for i := 1; i < p.column; i++ {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	if !strings.HasPrefix(rest, begins) {
		t.Fatalf("at %d:%d stands %.20q, want %q", p.line, p.column, rest, begins)
	}
}
