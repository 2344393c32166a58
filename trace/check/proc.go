package check

import (
	"cmp"
	"math"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// proc is a process: what its log says of itself, and how far its log has been read.
type proc struct {
	name   string
	id     int32
	source int   // index of its log; -1 as long as none was seen
	rank   int32 // by name, see merger.rank

	declared // as far as this pass has read

	// From the records of its log, complete after the first pass.
	promised   bool   // the latest header promises an end
	closed     bool   // an end record came after the latest header
	torn       bool   // the log stops short of its end
	most       uint64 // highest seq
	header     place  // of the latest header
	unreadable []span // seqs that may be in records which could not be read
	strays     []int  // other logs that speak for it and were reported

	branch  bool   // some header calls it one, or it writes
	place   int32  // among the branches
	role    string // that the first header with one gives
	mode    string // likewise
	headers int
	opening []trace.AccountBalance // of the first header, where it counts
	opened  place                  // of that header
	acts    bool                   // it orders, executes or takes over writes
	asks    bool                   // it sends requests
	done    bool                   // this pass has read its log to the end

	mentioned bool // some process names it as its peer
	naming    naming
	last      position
	seqs      numbers // that this pass has met
	final     spot    // of a replica with a whole log: its end
}

// pair is two processes.
type pair uint64

func pairOf(a, b *proc) pair { return pair(a.id)<<32 | pair(b.id) }

func (p pair) first() int32  { return int32(p >> 32) }
func (p pair) second() int32 { return int32(p & math.MaxUint32) }

// declared is what a log's headers say of its process.
type declared struct {
	headed      bool
	incarnation uint64 // of the latest header
	begins      uint64 // seq with which the log begins; 0 means 1
}

// declare takes a header.
func (p *proc) declare(h *trace.Header) {
	if !p.headed && !p.last.any {
		p.begins = h.First
	}
	p.headed, p.incarnation = true, h.Incarnation
}

// introduce takes what a header, in the first pass, says of the process as such.
func (p *proc) introduce(h *trace.Header, at place) {
	if p.headers++; p.headers == 1 && h.Incarnation <= 1 && !p.slice() {
		p.opening, p.opened = slices.Clone(h.Opening), at
	}
	p.role, p.mode = cmp.Or(p.role, h.Role), cmp.Or(p.mode, h.Mode)
}

// slice reports whether the beginning of the log is not in the trace.
func (p *proc) slice() bool { return p.first() > 1 }

// replica reports whether the process executes writes: its header says so or, without a role, its events do.
func (p *proc) replica() bool { return p.role == roleBranch || p.role == "" && p.acts }

// customer reports whether the process asks: its header says so or, without a role, its events do.
func (p *proc) customer() bool { return p.role == roleCustomer || p.role == "" && p.asks }

// position is how far a log has been read in this pass.
type position struct {
	any    bool
	seq    uint64 // of the latest event
	clock  uint64
	at     place
	broken int64 // records of the source that were unreadable by then
}

// span is a range of seqs or write numbers, both ends included.
type span struct{ lo, hi uint64 }

// first is the seq of the log's first event.
func (p *proc) first() uint64 { return max(p.begins, 1) }

// next is the seq that the next event must have.
func (p *proc) next() uint64 {
	if p.last.any {
		return p.last.seq + 1
	}
	return p.first()
}

// previous is the latest event.
func (p *proc) previous() spot { return spot{p, p.last.seq, p.last.clock, p.last.at} }

func (p *proc) advance(v *visit, broken int64) {
	p.last = position{
		any: true, seq: v.e.Seq, clock: v.e.Clock, at: v.at, broken: broken,
	}
	p.seqs.add(v.e.Seq)
	p.most = max(p.most, v.e.Seq)
}

// hasLog reports whether any record of the process was given.
func (p *proc) hasLog() bool { return p.source >= 0 }

// whole reports whether the log was read to an end that it vouches for.
func (p *proc) whole() bool { return p.hasLog() && p.closed && !p.torn }

// covers reports whether the log would show an event with that seq, had it happened.
func (p *proc) covers(seq uint64) bool {
	switch {
	case !p.hasLog() || seq < p.first():
		return false
	case slices.ContainsFunc(p.unreadable, func(s span) bool { return s.lo <= seq && seq <= s.hi }):
		return false
	case seq <= p.most:
		return true
	}
	return p.whole()
}

// naming is the first that speaks of a process as its peer: of the least name, those with headers first.
type naming struct {
	by   spot
	bank bool // it has a header, so its peers should have logs
}

// improves reports whether n should stand instead of old.
func (n naming) improves(old naming) bool {
	switch {
	case old.by.p == nil:
		return true
	case n.bank != old.bank:
		return n.bank
	}
	return n.by.p.name < old.by.p.name
}

// ending is the last event of the process, or its header.
func (p *proc) ending() spot {
	if p.last.any {
		return p.previous()
	}
	return spot{p: p, at: p.header}
}
