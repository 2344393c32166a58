package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
	Helper()
}

// growing is a trace whose logs are written piece by piece.
type growing struct {
	t    fataler
	dir  string
	rest map[string][]byte // of each process what is still to be written
}

func newGrowing(t fataler, dir string, events map[string][]trace.Event) *growing {
	g := &growing{t, dir, map[string][]byte{}}
	for name, list := range events {
		for i := range list {
			g.rest[name] = trace.AppendEvent(g.rest[name], &list[i])
		}
	}
	return g
}

// write writes the next n bytes of the log of a process. A line may be torn.
func (g *growing) write(name string, n int) {
	g.t.Helper()
	n = min(n, len(g.rest[name]))
	f, err := os.OpenFile(trace.LogPath(g.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		g.t.Fatal(err)
	}
	_, err = f.Write(g.rest[name][:n])
	if err := errors.Join(err, f.Close()); err != nil {
		g.t.Fatal(err)
	}
	g.rest[name] = g.rest[name][n:]
}

// lines writes the next n lines.
func (g *growing) lines(name string, n int) {
	g.t.Helper()
	for range n {
		g.write(name, bytes.IndexByte(g.rest[name], '\n')+1)
	}
}

func watched(t fataler, dir string) *Viewer {
	t.Helper()
	v, err := Watch(context.Background(), Options{Name: filepath.Base(dir)}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func refreshed(t fataler, v *Viewer, want bool) {
	t.Helper()
	if grown, err := v.Refresh(context.Background()); grown != want || err != nil {
		t.Fatalf("grown is %v, %v; want %v", grown, err, want)
	}
}

// TestGrowingTwin writes random logs in random pieces. After each the index must have the whole lines that stand there, and at the
// end it must be that of the whole trace.
func TestGrowingTwin(t *testing.T) {
	t.Parallel()
	root, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		events := randomEvents(t)
		g := newGrowing(t, dir, events)
		v := watched(t, dir)
		defer v.Close()
		names := slices.Sorted(maps.Keys(events))
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			g.write(rapid.SampledFrom(names).Draw(t, "log"), rapid.IntRange(0, 900).Draw(t, "bytes"))
			if _, err := v.Refresh(context.Background()); err != nil {
				t.Fatal(err)
			}
			checkGrowing(t, v.now.index, dir, events)
		}
		for _, name := range names {
			g.write(name, 1<<30)
		}
		if err := v.Finish(context.Background()); err != nil {
			t.Fatal(err)
		}
		whole := opened(t, dir)
		defer whole.Close()
		v.now.generation = 1
		if d := gocmp.Diff(asText(t, whole), asText(t, v)); d != "" {
			t.Fatalf("the finished trace differs (-opened +grown):\n%s", d)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
}

// checkGrowing compares an index with the lines that stand in the logs.
func checkGrowing(t fataler, ix *index, dir string, events map[string][]trace.Event) {
	t.Helper()
	have := map[string][]trace.Event{}
	for name := range events {
		text, err := os.ReadFile(trace.LogPath(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		lines := bytes.Split(text, []byte{'\n'})
		n := len(lines) - 1
		if json.Valid(lines[n]) {
			n++ // only its line end is missing
		}
		have[name] = events[name][:n]
	}
	total := 0
	for _, l := range ix.lanes {
		total += l.len()
		for pos, c := range l.clocks {
			if c != have[l.name][pos].Clock || l.marks[pos]&(markLost|markOrphan|markFinding) != 0 {
				t.Fatalf("%s: event %d has clock %d and mark %d", l.name, pos, c, l.marks[pos])
			}
		}
		if l.len() != len(have[l.name]) || l.cut || !l.logged {
			t.Fatalf("%s: %d events of %d, cut off %v, logged %v", l.name, l.len(), len(have[l.name]), l.cut, l.logged)
		}
	}
	want := 0
	for _, list := range have {
		want += len(list)
	}
	if total != want {
		t.Fatalf("%d events of %d", total, want)
	}
	all, _ := ix.shown("")
	if d := gocmp.Diff(len(messagesOf(ix, have, 0, 1<<53, all)), len(ix.messages.all)); d != "" {
		t.Fatalf("messages (-want +got): %s", d)
	}
}

// asText is all that a page can show.
func asText(t fataler, v *Viewer) string {
	t.Helper()
	data, err := v.now.pageData(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(data, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// chat is a trace in which each process sends the next one a message in turn.
func chat(rounds int) map[string][]trace.Event {
	events := map[string][]trace.Event{}
	names := []string{"b", "c", "a"}
	add := func(name string, e trace.Event) {
		e.Process, e.Seq = name, uint64(len(events[name])+1)
		events[name] = append(events[name], e)
	}
	now := uint64(0)
	for i := range rounds {
		from, to := names[i%3], names[(i+1)%3]
		now += 2
		add(from, trace.Event{Clock: now - 1, Kind: trace.Send, Peer: to})
		add(to, trace.Event{Clock: now, Kind: trace.Receive, Peer: from, Cause: uint64(len(events[from]))})
	}
	return events
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := newGrowing(t, dir, chat(30))
	v := watched(t, dir)
	say := func(path string) string {
		return strings.TrimSpace(ask(v, "GET", "localhost", "/api/"+path).Body.String())
	}
	has := func(path, part string) {
		t.Helper()
		if got := say(path); !strings.Contains(got, part) {
			t.Errorf("%s has no %s: %s", path, part, got)
		}
	}
	refreshed(t, v, false)
	has("overview", `"events":0`)
	has("overview", `"lanes":[]`)
	has("tile?z=8&i=0", `"exact":true`)
	has("overview", `"growing":true,"generation":1`)
	g.lines("b", 2)
	g.lines("c", 2)
	refreshed(t, v, true)
	refreshed(t, v, false)
	has("overview", `"events":4,"messages":1`)
	has("overview", `"growing":true,"generation":2`)
	g.write("b", 5) // of a line
	refreshed(t, v, true)
	has("overview", `"events":4,"messages":1`)
	has("tile?z=8&i=0&g=2", `"exact":true`) // b and c are still 1 and 2: a is known as a peer
	has("tile?z=8&i=0&g=1", "more processes by now")
	has("tile?z=8&i=0&g=4", "more processes by now")
	if code := ask(v, "GET", "localhost", "/api/tile?z=8&i=0&g=1").Code; code != 409 {
		t.Errorf("status %d", code)
	}
	has("pair?a=1,0&b=2,0", `"relation":"before"`)

	// A question that is under way is answered from what was there when it was asked.
	h := v.acquire()
	g.write("b", 1<<20)
	refreshed(t, v, true)
	if h.closed || h.events != 4 || v.Events() == 4 {
		t.Errorf("closed %v, %d events, and now %d", h.closed, h.events, v.Events())
	}
	if _, err := h.details(t.Context(), causal.At{Process: int32(h.process("b"))}); err != nil {
		t.Error(err)
	}
	v.release(h)
	if !h.closed {
		t.Error("an index that nobody uses is open")
	}

	// The run is over.
	for name := range g.rest {
		g.write(name, 1<<20)
	}
	if err := v.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	has("overview", `"events":60,"messages":30`)
	has("overview", `"verdict":"pass"`)
	if got := say("overview"); strings.Contains(got, "growing") {
		t.Error(got)
	}
	refreshed(t, v, false)
	last := v.now
	if err := v.Close(); err != nil || !last.closed {
		t.Errorf("closed %v, %v", last.closed, err)
	}
}

// TestRefreshErrors sees that what cannot be read leaves what was read before.
func TestRefreshErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := newGrowing(t, dir, chat(4))
	v := watched(t, dir)
	defer v.Close()
	g.lines("b", 1)
	refreshed(t, v, true)
	bad := filepath.Join(dir, "z.jsonl")
	if err := os.WriteFile(bad, []byte("nonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var syntax *trace.SyntaxError
	for range 2 {
		if grown, err := v.Refresh(t.Context()); grown || !errors.As(err, &syntax) || v.Events() != 1 {
			t.Fatalf("grown %v, %v, %d events", grown, err, v.Events())
		}
	}
	if err := v.Finish(t.Context()); !errors.As(err, &syntax) {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	g.lines("b", 1)
	refreshed(t, v, true)
	var none *trace.NoLogsError
	empty := watched(t, t.TempDir())
	defer empty.Close()
	if err := empty.Finish(t.Context()); !errors.As(err, &none) {
		t.Errorf("error %v", err)
	}
	var stdin *StdinError
	if _, err := Watch(t.Context(), Options{}, "-"); !errors.As(err, &stdin) {
		t.Errorf("error %v", err)
	}
}

// TestAskWhileGrowing asks from several sides while the trace grows.
func TestAskWhileGrowing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := newGrowing(t, dir, chat(60))
	g.lines("b", 1)
	v := watched(t, dir)
	refreshed(t, v, true)
	over := make(chan struct{})
	var all sync.WaitGroup
	for _, path := range []string{"overview", "tile?z=8&i=0", "event?at=0,0", "search?q=send&limit=5", "near?p=0&clock=3", "findings?from=0&limit=9"} {
		all.Go(func() {
			for {
				if w := ask(v, "GET", "localhost", "/api/"+path); w.Code == 500 {
					t.Errorf("%s: %s", path, w.Body)
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	for range 12 {
		for _, name := range []string{"a", "b", "c"} {
			g.lines(name, min(3, bytes.Count(g.rest[name], []byte{'\n'})))
			if _, err := v.Refresh(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	if err := v.Finish(t.Context()); err != nil {
		t.Error(err)
	}
	close(over)
	all.Wait()
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

func TestFollowStops(t *testing.T) {
	t.Parallel()
	v := watched(t, t.TempDir())
	defer v.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.Follow(ctx)
	}()
	stop()
	<-done
	for took, want := range map[time.Duration]time.Duration{0: 250 * time.Millisecond, time.Second: 9 * time.Second} {
		if got := pauseAfter(took); got != want {
			t.Errorf("after %v: %v, want %v", took, got, want)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shop": `{"process":"shop","seq":1,"clock":4,"kind":"send","peer":"till"}`,
		"till": `{"process":"till","seq":1,"clock":3,"kind":"receive","peer":"shop","cause":1}`,
	} {
		if err := os.WriteFile(trace.LogPath(dir, name), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := opened(t, dir)
	defer v.Close()
	ref := func(p string, seq uint64) trace.Ref { return trace.Ref{Process: p, Seq: seq} }
	for _, c := range []struct {
		link Link
		want string
	}{
		{Link{}, ""},
		{Link{Events: []trace.Ref{ref("shop", 1)}}, "#event=shop%3A1"},
		{Link{Events: []trace.Ref{ref("shop", 1), ref("till", 1)}}, "#a=shop%3A1&event=till%3A1&explain=1"},
		{Link{Clocks: [2]uint64{2, 0}, Processes: []string{"till", "shop", "till"}}, "#clocks=1.5..4.5&only=shop%2Ctill"},
		{Link{Request: trace.ID{Process: "c", N: 3}}, "#q=c%2F3"},
		{Link{Finding: 1}, "#finding=1"},
	} {
		if got, err := v.Link(c.link); got != c.want || err != nil {
			t.Errorf("%+v: %q, %v; want %q", c.link, got, err, c.want)
		}
	}
	for text, l := range map[string]Link{
		"there is no finding 2: the check found 1 thing": {Finding: 2}, "shop:9": {Events: []trace.Ref{ref("shop", 9)}},
		`no process "x"`: {Processes: []string{"x"}}, "nothing from clock 6 to 4": {Clocks: [2]uint64{6, 0}},
		"not with 3": {Events: []trace.Ref{ref("shop", 1), ref("till", 1), ref("till", 1)}},
	} {
		if _, err := v.Link(l); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: error %v, want %q", l, err, text)
		}
	}
}
