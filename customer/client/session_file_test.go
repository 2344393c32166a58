package client_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func TestSeparateCommandsAreOneSession(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	p := place{t.TempDir()}
	for i := range uint64(4) {
		err := p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error {
			if got := c.Token().Get("branch-1"); got != 2*i {
				t.Errorf("command %d begins with token %v", i+1, c.Token())
			}
			_, err := c.Deposit(t.Context(), "branch-1", "main", 5)
			r, errQuery := c.Query(t.Context(), "branch-1", "main")
			if r.N != 2*i+2 {
				t.Errorf("command %d made request %d", i+1, r.N)
			}
			return errors.Join(err, errQuery)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if sends := p.mustBeLegal(t); len(sends) != 8 || sends[7] != "8:15" {
		t.Errorf("sends %v", sends)
	}
	folder, err := trace.Find(p.traces())
	if err != nil || len(folder.Logs) != 1 || folder.Logs[0].Name != "customer-1" {
		t.Errorf("the folder has %+v, %v", folder, err)
	}
	if got := strings.Count(read(t, p.log()), `"format"`); got != 4 {
		t.Errorf("%d headers", got)
	}
	if lines := strings.Count(read(t, p.session()), "\n"); lines != 1 {
		t.Errorf("after all is in the log the session still has %d lines", lines)
	}
}

func TestAWriteOfUnknownOutcomeStaysForTheNextCommand(t *testing.T) {
	up := false
	h := &honest{}
	o := serve(t, func(ctx context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
		if !up {
			h.answer(ctx, call) // executed, and the answer is lost
			return nil, failure(codes.Unavailable)
		}
		return h.answer(ctx, call)
	})
	p := place{t.TempDir()}
	branches := map[string]string{"branch-1": o.at}
	var e *client.Error
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := p.command(branches, func(c *client.Client) error {
		if _, err := c.Query(short, "branch-1", "main"); !errors.As(err, &e) || e.Unknown || c.Unsettled() != nil {
			t.Errorf("a query: %v, unsettled %v", err, c.Unsettled())
		}
		_, err := c.Deposit(short, "branch-1", "main", 5)
		return err
	})
	if !errors.As(err, &e) || !e.Unknown || !strings.Contains(err.Error(), "outcome unknown; settle it") {
		t.Fatalf("got %v", err)
	}
	up = true
	err = p.command(branches, func(c *client.Client) error {
		u := c.Unsettled()
		if u == nil || u.Operation.Amount != 5 || u.Request.N != 2 || len(u.Tried) != 1 {
			t.Errorf("unsettled: %+v", u)
		}
		r, err := c.Settle(t.Context())
		if r.N != 2 || h.executed[2] != 1 {
			t.Errorf("settled %+v, executed %v", r, h.executed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p.mustBeLegal(t)
	up = false
	short, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = p.command(branches, func(c *client.Client) error { _, err := c.Deposit(short, "branch-1", "main", 5); return err })
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	err = p.command(branches, func(c *client.Client) error { return errors.Join(c.GiveUp(), c.GiveUp()) })
	if err != nil {
		t.Fatal(err)
	}
	if f, err := client.OpenSessionFile(p.session(), "customer-1"); err != nil || f.State().Outstanding || f.State().N != 3 || f.Close() != nil {
		t.Errorf("given up: %+v, %v", f, err)
	}
}

func TestALongCommandKeepsFewEvents(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	p := place{t.TempDir()}
	most := 0
	err := p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error {
		for range 100 {
			if _, err := c.Query(t.Context(), "branch-1", "main"); err != nil {
				return err
			}
			most = max(most, strings.Count(read(t, p.session()), "\n"))
		}
		return nil
	})
	if err != nil || most > 66 || most < 60 {
		t.Errorf("%v; the session had up to %d lines", err, most)
	}
	p.mustBeLegal(t)
}

func TestASessionWithoutLog(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	p := place{t.TempDir()}
	for i := range uint64(2) {
		f, err := client.OpenSessionFile(p.session(), "customer-1")
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.New(client.Config{Name: "customer-1", Branches: map[string]string{"branch-1": o.at}, Session: f})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.New(client.Config{Name: "customer-1", Branches: map[string]string{"branch-1": o.at}, Session: f}); !errors.Is(err, client.ErrSession) {
			t.Errorf("a second client: %v", err)
		}
		if r, err := c.Query(t.Context(), "branch-1", "main"); err != nil || r.N != i+1 {
			t.Errorf("%+v, %v", r, err)
		}
		if err := errors.Join(c.Close(), f.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	// A log that begins later is a slice, in a folder of its own.
	err := p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error {
		_, err := c.Query(t.Context(), "branch-1", "main")
		return err
	})
	if err != nil || !strings.Contains(read(t, p.log()), `"incarnation":3,"peers":["branch-1"],"first":5,`) {
		t.Errorf("%v:\n%s", err, read(t, p.log()))
	}
}

func TestSessionsThatCannotGoOn(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	branches := map[string]string{"branch-1": o.at}
	query := func(c *client.Client) error { _, err := c.Query(t.Context(), "branch-1", "main"); return err }
	base := place{t.TempDir()}
	if err := base.command(branches, query); err != nil {
		t.Fatal(err)
	}
	older := base.copy(t)
	if err := base.command(branches, query); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		damage func(place)
		want   string
	}{
		{"no session", func(p place) { write(t, p.session(), "") }, "no line that is whole"},
		{"not JSON", func(p place) { write(t, p.session(), "PK\x03\x04\n") }, "is not the state of a session"},
		{"another name", func(p place) {
			write(t, p.session(), strings.ReplaceAll(read(t, p.session()), "customer-1", "customer-2"))
		}, `field "customer" is "customer-2", and this customer is "customer-1"; name the customer customer-2`},
		{"a later version", func(p place) {
			write(t, p.session(), strings.Replace(read(t, p.session()), "session/1", "session/9", 1))
		}, `field "format" is "bank-trace-session/9"`},
		{"half an event", func(p place) { write(t, p.session(), read(t, p.session())+`{"process"`) }, "ends in the middle of a line"},
		{"no event", func(p place) { write(t, p.session(), read(t, p.session())+"{}\n") }, `session:2: field "process"`},
		{"a header", func(p place) {
			write(t, p.session(), read(t, p.session())+`{"format":"bank-trace/1","process":"customer-1"}`+"\n")
		}, "line 2 is no event"},
		{"an event of another time", func(p place) {
			write(t, p.session(), read(t, p.session())+`{"process":"customer-1","seq":9,"clock":99,"kind":"local"}`+"\n")
		}, `field "seq" is 4 with clock 10, and the newest event in the file is customer-1:9 with clock 99`},
		{"an old copy of the session", func(p place) { write(t, p.session(), read(t, older.session())) }, "the log has 4 events and the session 2"},
		{"an old copy of the log", func(p place) { write(t, p.log(), read(t, older.log())) }, "the log ends with event 2, and the session can only add those from 5 on"},
		{"a new session", func(p place) { _ = os.Remove(p.session()) }, "the log has 4 events and the session 0"},
		{"a log of another", func(p place) {
			write(t, p.log(), strings.ReplaceAll(read(t, p.log()), "customer-1", "customer-2"))
		}, `is a record of "customer-2"`},
		{"a log of another clock", func(p place) {
			write(t, p.log(), strings.ReplaceAll(read(t, p.log()), `"clock":10`, `"clock":13`))
		}, "event 4 has clock 13 in the log and 10 in the session"},
		{"no log at all", func(p place) { write(t, p.log(), "shopping list\n") }, "nothing of this customer"},
		{"a hole in the log", func(p place) {
			write(t, p.log(), strings.Replace(read(t, p.log()), `"seq":2`, `"seq":3`, 1))
		}, "reading it stopped at"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := base.copy(t)
			tc.damage(p)
			session, _ := os.ReadFile(p.session())
			log := read(t, p.log())
			err := p.command(branches, query)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), p.dir) {
				t.Errorf("got %v", err)
			}
			after, _ := os.ReadFile(p.session())
			if session != nil && !bytes.Equal(session, after) || log != read(t, p.log()) {
				t.Error("what was refused was changed")
			}
		})
	}
}

func TestASessionOnADiskThatCannotBeWritten(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	p := place{t.TempDir()}
	err := p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error {
		if _, err := c.Query(t.Context(), "branch-1", "main"); err != nil {
			return err
		}
		if err := os.Mkdir(p.session()+".new", 0o755); err != nil { // no file can be made in its place
			return err
		}
		for range 2 {
			if _, err := c.Deposit(t.Context(), "branch-1", "main", 5); !errors.Is(err, client.ErrSession) || !strings.Contains(err.Error(), p.session()) {
				t.Errorf("got %v", err)
			}
		}
		return nil
	})
	if !errors.Is(err, client.ErrSession) || len(h.executed) != 1 {
		t.Errorf("Close: %v; executed %v", err, h.executed)
	}
	if err := os.Remove(p.session() + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := p.command(map[string]string{"branch-1": o.at}, func(c *client.Client) error { return settleAndGoOn(t, c, false) }); err != nil {
		t.Fatal(err)
	}
	p.mustBeLegal(t)
}

func TestNamesThatNoFileHas(t *testing.T) {
	h := &honest{}
	o := serve(t, h.answer)
	const name = "a/b:c.1 ü"
	dir := t.TempDir()
	f, err := client.OpenSessionFile(filepath.Join(dir, "s"), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.LogTo(filepath.Join(dir, "trace")); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Name: name, Branches: map[string]string{"branch-1": o.at}, Session: f})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	folder, err := trace.Find(filepath.Join(dir, "trace"))
	if err != nil || len(folder.Logs) != 1 || folder.Logs[0].Name != name {
		t.Errorf("%+v, %v", folder, err)
	}
	for _, bad := range []string{"", "\xff", strings.Repeat("x", 256)} {
		if _, err := client.OpenSessionFile(filepath.Join(dir, "bad"), bad); !errors.Is(err, client.ErrSession) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if f.State().Clock != 0 || f.State().Token.Covers(clock.Vector{{Process: "branch-1", N: 1}}) {
		t.Errorf("state %+v", f.State())
	}
}
