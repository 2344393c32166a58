package checktest_test

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

func ExampleCheck() {
	shop := checktest.Read("shop.jsonl", []byte(`{"process":"shop","seq":1,"clock":13,"kind":"send","peer":"till"}
`))
	till := checktest.Read("till.jsonl", []byte(`{"process":"till","seq":1,"clock":9,"kind":"receive","peer":"shop","cause":1}
`))
	for _, f := range checktest.Check([]checktest.Log{shop, till}, checktest.Options{}) {
		fmt.Println(f.Rule, f.Event, f.Other)
	}
	// Output: clock/receive-not-after-send till:1 shop:1
}
