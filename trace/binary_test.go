package trace

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	tracev1 "github.com/seed-8ff1fc32/bank-trace/pb/trace/v1"
)

// encoded returns a log of the records.
func encoded(t interface{ Fatal(...any) }, enc Encoding, records ...Record) []byte {
	var log bytes.Buffer
	w := NewWriterIn(&log, enc)
	for _, rec := range records {
		if err := writeRecord(w, rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return log.Bytes()
}

// What is written in any encoding is read as it was, is the same lines of JSON, and has the same numbers of lines.
func TestEncodingsWriteThenRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(genRecord(), 1, 20).Draw(t, "records")
		for _, enc := range Encodings() {
			r := NewReader(bytes.NewReader(encoded(t, enc, records...)), "log")
			n := 0
			for ; r.Scan(); n++ {
				if diff := cmp.Diff(records[n], r.Record(), sameRecords); diff != "" {
					t.Fatalf("%s: written and read differ:\n%s", enc, diff)
				}
				if want := bytes.TrimSuffix(appendRecord(nil, records[n]), []byte("\n")); !bytes.Equal(want, r.Text()) {
					t.Fatalf("%s: text is\n%s\nand not\n%s", enc, r.Text(), want)
				}
				if r.Line() != n+1 || r.Unknown() != "" {
					t.Fatalf("%s: record %d is at line %d, unknown %q", enc, n+1, r.Line(), r.Unknown())
				}
			}
			if r.Err() != nil || n != len(records) || r.Encoding() != enc {
				t.Fatalf("%s: %d records of %d, as %s, %v", enc, n, len(records), r.Encoding(), r.Err())
			}
		}
	})
}

// frames returns the records of a whole binary log, without their sizes.
func frames(t interface{ Fatal(...any) }, log []byte) (all [][]byte) {
	for len(log) > 0 {
		p, n := protowire.ConsumeBytes(log)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		all, log = append(all, p), log[n:]
	}
	return all
}

// What the fast decoder takes is what the generated code makes of it.
func compareDecoders(t interface {
	Helper()
	Fatalf(string, ...any)
}, fast, slow *record, p []byte) (taken bool) {
	t.Helper()
	taken = fast.decodeEvent(p)
	var before Event
	if taken {
		before = fast.event.Clone()
	}
	what, err := slow.decodeRecord(p)
	if generated := proto.Unmarshal(p, new(tracev1.Record)); generated != nil && (taken || err == nil) {
		t.Fatalf("%x: generated code says %v", p, generated)
	}
	if !taken {
		if err == nil && what == isRecord && slow.is == isEvent {
			checkEvent(t, slow.event)
		}
		fast.refs.names = append(fast.refs.names[:0], slow.refs.names...)
		return false
	}
	if what != isRecord || err != nil || slow.is != isEvent {
		t.Fatalf("%x: the fast decoder takes it for %+v; generated code: %v, %v", p, before, what, err)
	}
	if diff := cmp.Diff(slow.event, &before, sameRecords); diff != "" {
		t.Fatalf("%x: decoders differ:\n%s", p, diff)
	}
	if diff := cmp.Diff(slow.refs.names, fast.refs.names); diff != "" {
		t.Fatalf("%x: names differ:\n%s", p, diff)
	}
	checkEvent(t, &before)
	return true
}

// checkEvent makes sure that an event of a binary log is one that JSON Lines can have.
func checkEvent(t interface {
	Helper()
	Fatalf(string, ...any)
}, e *Event) {
	t.Helper()
	var into record
	line := bytes.TrimSuffix(AppendEvent(nil, e), []byte("\n"))
	if err := parseLine(line, &into); err != nil {
		t.Fatalf("%s: not an event in JSON: %v", line, err)
	}
	if diff := cmp.Diff(e, into.event, sameRecords); diff != "" {
		t.Fatalf("%s: changed by JSON:\n%s", line, diff)
	}
}

func FuzzBinaryRecord(f *testing.F) {
	for _, e := range mix() {
		e.Process, e.Seq, e.Clock = "branch-1", 7, 70009
		for _, p := range frames(f, encoded(f, Binpb, &e)) {
			f.Add(p)
		}
	}
	for _, rec := range goldenRecords() {
		for _, p := range frames(f, encoded(f, Binpb, rec)) {
			f.Add(p)
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var fast, slow record
		for i, name := range []string{"", "branch-1", "branch-2", "customer-1", "main"} {
			if i > 0 {
				fast.refs.define(uint64(i), name)
				slow.refs.define(uint64(i), name)
			}
		}
		compareDecoders(t, &fast, &slow, p)
	})
}

