package check

import (
	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// track is which writes of one origin a replica has executed.
type track struct {
	numbers
	newest spot   // the execute or snapshot that brought the highest one; none without
	count  uint64 // executes of writes that it had not
}

// replica is what a process has executed, as far as a pass has read. A snapshot begins a new life of it: what it had
// executed before counts no longer, but for the messages that it heard.
type replica struct {
	p      *proc
	tracks map[int32]*track // by origin
	vector clock.Vector     // per origin the gap-free prefix
	gaps   int              // origins of which writes beyond a gap were executed
	total  uint64           // sum of the vector
	hash   uint64           // of the vector
	heard  map[int32]uint64 // branch -> the latest clock of its messages

	last   spot // latest execute of a write that has a timestamp, in this life
	at     uint64
	origin *proc

	taken *takeover // the latest snapshot
	life  int       // how many snapshots there were
	peak  uint64    // the highest total of the lives before
}

// blind reports whether the replica may have executed more than its log shows: the log is a slice, without snapshot so far.
func (r *replica) blind() bool { return r.taken == nil && r.p.slice() }

// replicas are the processes that execute, by a pass.
type replicas map[*proc]*replica

func (all replicas) of(p *proc) *replica {
	r := all[p]
	if r == nil {
		r = &replica{p: p, tracks: map[int32]*track{}, heard: map[int32]uint64{}}
		all[p] = r
	}
	return r
}

func (r *replica) track(origin *proc) *track {
	t := r.tracks[origin.id]
	if t == nil {
		t = &track{}
		r.tracks[origin.id] = t
	}
	return t
}

// execute notes that a write was executed. It reports whether it is the first time, and whether the vector moved.
func (r *replica) execute(origin *proc, n uint64, by spot) (first, moved bool) {
	t := r.track(origin)
	before, gap := t.prefix(), len(t.holes) > 0
	if n > t.most {
		t.newest = by
	}
	if first = t.add(n); !first {
		return false, false
	}
	t.count++
	return true, r.move(origin, t, before, gap)
}

// move brings the vector up to date with one of its tracks.
func (r *replica) move(origin *proc, t *track, before uint64, gap bool) bool {
	switch now := len(t.holes) > 0; {
	case now && !gap:
		r.gaps++
	case gap && !now:
		r.gaps--
	}
	prefix := t.prefix()
	if prefix == before {
		return false
	}
	r.vector = r.vector.Set(origin.name, prefix)
	r.total += prefix - before
	r.hash += mix(origin.id, prefix)
	if before > 0 {
		r.hash -= mix(origin.id, before)
	}
	return true
}

// hear notes a message. Of one without stamp nothing is known, so it may have been sent as late as one likes.
func (r *replica) hear(from *proc, stamp uint64) {
	if stamp == 0 {
		stamp = clock.Max
	}
	if stamp > r.heard[from.id] {
		r.heard[from.id] = stamp
	}
}

// has reports whether the replica has executed a write.
func (r *replica) has(w write) bool {
	t := r.tracks[w.origin]
	return t != nil && t.has(w.n)
}

// mix spreads two numbers over 64 bits, as in G. Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014.
func mix(id int32, n uint64) uint64 {
	z := n*0x9e3779b97f4a7c15 + uint64(id)*0xd1342543de82ef95
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// write names a write by its origin's id and its number.
type write struct {
	origin int32
	n      uint64
}

// deedAt is a write at a replica.
type deedAt struct {
	p *proc
	write
}

// terms are what a write was ordered as, and must be executed as.
type terms struct {
	payload
	at      uint64
	request trace.ID
}

func termsOf(e *trace.Event) terms { return terms{payloadOf(e), e.At, e.Request} }

// open is a write that some branch has not executed yet.
type open struct {
	ordered bool
	terms
	deps  clock.Vector
	needs clock.Vector // what its customer had seen and written when it sent the request

	executed bool
	first    trace.Result // of the first execute that was read
	outcome
	replicas int // branches that executed it
}

// deeds is all that the logs say of a suspect write.
type deeds struct {
	order    *ordering
	executes []execution
}

// ordering is an order event, as the second pass keeps it.
type ordering struct {
	spot
	terms
	deps clock.Vector
}

// execution is an execute, as the second pass keeps it.
type execution struct {
	spot
	outcome
	terms
	before clock.Vector // the replica's vector, in mode causal
	blind  bool         // and that may not be all
	life   int
}
