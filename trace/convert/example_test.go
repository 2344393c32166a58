package convert_test

import (
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

func ExampleReadCourse() {
	t, err := convert.ReadCourse([]convert.File{{Name: "branches.json", Data: []byte(`[
{"id":1,"type":"branch","events":[
  {"customer-request-id":1,"logical_clock":3,"interface":"propagate_deposit","comment":"event_sent to branch 2"}]},
{"id":2,"type":"branch","events":[
  {"customer-request-id":1,"logical_clock":3,"interface":"propagate_deposit","comment":"event_recv from branch 1"},
  {"customer-request-id":2,"logical_clock":4,"interface":"propagate_deposit","comment":"event_recv from branch 2"}]}]`)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, log := range t.Processes {
		for _, e := range log.Events {
			fmt.Println(e.Ref(), e.Clock, e.Kind, e.Peer, e.Cause)
		}
	}
	for _, p := range t.Problems {
		fmt.Println(p.Code, p)
	}
	// Output:
	// branch-1:1 3 send branch-2 0
	// branch-2:1 3 receive branch-1 1
	// branch-2:2 4 local  0
	// names-itself branches.json:6: branch-2: branch 2 says that it received from itself; name the sender, not the process whose list this is
}