// The fast decoder takes every event that is written but those with balances, and generated code reads what is written.
func TestFastDecoderTakesWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(genEvent(), 1, 10).Draw(t, "events")
		var records []Record
		for _, e := range events {
			records = append(records, e)
		}
		var fast, slow, again record
		n := 0
		for _, p := range frames(t, encoded(t, Binpb, records...)) {
			if string(p) == blockMark[1:] {
				continue
			}
			if taken := compareDecoders(t, &fast, &slow, p); taken != (len(events[n].Balances) == 0) {
				t.Fatalf("event %+v: taken %t", events[n], taken)
			}
			m := new(tracev1.Record)
			if err := proto.Unmarshal(p, m); err != nil {
				t.Fatal(err)
			}
			generated, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.decodeRecord(generated); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(events[n], again.event, sameRecords); diff != "" {
				t.Fatalf("written by generated code:\n%s", diff)
			}
			n++
		}
	})
}

// twinReadBinary reads a whole binary log at once, by generated code alone.
func twinReadBinary(log []byte) (all []numbered) {
	var rec record
	at, line := 0, 0
	broken := func(cut bool) {
		line++
		next := bytes.Index(log[at+1:], []byte(blockMark))
		if next < 0 {
			zeros := len(bytes.Trim(log[at:], "\x00")) == 0
			all = append(all, numbered{line, &SyntaxError{File: "log.binpb", Line: line, Truncated: cut || zeros, Binary: true, Offset: int64(at), Lost: max(1, (len(log)-at)/leastEvent)}})
			at = len(log)
			return
		}
		all = append(all, numbered{line, &SyntaxError{File: "log.binpb", Line: line, Binary: true, Offset: int64(at), Lost: max(1, (next+1)/leastEvent)}})
		at += 1 + next
	}
	for at < len(log) {
		size, n := protowire.ConsumeVarint(log[at:])
		switch {
		case n < 0:
			broken(len(log)-at < 10)
			continue
		case size == 0 || size > maxRecord:
			broken(false)
			continue
		case int(size) > len(log)-at-n:
			broken(true)
			continue
		}
		what, err := rec.decodeRecord(log[at+n : at+n+int(size)])
		switch {
		case what == isNoise:
			broken(false)
			continue
		case what == isRecord && err != nil:
			line++
			all = append(all, numbered{line, &SyntaxError{File: "log.binpb", Line: line, Binary: true, Offset: int64(at)}})
		case what == isRecord:
			line++
			all = append(all, numbered{line, keep(rec.current())})
		}
		at += n + int(size)
	}
	return all
}

func compareBinaryReaders(t interface {
	Helper()
	Fatalf(string, ...any)
}, log []byte) {
	t.Helper()
	if packingOf(log) != plain || len(log) > 0 && log[0] == '{' {
		return // recognised as something else
	}
	want := twinReadBinary(log)
	for _, r := range []*Reader{
		NewReader(bytes.NewReader(log), "log.binpb"), NewReader(iotest.HalfReader(bytes.NewReader(log)), "log.binpb"),
		NewReader(iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(log))), "log.binpb"),
	} {
		if diff := cmp.Diff(want, readAll(r), sameRecords); diff != "" || r.Err() != nil {
			t.Fatalf("%x: %v; twin and reader differ:\n%s", log, r.Err(), diff)
		}
	}
}

func FuzzBinaryReader(f *testing.F) {
	log := encoded(f, Binpb, goldenRecords()...)
	f.Add(log)
	f.Add(log[:len(log)-3])
	f.Add(append(append(bytes.Clone(log[:200]), 0xff, 0xff), log...))
	f.Add(append(bytes.Clone(log), make([]byte, 30)...))
	f.Fuzz(func(t *testing.T, log []byte) { compareBinaryReaders(t, log) })
}

// Random logs, damaged anywhere, joined and cut.
func TestBinaryReaderAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var log []byte
		for range rapid.IntRange(1, 4).Draw(t, "logs") {
			log = append(log, encoded(t, Binpb, rapid.SliceOfN(genRecord(), 0, 4).Draw(t, "records")...)...)
		}
		for range rapid.IntRange(0, 3).Draw(t, "damages") {
			if len(log) > 0 {
				at := rapid.IntRange(0, len(log)-1).Draw(t, "at")
				log[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		}
		log = log[:rapid.IntRange(0, len(log)).Draw(t, "cut")]
		compareBinaryReaders(t, append(log, make([]byte, rapid.IntRange(0, 12).Draw(t, "zeros"))...))
	})
}

// Of a log that is cut anywhere all whole records are read, and the rest is one error that says so.
func TestBinaryLogCutOff(t *testing.T) {
	log := encoded(t, Binpb, goldenRecords()...)
	records := readAll(NewReader(bytes.NewReader(log), "log.binpb"))
	for cut := range len(log) {
		got := readAll(NewReader(bytes.NewReader(log[:cut]), "log.binpb"))
		whole := 0
		for _, n := range got {
			err, wrong := n.Record.(*SyntaxError)
			switch {
			case !wrong:
				whole++
			case !err.Truncated || err.Line != whole+1:
				t.Fatalf("cut at %d: %v", cut, err)
			}
		}
		if len(got) > whole+1 {
			t.Fatalf("cut at %d: %d records, of which %d are whole", cut, len(got), whole)
		}
		for i := range whole {
			if diff := cmp.Diff(records[i], got[i], sameRecords); diff != "" {
				t.Fatalf("cut at %d: record %d:\n%s", cut, i, diff)
			}
		}
	}
}

