package trace

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// compareWithTwin checks that parser and twin agree, and that what was parsed is the same after writing and reading.
func compareWithTwin(t interface {
	Helper()
	Fatalf(string, ...any)
}, into *record, line []byte) {
	t.Helper()
	want, twinErr := twinParse(line)
	err := parseLine(line, into)
	if (err == nil) != (twinErr == nil) {
		t.Fatalf("%q\nparser: %v\ntwin:   %v", line, err, twinErr)
	}
	if err != nil {
		if err.Problem == "" || err.Remedy == "" {
			t.Fatalf("%q: error without problem or remedy: %v", line, err)
		}
		return
	}
	got := keep(into.current())
	if diff := cmp.Diff(want, got, sameRecords); diff != "" {
		t.Fatalf("%q: twin and parser differ:\n%s", line, diff)
	}
	written := appendRecord(nil, got)
	if !json.Valid(written) {
		t.Fatalf("%q: written as %q, which is no JSON", line, written)
	}
	if err := parseLine(bytes.TrimSuffix(written, []byte("\n")), into); err != nil {
		t.Fatalf("%q: written as %q, which is not read: %v", line, written, err)
	}
	if diff := cmp.Diff(got, into.current(), sameRecords); diff != "" {
		t.Fatalf("%q: changed by writing and reading:\n%s", line, diff)
	}
}

// seeds are lines near the borders of the format.
var seeds = []string{
	`{"format":"bank-trace/1","process":"branch-1","role":"branch","incarnation":1,"mode":"total","peers":["branch-2","branch-3"],"opening":{"main":400},"ends":true}`,
	`{"process":"branch-1","seq":1,"clock":2,"kind":"receive","peer":"customer-1","cause":1,"stamp":1,"request":"customer-1/1","step":"request","op":"deposit","account":"main","amount":170}`,
	`{"process":"branch-1","seq":7,"clock":9,"kind":"local","request":"customer-1/1","step":"execute","write":"branch-1/1","at":3,"op":"deposit","account":"main","amount":170,"balance":570,"result":"ok","sees":{"branch-1":1}}`,
	`{"process":"b","seq":1,"clock":9007199254740992,"kind":"local","step":"snapshot","sees":{"b":0,"a":2},"balances":{"z":-1,"a":9223372036854775807},"wall":-9223372036854775808,"to_balance":-0}`,
	`{"end":true,"process":"branch-1","events":8,"clock":10}`,
	` { "kind" : "send" , "clock" : 1 , "seq" : 1 , "process" : "\u0061\ud83d\ude00\ud800\n\/" , "x" : [ null , -1.5e+3 , { "x" : { } } ] } `,
	`{"amount":"x","seq":-1,"format":"bank-trace/1.5","process":"a","unknown":[[[]]]}`,
	`{"clock":0,"events":0,"process":"a","end":true}`,
	`{"end":true,"format":"bank-trace/1","process":"a"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"send","x":1,"x":2}`,
	`{"process":"a","seq":1,"clock":1,"kind":"send","seq":1}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","has":{"a":1,"b":1,"a":1}}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","balances":{"a":0,"a":0}}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","cause":1}`,
	`{"process":"a","seq":01,"clock":1,"kind":"local"}`,
	`{"process":"a","seq":1.0,"clock":1e0,"kind":"local"}`,
	`{"process":"a","seq":1,"clock":9007199254740993,"kind":"local"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","wall":9223372036854775808}`,
	`{"process":"","seq":1,"clock":1,"kind":"local"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local"}x`,
	`{"process":"a","seq":1,"clock":1,"kind":"local",}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","note":"` + "\x01" + `"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","note":"` + "\xff" + `"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","write":"a/b/01"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","write":"a/b/1","request":"a"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","peer":null}`,
	`{"process":"a","seq":1,"clock":1,"kin`, `[]`, `{}`, `null`, `"`, `{"end":false}`, `{"format":1}`, `{"a":tru}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`,
	`{"process":"\b\f\t\r\"\\","seq":1,"clock":1,"kind":"local","note":"\ud83d\u0041 \ud83d\uzzzz"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","note":"\ud83d\u0041\ud83dx\udc00"}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","has":{"":1}}`, `{"process":"a","seq":1,"clock":1,"kind":"local","has":[]}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","balances":{"a":1.5}}`, `{"process":"a","seq":1,"clock":1,"kind":"local","balances":{"` + strings.Repeat("n", 256) + `":1}}`,
	`{"process":"a","seq":1,"clock":1,"kind":"local","request":"` + strings.Repeat("n", 256) + `/1"}`,
	`{"format":"bank-trace/1","process":"a","peers":"b"}`, `{"format":"bank-trace/1","process":"a","peers":["b",""]}`,
	`{"format":"bank-trace/1","process":"a","peers":[],"ends":1}`, `{"format":"bank-trace/1","process":"a","role":"bank"}`,
	`{"a":"\u12"}`, `{"a":"\x"}`, `{"a"}`, `{"a":}`, `{,}`, `{"a":[1,]}`,
}

func FuzzParseLine(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var into record
		compareWithTwin(t, &into, line)
	})
}

