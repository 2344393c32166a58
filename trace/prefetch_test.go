package trace

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numberedRecord is a record and where it stood.
type numberedRecord struct {
	Record Record
	Line   int
}

// Logs that are read ahead, side by side in any order, give what a Reader of each gives.
func TestPrefetcherAgainstReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var logs [][]byte
		for range rapid.IntRange(1, 9).Draw(t, "logs") {
			var log []byte
			for _, rec := range rapid.SliceOfN(genRecord(), 0, 40).Draw(t, "records") {
				log = appendRecord(log, rec)
				if rapid.IntRange(0, 9).Draw(t, "noise") == 0 {
					log = append(log, "\n{broken}\n"...)
				}
			}
			logs = append(logs, log)
		}
		p := NewPrefetcher(rapid.SampledFrom([]int{1, 9, 1 << 11}).Draw(t, "share"))
		defer p.Close()
		var ahead []*Ahead
		var readers []*Reader
		for _, log := range logs {
			ahead = append(ahead, p.Open(iotest.OneByteReader(bytes.NewReader(log)), "log"))
			readers = append(readers, NewReader(bytes.NewReader(log), "log"))
		}
		for open := len(logs); open > 0; {
			i := rapid.IntRange(0, open-1).Draw(t, "next")
			more := readers[i].Scan()
			if ahead[i].Scan() != more {
				t.Fatalf("log %d ends at line %d, or does not", i, readers[i].Line())
			}
			if !more {
				open--
				ahead[i], readers[i] = ahead[open], readers[open]
				continue
			}
			got := numberedRecord{ahead[i].Record(), ahead[i].Line()}
			if e, ok := readers[i].Record().(*Event); ok {
				e.Has = nil
			}
			if diff := cmp.Diff(numberedRecord{readers[i].Record(), readers[i].Line()}, got, sameRecords); diff != "" {
				t.Fatalf("log %d:\n%s", i, diff)
			}
		}
		if total := int64(len(bytes.Join(logs, nil))); p.Bytes() != total {
			t.Fatalf("%d bytes read of %d", p.Bytes(), total)
		}
	})
}

// A Prefetcher can be closed at any time, and a reading that fails says so after what came before.
func TestPrefetcherStops(t *testing.T) {
	log := AppendEvent(nil, &Event{Process: "a", Seq: 1, Clock: 1, Kind: Local})
	failed := errors.New("disk on fire")
	p := NewPrefetcher(1)
	a := p.Open(io.MultiReader(bytes.NewReader(log), iotest.ErrReader(failed)), "log")
	b := p.Open(bytes.NewReader(bytes.Repeat(log, 1000)), "log")
	if !a.Scan() || a.Line() != 1 || a.Scan() || !errors.Is(a.Err(), failed) || a.Scan() {
		t.Fatalf("line %d, error %v", a.Line(), a.Err())
	}
	if !b.Scan() {
		t.Fatal("nothing is read")
	}
	p.Close()
}
