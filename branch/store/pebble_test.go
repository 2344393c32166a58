package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func open(t fataler, files vfs.FS) *Pebble {
	t.Helper()
	p, err := Open("/data/branch-1", identity(), Options{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func closeStore(t fataler, p *Pebble) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func ok(t fataler, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestPebbleKeepsWhatMemoryKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files, twin, l := vfs.NewMem(), NewMemory(), newLife(rapid.Uint64().Draw(t, "seed"))
		p := open(t, files)
		defer func() { ok(t, p.Close()) }()
		for range rapid.IntRange(1, 40).Draw(t, "actions") {
			switch rapid.IntRange(0, 8).Draw(t, "action") {
			case 0:
				closeStore(t, p)
				p = open(t, files)
			case 1:
				seq := rapid.Uint64Range(0, l.seq+2).Draw(t, "logged")
				ok(t, p.Logged(seq), twin.Logged(seq))
			case 2:
				n := twin.Incarnation() + rapid.Uint64Range(1, 3).Draw(t, "starts")
				ok(t, p.Begin(n), twin.Begin(n))
				if p.Begin(n) == nil || twin.Begin(n) == nil {
					t.Fatalf("incarnation %d began twice", n)
				}
			case 3:
				after := rapid.Uint64Range(0, l.seq+1).Draw(t, "after")
				same(t, mustContents(t, twin, after), mustContents(t, p, after), "in between")
			default:
				var batches []Batch
				for range rapid.IntRange(0, 6).Draw(t, "steps") {
					batches = append(batches, l.step())
				}
				ok(t, p.Commit(batches...), twin.Commit(batches...))
			}
		}
		closeStore(t, p)
		p = open(t, files)
		same(t, mustContents(t, twin, 0), mustContents(t, p, 0), "at the end")
	})
}

func TestEventsEndsWithTheErrorOfYield(t *testing.T) {
	p := open(t, vfs.NewMem())
	defer closeStore(t, p)
	l := newLife(1)
	for l.seq < 10 {
		ok(t, p.Commit(l.step()))
	}
	stop, n := errors.New("stop"), 0
	if err := p.Events(0, func(*trace.Event) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("got %v after %d events", err, n)
	}
}

// What is dropped and logged takes no room: a store stays small however much goes through it.
func TestGrowthIsBounded(t *testing.T) {
	p := open(t, vfs.NewMem())
	defer func() { closeStore(t, p) }()
	l, sizes, written := newLife(1), []uint64(nil), 0
	for round := range 4 {
		for range 60 {
			var batches []Batch
			for range 100 {
				b := l.step()
				for _, origin := range bank.Branches {
					for l.executed[origin] < l.held[origin] {
						l.execute(&b, origin)
					}
					l.drop(&b, origin)
				}
				batches = append(batches, b)
				written += len(appendBlock(nil, b.Events))
			}
			ok(t, p.Commit(batches...), p.Logged(l.seq))
		}
		closeStore(t, p)
		p = open(t, p.disk.FS)
		sizes = append(sizes, p.Size())
		t.Logf("after round %d: %d bytes of events written, %d bytes on disk", round+1, written, p.Size())
	}
	// A few KiB more or less is when Pebble got round to compacting; a hundredth of what went through would be growth.
	if last := sizes[len(sizes)-1]; last > uint64(written)/100 || written < 8<<20 {
		t.Errorf("sizes after each round are %d bytes, and %d bytes of events were written", sizes, written)
	}
	state, err := p.Load()
	if err != nil || state.Seq != l.seq {
		t.Errorf("got seq %d, error %v; want %d", state.Seq, err, l.seq)
	}
}

func TestAClosedStoreTakesNothing(t *testing.T) {
	p := open(t, vfs.NewMem())
	closeStore(t, p)
	_, loading := p.Load()
	for what, err := range map[string]error{"Load": loading, "Commit": p.Commit(), "Logged": p.Logged(1), "Begin": p.Begin(1),
		"Events": p.Events(0, func(*trace.Event) error { return nil })} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestOutcomesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		balance := rapid.Custom(func(t *rapid.T) trace.Balance {
			if rapid.Bool().Draw(t, "known") {
				return trace.KnownBalance(rapid.Int64().Draw(t, "amount"))
			}
			return trace.Balance{}
		})
		want := branch.Outcome{N: rapid.Uint64().Draw(t, "n"), Operation: branch.Operation{
			Op: trace.Op(rapid.IntRange(0, int(trace.OpFence)).Draw(t, "op")), Account: rapid.String().Draw(t, "account"),
			ToAccount: rapid.String().Draw(t, "to"), Amount: rapid.Int64().Draw(t, "amount")},
			Result:  trace.Result(rapid.IntRange(0, int(trace.Unknown)).Draw(t, "result")),
			Balance: balance.Draw(t, "balance"), ToBalance: balance.Draw(t, "to balance"), Reason: branch.Reason(rapid.String().Draw(t, "reason"))}
		if got, err := decodeOutcome(appendOutcome(nil, &want)); err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func FuzzOutcome(f *testing.F) {
	f.Add(appendOutcome(nil, &branch.Outcome{N: 7, Operation: branch.Operation{Op: trace.OpDeposit, Account: "main", Amount: 5},
		Result: trace.OK, Balance: trace.KnownBalance(405)}))
	f.Fuzz(func(t *testing.T, value []byte) {
		o, err := decodeOutcome(value)
		if err != nil {
			return
		}
		if again := appendOutcome(nil, &o); string(again) != string(value) {
			t.Errorf("%q was read as %+v, which is written as %q", value, o, again)
		}
	})
}

func FuzzClaim(f *testing.F) {
	c := claim{format: format, id: identity(), commits: 12}
	f.Add(c.encode())
	c.format = "bank-trace-store/2"
	f.Add(c.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeClaim(data)
		if err == nil && c.format == format && string(c.encode()) != string(data) {
			t.Errorf("%q was read as %+v", data, c)
		}
	})
}
