package server_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/server"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// TestALogAndAStoreThatDoNotBelongTogetherAreRefused changes the log file of a branch that was stopped well, after two starts.
func TestALogAndAStoreThatDoNotBelongTogetherAreRefused(t *testing.T) {
	memory := store.NewMemory()
	d := openDurable(t, 1, map[string]int64{"main": 0}, func(int, branch.Config) store.Store { return memory }, nil)
	path := d.logFile(0)
	var first []byte
	c := d.bank.customer("customer-1")
	for n := range int64(2) {
		must(t, "deposit", n+1)(c.deposit(t.Context(), 1, "main", 1))
		d.bank.kill(0)
		if first == nil {
			first = read(t, path)
		}
		d.bank.start(0)
	}
	d.bank.kill(0)
	whole := read(t, path)
	later := trace.Event{Process: "branch-1", Seq: 9, Clock: 1000, Kind: trace.Local}
	for _, tc := range []struct {
		name, text string
		log        []byte
	}{
		{"missing", "empty or missing", nil},
		{"of another process", `its header names "branch-2"`, bytes.ReplaceAll(whole, []byte("branch-1"), []byte("branch-2"))},
		{"no log", "does not begin with a header", []byte("hello\n")},
		{"no log and no line", "neither whole nor the beginning", []byte("hello")},
		{"an old copy", "lacks events 5 to 8", first},
		{"later events", "up to 9, and the store ends at 8", trace.AppendEvent(withoutEnd(whole), &later)},
		{"another clock", "has clock", bytes.Replace(whole, []byte(`"seq":8,"clock":`), []byte(`"seq":8,"clock":9`), 1)},
		{"without its newest header", "incarnation 2", whole[:bytes.LastIndex(whole, []byte(`{"format"`))]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := errors.Join(os.RemoveAll(path), os.WriteFile(path, tc.log, 0o600)); err != nil {
				t.Fatal(err)
			}
			_, err := server.New(server.Config{Branch: branch.Config{Name: "branch-1", Branches: []string{"branch-1"}, Opening: map[string]int64{"main": 0}},
				Store: memory, LogFile: path})
			var log *server.LogError
			var foreign *trace.ForeignLogError
			if !errors.As(err, &log) && !errors.As(err, &foreign) || !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
			if !bytes.Equal(read(t, path), tc.log) {
				t.Error("the file was changed")
			}
		})
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	d.bank.start(0)
	must(t, "query", 2)(d.bank.customer("customer-9").query(t.Context(), 1, "main"))
}

// withoutEnd leaves out the end record.
func withoutEnd(log []byte) []byte { return bytes.Clone(log[:bytes.LastIndex(log, []byte(`{"end"`))]) }

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEventsThatTheFileLacksAreBroughtAfter cuts a log anywhere behind the header of its newest start, while the store has the
// events, and has it restored byte for byte.
func TestEventsThatTheFileLacksAreBroughtAfter(t *testing.T) {
	cfg := branch.Config{Name: "branch-1", Branches: []string{"branch-1"}, Opening: map[string]int64{"main": 0}}
	keeps := &keeping{Store: store.NewMemory()}
	d := openDurable(t, 1, cfg.Opening, func(int, branch.Config) store.Store { return keeps }, nil)
	c := d.bank.customer("customer-1")
	for n := range 3 {
		must(t, "deposit", int64(n+1))(c.deposit(t.Context(), 1, "main", 1))
	}
	d.bank.kill(0)
	whole := withoutEnd(read(t, d.logFile(0)))
	header := bytes.IndexByte(whole, '\n') + 1
	path := filepath.Join(t.TempDir(), "branch-1.jsonl")
	cuts := []int{header, header + 1, len(whole) - 1, len(whole)}
	for cut := header; cut < len(whole); cut += 37 {
		cuts = append(cuts, cut)
	}
	for _, cut := range cuts {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		serveOnce(t, server.Config{Branch: cfg, Store: &once{Store: keeps}, LogFile: path})
		got := read(t, path)
		if !bytes.HasPrefix(got, whole) || bytes.Count(got, []byte("\n")) != bytes.Count(whole, []byte("\n"))+2 {
			t.Fatalf("cut at %d it became\n%s", cut, got)
		}
	}
}

// serveOnce starts a branch and stops it again.
func serveOnce(t *testing.T, cfg server.Config) {
	t.Helper()
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx, l); err != nil {
		t.Fatal(err)
	}
}

// keeping is a store that never drops an event.
type keeping struct{ store.Store }

func (k *keeping) Logged(uint64) error { return nil }

// once is a store that can be begun and is the same afterwards.
type once struct{ store.Store }

func (o *once) Begin(uint64) error { return nil }
