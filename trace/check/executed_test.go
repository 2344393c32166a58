package check

import (
	"testing"

	"pgregory.net/rapid"
)

// TestExecuted compares the intervals with a plain set.
func TestExecuted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x executed
		set := map[uint64]bool{}
		highest := uint64(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n := rapid.Uint64Range(1, 25).Draw(t, "n")
			if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
				x.takeOver(n)
				for k := range n {
					set[k+1] = true
				}
			} else {
				if first := x.add(n, spot{seq: n}); first == set[n] {
					t.Fatalf("add(%d) = %v, and it was there: %v", n, first, set[n])
				}
				set[n] = true
			}
			highest = max(highest, n)
			for k := uint64(1); k <= 27; k++ {
				if x.has(k) != set[k] {
					t.Fatalf("has(%d) = %v, want %v: %+v", k, x.has(k), set[k], x)
				}
			}
			if x.prefix != highest {
				t.Fatalf("prefix %d, want %d", x.prefix, highest)
			}
		}
	})
}
