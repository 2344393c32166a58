package check

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// rally returns two logs that send a message to and fro, each hop one later, and whose first receive names the last send.
func rally(hops uint64) []Source {
	logs := map[string][]byte{}
	names := [2]string{"left", "right"}
	logs["left"] = trace.AppendEvent(nil, &trace.Event{
		Process: "left", Seq: 1, Clock: 1, Kind: trace.Receive, Peer: names[hops%2], Cause: hops + 1 + (hops+1)%2,
	})
	clock, seq := uint64(1), map[string]uint64{"left": 1}
	for hop := range hops + 1 {
		from, to := names[hop%2], names[(hop+1)%2]
		seq[from]++
		clock++
		logs[from] = trace.AppendEvent(logs[from], &trace.Event{Process: from, Seq: seq[from], Clock: clock, Kind: trace.Send, Peer: to})
		if hop == hops {
			break
		}
		seq[to]++
		clock++
		logs[to] = trace.AppendEvent(logs[to], &trace.Event{Process: to, Seq: seq[to], Clock: clock, Kind: trace.Receive, Peer: from, Cause: seq[from]})
	}
	return []Source{Bytes("left.jsonl", logs["left"]), Bytes("right.jsonl", logs["right"])}
}

// TestLongCycle checks that a knot of many events is found without recursion, and with a shortest path.
func TestLongCycle(t *testing.T) {
	for _, hops := range []uint64{2, 10, 100_000} {
		r := mustCheck(t, rally(hops), Options{})
		var found []Finding
		for _, f := range r.Findings {
			if f.Rule == "causality/cycle" {
				found = append(found, f)
			}
		}
		if len(found) != 1 {
			t.Fatalf("%d hops: %d cycles\n%s", hops, len(found), text(r))
		}
		f := found[0]
		want := fmt.Sprintf("left:%d -> left:1 -> left:%d", hops+2, hops+2) // the receive comes before the send in its own log
		if got := strings.Join(f.Path, " -> "); f.Event.Ref() != "left:1" || f.Other.Ref() != fmt.Sprintf("left:%d", hops+2) || got != want {
			t.Errorf("%d hops: %s receives %s over %s, want %s", hops, f.Event.Ref(), f.Other.Ref(), got, want)
		}
	}
}

// TestTooLargeToSearch checks that a search which is given up is said so, and is no pass.
func TestTooLargeToSearch(t *testing.T) {
	sel, err := choose(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(rally(100), sel, Options{MaxFindings: 10})
	e.deep.limit = 50
	if err := e.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, err := e.report(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Rule == "causality/cycle" && f.Severity == Warning && strings.Contains(f.Message, "could not be decided") {
			return
		}
	}
	t.Errorf("nothing says that the search was given up:\n%s", text(r))
}
