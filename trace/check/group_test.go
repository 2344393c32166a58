package check

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// executeLine is an execute of a deposit.
func executeLine(process string, seq, clock int, write, request string, amount, balance int) string {
	return fmt.Sprintf(`{"process":%q,"seq":%d,"clock":%d,"kind":"local","request":%q,"step":"execute","write":%q,`+
		`"op":"deposit","account":"main","amount":%d,"balance":%d,"result":"ok"}`, process, seq, clock, request, write, amount, balance)
}

func TestGroups(t *testing.T) {
	tests := []struct {
		name  string
		logs  map[string]string
		rules []string // that are checked; none means all
		want  []string // rule event, or rule event < rule event of its cause
	}{{
		name: "one clock too high spoils its neighbour and its receive",
		logs: map[string]string{
			"a": `{"process":"a","seq":1,"clock":90,"kind":"send","peer":"b"}
{"process":"a","seq":2,"clock":2,"kind":"local"}`,
			"b": `{"process":"b","seq":1,"clock":2,"kind":"receive","peer":"a","cause":1,"stamp":1}`,
		},
		want: []string{
			"clock/not-increasing a:2",
			"clock/receive-not-after-send b:1 < clock/not-increasing a:2",
			"clock/stamp-mismatch b:1 < clock/not-increasing a:2",
		},
	}, {
		name: "a clock too low, and the receive of what was sent at it",
		logs: map[string]string{
			"a": `{"process":"a","seq":1,"clock":5,"kind":"local"}
{"process":"a","seq":2,"clock":1,"kind":"send","peer":"b"}`,
			"b": `{"process":"b","seq":1,"clock":7,"kind":"receive","peer":"a","cause":2,"stamp":6}`,
		},
		want: []string{"clock/not-increasing a:2", "clock/stamp-mismatch b:1 < clock/not-increasing a:2"},
	}, {
		name: "two wrong clocks that have nothing to do with each other",
		logs: map[string]string{
			"a": `{"process":"a","seq":1,"clock":5,"kind":"local"}
{"process":"a","seq":2,"clock":5,"kind":"local"}
{"process":"a","seq":3,"clock":6,"kind":"local"}
{"process":"a","seq":4,"clock":6,"kind":"local"}`,
		},
		want: []string{"clock/not-increasing a:2", "clock/not-increasing a:4"},
	}, {
		name: "a frozen clock",
		logs: map[string]string{
			"a": `{"process":"a","seq":1,"clock":7,"kind":"local"}
{"process":"a","seq":2,"clock":7,"kind":"local"}
{"process":"a","seq":3,"clock":7,"kind":"local"}
{"process":"a","seq":4,"clock":7,"kind":"local"}`,
		},
		want: []string{
			"clock/not-increasing a:2",
			"clock/not-increasing a:3 < clock/not-increasing a:2",
			"clock/not-increasing a:4 < clock/not-increasing a:2",
		},
	}, {
		name: "a send that was cut out of the log",
		logs: map[string]string{
			"a": `{"process":"a","seq":1,"clock":1,"kind":"local"}
{"process":"a","seq":3,"clock":3,"kind":"local"}`,
			"b": `{"process":"b","seq":1,"clock":4,"kind":"receive","peer":"a","cause":2,"stamp":2}`,
		},
		want: []string{"log/sequence-gap a:3", "message/orphan-receive b:1 < log/sequence-gap a:3"},
	}, {
		name: "an orphan elsewhere than in the gap",
		logs: map[string]string{
			"a": `{"process":"a","seq":1,"clock":1,"kind":"local"}
{"process":"a","seq":3,"clock":3,"kind":"local"}`,
			"b": `{"process":"b","seq":1,"clock":4,"kind":"receive","peer":"a","cause":3,"stamp":3}`,
		},
		want: []string{"log/sequence-gap a:3", "message/orphan-receive b:1"},
	}, {
		name:  "a balance logged wrong once",
		rules: []string{"money/unexplained-balance"},
		logs: map[string]string{
			"a": executeLine("a", 1, 1, "a/1", "c/1", 10, 10) + "\n" + executeLine("a", 2, 2, "a/2", "c/2", 10, 99) + "\n" +
				executeLine("a", 3, 3, "a/3", "c/3", 10, 30),
		},
		want: []string{"money/unexplained-balance a:2", "money/unexplained-balance a:3 < money/unexplained-balance a:2"},
	}, {
		name:  "the same write wrong at two replicas, another one wrong for itself",
		rules: []string{"money/unexplained-balance"},
		logs: map[string]string{
			"a": executeLine("a", 1, 1, "a/1", "c/1", 10, 10) + "\n" + executeLine("a", 2, 2, "a/2", "c/2", 10, 99),
			"b": executeLine("b", 1, 4, "a/1", "c/1", 10, 10) + "\n" + executeLine("b", 2, 5, "a/2", "c/2", 10, 99) + "\n" +
				executeLine("b", 3, 6, "a/3", "c/3", 10, 109) + "\n" + executeLine("b", 4, 7, "a/4", "c/4", 10, 0),
		},
		want: []string{
			"money/unexplained-balance a:2",
			"money/unexplained-balance b:2 < money/unexplained-balance a:2",
			"money/unexplained-balance b:4",
		},
	}, {
		name:  "an execute that was cut out of the log",
		rules: []string{"log/sequence-gap", "replica/missing-execute"},
		logs: map[string]string{
			"a": executeLine("a", 1, 1, "a/1", "c/1", 10, 10) + "\n" + executeLine("a", 3, 3, "a/3", "c/3", 10, 30),
		},
		want: []string{"log/sequence-gap a:3", "replica/missing-execute a:3 < log/sequence-gap a:3"},
	}, {
		name: "lines that cannot be read, one after the other",
		logs: map[string]string{"a": "x\ny\n" + `{"process":"a","seq":1,"clock":1,"kind":"local"}` + "\nz"},
		want: []string{"log/malformed a:1", "log/malformed a:2 < log/malformed a:1", "log/truncated a:4"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sources []Source
			for _, name := range []string{"a", "b"} {
				if log, ok := tt.logs[name]; ok {
					sources = append(sources, Bytes(name, []byte(log)))
				}
			}
			r := mustCheck(t, sources, Options{Rules: tt.rules})
			var got []string
			for i := range r.Findings {
				f := &r.Findings[i]
				if tt.rules != nil && !slices.Contains(tt.rules, f.Rule) {
					continue
				}
				s := named(f)
				if f.Cause != nil {
					s += " < " + named(&r.Findings[*f.Cause])
				}
				got = append(got, s)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, text(r))
			}
		})
	}
}

