package trace_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Two processes record one message each way. The stamps travel with the messages.
func ExampleRecorder() {
	var shopLog, tillLog strings.Builder
	shop, err := trace.NewRecorder(&shopLog, trace.Header{Process: "shop", Peers: []string{"till"}})
	if err != nil {
		log.Fatal(err)
	}
	till, err := trace.NewRecorder(&tillLog, trace.Header{Process: "till", Peers: []string{"shop"}})
	if err != nil {
		log.Fatal(err)
	}

	order, err := shop.Send(&trace.Event{Peer: "till", Note: "one coffee"})
	if err != nil {
		log.Fatal(err)
	}
	if err := till.Receive(order, &trace.Event{}); err != nil {
		log.Fatal(err)
	}
	if err := till.Local(&trace.Event{Note: "paid"}); err != nil {
		log.Fatal(err)
	}
	receipt, err := till.Send(&trace.Event{Peer: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	if err := shop.Receive(receipt, &trace.Event{}); err != nil {
		log.Fatal(err)
	}
	for _, r := range []*trace.Recorder{shop, till} {
		if err := r.Close(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Print(shopLog.String(), tillLog.String())
	// Output:
	// {"format":"bank-trace/1","process":"shop","incarnation":1,"peers":["till"],"ends":true}
	// {"process":"shop","seq":1,"clock":1,"kind":"send","peer":"till","note":"one coffee"}
	// {"process":"shop","seq":2,"clock":5,"kind":"receive","peer":"till","cause":3,"stamp":4}
	// {"end":true,"process":"shop","events":2,"clock":5}
	// {"format":"bank-trace/1","process":"till","incarnation":1,"peers":["shop"],"ends":true}
	// {"process":"till","seq":1,"clock":2,"kind":"receive","peer":"shop","cause":1,"stamp":1}
	// {"process":"till","seq":2,"clock":3,"kind":"local","note":"paid"}
	// {"process":"till","seq":3,"clock":4,"kind":"send","peer":"shop"}
	// {"end":true,"process":"till","events":3,"clock":4}
}

// A line that is no record is reported and passed over.
func ExampleReader() {
	text := `{"process":"shop","seq":1,"clock":1,"kind":"send","peer":"till"}
{"process":"shop","seq":2,"clock":"four","kind":"local"}
{"process":"shop","seq":3,"clock":5,"kind":"local"}
`
	r := trace.NewReader(strings.NewReader(text), "shop.jsonl")
	for r.Scan() {
		switch rec := r.Record().(type) {
		case *trace.Event:
			fmt.Println(rec.Ref(), rec.Kind, rec.Clock)
		case *trace.SyntaxError:
			fmt.Println(rec)
		}
	}
	if err := r.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// shop:1 send 1
	// shop.jsonl:2: field "clock": "four" is not an integer from 1 to 2^53; write the Lamport clock of the event as a plain number
	// shop:3 local 5
}

// A trace is made as a folder and found again.
func ExampleFind() {
	parent, err := os.MkdirTemp("", "trace")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)

	dir, err := trace.Create(parent, false)
	if err != nil {
		log.Fatal(err)
	}
	l, err := dir.Log("shop")
	if err != nil {
		log.Fatal(err)
	}
	e := trace.Event{Note: "open"}
	seq := trace.NewSequencer("shop")
	seq.Local(&e)
	l.Event(&e) // the first error stays, and Close returns it
	if err := l.Close(); err != nil {
		log.Fatal(err)
	}

	folder, err := trace.Find(parent)
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range folder.Logs {
		r, err := l.Open(os.Stdin)
		if err != nil {
			log.Fatal(err)
		}
		for r.Scan() {
			if e, ok := r.Record().(*trace.Event); ok {
				fmt.Println(l.Name, r.Line(), e.Ref(), e.Note)
			}
		}
		if err := r.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output: shop 1 shop:1 open
}
