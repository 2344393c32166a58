package check

import (
	"testing"

	"pgregory.net/rapid"
)

// TestNumbers compares the intervals with a plain set.
func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x numbers
		set := map[uint64]bool{}
		highest := uint64(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n := rapid.Uint64Range(1, 25).Draw(t, "n")
			if first := x.add(n); first == set[n] {
				t.Fatalf("add(%d) = %v, and it was there: %v", n, first, set[n])
			}
			set[n] = true
			highest = max(highest, n)
			same(t, &x, set, highest)
		}
	})
}

func same(t *rapid.T, x *numbers, set map[uint64]bool, highest uint64) {
	prefix, missing := uint64(0), map[uint64]bool{}
	for _, s := range x.missing(27) {
		for n := s.lo; n <= s.hi; n++ {
			missing[n] = true
		}
	}
	for k := uint64(1); k <= 27; k++ {
		if x.has(k) != set[k] || missing[k] == set[k] {
			t.Fatalf("has(%d) = %v, missing %v, want %v: %+v", k, x.has(k), missing[k], set[k], x)
		}
		if set[k] && prefix == k-1 {
			prefix = k
		}
	}
	if x.most != highest || x.prefix() != prefix || x.count() != uint64(len(set)) {
		t.Fatalf("most %d, prefix %d, count %d; want %d, %d, %d", x.most, x.prefix(), x.count(), highest, prefix, len(set))
	}
	lo := rapid.Uint64Range(1, 25).Draw(t, "lo")
	hi := rapid.Uint64Range(lo, 27).Draw(t, "hi")
	some := false
	for n := lo; n <= hi; n++ {
		some = some || set[n]
	}
	if x.anyIn(span{lo, hi}) != some {
		t.Fatalf("anyIn(%d, %d) = %v: %+v", lo, hi, !some, x)
	}
}
