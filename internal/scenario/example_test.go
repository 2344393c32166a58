package scenario_test

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
)

func ExampleParse() {
	s, err := scenario.Parse("hurry.yaml", []byte(`
branches: 2
opening: {main: 400}
customers:
  - id: 1
    steps:
      - deposit: 170
      - wait: 50ms
      - {query: main, at: 2}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Name, s.Mode, s.Opening())
	for _, step := range s.Customers[0].Steps {
		fmt.Println(step.ID, step.Op, step.Branch, step.Account, step.Amount, step.Wait)
	}
	// Output:
	// hurry total map[main:400]
	// 1 deposit 1 main 170 0s
	// 2 wait 0  0 50ms
	// 3 query 2 main 0 0s
}

// Every problem is reported, with its place and what to do.
func ExampleParse_errors() {
	_, err := scenario.Parse("course.json", []byte(`[
  {"id": 1, "type": "customer", "events": [
    {"id": 1, "interface": "deposit", "money": -5},
    {"id": 2, "interface": "query", "dest": 3},
  ]},
  {"id": 1, "type": "branch", "balance": 400},
  {"id": 2, "type": "branch", "balance": 500},
]`))
	fmt.Println(err)
	// Output:
	// course.json:3:48: customer 1, event 1: "money" must be a whole number from 1 to 9007199254740992 (-5); choose a larger number
	// course.json:4:45: customer 1, event 2: there is no branch 3; name one of the scenario's branches or add this one
	// course.json:7:42: branch 2: its balance differs from the 400 of branch 1 on line 6 (500); give all branches the same balance: every branch holds a copy of one account
}

func ExampleScenario_YAML() {
	s, err := scenario.Parse("course.json", []byte(`[
  {"id": 1, "type": "client", "events": [{"id": 7, "interface ": "deposit", "money": 170}]},
  {"id": 1, "type": "bank", "balance": 400}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := s.YAML()
	fmt.Print(string(text), err)
	// Output:
	// name: course
	// mode: total
	// branches: 1
	// opening: {main: 400}
	// customers:
	//   - id: 1
	//     steps:
	//       - {deposit: 170, account: main, at: 1}
	// <nil>
}
