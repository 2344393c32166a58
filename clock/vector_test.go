package clock

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// twin is a vector as a map, without entries of 0.
type twin map[string]uint64

func (m twin) set(process string, n uint64) {
	if n == 0 {
		delete(m, process)
		return
	}
	m[process] = n
}

func (m twin) covers(o twin) bool {
	for process, n := range o {
		if m[process] < n {
			return false
		}
	}
	return true
}

func (m twin) text() string {
	var names []string
	for process := range m {
		names = append(names, process)
	}
	sort.Strings(names)
	for i, process := range names {
		names[i] = fmt.Sprintf("%s:%d", process, m[process])
	}
	return "{" + strings.Join(names, " ") + "}"
}

func genProcess() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"a", "b", "c", "branch-1", "branch-10", "branch-2", "B", "ä"})
}

func genTwin() *rapid.Generator[twin] {
	return rapid.Custom(func(t *rapid.T) twin {
		return rapid.MapOfN(genProcess(), rapid.Uint64Range(1, 3), 0, 5).Draw(t, "entries")
	})
}

// vector makes the vector of a map by Set, in the map's order, which is any.
func (m twin) vector() (v Vector) {
	for process, n := range m {
		v = v.Set(process, n)
	}
	return v
}

// checkVector checks the invariants and that v has what m has.
func checkVector(t *rapid.T, v Vector, m twin) {
	t.Helper()
	for i, e := range v {
		if e.N == 0 || i > 0 && v[i-1].Process >= e.Process {
			t.Fatalf("%v is out of order or has a 0", v)
		}
	}
	if v.String() != m.text() || len(v) != len(m) {
		t.Fatalf("vector is %v, map is %s", v, m.text())
	}
}

func TestVectorSetAndGet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v Vector
		m := twin{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			process, n := genProcess().Draw(t, "process"), rapid.Uint64Range(0, 3).Draw(t, "n")
			v = v.Set(process, n)
			m.set(process, n)
			checkVector(t, v, m)
			other := genProcess().Draw(t, "other")
			if v.Get(other) != m[other] {
				t.Fatalf("%v has %d of %s, not %d", v, v.Get(other), other, m[other])
			}
		}
	})
}

func TestVectorLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ma, mb, mc := genTwin().Draw(t, "a"), genTwin().Draw(t, "b"), genTwin().Draw(t, "c")
		a, b, c := ma.vector(), mb.vector(), mc.vector()
		merge := func(v, u Vector) Vector { return v.Clone().Merge(u) }

		join := twin{}
		for _, m := range []twin{ma, mb} {
			for process, n := range m {
				join[process] = max(join[process], n)
			}
		}
		ab := merge(a, b)
		checkVector(t, ab, join)
		checkVector(t, a, ma)
		checkVector(t, b, mb)

		if !ab.Equal(merge(b, a)) || !merge(ab, c).Equal(merge(a, merge(b, c))) || !merge(a, a).Equal(a) {
			t.Fatalf("merging %v, %v and %v is not commutative, associative and idempotent", a, b, c)
		}
		if !ab.Covers(a) || !ab.Covers(b) || c.Covers(a) && c.Covers(b) && !c.Covers(ab) {
			t.Fatalf("%v is not the least vector that covers %v and %v", ab, a, b)
		}
		if a.Covers(b) != ma.covers(mb) || a.Covers(b) != merge(a, b).Equal(a) {
			t.Fatalf("%v covers %v: %t", a, b, a.Covers(b))
		}
		if !a.Covers(a) || a.Covers(b) && b.Covers(a) && !a.Equal(b) || a.Covers(b) && b.Covers(c) && !a.Covers(c) {
			t.Fatalf("Covers of %v, %v and %v is no partial order", a, b, c)
		}
		if a.Concurrent(b) != (!ma.covers(mb) && !mb.covers(ma)) || a.Concurrent(b) != b.Concurrent(a) {
			t.Fatalf("%v and %v concurrent: %t", a, b, a.Concurrent(b))
		}
		if a.Equal(b) != (ma.text() == mb.text()) || !a.Covers(nil) {
			t.Fatalf("%v equals %v: %t", a, b, a.Equal(b))
		}
	})
}

func TestVectorCloneSharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genTwin().Draw(t, "vector")
		v := m.vector()
		u := v.Clone()
		for i := range u {
			u[i].N += 7
		}
		u = slices.Grow(u, 1).Set("zz", 1)
		checkVector(t, v, m)
		if u.Get("zz") != 1 {
			t.Fatalf("%v lacks zz", u)
		}
	})
}
