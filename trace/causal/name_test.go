package causal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// bank is a request of a customer at a branch, and another's.
func bank(t testing.TB) *trace.Folder {
	return write(t, map[string]string{
		"branch-1.jsonl": `{"process":"branch-1","seq":1,"clock":2,"kind":"receive","peer":"customer-1","cause":1,"stamp":1,"request":"customer-1/1","step":"request"}
{"process":"branch-1","seq":2,"clock":3,"kind":"local","request":"customer-1/1","step":"order","write":"branch-1/1","at":3}
{"process":"branch-1","seq":4,"clock":5,"kind":"send","peer":"customer-1","request":"customer-1/1","step":"respond"}
`,
		"customer-1.jsonl": `{"process":"customer-1","seq":1,"clock":1,"kind":"send","peer":"branch-1","request":"customer-1/1","step":"request"}
{"process":"customer-1","seq":2,"clock":6,"kind":"receive","peer":"branch-1","cause":4,"stamp":5,"request":"customer-1/1","step":"respond"}
`,
		"customer-2.jsonl": `{"process":"customer-2","seq":1,"clock":1,"kind":"local"}` + "\n",
		"empty.jsonl":      `{"format":"bank-trace/1","process":"empty"}` + "\n",
	})
}

func TestNames(t *testing.T) {
	folder := bank(t)
	for name, want := range map[string]string{
		"branch-1:2":                             "branch-1:2",
		"branch-1:4":                             "branch-1:4",
		"customer-1/1":                           "customer-1:1",
		"clock=3":                                "branch-1:2",
		"clock=1,process=customer-2":             "customer-2:1",
		"request=customer-1/1,step=order":        "branch-1:2",
		"write=branch-1/1":                       "branch-1:2",
		"kind=receive,process=branch-1":          "branch-1:1",
		"clock=1":                                "clock=1 fits 2 events: customer-1:1 and customer-2:1; name one of them",
		"request=customer-1/1":                   "request=customer-1/1 fits 5 events: customer-1:1, branch-1:1, branch-1:2, branch-1:4 and customer-1:2; name one of them",
		"clock=7":                                "no event fits clock=7; clocks go from 1 to 6",
		"customer-1/2":                           "no event fits customer-1/2; the last request of customer-1 is customer-1/1",
		"customer-2/1":                           "no event fits customer-2/1: customer-2 has no requests",
		"branch-1:3":                             "there is no event branch-1:3: the log of branch-1 has a gap there; it has 1 to 4",
		"branch-1:9":                             "there is no event branch-1:9: branch-1 has events 1 to 4",
		"empty:1":                                "there is no event empty:1: the log of empty has no events",
		"branch-2:1":                             `there is no process "branch-2" with a log; there are branch-1, customer-1, customer-2 and empty`,
		"process=branch-1,kind=local,step=fence": "no event fits process=branch-1,kind=local,step=fence; clocks go from 1 to 6",
	} {
		n, err := causal.ParseName(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tr := read(t, folder, causal.Options{Names: []causal.Name{n}})
		got := ""
		if found, err := tr.Resolve(); err != nil {
			got = err.Error()
		} else {
			got = tr.Ref(found[0]).String()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// TestManyMatches lists the events with the lowest clocks, whatever the order of the logs.
func TestManyMatches(t *testing.T) {
	n, err := causal.ParseName("kind=send")
	if err != nil {
		t.Fatal(err)
	}
	tr := read(t, write(t, map[string]string{"all.jsonl": lines("b", "a", 1, 40) + lines("a", "b", 1, 40)}), causal.Options{Names: []causal.Name{n}})
	_, err = tr.Resolve()
	var many *causal.AmbiguousError
	if !errors.As(err, &many) || many.Count != 40 ||
		!strings.HasPrefix(err.Error(), "kind=send fits 40 events: a:1, b:1, a:3, b:3, a:5, b:5, a:7, b:7 and 32 more") {
		t.Errorf("%v", err)
	}
}

func TestNoNames(t *testing.T) {
	for _, name := range []string{"", "branch-1", "branch-1:", "branch-1:0", ":3", "a:-1", "clock=", "clock=0", "clock=x", "clock=9007199254740993",
		"kind=", "kind=sent", "step=asked", "request=", "request=a", "write=a/0", "color=red", "clock=1,", "process="} {
		if n, err := causal.ParseName(name); err == nil || !strings.Contains(err.Error(), "names no event") {
			t.Errorf("%q: %v, %v", name, n, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"branch-1:5", "customer-1/3", "clock=17,process=branch-1", "a=b:3", "request=a/1,step=order", "x"} {
		f.Add(s)
	}
	folder := bank(f)
	f.Fuzz(func(t *testing.T, s string) {
		n, err := causal.ParseName(s)
		if err != nil {
			return
		}
		if again, err := causal.ParseName(n.String()); err != nil || again != n {
			t.Fatalf("%q: %v, %v", s, again, err)
		}
		tr := read(t, folder, causal.Options{Names: []causal.Name{n}})
		if found, err := tr.Resolve(); (err == nil) != (len(found) == 1) {
			t.Fatalf("%q: %v, %v", s, found, err)
		}
	})
}
