package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenRecords have every field of the format, and the texts that need care.
func goldenRecords() []Record {
	balances := []AccountBalance{{"main", 400}, {"savings", -1}}
	records := []Record{&Header{
		Process: "branch-1", Role: "branch", Incarnation: 1, Mode: "total", Peers: []string{"branch-2", "branch-3"},
		Opening: []AccountBalance{{"savings", 0}, {"main", 400}}, First: 1, Ends: true,
	}}
	for i, e := range mix() {
		e.Process, e.Seq, e.Clock = "branch-1", uint64(i+1), uint64(70000+i)
		records = append(records, &e)
	}
	one := clock.Vector{{Process: "branch-1", N: 1}, {Process: "branch-2", N: 2}}
	return append(records,
		&Header{Format: Format + ".3", Process: "branch-1", Incarnation: 2},
		&Event{
			Process: "branch-1", Seq: clock.Max, Clock: clock.Max, Kind: Receive, Peer: "a/b", Cause: 1, Stamp: 2,
			Request: ID{"a/b", 3}, Step: StepSnapshot, Write: ID{"branch-2", 4}, At: 5, Deps: one, Op: OpTransfer,
			Account: "main", ToAccount: "savings", ToBranch: "branch-3", Amount: 1 << 53, Balance: KnownBalance(0),
			ToBalance: KnownBalance(-1 << 63), Result: Insufficient, Sees: one, Answers: 6, Has: one, Balances: balances,
			Wall: 1700000000123456789, Note: "a \"quoted\" \\ word, <b>&</b>, \n\r\t\x01\x7f, ä 😀 \u2028, no UTF-8: \xff",
		},
		&Event{Process: "\"\n\"", Seq: 1, Clock: 1, Kind: Send, Request: ID{"\"", 1}, Has: clock.Vector{{Process: "\\", N: 1}}},
		&End{Process: "branch-1", Events: 8, Clock: 10},
		&End{Process: "idle"},
	)
}

func TestWriterGolden(t *testing.T) {
	var got bytes.Buffer
	w := NewWriter(&got)
	for _, rec := range goldenRecords() {
		if err := writeRecord(w, rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "records.jsonl")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Fatalf("not as in %s (go test -update writes it anew):\n%s", golden, diff)
	}
	for r := NewReader(&got, golden); r.Scan(); {
		if err, ok := r.Record().(*SyntaxError); ok {
			t.Error(err)
		}
	}
}

func writeRecord(w *Writer, rec Record) error {
	switch rec := rec.(type) {
	case *Header:
		return w.Header(rec)
	case *Event:
		return w.Event(rec)
	case *End:
		return w.End(rec)
	}
	return errors.New("not a record")
}

// What is written is JSON and is read as it was.
func TestWriteThenRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(genRecord(), 1, 20).Draw(t, "records")
		var text bytes.Buffer
		w := NewWriter(&text)
		for _, rec := range records {
			if err := writeRecord(w, rec); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text.Bytes()) {
			if !json.Valid(line) || line[len(line)-1] != '\n' {
				t.Fatalf("%q is no line of JSON", line)
			}
		}
		first := text.String()
		var got []Record
		again := []byte{}
		for r := NewReader(&text, "log"); r.Scan(); {
			got = append(got, keep(r.Record()))
			again = appendRecord(again, r.Record())
		}
		if diff := cmp.Diff(records, got, sameRecords); diff != "" {
			t.Fatalf("written and read differ:\n%s", diff)
		}
		if string(again) != first {
			t.Fatalf("written again:\n%s\nfirst:\n%s", again, first)
		}
	})
}

func TestAppendUint(t *testing.T) {
	check := func(n uint64) {
		if got, want := string(appendUint([]byte("x"), n)), "x"+strconv.FormatUint(n, 10); got != want {
			t.Fatalf("%d is written as %s", n, got)
		}
	}
	for n := range uint64(200_000) {
		check(n)
		check(1e8 - n)
		check(n * 9_973)
		check(1<<64 - 1 - n*n*n)
	}
	for n := uint64(1); n <= 1e19; n *= 10 {
		check(n - 1)
		check(n)
		check(n + 1)
		if n == 1e19 {
			break
		}
	}
}

// Every byte that needs care is seen wherever it stands.
func TestIsPlain(t *testing.T) {
	for length := 1; length <= 17; length++ {
		for at := range length {
			for c := range 256 {
				text := bytes.Repeat([]byte("a"), length)
				text[at] = byte(c)
				want := c >= ' ' && c < 0x80 && c != '"' && c != '\\'
				if isPlain(text) != want {
					t.Fatalf("isPlain(%q) is %t", text, !want)
				}
			}
		}
	}
}

// lineWriter checks that each write is of whole lines, and fails once it has had limit bytes.
type lineWriter struct {
	t     *testing.T
	limit int
	text  []byte
}

var errFull = errors.New("disk full")

func (w *lineWriter) Write(p []byte) (int, error) {
	if p[len(p)-1] != '\n' {
		w.t.Errorf("a write ends with %q", p[len(p)-1])
	}
	if len(w.text)+len(p) > w.limit {
		return 0, errFull
	}
	w.text = append(w.text, p...)
	return len(p), nil
}

func TestWriterWholeLinesAndStickyError(t *testing.T) {
	out := &lineWriter{t: t, limit: 1 << 20}
	w := NewWriter(out)
	e := mix()[0]
	var err error
	for range 100_000 {
		if err = w.Event(&e); err != nil {
			break
		}
	}
	if !errors.Is(err, errFull) {
		t.Fatalf("error is %v", err)
	}
	out.limit = 1 << 30
	if !errors.Is(w.Event(&e), errFull) || !errors.Is(w.End(&End{}), errFull) || !errors.Is(w.Header(&Header{}), errFull) || !errors.Is(w.Flush(), errFull) {
		t.Fatal("the error did not stay")
	}
	if len(w.buf) != 0 {
		t.Fatalf("%d bytes kept that will never be written", len(w.buf))
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestWriterShortWrite(t *testing.T) {
	w := NewWriter(shortWriter{})
	if err := w.End(&End{Process: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("error is %v", err)
	}
}

// A record that no reader would take is refused, and the log goes on.
func TestWriterLongRecord(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	e := Event{Process: "a", Seq: 1, Clock: 1, Kind: Local}
	room := MaxLine - len(AppendEvent(nil, &e)) + 1 - len(`,"note":""`)
	for _, size := range []int{room, room + 1, room + 1<<20} {
		e.Note = strings.Repeat("x", size)
		if err := w.Event(&e); (err != nil) != (size > room) {
			t.Fatalf("%d bytes more than fit: %v", size-room, err)
		}
	}
	if err := errors.Join(w.End(&End{Process: "a", Events: 1, Clock: 1}), w.Flush()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := NewReader(&out, "log"); r.Scan(); n++ {
		if err, ok := r.Record().(*SyntaxError); ok {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Fatalf("%d records instead of 2", n)
	}
}
