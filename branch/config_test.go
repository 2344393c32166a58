package branch

import (
	"fmt"
	"strings"
	"testing"
)

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("branch-%d", i+1)
	}
	return all
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		says string
	}{
		{Config{Name: "branch-1"}, "0 branches given; a bank has 1 to 64"},
		{Config{Name: "branch-1", Branches: names(65)}, "65 branches"},
		{Config{Name: "branch-3", Branches: names(2)}, `"branch-3" is not among`},
		{Config{Name: "a", Branches: []string{"a", "b", "a"}}, `"a" is named twice`},
		{Config{Name: "a", Branches: []string{"a", ""}}, "has no name"},
		{Config{Name: "a", Branches: []string{"a"}, Mode: "eventual"}, `mode "eventual" is not known`},
		{Config{Name: "a", Branches: []string{"a"}, MaxPending: -1}, "-1 is negative"},
		{Config{Name: "a", Branches: []string{"a"}, Opening: map[string]int64{"main": -1}}, `"main" has -1`},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.says)
		}
	}
}

// Branches that must not talk to each other have different hashes, and the order in which names are given is nothing.
func TestClusterHash(t *testing.T) {
	base := Config{Name: "a", Branches: []string{"a", "b"}, Opening: map[string]int64{"main": 1}}
	same := Config{Name: "b", Branches: []string{"b", "a"}, Mode: ModeTotal, Opening: map[string]int64{"main": 1}}
	if base.ClusterHash() != same.ClusterHash() {
		t.Errorf("%q and %q differ", base.ClusterText(), same.ClusterText())
	}
	for _, other := range []Config{
		{Branches: []string{"a", "c"}, Opening: base.Opening},
		{Branches: []string{"a", "b"}, Opening: map[string]int64{"main": 2}},
		{Branches: []string{"a", "b"}, Opening: map[string]int64{"main": 1, "savings": 0}},
		{Branches: []string{"a", "b"}, Opening: map[string]int64{`main"=1 "x`: 1}},
	} {
		if base.ClusterHash() == other.ClusterHash() {
			t.Errorf("%q has the hash of %q", other.ClusterText(), base.ClusterText())
		}
	}
}
