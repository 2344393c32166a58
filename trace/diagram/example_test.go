package diagram_test

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/diagram"
)

func Example() {
	logs := check.Bytes("shop and till", []byte(`{"process":"shop","seq":1,"clock":1,"kind":"send","peer":"till","note":"pay"}
{"process":"till","seq":1,"clock":2,"kind":"receive","peer":"shop","cause":1}
{"process":"till","seq":2,"clock":3,"kind":"local","note":"count"}
`))
	t, err := diagram.Read(context.Background(), []check.Source{logs}, diagram.Options{Name: "a purchase"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	p, err := t.Picture(context.Background(), diagram.Query{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.WriteText(os.Stdout, diagram.TextOptions{Width: 60, ASCII: true}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Space-time diagram of a purchase
	//
	//  clock      shop         till
	//      1       ^            |    pay to till
	//      2       +1---------->v    pay
	//      3       |            o    count
	//
	// o local  ^ send  v receive
	// Rows go by the Lamport clock: distance is not duration. A
	// message stands at its receive, with the clock of its send.
}
