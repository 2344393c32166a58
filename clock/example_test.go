package clock_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// Ann sends Bob a message. The clock of the receiving is greater than that of the sending, whoever was ahead.
func ExampleClock() {
	var ann, bob clock.Clock
	ann.Tick() // something that only Ann knows of
	ann.Tick()
	stamp := clock.Stamp{Process: "ann", Seq: 3, Clock: ann.Tick()}

	fmt.Println("Bob's first event:", bob.Tick())
	fmt.Println("Ann's send:", stamp.Clock)
	fmt.Println("Bob's receive:", bob.Receive(stamp.Clock))
	// Output:
	// Bob's first event: 1
	// Ann's send: 3
	// Bob's receive: 4
}

// A stamp far ahead of every real clock would use up the clocks of all who receive it, so it is refused.
func ExampleClock_Check() {
	c := clock.At(100)
	err := c.Check(clock.Stamp{Process: "mallory", Seq: 1, Clock: clock.Max}, clock.MaxJump)
	fmt.Println(errors.Is(err, clock.ErrStamp))
	fmt.Println(err)
	// Output:
	// true
	// stamp refused: mallory:1 carries clock 9007199254740992, and a process at clock 100 takes at most 1099511627876
}

// Clocks order events; where they are equal, the processes' names decide.
func ExampleTimestamp_Compare() {
	order := []clock.Timestamp{{Clock: 3, Process: "branch-2"}, {Clock: 2, Process: "branch-3"}, {Clock: 3, Process: "branch-1"}}
	slices.SortFunc(order, clock.Timestamp.Compare)
	fmt.Println(order)
	// Output: [{2 branch-3} {3 branch-1} {3 branch-2}]
}

// What two replicas hold, each with a write that the other lacks.
func ExampleVector() {
	a := clock.Vector{}.Set("branch-1", 4).Set("branch-2", 1)
	b := clock.Vector{}.Set("branch-2", 2).Set("branch-1", 3)
	fmt.Println(a, b, "concurrent:", a.Concurrent(b))

	both := a.Clone().Merge(b)
	fmt.Println(both, "covers both:", both.Covers(a) && both.Covers(b))
	// Output:
	// {branch-1:4 branch-2:1} {branch-1:3 branch-2:2} concurrent: true
	// {branch-1:4 branch-2:2} covers both: true
}
