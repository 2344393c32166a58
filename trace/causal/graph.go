package causal

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"

	"github.com/dustin/go-humanize/english"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// At is an event of a [Graph]: the Pos-th, counted from 0, in the log of the Process-th process.
type At struct{ Process, Pos int32 }

// none stands for no place in a log: behind its end, whatever its length.
const none = math.MaxInt32

// Graph is happens-before of a trace. Processes are numbered in the order of their names, which is that of [Graph.Processes].
// It never changes once it is built, and may be used by many goroutines at once.
//
// A method that returns an error does so only where messages are kept in a file, and the file could not be read.
type Graph struct {
	procs []process
	ids   map[string]int32
	spill *spill
	rank  []int32 // number at scan -> number here
}

// process is what the graph holds of one process.
type process struct {
	name   string
	logged bool // it has a log, be it an empty one
	count  int32
	seqs   seqs
	sends  []uint64 // a bit for each event: is it a send
	blocks []block  // its receives
	heard  []int32  // processes that it received from
}

// receive is a receive event and the send that it names.
type receive struct {
	send uint64 // the seq of the send; its place in its log once resolved
	pos  int32
	peer int32
}

// New returns the graph of events that are in memory: those of each process in the order of its log.
func New(events iter.Seq[*trace.Event]) (*Graph, error) {
	b := newBuilder(math.MaxInt64)
	s := b.scan(0)
	for e := range events {
		if err := s.add(e); err != nil {
			return nil, err
		}
	}
	if err := s.close(); err != nil {
		return nil, err
	}
	return b.graph(), nil
}

// Processes returns the names of all processes that have a log or are named as a peer, in rising order.
func (g *Graph) Processes() []string {
	names := make([]string, len(g.procs))
	for i := range g.procs {
		names[i] = g.procs[i].name
	}
	return names
}

// Len returns the number of events in the log of a process.
func (g *Graph) Len(process int32) int32 { return g.procs[process].count }

// Events returns the number of events of all processes.
func (g *Graph) Events() int64 {
	n := int64(0)
	for i := range g.procs {
		n += int64(g.procs[i].count)
	}
	return n
}

// NoProcessError says that the trace has no process of a name. Names are those that it has, with a log.
type NoProcessError struct {
	Process string
	Names   []string
}

func (e *NoProcessError) Error() string {
	if len(e.Names) == 0 {
		return fmt.Sprintf("there is no process %q: the trace has no events", e.Process)
	}
	const most = 12
	shown, more := e.Names, ""
	if len(shown) > most {
		shown, more = shown[:most], fmt.Sprintf(" and %d more", len(e.Names)-most)
	}
	return fmt.Sprintf("there is no process %q with a log; there are %s%s", e.Process, english.WordSeries(shown, "and"), more)
}

// NoEventError says that a process has no event of a number. Lo and Hi are its least and greatest, 0 if it has none.
type NoEventError struct {
	Ref    trace.Ref
	Lo, Hi uint64
}

func (e *NoEventError) Error() string {
	switch {
	case e.Hi == 0:
		return fmt.Sprintf("there is no event %s: the log of %s has no events", e.Ref, e.Ref.Process)
	case e.Ref.Seq >= e.Lo && e.Ref.Seq <= e.Hi:
		return fmt.Sprintf("there is no event %s: the log of %s has a gap there; it has %d to %d", e.Ref, e.Ref.Process, e.Lo, e.Hi)
	}
	return fmt.Sprintf("there is no event %s: %s has events %d to %d", e.Ref, e.Ref.Process, e.Lo, e.Hi)
}

// Find returns the event of a name: the first where there are several. The error is a *[NoProcessError] or a *[NoEventError].
func (g *Graph) Find(ref trace.Ref) (At, error) {
	id, ok := g.ids[ref.Process]
	if !ok || !g.procs[id].logged {
		e := &NoProcessError{Process: ref.Process}
		for i := range g.procs {
			if g.procs[i].logged {
				e.Names = append(e.Names, g.procs[i].name)
			}
		}
		return At{}, e
	}
	p := &g.procs[id]
	if pos, ok := p.seqs.pos(ref.Seq); ok {
		return At{id, pos}, nil
	}
	lo, hi := p.seqs.span()
	return At{}, &NoEventError{ref, lo, hi}
}

// Ref returns the name of an event.
func (g *Graph) Ref(at At) trace.Ref {
	p := &g.procs[at.Process]
	return trace.Ref{Process: p.name, Seq: p.seqs.seq(at.Pos)}
}

// IsSend reports whether an event is a send.
func (g *Graph) IsSend(at At) bool { return g.procs[at.Process].isSend(at.Pos) }

func (p *process) isSend(pos int32) bool { return p.sends[pos>>6]>>(pos&63)&1 != 0 }

// Cause returns the send that a receive received. There is none for other events, and for a receive whose cause the
// trace has not, or not as a send.
func (g *Graph) Cause(at At) (send At, ok bool, err error) {
	blocks := g.procs[at.Process].blocks
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].last >= at.Pos })
	if i == len(blocks) {
		return At{}, false, nil
	}
	receives, err := g.block(&blocks[i], nil)
	if err != nil {
		return At{}, false, err
	}
	k, found := slices.BinarySearchFunc(receives, at.Pos, func(r receive, pos int32) int { return int(r.pos) - int(pos) })
	if !found {
		return At{}, false, nil
	}
	return At{receives[k].peer, int32(receives[k].send)}, true, nil
}

// EachMessage calls do with the send and the receive of every message that was received, one process after the other, in
// the order of the receivers' logs.
func (g *Graph) EachMessage(do func(send, receive At)) error {
	for p := range int32(len(g.procs)) {
		err := g.eachReceive(p, none, func(r receive) bool {
			do(At{r.peer, int32(r.send)}, At{p, r.pos})
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachReceive calls do with the receives of a process at places below end, in order, until it returns false.
func (g *Graph) eachReceive(p, end int32, do func(receive) bool) error {
	c := g.cursor(p)
	for c.more(end) {
		if !do(c.take()) {
			break
		}
	}
	return c.err
}

// resolve replaces the numbers of sends by their places, and drops the receives without one. It overwrites its argument.
func (g *Graph) resolve(receives []receive) []receive {
	kept := receives[:0]
	for _, r := range receives {
		r.peer = g.rank[r.peer]
		peer := &g.procs[r.peer]
		if pos, ok := peer.seqs.pos(r.send); ok && peer.isSend(pos) {
			r.send = uint64(pos)
			kept = append(kept, r)
		}
	}
	return kept
}

// Close removes the file in which messages are kept, if there is one.
func (g *Graph) Close() error { return g.spill.close() }
