package trace

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

func TestParseID(t *testing.T) {
	for s, want := range map[string]ID{
		"customer-1/1": {"customer-1", 1}, "a/b/9007199254740992": {"a/b", 1 << 53}, "//7": {"/", 7},
		"": {}, "a": {}, "/1": {}, "a/": {}, "a/0": {}, "a/01": {}, "a/+1": {}, "a/-1": {}, "a/1x": {}, "a/9007199254740993": {}, "a/1_0": {},
	} {
		got, err := ParseID(s)
		if got != want || (err != nil) != want.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v", s, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		id := genID().Draw(t, "id")
		if got, err := ParseID(id.String()); got != id || err != nil {
			t.Fatalf("ParseID(%q) = %v, %v", id.String(), got, err)
		}
	})
}

func TestNames(t *testing.T) {
	for k := Local; k <= Receive; k++ {
		if got, err := ParseKind(k.String()); got != k || err != nil {
			t.Errorf("ParseKind(%q) = %v, %v", k, got, err)
		}
	}
	for s := StepRequest; s <= StepSnapshot; s++ {
		if got, err := ParseStep(s.String()); got != s || err != nil {
			t.Errorf("ParseStep(%q) = %v, %v", s, got, err)
		}
	}
	for o := OpQuery; o <= OpFence; o++ {
		if got, err := ParseOp(o.String()); got != o || err != nil {
			t.Errorf("ParseOp(%q) = %v, %v", o, got, err)
		}
	}
	for r := OK; r <= Unknown; r++ {
		if got, err := ParseResult(r.String()); got != r || err != nil {
			t.Errorf("ParseResult(%q) = %v, %v", r, got, err)
		}
	}
	if got := Kind(9).String(); got != "invalid(9)" {
		t.Errorf("an unknown kind is %s", got)
	}
	for _, s := range []string{"", "Local", "invalid(9)"} {
		if _, err := ParseKind(s); err == nil || !strings.Contains(err.Error(), "local, send, receive") {
			t.Errorf("ParseKind(%q): %v", s, err)
		}
	}
}

func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genEvent().Draw(t, "event")
		before := string(AppendEvent(nil, e))
		c := e.Clone()
		for i := range c.Deps {
			c.Deps[i].N++
		}
		for i := range c.Sees {
			c.Sees[i].N++
		}
		for i := range c.Has {
			c.Has[i].N++
		}
		for i := range c.Balances {
			c.Balances[i].Amount++
		}
		if after := string(AppendEvent(nil, e)); after != before {
			t.Fatalf("changing the copy made %s of %s", after, before)
		}
	})
}

func TestParseRef(t *testing.T) {
	for _, ref := range []Ref{{"branch-1", 5}, {"a:b", 1}, {"x", clock.Max}} {
		if got, err := ParseRef(ref.String()); err != nil || got != ref {
			t.Errorf("%s: %v, %v", ref, got, err)
		}
	}
	for _, s := range []string{"", ":1", "a", "a:", "a:0", "a:-1", "a:1x", "a:9007199254740993"} {
		if ref, err := ParseRef(s); err == nil {
			t.Errorf("%q is read as %v", s, ref)
		}
	}
}
