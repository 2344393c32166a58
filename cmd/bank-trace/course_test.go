package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// courseEntry is one entry of the course's lists.
type courseEntry struct {
	ID        int    `json:"id"`
	Request   int    `json:"customer-request-id"`
	Type      string `json:"type"`
	Clock     uint64 `json:"logical_clock"`
	Interface string `json:"interface"`
	Comment   string `json:"comment"`
}

// courseInput is an input with as many customers and branches, two requests each.
func courseInput(t *testing.T, n int) string {
	var list []map[string]any
	for id := 1; id <= n; id++ {
		list = append(list,
			map[string]any{"id": id, "type": "customer", "customer-requests": []map[string]any{
				{"customer-request-id": 2*id - 1, "interface": "deposit", "money": 10},
				{"customer-request-id": 2 * id, "interface": []string{"query", "withdraw"}[id%2], "money": id % 2 * 5},
			}},
			map[string]any{"id": id, "type": "branch", "balance": 400})
	}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "input.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readJSON[T any](t *testing.T, dir, name string) (v T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// TestCourseRules holds the course's outputs to the course's published rules: the clocks of each process rise strictly,
// and in the flat list each receive is later than its send.
func TestCourseRules(t *testing.T) {
	answers := t.TempDir()
	var out, errs bytes.Buffer
	if got := run(t.Context(), []string{"run", courseInput(t, 50), "--course", answers, "--timeout", "2m"}, strings.NewReader(""), &out, &errs); got != 0 {
		t.Fatalf("exit status %d\n%s%s", got, out.String(), errs.String())
	}
	if !strings.Contains(out.String(), "PASS") || !strings.Contains(out.String(), ": 0 in flight") {
		t.Errorf("the run says\n%s", out.String())
	}
	type process struct {
		ID     int
		Type   string
		Events []courseEntry
	}
	total := 0
	for _, name := range []string{"customer_events.json", "branch_events.json"} {
		list := readJSON[[]process](t, answers, name)
		if len(list) != 50 {
			t.Errorf("%s has %d processes", name, len(list))
		}
		for _, p := range list {
			total += len(p.Events)
			for i := 1; i < len(p.Events); i++ {
				if p.Events[i].Clock <= p.Events[i-1].Clock {
					t.Errorf("%s %d: clock %d follows %d", p.Type, p.ID, p.Events[i].Clock, p.Events[i-1].Clock)
				}
			}
		}
	}
	flat := readJSON[[]courseEntry](t, answers, "all_events.json")
	if len(flat) != total {
		t.Errorf("the flat list has %d entries, the others %d", len(flat), total)
	}
	pairs := pairFlat(t, flat)
	if want := 100 + 75*49; pairs != want {
		t.Errorf("%d messages, want %d", pairs, want)
	}
}

// pairFlat pairs sends and receives by request, interface and ends, demands that the receive is later, and counts them.
func pairFlat(t *testing.T, flat []courseEntry) int {
	sends := map[string]uint64{}
	name := func(e courseEntry) string { return fmt.Sprintf("%s %d", e.Type, e.ID) }
	for _, e := range flat {
		if to, ok := strings.CutPrefix(e.Comment, "event_sent to "); ok {
			sends[fmt.Sprint(e.Request, e.Interface, name(e), to)] = e.Clock
		} else if strings.HasPrefix(e.Comment, "event_sent from ") {
			sends[fmt.Sprint(e.Request, e.Interface, name(e))] = e.Clock
		}
	}
	pairs := 0
	for _, e := range flat {
		from, ok := strings.CutPrefix(e.Comment, "event_recv from ")
		if !ok {
			continue
		}
		key := fmt.Sprint(e.Request, e.Interface, from, name(e))
		if strings.HasPrefix(from, "customer") {
			key = fmt.Sprint(e.Request, e.Interface, from)
		}
		sent, ok := sends[key]
		if !ok || e.Clock <= sent {
			t.Errorf("%s receives at %d what was sent at %d (found: %v): %+v", name(e), e.Clock, sent, ok, e)
		}
		pairs++
	}
	return pairs
}
