package check

import "slices"

// numbers is a set of numbers from 1 on: all of 1..most but those in holes. It is small where they are dense.
type numbers struct {
	most  uint64
	holes []span // in rising order, never touching
}

// add puts n in. It reports whether it was not there.
func (s *numbers) add(n uint64) bool {
	switch {
	case n == s.most+1:
		s.most = n
		return true
	case n > s.most:
		s.holes = append(s.holes, span{s.most + 1, n - 1})
		s.most = n
		return true
	}
	i := s.holeOf(n)
	if i < 0 {
		return false
	}
	h := s.holes[i]
	var rest []span
	if h.lo < n {
		rest = append(rest, span{h.lo, n - 1})
	}
	if n < h.hi {
		rest = append(rest, span{n + 1, h.hi})
	}
	s.holes = slices.Replace(s.holes, i, i+1, rest...)
	return true
}

// holeOf returns the place of the hole that n is in, or -1.
func (s *numbers) holeOf(n uint64) int {
	i := s.holeFrom(n)
	if i < len(s.holes) && s.holes[i].lo <= n {
		return i
	}
	return -1
}

// holeFrom returns the place of the first hole that ends at n or after it.
func (s *numbers) holeFrom(n uint64) int {
	i, _ := slices.BinarySearchFunc(s.holes, n, func(h span, n uint64) int {
		if h.hi < n {
			return -1
		}
		return 1
	})
	return i
}

func (s *numbers) has(n uint64) bool { return n > 0 && n <= s.most && s.holeOf(n) < 0 }

// prefix returns the highest n with all of 1..n there.
func (s *numbers) prefix() uint64 {
	if len(s.holes) > 0 {
		return s.holes[0].lo - 1
	}
	return s.most
}

// missing returns what of 1..most is not there.
func (s *numbers) missing(most uint64) []span {
	var all []span
	for _, h := range s.holes {
		if h.lo > most {
			return all
		}
		all = append(all, span{h.lo, min(h.hi, most)})
	}
	if s.most < most {
		all = append(all, span{s.most + 1, most})
	}
	return all
}

// anyIn reports whether one of the span is there.
func (s *numbers) anyIn(r span) bool {
	if r.lo > s.most {
		return false
	}
	i := s.holeOf(r.lo)
	return i < 0 || s.holes[i].hi < min(r.hi, s.most)
}

// count returns how many there are.
func (s *numbers) count() uint64 {
	n := s.most
	for _, h := range s.holes {
		n -= h.hi - h.lo + 1
	}
	return n
}
