package trace

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// mix is what a branch of three records for one deposit and one query, in the proportions of a run.
func mix() []Event {
	request, write := ID{"customer-1", 12345}, ID{"branch-1", 6789}
	deposit := Event{Request: request, Op: OpDeposit, Account: "main", Amount: 170}
	event := func(kind Kind, step Step, change func(*Event)) Event {
		e := deposit
		e.Kind, e.Step = kind, step
		if change != nil {
			change(&e)
		}
		return e
	}
	propagate := func(peer string) func(*Event) {
		return func(e *Event) {
			*e = Event{Kind: Send, Step: StepPropagate, Peer: peer, Request: request, Write: write, At: 70003}
		}
	}
	acknowledge := func(e *Event) {
		*e = Event{Kind: Receive, Step: StepAcknowledge, Peer: "branch-2", Cause: 60001, Stamp: 70007,
			Has: clock.Vector{{Process: "branch-1", N: 6789}, {Process: "branch-2", N: 6001}, {Process: "branch-3", N: 702}}}
	}
	sees := clock.Vector{{Process: "branch-1", N: 6789}, {Process: "branch-2", N: 6001}}
	return []Event{
		event(Receive, StepRequest, func(e *Event) { e.Peer, e.Cause, e.Stamp = "customer-1", 24690, 70001 }),
		event(Local, StepOrder, func(e *Event) { e.Write, e.At = write, 70003 }),
		event(Send, StepPropagate, propagate("branch-2")),
		event(Send, StepPropagate, propagate("branch-3")),
		event(Receive, StepAcknowledge, acknowledge),
		event(Receive, StepAcknowledge, acknowledge),
		event(Local, StepExecute, func(e *Event) {
			e.Write, e.At, e.Balance, e.Result, e.Sees = write, 70003, KnownBalance(570), OK, sees
		}),
		{Kind: Send, Step: StepRespond, Peer: "customer-1", Request: request, Balance: KnownBalance(570), Result: OK, Answers: 50001},
	}
}

// rewound is a file that starts over every 64 MiB, so that a long benchmark measures the recorder and the system's
// write call, and not how soon the disk is full or the page cache throttled.
type rewound struct {
	*os.File
	n int
}

func (r *rewound) Write(p []byte) (int, error) {
	if r.n += len(p); r.n > 64<<20 {
		r.n = 0
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
	}
	return r.File.Write(p)
}

func BenchmarkRecorder(b *testing.B) {
	for _, enc := range []Encoding{JSONL, Binpb} {
		b.Run(enc.String(), func(b *testing.B) { benchmarkRecorder(b, enc) })
	}
}

func benchmarkRecorder(b *testing.B, enc Encoding) {
	f, err := os.Create(filepath.Join(b.TempDir(), "branch-1.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := NewRecorderIn(&rewound{File: f}, enc, Header{Process: "branch-1", Role: "branch", Mode: "total", Peers: []string{"branch-2", "branch-3"}})
	if err != nil {
		b.Fatal(err)
	}
	events := mix()
	var e Event
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		e = events[i&7]
		i++
		switch e.Kind {
		case Receive:
			err = r.Receive(clock.Stamp{Process: e.Peer, Seq: e.Cause, Clock: e.Stamp}, &e)
		case Send:
			_, err = r.Send(&e)
		default:
			err = r.Local(&e)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

// logOf returns a log of many events in an encoding.
func logOf(tb testing.TB, enc Encoding, rounds int) []byte {
	tb.Helper()
	var log bytes.Buffer
	w := NewWriterIn(&log, enc)
	events := mix()
	for i := range rounds * len(events) {
		e := events[i%len(events)]
		e.Process, e.Seq, e.Clock = "branch-1", uint64(i+1), uint64(i+2)
		if err := w.Event(&e); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return log.Bytes()
}

func BenchmarkReader(b *testing.B) {
	for _, enc := range Encodings() {
		b.Run(enc.String(), func(b *testing.B) {
			log := logOf(b, enc, 10_000)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				r := NewReader(bytes.NewReader(log), "branch-1."+enc.String())
				for r.Scan() {
					if _, ok := r.Record().(*Event); !ok {
						b.Fatal(r.Record())
					}
					n++
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mevents/s")
			b.ReportMetric(float64(len(log))/80_000, "B/event")
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, enc := range Encodings() {
		b.Run(enc.String(), func(b *testing.B) {
			w := NewWriterIn(io.Discard, enc)
			events := mix()
			n := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				e := &events[n&7]
				n++
				e.Process, e.Seq, e.Clock = "branch-1", n, n+1
				if err := w.Event(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