// named names a finding by its rule and event; a line that could not be read by file:line.
func named(f *Finding) string {
	if f.Event.Process == "" {
		return f.Rule + " " + f.Event.where()
	}
	return f.Rule + " " + f.Event.Ref()
}

// TestGroupsOfMutants checks what holds of all groups: grouping is flat, drops and counts nothing, and puts no violation
// under a warning; and the printed findings are as many as was asked for.
func TestGroupsOfMutants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := mustCheck(t, sourcesOf(drawMutant(rt)), Options{Strict: rapid.Bool().Draw(rt, "strict")})
		var kept int64
		for i, f := range r.Findings {
			kept++
			if f.Cause == nil {
				continue
			}
			if *f.Cause < 0 || *f.Cause >= len(r.Findings) || *f.Cause == i {
				rt.Fatalf("finding %d follows from %d of %d", i, *f.Cause, len(r.Findings))
			}
			cause := r.Findings[*f.Cause]
			if cause.Cause != nil {
				rt.Fatalf("finding %d follows from %d, which follows from %d", i, *f.Cause, *cause.Cause)
			}
			if cause.Severity == Warning && f.Severity != Warning {
				rt.Fatalf("finding %d is worse than its cause", i)
			}
		}
		if kept != r.total() {
			rt.Fatalf("%d findings of %d", kept, r.total())
		}
		limit := rapid.IntRange(0, 8).Draw(rt, "limit")
		groups, n := r.shown(limit)
		listed, hidden := 0, 0
		for _, g := range groups {
			listed += 1 + len(g.tail)
			hidden += g.more
		}
		switch {
		case listed != n, limit > 0 && n > limit:
			rt.Fatalf("limit %d: %d findings shown, and %d said", limit, listed, n)
		case limit == 0 && (n != len(r.Findings) || hidden > 0):
			rt.Fatalf("%d of %d findings shown, %d hidden", n, len(r.Findings), hidden)
		}
	})
}
