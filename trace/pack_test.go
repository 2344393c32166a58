package trace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// many returns n events, an even number.
func many(n int) (all []Record) {
	for i := range n {
		e := mix()[i%8]
		e.Process, e.Seq, e.Clock = "branch-1", uint64(i+1), uint64(i+2)
		all = append(all, &e)
	}
	return all
}

// Files that are joined are read as one, in every encoding: names of the one are none of the other's.
func TestJoinedFiles(t *testing.T) {
	first, second := many(3000), []Record{&Event{Process: "z", Seq: 1, Clock: 1, Kind: Send, Peer: "y"}, &End{Process: "z", Events: 1, Clock: 1}}
	var want []numbered
	for i, rec := range append(append([]Record{}, first...), second...) {
		want = append(want, numbered{i + 1, rec})
	}
	for _, enc := range Encodings() {
		joined := append(encoded(t, enc, first...), encoded(t, enc, second...)...)
		r := NewReader(iotest.HalfReader(bytes.NewReader(joined)), "standard input")
		if diff := cmp.Diff(want, readAll(r), sameRecords); diff != "" || r.Err() != nil {
			t.Errorf("%s: %v\n%s", enc, r.Err(), diff)
		}
	}
}

// A compressed log that breaks off has what its whole frames have, and one error that says so.
func TestPackedLogBreaksOff(t *testing.T) {
	records := many(24)
	for _, enc := range Encodings() {
		if !enc.Compressed() {
			continue
		}
		first := encoded(t, enc, records[:12]...)
		log := append(bytes.Clone(first), encoded(t, enc, records[12:]...)...)
		for cut := 4; cut < len(log); cut += 1 + cut%3 {
			got := readAll(NewReader(bytes.NewReader(log[:cut]), "log."+enc.String()))
			torn := 0
			for i, n := range got {
				err, wrong := n.Record.(*SyntaxError)
				switch {
				case wrong && err.Truncated && i == len(got)-1:
					torn++
				case wrong || !cmp.Equal(records[i], n.Record, sameRecords):
					t.Fatalf("%s cut at %d: record %d is %v", enc, cut, i, n.Record)
				}
			}
			if cut > len(first) && len(got)-torn < 12 || torn != 1 && cut != len(first) {
				t.Fatalf("%s cut at %d of %d: %d records, %d torn", enc, cut, len(log), len(got), torn)
			}
		}
	}
}

// Compression that is damaged is an error of reading: what follows is not known.
func TestPackedLogDamaged(t *testing.T) {
	for _, enc := range []Encoding{JSONLZstd, BinpbGzip} {
		log := encoded(t, enc, many(2000)...)
		log[len(log)/2] ^= 0x55
		r := NewReader(bytes.NewReader(log), "a."+enc.String())
		for r.Scan() {
		}
		if err := r.Err(); err == nil || !strings.HasPrefix(err.Error(), "a."+enc.String()+":") ||
			!strings.Contains(err.Error(), "unpack "+enc.packing().String()+": ") {
			t.Errorf("%s: %v", enc, err)
		}
	}
}

