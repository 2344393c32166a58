package check

import "slices"

// executed is which writes of one origin a replica has executed: all of (base, prefix] but those in holes. What a log
// that begins in the middle does not show, up to base, is not known.
type executed struct {
	base   uint64
	prefix uint64
	holes  []hole // in rising order, never touching
}

// hole is a range of writes that were passed over, and the execute that did it.
type hole struct {
	span
	by spot
}

// add notes the execution of write n. It reports whether that is the first.
func (x *executed) add(n uint64, by spot) bool {
	switch {
	case n == x.prefix+1:
		x.prefix = n
		return true
	case n > x.prefix:
		x.holes = append(x.holes, hole{span{x.prefix + 1, n - 1}, by})
		x.prefix = n
		return true
	case n <= x.base:
		return true
	}
	i := x.holeOf(n)
	if i < 0 {
		return false
	}
	h := x.holes[i]
	var rest []hole
	if h.lo < n {
		rest = append(rest, hole{span{h.lo, n - 1}, h.by})
	}
	if n < h.hi {
		rest = append(rest, hole{span{n + 1, h.hi}, h.by})
	}
	x.holes = slices.Replace(x.holes, i, i+1, rest...)
	return true
}

func (x *executed) holeOf(n uint64) int {
	i, _ := slices.BinarySearchFunc(x.holes, n, func(h hole, n uint64) int {
		if h.hi < n {
			return -1
		}
		return 1
	})
	if i < len(x.holes) && x.holes[i].lo <= n {
		return i
	}
	return -1
}

// has reports whether write n is known to have been executed.
func (x *executed) has(n uint64) bool {
	return n > x.base && n <= x.prefix && x.holeOf(n) < 0
}

// takeOver notes that a snapshot brought all writes up to n.
func (x *executed) takeOver(n uint64) {
	x.prefix = max(x.prefix, n)
	for len(x.holes) > 0 && x.holes[0].lo <= n {
		if x.holes[0].hi > n {
			x.holes[0].lo = n + 1
			return
		}
		x.holes = x.holes[1:]
	}
}
