package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbered is a record and its line.
type numbered struct {
	Line   int
	Record Record
}

func readAll(r *Reader) (all []numbered) {
	for r.Scan() {
		all = append(all, numbered{r.Line(), keep(r.Record())})
	}
	return all
}

// twinRead reads a whole log at once.
func twinRead(text []byte) (all []numbered) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		last := i == len(lines)-1
		if !last {
			line = bytes.TrimSuffix(line, []byte("\r"))
		}
		if len(bytes.Trim(line, " \t\r")) == 0 && len(line) <= MaxLine {
			continue
		}
		rec, err := twinParse(line)
		if err != nil || len(line) > MaxLine {
			rec = &SyntaxError{File: "log", Line: i + 1, Truncated: last}
		}
		all = append(all, numbered{i + 1, rec})
	}
	return all
}

func compareReaders(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte, src io.Reader) {
	t.Helper()
	r := NewReader(src, "log")
	if diff := cmp.Diff(twinRead(text), readAll(r), sameRecords); diff != "" {
		t.Fatalf("twin and reader differ:\n%s", diff)
	}
	if r.Err() != nil {
		t.Fatalf("error at the end: %v", r.Err())
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(strings.Join(seeds, "\n")))
	f.Add([]byte("\ufeff" + strings.Join(seeds[:5], "\r\n") + "\r\n\r\n \t\n" + seeds[0][:40]))
	f.Add([]byte("\n\n\ufeff{}\n\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if packingOf(text) != plain || len(text) > 1 && text[0] == blockMark[0] && text[1] == blockMark[1] {
			t.Skip("not JSON Lines")
		}
		compareReaders(t, text, bytes.NewReader(text))
		compareReaders(t, text, iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(text))))
	})
}

// Random logs, whole or cut anywhere, read in pieces of any size.
func TestReaderAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			text = appendRecord(text, genRecord().Draw(t, "record"))
			text = append(text, rapid.SampledFrom([]string{"", "", "\n", "\r\n", "junk\n"}).Draw(t, "between")...)
		}
		text = text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
		compareReaders(t, text, bytes.NewReader(text))
		compareReaders(t, text, iotest.OneByteReader(bytes.NewReader(text)))
	})
}

// A log that is cut off has all its whole lines, and at most one error, for the last.
func TestReaderCutOff(t *testing.T) {
	text := []byte(strings.Join(seeds[:5], "\n") + "\n")
	for cut := range len(text) {
		var errs []*SyntaxError
		records := readAll(NewReader(bytes.NewReader(text[:cut]), "log"))
		for _, n := range records {
			if err, ok := n.Record.(*SyntaxError); ok {
				errs = append(errs, err)
			}
		}
		whole := bytes.Count(text[:cut], []byte("\n"))
		if len(records)-len(errs) < whole || len(errs) > 1 {
			t.Fatalf("cut at %d: %d records for %d lines, errors %v", cut, len(records), whole, errs)
		}
		if len(errs) == 1 && (!errs[0].Truncated || errs[0].Line != whole+1 || !strings.Contains(errs[0].Error(), "breaks off")) {
			t.Fatalf("cut at %d: %v", cut, errs[0])
		}
	}
}

func TestReaderLongLines(t *testing.T) {
	line := func(size int) string {
		const frame = `{"process":"a","seq":1,"clock":1,"kind":"local","note":""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
	}
	for _, size := range []int{MaxLine - 1, MaxLine, MaxLine + 1, MaxLine + 2, mostBuffer, mostBuffer + 1, 3 << 20} {
		for _, end := range []string{"\n", "\r\n", ""} {
			text := []byte(seeds[0] + "\n" + line(size) + end)
			if end != "" {
				text = append(text, seeds[4]...)
			}
			compareReaders(t, text, bytes.NewReader(text))
		}
	}
}

// endless is one line without end.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	e.left -= len(p)
	return len(p), nil
}

func TestReaderMemory(t *testing.T) {
	r := NewReader(&endless{100 << 20}, "log")
	if !r.Scan() || r.Scan() {
		t.Fatal("one line is one error")
	}
	if len(r.buf) > mostBuffer {
		t.Fatalf("buffer grew to %d bytes", len(r.buf))
	}
}

// A reader of a long log allocates its buffer and the names, and nothing for each event.
func TestReaderAllocations(t *testing.T) {
	var text []byte
	events := mix()
	for i := range 10_000 {
		e := events[i%len(events)]
		e.Process, e.Seq, e.Clock = "branch-1", uint64(i+1), uint64(i+1)
		text = AppendEvent(text, &e)
	}
	allocations := testing.AllocsPerRun(5, func() {
		for r := NewReader(bytes.NewReader(text), "log"); r.Scan(); {
		}
	})
	if allocations > 50 {
		t.Fatalf("%.0f allocations for 10,000 events", allocations)
	}
}

// More names than are kept: each record still has its own.
func TestReaderForgetsNames(t *testing.T) {
	var text []byte
	for i := range mostNames + 10 {
		text = AppendEvent(text, &Event{Process: "a", Seq: uint64(i + 1), Clock: 1, Kind: Local, Account: fmt.Sprint("account-", i)})
	}
	r := NewReader(bytes.NewReader(text), "log")
	for i := 0; r.Scan(); i++ {
		if e := r.Record().(*Event); e.Account != fmt.Sprint("account-", i) || e.Process != "a" {
			t.Fatalf("event %d has account %s of %s", i, e.Account, e.Process)
		}
	}
	if len(r.rec.names.known) > mostNames {
		t.Fatalf("%d names kept", len(r.rec.names.known))
	}
}

func TestReaderIOError(t *testing.T) {
	broken := errors.New("disk on fire")
	text := seeds[0] + "\n" + seeds[1] + "\n" + seeds[2][:50]
	r := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), "a.jsonl")
	if n := len(readAll(r)); n != 2 {
		t.Fatalf("%d records before the error", n)
	}
	if err := r.Err(); !errors.Is(err, broken) || err.Error() != "a.jsonl:3: disk on fire" {
		t.Fatalf("error is %v", err)
	}
	if r.Scan() {
		t.Fatal("read on after an error")
	}
	r = NewReader(zeroReader{}, "a.jsonl")
	if r.Scan() || !errors.Is(r.Err(), io.ErrNoProgress) {
		t.Fatalf("a reader that returns nothing: %v", r.Err())
	}
}

type zeroReader struct{}

func (zeroReader) Read([]byte) (int, error) { return 0, nil }
