package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// place is where a session lives: its file and its trace folder.
type place struct{ dir string }

func (p place) session() string { return filepath.Join(p.dir, "session") }
func (p place) traces() string  { return filepath.Join(p.dir, "trace") }
func (p place) log() string     { return filepath.Join(p.traces(), "customer-1.jsonl") }

// copy returns a copy of the place as a kill at this instant would leave it.
func (p place) copy(t *testing.T) place {
	t.Helper()
	q := place{t.TempDir()}
	for from, to := range map[string]string{p.session(): q.session(), p.log(): q.log()} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(text))
	}
	return q
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// command is what one command does: it opens the session, settles what is outstanding, makes requests and closes all.
func (p place) command(branches map[string]string, do func(*client.Client) error) (err error) {
	f, err := client.OpenSessionFile(p.session(), "customer-1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.LogTo(p.traces()); err != nil {
		return err
	}
	c, err := client.New(client.Config{Name: "customer-1", Branches: branches, Session: f,
		Backoff: client.Backoff{First: time.Microsecond, Most: time.Microsecond}})
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.Close())
}

// mustBeLegal holds the log to the rules of the trace format, and returns its sends as request:seq.
func (p place) mustBeLegal(t *testing.T) (sends []string) {
	t.Helper()
	text := read(t, p.log())
	r := trace.NewReader(strings.NewReader(text), "log")
	seq, now, incarnation, ended := uint64(0), uint64(0), uint64(0), false
	for r.Scan() {
		switch e := r.Record().(type) {
		case *trace.Header:
			if e.Incarnation != incarnation+1 || e.Process != "customer-1" || !e.Ends {
				t.Fatalf("line %d: header of incarnation %d after %d\n%s", r.Line(), e.Incarnation, incarnation, text)
			}
			incarnation, ended = e.Incarnation, false
		case *trace.Event:
			if e.Seq != seq+1 || e.Clock <= now || incarnation == 0 || ended {
				t.Fatalf("line %d: event %d with clock %d after %d with %d\n%s", r.Line(), e.Seq, e.Clock, seq, now, text)
			}
			seq, now = e.Seq, e.Clock
			if e.Kind == trace.Send {
				sends = append(sends, fmt.Sprintf("%d:%d", e.Request.N, e.Seq))
			}
		case *trace.End:
			if e.Events != seq || e.Clock != now {
				t.Fatalf("line %d: the end counts %d events up to clock %d, and there are %d up to %d", r.Line(), e.Events, e.Clock, seq, now)
			}
			ended = true
		default:
			t.Fatalf("line %d: %v\n%s", r.Line(), e, text)
		}
	}
	if !ended || !strings.HasSuffix(text, "}\n") {
		t.Fatalf("the log has no end:\n%s", text)
	}
	return sends
}

// honest answers every request, takes messages of the customer in rising seq only and remembers results by number.
type honest struct {
	mu       sync.Mutex // a customer that is killed may leave a request behind
	seq      uint64
	executed map[uint64]int
	taken    uint64
}

func (h *honest) answer(_ context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if call.Stamp.Seq <= h.taken {
		return nil, failure(codes.Aborted, info("STALE_MESSAGE", "unknown"))
	}
	h.taken = call.Stamp.Seq
	h.seq++
	if h.executed == nil {
		h.executed = map[uint64]int{}
	}
	if h.executed[call.N] == 0 {
		h.executed[call.N]++
	}
	return &bankv1.Reply{Stamp: stamp(1000*call.N+h.seq, call.Stamp.Clock+3), Result: bankv1.Result_RESULT_OK,
		Sees: &bankv1.Vector{Entries: []*bankv1.VectorEntry{{Origin: "branch-1", N: call.N}}}}, nil
}
