package causal_test

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// Three processes, two messages: a tells b, and b tells c.
func ExampleGraph() {
	events := []*trace.Event{
		{Process: "a", Seq: 1, Clock: 1, Kind: trace.Send, Peer: "b"},
		{Process: "a", Seq: 2, Clock: 2, Kind: trace.Local},
		{Process: "b", Seq: 1, Clock: 2, Kind: trace.Receive, Peer: "a", Cause: 1},
		{Process: "b", Seq: 2, Clock: 3, Kind: trace.Send, Peer: "c"},
		{Process: "c", Seq: 1, Clock: 4, Kind: trace.Receive, Peer: "b", Cause: 2},
	}
	g, err := causal.New(slices.Values(events))
	if err != nil {
		fmt.Println(err)
		return
	}
	told, _ := g.Find(trace.Ref{Process: "c", Seq: 1})
	for _, seq := range []uint64{1, 2} {
		a, _ := g.Find(trace.Ref{Process: "a", Seq: seq})
		relation, _, _, _ := g.Relate(a, told)
		path, _, _ := g.Path(a, told)
		fmt.Println(g.Ref(a), relation, path.Messages, path.Steps)
	}
	_, err = g.Find(trace.Ref{Process: "b", Seq: 3})
	fmt.Println(err)
	// Output:
	// a:1 before 2 3
	// a:2 concurrent 0 0
	// there is no event b:3: b has events 1 to 2
}

func ExampleRead() {
	folder, err := trace.Find("testdata/chain")
	if err != nil {
		fmt.Println(err)
		return
	}
	from, _ := causal.ParseName("customer-1/1")
	to, _ := causal.ParseName("clock=5,process=branch-2")
	t, err := causal.Read(context.Background(), folder, causal.Options{Names: []causal.Name{from, to}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	events, err := t.Resolve()
	if err != nil {
		fmt.Println(err)
		return
	}
	pair, err := t.Pair(context.Background(), events[0], events[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = pair.WriteText(os.Stdout)
	// Output:
	// before
	// customer-1:1 happened before branch-2:1: a shortest causal path has 2 messages
	// and 4 steps.
	//
	//   1. customer-1:1  clock 1  send     asks branch-1 (request customer-1/1): deposit 170, account main
	//   2. branch-1:1    clock 2  receive  is asked by customer-1 (request customer-1/1): deposit 170, account main
	//      … 1 event of branch-1
	//   3. branch-1:3    clock 4  send     passes write branch-1/1 on to branch-2
	//   4. branch-2:1    clock 5  receive  gets write branch-1/1 from branch-1
	//
	// The clocks alone: 1 is lower than 5, so branch-2:1 did not happen before
	// customer-1:1. Whether customer-1:1 happened before branch-2:1, or the two are
	// concurrent, they cannot tell.
}
