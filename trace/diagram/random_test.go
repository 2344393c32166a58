package diagram

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// randomSources returns logs with every fault that a picture knows: clocks that repeat, skip and fall, lost, repeated and
// misdelivered messages, receives without a send, restarts, torn and unreadable lines, processes without a log.
func randomSources(t *rapid.T) (sources []check.Source, events int) {
	processes := rapid.IntRange(1, 6).Draw(t, "processes")
	names := []string{"branch-1", "branch-2", "customer-1", "a/b", "日本", "x\x1b[31m<&>", "branch-10"}
	wild := rapid.Bool().Draw(t, "wild")
	logs := make([]bytes.Buffer, processes)
	seq, now := make([]uint64, processes), make([]uint64, processes)
	type sent struct {
		trace.Ref
		clock uint64
	}
	var sends []sent
	w := make([]*trace.Writer, processes)
	for i := range w {
		w[i] = trace.NewWriter(&logs[i])
		if rapid.Bool().Draw(t, "header") {
			must(t, w[i].Header(&trace.Header{Process: names[i], Ends: rapid.Bool().Draw(t, "ends")}))
		}
	}
	n := rapid.IntRange(0, 60).Draw(t, "events")
	for range n {
		i := rapid.IntRange(0, processes-1).Draw(t, "process")
		seq[i]++
		now[i]++
		if wild && rapid.IntRange(0, 5).Draw(t, "jump") == 0 {
			now[i] = rapid.OneOf(rapid.Uint64Range(1, 40), rapid.Uint64Range(1, clock.Max)).Draw(t, "clock")
		}
		now[i] = min(now[i], clock.Max)
		e := trace.Event{Process: names[i], Seq: seq[i], Kind: trace.Kind(rapid.IntRange(1, 3).Draw(t, "kind"))}
		peer := names[rapid.IntRange(0, len(names)-1).Draw(t, "peer")]
		switch {
		case e.Kind == trace.Send:
			e.Peer, e.Note = peer, rapid.SampledFrom([]string{"", "hello", "a rather long note about nothing in particular"}).Draw(t, "note")
		case e.Kind == trace.Receive && len(sends) > 0 && rapid.IntRange(0, 4).Draw(t, "known") > 0:
			s := rapid.SampledFrom(sends).Draw(t, "send")
			e.Peer, e.Cause = s.Process, s.Seq
			if !wild {
				now[i] = max(now[i], s.clock+1)
			}
		case e.Kind == trace.Receive:
			e.Peer, e.Cause = peer, rapid.Uint64Range(1, 20).Draw(t, "cause")
		}
		e.Clock = now[i]
		if e.Kind == trace.Send {
			sends = append(sends, sent{e.Ref(), e.Clock})
		}
		must(t, w[i].Event(&e))
		switch rapid.IntRange(0, 30).Draw(t, "between") {
		case 0:
			must(t, w[i].Header(&trace.Header{Process: names[i], Incarnation: rapid.Uint64Range(2, 9).Draw(t, "incarnation"), Ends: true}))
		case 1:
			must(t, w[i].Flush())
			logs[i].WriteString("no record\n")
		}
	}
	for i := range w {
		if rapid.Bool().Draw(t, "end") && now[i] > 0 {
			must(t, w[i].End(&trace.End{Process: names[i], Events: seq[i], Clock: now[i]}))
		}
		must(t, w[i].Flush())
		if rapid.IntRange(0, 9).Draw(t, "torn") == 0 {
			logs[i].WriteString(`{"process":`)
		}
		sources = append(sources, check.Bytes(fmt.Sprint(i), logs[i].Bytes()))
	}
	return sources, n
}