// One record is used for all lines, as a Reader does: nothing of an earlier line may show.
func TestParseLineReused(t *testing.T) {
	var into record
	for range 3 {
		for _, s := range seeds {
			compareWithTwin(t, &into, []byte(s))
		}
	}
}

// Random records with members shuffled, doubled, dropped or spoilt.
func TestParseLineAgainstTwin(t *testing.T) {
	var into record
	rapid.Check(t, func(t *rapid.T) {
		line := appendRecord(nil, genRecord().Draw(t, "record"))
		members, err := twinMembers(line)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "shuffle") {
			members = rapid.Permutation(members).Draw(t, "order")
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			i := rapid.IntRange(0, len(members)-1).Draw(t, "member")
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				members = append(members, members[i])
			case 1:
				members[i].name = rapid.SampledFrom([]string{"other", "format", "end", "seq", "wall"}).Draw(t, "name")
			default:
				members[i].raw = json.RawMessage(rapid.SampledFrom([]string{"null", "true", "0", "-0", "-1", "1.0", "1e3",
					"9007199254740992", "9007199254740993", "9223372036854775808", "-9223372036854775808", "18446744073709551616",
					`""`, `"send"`, `"a/1"`, `"a/0"`, "[]", "{}", `{"a":1,"a":2}`, `{"a":0}`, `{"b":1,"a":2}`, `{"a":"1"}`, `["a"]`, `[1]`}).Draw(t, "value"))
			}
		}
		text := []byte{'{'}
		for i, m := range members {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(appendString(text, m.name), ':')
			text = append(text, m.raw...)
		}
		compareWithTwin(t, &into, append(text, '}'))
	})
}

// Arrays in arrays to the depth that encoding/json takes, and one further.
func TestParseLineDepth(t *testing.T) {
	var into record
	for _, depth := range []int{maxDepth - 1, maxDepth, 500_000} {
		line := `{"process":"a","seq":1,"clock":1,"kind":"local","x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}"
		compareWithTwin(t, &into, []byte(line))
	}
}

func TestParseLineErrors(t *testing.T) {
	event := func(rest string) string { return `{"process":"a","seq":1,"clock":1,"kind":"local"` + rest + `}` }
	for _, c := range []struct{ line, want string }{
		{`{"process":"a","seq":1,"clock":"x","kind":"local"}`,
			`branch-1.jsonl:7: field "clock": "x" is not an integer from 1 to 2^53; write the Lamport clock of the event as a plain number`},
		{`{"process":"a","seq":0,"clock":1,"kind":"local"}`,
			`branch-1.jsonl:7: field "seq": 0 is not an integer from 1 to 2^53; write the number of the event in its process, counted from 1, as a plain number`},
		{`{"process":"a","seq":1,"clock":1,"kind":"recieve"}`,
			`branch-1.jsonl:7: field "kind": "recieve" is none of local, send, receive; write local, send or receive`},
		{`{"process":"a","seq":1,"clock":1,"kind":"receive","peer":"b"}`,
			`branch-1.jsonl:7: field "cause": is missing from a receive; write the seq of the peer's send event as a plain number`},
		{event(`,"cause":3`),
			`branch-1.jsonl:7: field "cause": has no meaning on a local event; leave it out, or write "kind":"receive"`},
		{event(`,"clock":2`), `branch-1.jsonl:7: field "clock": 2 is a second value; write each field once`},
		{event(`,"has":{"b":1,"b":2}`),
			`branch-1.jsonl:7: field "has": {"b":1,"b":2} names "b" twice; write for each branch how many of its writes are held, as in {"branch-1":2}`},
		{event(`,"request":"customer-1"`),
			`branch-1.jsonl:7: field "request": "customer-1" is not of the form process/n with n from 1 to 2^53; write the customer, a slash and the number of its request`},
		{event(`,"note":["` + strings.Repeat("long", 30) + `"]`),
			`branch-1.jsonl:7: field "note": ["longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglo... is not a string; write a string, or leave it out`},
		{`{"process":"a","seq":1,"clo`,
			`branch-1.jsonl:7: the JSON breaks off at byte 28, where the end of a string should stand; write each record as one JSON object on a line of its own`},
		{event(``) + "}",
			`branch-1.jsonl:7: not valid JSON: byte 49 is '}', where the end of the line should stand; write each record as one JSON object on a line of its own`},
		{`clock 7`, `branch-1.jsonl:7: not valid JSON: byte 1 is 'c', where '{' should stand; write each record as one JSON object on a line of its own`},
		{`{"format":"bank-trace/2","process":"a"}`,
			`branch-1.jsonl:7: field "format": "bank-trace/2" is not a format that this version reads; write "bank-trace/1"; logs of a later format need a later version of this program`},
		{`{"end":true,"process":"a","events":1}`,
			`branch-1.jsonl:7: field "clock": is missing from an end record; write the Lamport clock of the event as a plain number`},
	} {
		r := NewReader(strings.NewReader(strings.Repeat("\n", 6)+c.line+"\n"), "branch-1.jsonl")
		if !r.Scan() {
			t.Fatalf("%s: nothing read", c.line)
		}
		if got, ok := r.Record().(*SyntaxError); !ok || got.Error() != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.line, r.Record(), c.want)
		}
	}
}