// Other tools read what is compressed, and what they compress is read.
func TestPackedByOthers(t *testing.T) {
	log := encoded(t, JSONL, many(5000)...)
	plainText, err := gzip.NewReader(bytes.NewReader(encoded(t, JSONLGzip, many(5000)...)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(plainText); err != nil || !bytes.Equal(got, log) {
		t.Fatalf("compress/gzip reads %d bytes of %d, %v", len(got), len(log), err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(log); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(NewReader(&packed, "x")); len(got) != 5000 {
		t.Fatalf("%d records of 5000", len(got))
	}
}

// Pack and Unpack give back any bytes, records or not.
func TestPackUnpack(t *testing.T) {
	for _, text := range []string{"", "{", "junk\n\n{}", strings.Repeat("0123456789", 100_000), blockMark, blockMark + "\x01"} {
		for _, enc := range []Encoding{JSONL, JSONLZstd, JSONLGzip} {
			var packed bytes.Buffer
			w := Pack(&packed, enc)
			if _, err := io.Copy(w, iotest.HalfReader(strings.NewReader(text))); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r, got, err := Unpack(&packed)
			if err != nil {
				t.Fatal(err)
			}
			unpacked, err := io.ReadAll(r)
			want := enc
			if strings.HasPrefix(text, blockMark) {
				want = Binpb.with(enc.packing())
			}
			if err != nil || string(unpacked) != text || got != want && text != "" {
				t.Errorf("%.20q in %s: %v, as %s, %d bytes", text, enc, err, got, len(unpacked))
			}
		}
	}
	full := Pack(shortWriter{}, JSONLGzip)
	if _, err := full.Write(make([]byte, frameSize)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error is %v", err)
	}
	if _, err := full.Write(nil); !errors.Is(err, io.ErrShortWrite) || !errors.Is(full.Close(), io.ErrShortWrite) {
		t.Error("the error did not stay")
	}
}

// A log of one encoding under the name of another is read as what it is; a binary one whose beginning is damaged is told
// by its name.
func TestNameAndContent(t *testing.T) {
	rec := many(1)[0]
	for _, enc := range Encodings() {
		for _, named := range Encodings() {
			log := encoded(t, enc, rec)
			got := readAll(NewReader(bytes.NewReader(log), "x."+named.String()))
			if diff := cmp.Diff([]numbered{{1, rec}}, got, sameRecords); diff != "" {
				t.Errorf("%s named %s: %s", enc, named, diff)
			}
		}
	}
	r := NewReader(strings.NewReader("\x00damaged"+string(encoded(t, Binpb, rec))), "x.binpb")
	got := readAll(r)
	if len(got) != 2 || !strings.HasPrefix(textOf(got[0].Record), "x.binpb:1: at byte 0: a record has a size of 0; 8 bytes are passed over") {
		t.Errorf("got %v", got)
	}
}

func textOf(rec Record) string {
	if err, ok := rec.(*SyntaxError); ok {
		return err.Error()
	}
	return "a record"
}

// Logs of a folder share what compresses them.
func TestLogInEveryEncoding(t *testing.T) {
	dir := t.TempDir()
	d, err := Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, enc := range Encodings() {
		log, err := d.LogIn("p-"+enc.String(), enc)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(log.End(&End{Process: "p"}), log.Sync(), log.End(&End{Process: "q"}), log.Close()); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range found.Logs {
		r, err := l.Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for r.Scan() {
			n++
		}
		enc, known := EncodingOf(l.Files[0])
		if n != 2 || !known || r.Encoding() != enc || l.Name != "p-"+enc.String() {
			t.Errorf("log %d, %s: %d records in %s", i, l.Files[0], n, r.Encoding())
		}
		if err := errors.Join(r.Err(), r.Close()); err != nil {
			t.Error(err)
		}
	}
	if len(found.Logs) != len(Encodings()) {
		t.Errorf("%d logs", len(found.Logs))
	}
	if _, err := Create(dir, true); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Pieces of a log are read in the order of their events, whatever they are called and whichever way they are written.
func TestPieces(t *testing.T) {
	dir := t.TempDir()
	event := func(process string, seq uint64) Record {
		return &Event{Process: process, Seq: seq, Clock: seq, Kind: Local}
	}
	for name, records := range map[string][]Record{
		"a.1.jsonl":          {event("a", 5)},
		"a.2.binpb.zst":      {&Header{Process: "a", Incarnation: 1}, event("a", 3), event("a", 4)},
		"a.jsonl":            {event("a", 6), &End{Process: "a", Events: 6, Clock: 6}},
		"a.binpb.7.gz":       {event("a", 1), event("a", 2)},
		"b.9.jsonl":          {event("b.9", 1)},
		"merged.0001.jsonl":  {event("y", 7)},
		"merged.0002.jsonl":  {event("x", 1)},
		"empty.0002.jsonl":   nil,
		"empty.0001.jsonl":   {event("empty", 9)},
		"empty.0003.binpb":   {event("empty", 8)},
		"service.12.tmp.txt": nil,
	} {
		enc, ok := EncodingOf(name)
		if !ok {
			enc = JSONL
		}
		if strings.Contains(name, ".binpb.7") {
			enc = BinpbGzip
		}
		if err := os.WriteFile(filepath.Join(dir, name), encoded(t, enc, records...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, l := range found.Logs {
		for _, f := range l.Files {
			got[l.Name] = append(got[l.Name], filepath.Base(f))
		}
	}
	want := map[string][]string{
		"a": {"a.binpb.7.gz", "a.2.binpb.zst", "a.1.jsonl", "a.jsonl"}, "b.9": {"b.9.jsonl"},
		"merged": {"merged.0001.jsonl", "merged.0002.jsonl"}, "empty": {"empty.0003.binpb", "empty.0001.jsonl", "empty.0002.jsonl"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}
