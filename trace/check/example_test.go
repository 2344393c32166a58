package check_test

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// The till stamps its receive with the clock of the send instead of one more.
func ExampleCheck() {
	logs := []check.Source{
		check.Bytes("shop.jsonl", []byte(`{"process":"shop","seq":1,"clock":5,"kind":"send","peer":"till"}`)),
		check.Bytes("till.jsonl", []byte(`{"process":"till","seq":1,"clock":5,"kind":"receive","peer":"shop","cause":1}`)),
	}
	report, err := check.Check(context.Background(), logs, check.Options{Rules: []string{"clock/receive-not-after-send"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	report.WriteText(os.Stdout, check.TextOptions{})
	fmt.Println("exit status", report.ExitStatus())
	// Output:
	// FAIL clock/receive-not-after-send
	//   till:1 receives at clock 5 what shop:1 sent at clock 5. A receive must be
	//   later than its send.
	//   Expected: a clock of at least 6.
	//   till.jsonl:1
	//     {"process":"till","seq":1,"clock":5,"kind":"receive","peer":"shop",
	//     "cause":1}
	//   shop.jsonl:1
	//     {"process":"shop","seq":1,"clock":5,"kind":"send","peer":"till"}
	//   Rule:   The clock of a receive is higher than the clock of its send.
	//   Likely: The receiver took the stamp without adding 1, or ignored it; or the
	//           send was logged only after the reply had come back.
	//
	// FAIL clock/receive-not-after-send: 1 finding, 1 checked
	// ok   log       malformed 2
	// --   had nothing to check: log/truncated
	//
	// 2 events of 2 processes, 1 message: 0 in flight, 0 receives uncovered.
	// FAIL: 1 violation.
	// exit status 1
}