func must(t rapid.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// read reads sources with the findings of a check.
func read(t rapid.TB, sources []check.Source, names ...string) *Trace {
	t.Helper()
	report, err := check.Check(context.Background(), sources, check.Options{})
	must(t, err)
	opt := Options{Report: report}
	for _, s := range names {
		name, err := causal.ParseName(s)
		must(t, err)
		opt.Names = append(opt.Names, name)
	}
	all, err := Read(context.Background(), sources, opt)
	must(t, err)
	return all
}

// randomQuery asks for something of the trace.
func randomQuery(t *rapid.T, all *Trace) Query {
	q := Query{Rows: rapid.IntRange(0, 20).Draw(t, "rows"), Lanes: rapid.IntRange(0, 6).Draw(t, "lanes")}
	at := func() causal.At {
		var some []causal.At
		for p := range all.graph.Processes() {
			for i := range all.graph.Len(int32(p)) {
				some = append(some, causal.At{Process: int32(p), Pos: i})
			}
		}
		return rapid.SampledFrom(some).Draw(t, "event")
	}
	if all.events > 0 {
		switch rapid.IntRange(0, 7).Draw(t, "query") {
		case 0:
			q.Around = []causal.At{at(), at()}
		case 1:
			q.Path = []causal.At{at(), at()}
		case 2:
			of := at()
			q.Past = &of
		case 3:
			of := at()
			q.Future = &of
		case 4:
			q.From, q.To = rapid.Uint64Range(0, 20).Draw(t, "from"), rapid.Uint64Range(0, 40).Draw(t, "to")
		case 5:
			if len(all.findings) > 0 {
				q.Finding = rapid.IntRange(1, len(all.findings)).Draw(t, "finding")
			}
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "some") == 0 {
		q.Processes = all.graph.Processes()
	}
	return q
}

// TestRandom holds pictures of random traces to what every picture must keep.
func TestRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sources, events := randomSources(t)
		all := read(t, sources)
		defer all.Close()
		if all.events != int64(events) {
			t.Fatalf("read %d events of %d", all.events, events)
		}
		q := randomQuery(t, all)
		p, err := all.Picture(context.Background(), q)
		var wrong *QueryError
		if errors.As(err, &wrong) {
			return
		}
		must(t, err)
		once(t, p)
		complete(t, all, q, p)
		for _, dir := range []Direction{Down, Right} {
			d := p.draw(SVGOptions{dir})
			apart(t, d)
			wellFormed(t, d.document(), p)
		}
		for _, opt := range []TextOptions{{}, {ASCII: true}, {Width: 40, Color: true}} {
			inText(t, p, opt)
		}
	})
}

// once demands that the layout has each event once, and no two in one place.
func once(t rapid.TB, p *Picture) {
	events := map[causal.At]bool{}
	places := map[[2]int]bool{}
	rows := map[int]Row{}
	line := 0
	for _, r := range p.Rows {
		if r.Line != line || r.Lines < 1 {
			t.Fatalf("row %+v begins at a line other than %d", r, line)
		}
		for range r.Lines {
			rows[line] = r
			line++
		}
	}
	if line != p.Lines {
		t.Fatalf("rows have %d lines, the picture has %d", line, p.Lines)
	}
	for _, n := range p.Nodes {
		place := [2]int{n.Lane, n.Line}
		if events[n.At] || places[place] {
			t.Fatalf("event %s is there twice, or where another one is", n.Ref())
		}
		events[n.At], places[place] = true, true
		if r := rows[n.Line]; r.Kind != RowClock || r.Clock != n.Clock {
			t.Fatalf("%s with clock %d is in row %+v", n.Ref(), n.Clock, r)
		}
	}
	for _, b := range p.Breaks {
		if rows[b.Line].Kind != RowBreak || places[[2]int{b.Lane, b.Line}] {
			t.Fatalf("break %+v is not in a place of its own", b)
		}
		places[[2]int{b.Lane, b.Line}] = true
	}
	ends := map[int]int{}
	for _, a := range p.Arrows {
		for _, i := range []int{a.From, a.To} {
			if i >= 0 {
				ends[i]++
			}
		}
	}
	for i, n := range p.Nodes {
		if n.Kind != trace.Local && ends[i] == 0 || n.Kind == trace.Local && ends[i] > 0 || n.Kind == trace.Receive && ends[i] != 1 {
			t.Fatalf("%s, a %s, has %d arrows", n.Ref(), n.Kind, ends[i])
		}
	}
}

