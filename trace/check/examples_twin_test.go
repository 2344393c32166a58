package check_test

import (
	"strings"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

// TestExamplesTwin checks that the dumb twin finds in every example what the checker finds: one violation of the rule, at
// the same event.
func TestExamplesTwin(t *testing.T) {
	for _, rule := range check.Rules() {
		x, ok := rule.Example()
		if !ok {
			continue // TestEveryRuleHasAnExample says so
		}
		opt := checktest.Options{Strict: true}
		if x.Run != nil {
			opt.Settled, opt.Mode, opt.Processes = x.Run.Settled, x.Run.Mode, x.Run.Processes
		}
		var logs []checktest.Log
		for _, log := range x.Logs {
			logs = append(logs, checktest.Read(log.Name, []byte(log.Text)))
		}
		var twins []checktest.Finding
		for _, f := range checktest.Check(logs, opt) {
			if f.Rule == rule.Name {
				twins = append(twins, f)
			}
		}
		if len(twins) != 1 {
			t.Errorf("%s: the twin finds %v, want one violation", rule.Name, twins)
			continue
		}
		r, err := x.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) == 0 {
			t.Errorf("%s: the twin finds %v, and the checker nothing", rule.Name, twins)
		}
		for _, f := range r.Findings {
			// The twin says only which log or process, where that is meant as a whole.
			if strings.Contains(twins[0].Event, ":") && (f.Event == nil || f.Event.Ref() != twins[0].Event) {
				t.Errorf("%s: at %s, and the twin says at %s", rule.Name, f.Event.Ref(), twins[0].Event)
			}
		}
	}
}
