package trace_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// written returns a log of n events in two incarnations, and the offset behind each of its records.
func written(t interface{ Fatal(...any) }, enc trace.Encoding, n int) (log []byte, ends []int) {
	var out bytes.Buffer
	w := trace.NewWriterIn(&out, enc)
	add := func(err error) {
		if err := errors.Join(err, w.Flush()); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, out.Len())
	}
	s := trace.NewSequencer("p")
	add(w.Header(&trace.Header{Format: trace.Format, Process: "p", Incarnation: 1, Ends: true}))
	for i := range n {
		if i == n/2 {
			add(w.Header(&trace.Header{Format: trace.Format, Process: "p", Incarnation: 2, Ends: true}))
		}
		e := trace.Event{Note: "an event with some text, so that a log of few events is longer than a buffer"}
		s.Local(&e)
		add(w.Event(&e))
	}
	add(w.End(&trace.End{Process: "p", Events: s.Seq(), Clock: s.Now()}))
	return out.Bytes(), ends
}

// text returns a log as JSON Lines.
func text(log []byte) string {
	var all strings.Builder
	for r := trace.NewReader(bytes.NewReader(log), ""); r.Scan(); {
		all.Write(append(r.Text(), '\n'))
	}
	return all.String()
}

// TestALogThatIsCutAnywhereGoesOn cuts a log at any byte, may leave garbage behind it, and writes the rest after its tail.
func TestALogThatIsCutAnywhereGoesOn(t *testing.T) {
	for _, enc := range []trace.Encoding{trace.JSONL, trace.Binpb} {
		t.Run(enc.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p."+enc.String())
			rapid.Check(t, func(rt *rapid.T) { cutAndGoOn(rt, path, enc) })
		})
	}
}

func cutAndGoOn(rt *rapid.T, path string, enc trace.Encoding) {
	n := rapid.SampledFrom([]int{0, 1, 7, 3000}).Draw(rt, "events")
	whole, ends := written(rt, enc, n)
	cut := rapid.IntRange(0, len(whole)).Draw(rt, "cut")
	if rapid.Bool().Draw(rt, "at the end") {
		cut = max(0, len(whole)-cut%2000)
	}
	data := bytes.Clone(whole[:cut])
	records := 0
	for records < len(ends) && ends[records] <= cut {
		records++
	}
	if records > 0 && cut == ends[records-1] {
		data = append(data, rapid.SampledFrom([]string{"", "\x00\x00\x00\n{", "{}\n{\"end\":true", "\x00"}).Draw(rt, "garbage")...)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		rt.Fatal(err)
	}
	events := min(max(0, records-1), n)
	if records-1 > n/2 && n > 0 {
		events = min(records-2, n)
	}
	sure := uint64(rapid.IntRange(0, events).Draw(rt, "sure"))
	tail, err := trace.ReadTail(path, "p", sure)
	if err != nil {
		rt.Fatal(err)
	}
	want := 0
	if records > 0 {
		want = ends[records-1]
	}
	if tail.Whole != int64(want) || tail.Size != int64(len(data)) || tail.Ended != (records == len(ends)) {
		rt.Fatalf("got %+v, want %d whole of %d bytes, %d records", tail, want, len(data), records)
	}
	if tail.Last.Seq != uint64(events) && (sure < uint64(events) || tail.Last.Seq != 0 && sure > 0) {
		rt.Fatalf("its last event is %d, want %d", tail.Last.Seq, events)
	}
	log, err := tail.Resume()
	if err != nil {
		rt.Fatal(err)
	}
	r := trace.NewReader(bytes.NewReader(whole), "")
	for n := 0; r.Scan(); n++ {
		if n < records {
			continue
		}
		switch rec := r.Record().(type) {
		case *trace.Header:
			err = errors.Join(err, log.Header(rec))
		case *trace.Event:
			err = errors.Join(err, log.Event(rec))
		case *trace.End:
			err = errors.Join(err, log.End(rec))
		}
	}
	if err := errors.Join(err, log.Sync(), log.SyncWritten(), log.Close()); err != nil {
		rt.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || text(got) != text(whole) || !enc.Binary() && !bytes.Equal(got, whole) {
		rt.Fatalf("the log became other than it was: %v, %d bytes of %d", err, len(got), len(whole))
	}
}

// TestOnlyTheEndOfALongLogIsRead damages the beginning, which ReadTail is told is sure.
func TestOnlyTheEndOfALongLogIsRead(t *testing.T) {
	for _, enc := range []trace.Encoding{trace.JSONL, trace.Binpb} {
		whole, ends := written(t, enc, 5000)
		copy(whole[ends[10]:], "\x00garbage")
		path := filepath.Join(t.TempDir(), "p."+enc.String())
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		tail, err := trace.ReadTail(path, "p", 4000)
		if err != nil || tail.Last.Seq != 5000 || !tail.Ended || tail.Whole != int64(len(whole)) {
			t.Errorf("%s: got %+v, %v", enc, tail, err)
		}
		if tail, err = trace.ReadTail(path, "p", 0); err != nil || tail.Last.Seq != 10 {
			t.Errorf("%s, all of it: got %+v, %v", enc, tail, err)
		}
	}
}

// A crash would leave half a frame, of which nothing is known.
func TestACompressedLogDoesNotGoOn(t *testing.T) {
	path := trace.BinpbZstd.LogPath(t.TempDir(), "p")
	_, err := trace.ReadTail(path, "p", 0)
	var packed *trace.PackedError
	if !errors.As(err, &packed) || packed.Encoding != trace.BinpbZstd || !strings.HasSuffix(err.Error(),
		"p.binpb.zst: a log that goes on after a restart cannot be binpb.zst; write binpb, and convert it once the process has ended") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsNoLogOfTheProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	other := trace.AppendHeader(nil, &trace.Header{Format: trace.Format, Process: "q"})
	var out bytes.Buffer
	w := trace.NewWriterIn(&out, trace.Binpb)
	if err := errors.Join(w.Header(&trace.Header{Format: trace.Format, Process: "q", Role: "branch"}), w.Flush()); err != nil {
		t.Fatal(err)
	}
	binary := out.Bytes()
	for name, data := range map[string][]byte{
		"other": other, "torn other": other[:len(other)-2], "text": []byte("dear all,\n"), "torn text": []byte("dear"), "blank": []byte("\n\n"),
		"binary.jsonl": binary, "text.binpb": []byte("dear all,\n"), "lines.binpb": other, "other.binpb": binary,
		"torn other.binpb": binary[:len(binary)-2],
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		tail, err := trace.ReadTail(path, "p", 0)
		var foreign *trace.ForeignLogError
		if !errors.As(err, &foreign) || foreign.Path != path {
			t.Errorf("%s: got %+v, %v", name, tail, err)
		}
	}
	if tail, err := trace.ReadTail(filepath.Join(dir, "none"), "p", 0); err != nil || tail.Size != 0 || tail.Whole != 0 {
		t.Errorf("a file that is not there: %+v, %v", tail, err)
	}
	if _, err := trace.ReadTail(dir, "", 0); err == nil {
		t.Error("a process without a name has a log")
	}
	if got, want := trace.LogPath("d", "a/b"), filepath.Join("d", "a%2Fb.jsonl"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