// complete demands of a picture of the beginning that it leaves out nothing of the clocks that it shows, and that what it
// leaves out is counted.
func complete(t rapid.TB, all *Trace, q Query, p *Picture) {
	simple := q.Around == nil && q.Path == nil && q.Past == nil && q.Future == nil && q.Finding == 0
	if !simple || len(p.Nodes) == 0 || len(p.Lanes) == max(q.Lanes, 1) {
		return
	}
	first, last := p.Nodes[0].Clock, p.Nodes[len(p.Nodes)-1].Clock
	if first == last { // one clock may have more events than a picture has room for
		return
	}
	shown, hidden := map[causal.At]bool{}, 0
	for _, n := range p.Nodes {
		shown[n.At] = true
	}
	must(t, all.each(context.Background(), func(at causal.At, e *trace.Event) {
		if e.Clock >= first && e.Clock <= last && !shown[at] {
			hidden++
		}
	}))
	if hidden > 0 {
		t.Fatalf("%d events with clocks from %d to %d are left out", hidden, first, last)
	}
	if int64(len(p.Nodes)) < all.events && !strings.Contains(strings.Join(p.Notes, " "), "Shown: ") {
		t.Fatalf("%d of %d events are shown, and nothing says so: %q", len(p.Nodes), all.events, p.Notes)
	}
}

// apart demands that no label stands on another or on an event.
func apart(t rapid.TB, d *drawing) {
	var nodes []box
	for i := range d.Nodes {
		nodes = append(nodes, around(d.node(i), 2*radius, 2*radius))
	}
	for i, label := range d.labels {
		for _, b := range label {
			for _, other := range d.labels[:i] {
				for _, c := range other {
					if b.meets(c) {
						t.Fatalf("label %v stands on label %v", b, c)
					}
				}
			}
			for _, c := range nodes {
				if b.meets(c) {
					t.Fatalf("label %v stands on an event at %v", b, c)
				}
			}
			if !b.within(box{0, 0, d.width, d.height}) {
				t.Fatalf("label %v is not on the page of %v by %v", b, d.width, d.height)
			}
		}
	}
}

// wellFormed demands a document that can be parsed and has every event once.
func wellFormed(t rapid.TB, svg []byte, p *Picture) {
	titles := map[string]int{}
	x := xml.NewDecoder(bytes.NewReader(svg))
	inTitle := false
	for {
		token, err := x.Token()
		if err == io.EOF {
			break
		}
		must(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			inTitle = token.Name.Local == "title"
		case xml.EndElement:
			inTitle = false
		case xml.CharData:
			if inTitle {
				titles[string(token)]++
			}
		}
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		title := nodeTitle(n)
		same := 0
		for k := range p.Nodes {
			if nodeTitle(&p.Nodes[k]) == title {
				same++
			}
		}
		if titles[title] != same {
			t.Fatalf("%d shapes are %q, want %d", titles[title], title, same)
		}
	}
}

// inText demands that a terminal shows as many events as there are, in lines that are not too long, and no escapes but ours.
func inText(t rapid.TB, p *Picture, opt TextOptions) {
	var b bytes.Buffer
	must(t, p.WriteText(&b, opt))
	text := b.String()
	if !opt.Color && strings.Contains(text, "\x1b") {
		t.Fatalf("escapes in\n%s", text)
	}
	if opt.ASCII {
		for _, r := range text {
			if r > 0x7e {
				t.Fatalf("%q is not ASCII in\n%s", r, text)
			}
		}
		return
	}
	events := 0
	for line := range strings.Lines(text) {
		lanes, _, legend := strings.Cut(line, "● local")
		if legend {
			break
		}
		if strings.ContainsAny(lanes, "●▲▼") {
			events++
		}
		if opt.Width == 0 && cells(strings.TrimRight(line, "\n")) > defaultWidth {
			t.Fatalf("%d columns: %s", cells(line), line)
		}
	}
	if events != len(p.Nodes) {
		t.Fatalf("%d rows with events, want %d:\n%s", events, len(p.Nodes), text)
	}
}
