package trace

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// A binary log of many blocks is read without an allocation for each event.
func TestBinaryReaderAllocations(t *testing.T) {
	log := logOf(t, Binpb, 10_000)
	allocations := testing.AllocsPerRun(5, func() {
		for r := NewReader(bytes.NewReader(log), "log"); r.Scan(); {
		}
	})
	if allocations > 50 {
		t.Fatalf("%.0f allocations for 80,000 events", allocations)
	}
}

// A field that trace.proto has not is ignored, and can be asked for.
func TestBinaryUnknownFields(t *testing.T) {
	header := protowire.AppendVarint([]byte("\x12\x01a\x0a\x0cbank-trace/1\x98\x06"), 7) // process, format, field 99
	for want, p := range map[string][]byte{
		"field 99 of Header": protowire.AppendBytes(appendVarint(nil, tagHeader), header),
		"field 99 of Record": protowire.AppendVarint([]byte("\xea\x01\x05\x08\x01\x12\x01a\x08\x01\x10\x01\x18\x01\x20\x01\x98\x06"), 7),
	} {
		r := NewReader(bytes.NewReader(protowire.AppendBytes([]byte(blockMark), p)), "log")
		if !r.Scan() || r.Unknown() != want {
			t.Errorf("%v has %q, want %q", r.Record(), r.Unknown(), want)
		}
	}
}

// The encodings refuse the same records as too long.
func TestEncodingsHaveTheSameLimit(t *testing.T) {
	for _, note := range []string{"x", "\x01", "é"} {
		e := &Event{Process: "a", Seq: 1, Clock: 1, Kind: Local, Note: note}
		one := len(AppendEvent(nil, e))
		e.Note = note + note
		step := len(AppendEvent(nil, e)) - one
		for _, more := range []int{0, 1} {
			e.Note = strings.Repeat(note, 1+(MaxLine+1-one)/step+more)
			long := len(AppendEvent(nil, e))-1 > MaxLine
			if long != (more == 1) {
				t.Fatalf("%q: %d bytes", note, len(AppendEvent(nil, e)))
			}
			for _, enc := range []Encoding{JSONL, Binpb} {
				var log bytes.Buffer
				w := NewWriterIn(&log, enc)
				if err := w.Event(e); (err != nil) != long {
					t.Fatalf("%s %q: %v", enc, note, err)
				}
				short := &Event{Process: "a", Seq: 2, Clock: 2, Kind: Local}
				if err := errors.Join(w.Event(short), w.Flush()); err != nil {
					t.Fatal(err)
				}
				want := []numbered{{1, e}, {2, short}}
				if long {
					want = []numbered{{1, short}}
				}
				if diff := cmp.Diff(want, readAll(NewReader(&log, "log")), sameRecords); diff != "" {
					t.Fatalf("%s %q: %.300s", enc, note, diff)
				}
			}
		}
		// A log of another program may have one that is too long.
		e.Note = strings.Repeat(note, MaxLine/step)
		w := new(binaryWriter)
		r := NewReader(bytes.NewReader(w.event(nil, e)), "log")
		if _, wrong := readAll(r)[0].Record.(*SyntaxError); !wrong {
			t.Fatalf("%q: read a record that is too long", note)
		}
	}
}

// A record with more new names than a block has room for is written, and read.
func TestManyNames(t *testing.T) {
	var records []Record
	for i := range 3 {
		e := &Event{Process: "a", Seq: uint64(i + 1), Clock: uint64(i + 1), Kind: Local}
		for n := range blockNames - 10 {
			e.Has = append(e.Has, (genVectorEntry(i*blockNames + n)))
		}
		records = append(records, e)
	}
	for i, n := range readAll(NewReader(bytes.NewReader(encoded(t, Binpb, records...)), "log")) {
		if !cmp.Equal(records[i], n.Record, sameRecords) {
			t.Fatalf("record %d changed: %T", i, n.Record)
		}
	}
}