// A size that is damaged costs the rest of its block, and the count of what may have been there is no less than what was.
func TestDamageStaysInItsBlock(t *testing.T) {
	log := bytes.Clone(logOf(t, Binpb, 5000))
	whole := readAll(NewReader(bytes.NewReader(log), "log"))
	second := len(blockMark) + bytes.Index(log[1:], []byte(blockMark)) + 1 // the first record of the second block
	for _, size := range []byte{0, 1, 5, 0x7f, 0xff} {
		damaged := bytes.Clone(log)
		damaged[second] = size
		var events, lost int
		var first string
		for _, n := range readAll(NewReader(bytes.NewReader(damaged), "log")) {
			switch rec := n.Record.(type) {
			case *Event:
				events++
			case *SyntaxError:
				lost += rec.Records()
				first = rec.Error()
			}
		}
		if events+lost < len(whole) || len(whole)-events > 2*blockSize/30 || !strings.HasPrefix(first, "log:") ||
			!strings.Contains(first, fmt.Sprintf("at byte %d: ", second)) {
			t.Errorf("size %d: %d of %d events, up to %d may be lost: %s", size, events, len(whole), lost, first)
		}
	}
}

// Values that JSON Lines does not allow are errors in a binary log, too; the next record is read.
func TestBinaryValues(t *testing.T) {
	names := []*tracev1.Name{{Number: 1, Text: "a"}, {Number: 2, Text: "b"}}
	good := func(change func(*tracev1.Record)) *tracev1.Record {
		m := &tracev1.Record{Process: 1, Seq: 1, Clock: 1, Kind: tracev1.Kind_KIND_LOCAL, Names: names}
		change(m)
		return m
	}
	for want, m := range map[string]*tracev1.Record{
		`field "seq": is missing from an event`:                           good(func(m *tracev1.Record) { m.Seq = 0 }),
		`field "seq": 9007199254740993 is not an integer up to 2^53`:      good(func(m *tracev1.Record) { m.Seq = 1<<53 + 1 }),
		`field "process": name 3 is none that the block has`:              good(func(m *tracev1.Record) { m.Process = 3 }),
		`field "kind": 9 is none of 1 to 3`:                               good(func(m *tracev1.Record) { m.Kind = 9 }),
		`field "cause": has no meaning on a local event`:                  good(func(m *tracev1.Record) { m.Cause = 9 }),
		`field "cause": is missing from a receive`:                        good(func(m *tracev1.Record) { m.Kind, m.Peer = 3, 2 }),
		`field "request": "a" and 0 is not a process and a number`:        good(func(m *tracev1.Record) { m.RequestCustomer = 1 }),
		`field "has": names "a" twice`:                                    good(func(m *tracev1.Record) { m.Has = []uint64{1, 5, 1, 6} }),
		`field "has": has a name without a count`:                         good(func(m *tracev1.Record) { m.Has = []uint64{1, 5, 1} }),
		`field "names": 1 "c" has a number that stands for "a" in`:        good(func(m *tracev1.Record) { m.Names = append(names[:2:2], &tracev1.Name{Number: 1, Text: "c"}) }),
		`field "names": 262145 "c" has a number that is not`:              good(func(m *tracev1.Record) { m.Names = append(names[:2:2], &tracev1.Name{Number: 1<<18 + 1, Text: "c"}) }),
		`a record is two of header, event and end at once`:                good(func(m *tracev1.Record) { m.End = &tracev1.End{Process: "a"} }),
		`field "format": "x" is not a format that this version reads`:     {Header: &tracev1.Header{Format: "x", Process: "a"}},
		`field "role": "x" is none of branch, customer`:                   {Header: &tracev1.Header{Format: Format, Process: "a", Role: "x"}},
		`field "process": "" is not a name of 1 to 255 bytes`:             {End: &tracev1.End{}},
		`field "events": 18446744073709551615 is not an integer up to 2^`: {End: &tracev1.End{Process: "a", Events: 1<<64 - 1}},
	} {
		p, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		log := protowire.AppendBytes([]byte(blockMark), p)
		log = append(log, encoded(t, Binpb, &End{Process: "a"})...)
		r := NewReader(bytes.NewReader(log), "log")
		if !r.Scan() {
			t.Fatalf("%s: no record", want)
		}
		if err, ok := r.Record().(*SyntaxError); !ok || !strings.HasPrefix(err.Error(), "log:1: at byte 17: "+want) || err.Remedy == "" {
			t.Errorf("got  %v\nwant log:1: at byte 17: %s", err, want)
		}
		if !r.Scan() || r.Line() != 2 {
			t.Errorf("%s: nothing after it", want)
		}
	}
}
