package trace

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// compareQuick makes sure that what the quick reader takes, the strict one takes for the same.
func compareQuick(t interface {
	Helper()
	Fatalf(string, ...any)
}, quick, strict *record, line []byte) {
	t.Helper()
	if !quick.quick(line) {
		return
	}
	if err := strict.strict(line); err != nil || strict.is != isEvent {
		t.Fatalf("%q: the quick reader takes it, the strict one says %v", line, err)
	}
	if diff := cmp.Diff(strict.event, quick.event, sameRecords); diff != "" || strict.unknown() != quick.unknown() {
		t.Fatalf("%q: strict and quick reader differ:\n%s", line, diff)
	}
}

func FuzzQuick(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), []byte(`0}`))
	}
	e := Event{Process: "b", Seq: 12345678, Clock: 123456789, Kind: Receive, Peer: "c", Cause: 1, Has: nil, Wall: -12}
	f.Add(bytes.TrimSpace(AppendEvent(nil, &e)), []byte{})
	f.Fuzz(func(t *testing.T, line, behind []byte) {
		var quick, strict record
		compareQuick(t, &quick, &strict, line)
		// What stands behind a line in a buffer says nothing.
		whole := slices.Concat(line, behind)
		compareQuick(t, &quick, &strict, whole[:len(line)])
	})
}

// Lines as we write them, and these with a byte changed, left out or twice.
func TestQuickAgainstStrict(t *testing.T) {
	var quick, strict record
	rapid.Check(t, func(t *rapid.T) {
		line := bytes.TrimSuffix(AppendEvent(nil, genEvent().Draw(t, "event")), []byte("\n"))
		compareQuick(t, &quick, &strict, line)
		i := rapid.IntRange(0, len(line)-1).Draw(t, "place")
		compareQuick(t, &quick, &strict, line[:i])
		with := rapid.SampledFrom([]byte(`0129-+.eE "\{}[],:/`+"\x00\x1f\x7f\xff")).Draw(t, "byte")
		compareQuick(t, &quick, &strict, slices.Concat(line[:i], []byte{with}, line[i+1:]))
		compareQuick(t, &quick, &strict, slices.Concat(line[:i], []byte{with}, line[i:]))
		compareQuick(t, &quick, &strict, slices.Concat(line[:i], line[i+1:]))
	})
}

// Of what our programs write, nothing is left to the strict reader but snapshots and names that need escapes.
func TestQuickTakesWhatIsWritten(t *testing.T) {
	var quick record
	rapid.Check(t, func(t *rapid.T) {
		e := genEvent().Draw(t, "event")
		line := bytes.TrimSuffix(AppendEvent(nil, e), []byte("\n"))
		plain := !bytes.ContainsFunc(line, func(r rune) bool { return r == '\\' || r >= 0x80 || r == 0x7f })
		unset := len(e.Balances) == 0 && e.Wall != math.MinInt64 && e.Balance.Amount != math.MinInt64 && e.ToBalance.Amount != math.MinInt64
		if took := quick.quick(line); plain && unset && !took {
			t.Fatalf("%s is left to the strict reader", line)
		}
	})
}

func TestNumberAndPlainEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{0,21}[0-9a"\\ é]{0,9}`).Draw(t, "text")
		before := rapid.IntRange(0, 9).Draw(t, "before")
		b := append(bytes.Repeat([]byte("7"), before), text...)
		digits := len(text) - len(bytes.TrimLeft([]byte(text), "0123456789"))
		n, end := number(b, before)
		want, err := strconv.ParseUint(text[:digits], 10, 64)
		if digits > 19 || digits > 1 && text[0] == '0' || err != nil {
			if end >= 0 {
				t.Fatalf("number(%q) = %d", text, n)
			}
		} else if n != want || end != before+digits {
			t.Fatalf("number(%q) = %d up to %d, want %d", text, n, end-before, want)
		}
		at := bytes.IndexFunc(b, func(r rune) bool { return r == '"' || r == '\\' || r >= 0x80 || r < ' ' })
		if at >= 0 && b[at] != '"' {
			at = -1
		}
		if got := plainEnd(b, 0); got != at {
			t.Fatalf("plainEnd(%q) = %d, want %d", b, got, at)
		}
	})
}
