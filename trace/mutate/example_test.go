package mutate_test

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// A withdrawal that depends on a deposit is executed before it.
func ExampleBreak() {
	t, err := mutate.Causal()
	if err != nil {
		fmt.Println(err)
		return
	}
	change, err := mutate.Break(t, "replica/dependency-missing", nil, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(change.Text)
	fmt.Println("a checker should name", change.Event)
	_, err = mutate.Break(t, "clock/not-increasing", func(e *trace.Event) bool { return e.Process == "nobody" }, 1)
	fmt.Println(err)
	// Output:
	// branch-3:4, which executes branch-1/1, comes after branch-3:3, which executes branch-2/1; it was the other way round
	// a checker should name branch-3:3
	// clock/not-increasing: the trace has no place for this mutation; it needs a local event, or a receive of an old message, that is not the first of its process
}
