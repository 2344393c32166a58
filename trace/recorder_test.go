package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// Many goroutines record at once: the log has every event once, in the order of its clocks.
func TestRecorderConcurrent(t *testing.T) {
	const goroutines, each = 8, 500
	var out bytes.Buffer
	r, err := NewRecorder(&out, Header{Process: "a"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				var err error
				switch i % 3 {
				case 0:
					err = r.Local(&Event{})
				case 1:
					_, err = r.Send(&Event{Peer: "b"})
				default:
					err = r.Receive(clock.Stamp{Process: fmt.Sprint("p", g), Seq: uint64(i), Clock: uint64(i * 2)}, &Event{})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var last Event
	var end *End
	for log := NewReader(&out, "a.jsonl"); log.Scan(); {
		switch rec := keep(log.Record()).(type) {
		case *Header:
			if log.Line() != 1 || rec.Process != "a" || rec.Format != Format || rec.Incarnation != 1 || !rec.Ends {
				t.Fatalf("header %+v in line %d", rec, log.Line())
			}
		case *Event:
			if rec.Seq != last.Seq+1 || rec.Clock != max(last.Clock, rec.Stamp)+1 || rec.Process != "a" {
				t.Fatalf("%+v after %+v", rec, last)
			}
			last = *rec
		case *End:
			end = rec
		case *SyntaxError:
			t.Fatal(rec)
		}
	}
	if want := (End{"a", goroutines * each, last.Clock}); end == nil || *end != want || last.Seq != want.Events {
		t.Fatalf("end is %+v, want %+v after %d events", end, want, last.Seq)
	}
}

// What is refused leaves no trace: neither in the log nor on the clock.
func TestRecorderRefuses(t *testing.T) {
	var out bytes.Buffer
	r, err := NewRecorder(&out, Header{Process: "a"})
	if err != nil {
		t.Fatal(err)
	}
	long := Event{Note: strings.Repeat("x", MaxLine)}
	if r.Local(&long) == nil {
		t.Error("took an event that fits in no line")
	}
	if _, err := r.Send(&Event{}); err == nil {
		t.Error("took a send without peer")
	}
	for _, from := range []clock.Stamp{{}, {Process: "b"}, {Process: "b", Seq: 1}, {Process: "b", Seq: clock.Max + 1, Clock: 1}, {Seq: 1, Clock: 1}} {
		if r.Receive(from, &Event{}) == nil {
			t.Errorf("took the stamp %+v", from)
		}
	}
	var stamp *clock.StampError
	if err := r.Receive(clock.Stamp{Process: "b", Seq: 1, Clock: clock.MaxJump + 1}, &Event{}); !errors.As(err, &stamp) || !errors.Is(err, clock.ErrStamp) {
		t.Errorf("a stamp far ahead: %v", err)
	}
	e := Event{}
	if err := r.Local(&e); err != nil || e.Seq != 1 || e.Clock != 1 {
		t.Errorf("first event is %+v, %v", e, err)
	}
	if err := r.Flush(); err != nil || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("after Flush %q is written, %v", out.String(), err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if err := r.Local(&e); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	want := `{"format":"bank-trace/1","process":"a","incarnation":1,"ends":true}
{"process":"a","seq":1,"clock":1,"kind":"local"}
{"end":true,"process":"a","events":1,"clock":1}
`
	if out.String() != want {
		t.Errorf("log is\n%swant\n%s", out.String(), want)
	}
	if _, err := NewRecorder(&out, Header{}); err == nil {
		t.Error("took a process without name")
	}
}

func TestRecorderAllocations(t *testing.T) {
	r, err := NewRecorder(io.Discard, Header{Process: "branch-1"})
	if err != nil {
		t.Fatal(err)
	}
	events := mix()
	var e Event
	n := testing.AllocsPerRun(10_000, func() {
		e = events[6]
		if err := r.Local(&e); err != nil {
			t.Error(err)
		}
	})
	if n > 0 {
		t.Fatalf("%.0f allocations an event", n)
	}
}
