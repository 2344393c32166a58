package causal

import (
	"cmp"
	"slices"
	"sort"
)

// run is a stretch of a log in which seq rises by one: the events at pos, pos+1, ... have the numbers seq, seq+1, ...
type run struct {
	seq uint64
	pos int32
	n   int32
}

func (r run) end() uint64 { return r.seq + uint64(r.n) }

// seqs translates between the places of a log's events and their numbers. A log without gaps is one run.
type seqs struct {
	runs    []run // by pos
	byseq   []run // by seq, without overlap: of events with the same number the first counts
	settled bool
}

// add takes the number of the next event.
func (s *seqs) add(seq uint64, pos int32) {
	if n := len(s.runs); n > 0 && s.runs[n-1].end() == seq {
		s.runs[n-1].n++
		return
	}
	s.runs = append(s.runs, run{seq, pos, 1})
}

// settle makes lookups by number possible, once all events are there.
func (s *seqs) settle() {
	s.settled = true
	s.byseq = s.runs
	for i := 1; i < len(s.runs); i++ {
		if s.runs[i].seq < s.runs[i-1].end() {
			s.byseq = disjoint(s.runs)
			return
		}
	}
}

// disjoint cuts runs so that each number is in one piece, that of the first run which has it.
//
//  1. The ends of all runs divide the numbers into parts.
//  2. Each run, in the order of the log, takes those of its parts that no earlier one took. next[i] leads on towards the first
//     part from i on that is free (disjoint sets: R. E. Tarjan, J. ACM 22(2), 1975).
func disjoint(runs []run) []run {
	cuts := make([]uint64, 0, 2*len(runs))
	for _, r := range runs {
		cuts = append(cuts, r.seq, r.end())
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	next := make([]int, len(cuts))
	for i := range next {
		next[i] = i
	}
	free := func(i int) int {
		for next[i] != i {
			next[i] = next[next[i]]
			i = next[i]
		}
		return i
	}
	var pieces []run
	for _, r := range runs {
		i, _ := slices.BinarySearch(cuts, r.seq)
		for i = free(i); cuts[i] < r.end(); i = free(i) {
			pieces = append(pieces, run{cuts[i], r.pos + int32(cuts[i]-r.seq), int32(cuts[i+1] - cuts[i])})
			next[i] = i + 1
		}
	}
	slices.SortFunc(pieces, func(a, b run) int { return cmp.Compare(a.seq, b.seq) })
	return pieces
}

// pos returns the place of the first event with a number.
func (s *seqs) pos(seq uint64) (int32, bool) {
	if len(s.byseq) == 1 { // nearly always
		r := s.byseq[0]
		return r.pos + int32(min(seq-r.seq, uint64(r.n))), seq >= r.seq && seq < r.end()
	}
	i := sort.Search(len(s.byseq), func(i int) bool { return s.byseq[i].end() > seq })
	if i == len(s.byseq) || s.byseq[i].seq > seq {
		return 0, false
	}
	return s.byseq[i].pos + int32(seq-s.byseq[i].seq), true
}

// seq returns the number of the event at a place, which must be one of the log's.
func (s *seqs) seq(pos int32) uint64 {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].pos > pos }) - 1
	return s.runs[i].seq + uint64(pos-s.runs[i].pos)
}

// span returns the least and the greatest number; 0, 0 for a log without events.
func (s *seqs) span() (lo, hi uint64) {
	for i, r := range s.runs {
		if i == 0 {
			lo = r.seq
		}
		lo, hi = min(lo, r.seq), max(hi, r.end()-1)
	}
	return lo, hi
}
