package sim

import (
	"container/heap"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// world is the clock and the agenda of a simulation: what happens next is what has the least (virtual time, number).
type world struct {
	now    time.Duration
	number uint64
	agenda agenda
}

// occurrence is one thing on the agenda.
type occurrence struct {
	at     time.Duration
	number uint64
	do     func() error
}

// after puts something on the agenda.
func (w *world) after(delay time.Duration, do func() error) { w.at(w.now+delay, do) }

func (w *world) at(t time.Duration, do func() error) {
	w.number++
	heap.Push(&w.agenda, occurrence{max(t, w.now), w.number, do})
}

// step lets the next thing happen.
func (w *world) step() error {
	next := heap.Pop(&w.agenda).(occurrence)
	w.now = next.at
	return next.do()
}

type agenda []occurrence

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at != a[j].at {
		return a[i].at < a[j].at
	}
	return a[i].number < a[j].number
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is for container/heap.
func (a *agenda) Push(x any) { *a = append(*a, x.(occurrence)) }

// Pop is for container/heap.
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = occurrence{}
	*a = old[:len(old)-1]
	return x
}

// source returns the random source of one concern: concerns do not disturb each other's draws.
func source(seed uint64, concern string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(concern))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// between draws a duration from lo to hi, both included.
func between(r *rand.Rand, lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(r.Int64N(int64(hi-lo)+1))
}
