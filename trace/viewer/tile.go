package viewer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

const (
	tileEvents   = 6000 // most events of an exact tile
	tileLane     = 96   // most events of one process in an exact tile: more could not be told apart on screen
	tileMessages = 6000
	tileBuckets  = 128 // cells of a process in a tile of counts
	tileFlows    = 4000
	flowBuckets  = 8 // columns of a tile by which its messages are summed up
	mostLevel    = 53
)

// tile is what is drawn of a stretch of clocks: its events, or where these are too many their number per cell.
//
// Lists of numbers are flat: of each event eventFields numbers in a row, and so on.
type tile struct {
	Z     int   `json:"z"`
	I     int64 `json:"i"`
	Exact bool  `json:"exact"`

	Events   []int64 `json:"events,omitempty"`   // process, place, seq, clock, mark, step, peer
	Messages []int64 `json:"messages,omitempty"` // process, place, clock of the send; the same of the receive
	More     bool    `json:"more,omitempty"`     // there are further messages

	Cells []int64 `json:"cells,omitempty"` // process, cell, local, send, receive, findings
	Flows []int64 `json:"flows,omitempty"` // from, to, messages, mean clock of the sends, mean clock of the receives
}

// tileOf returns the tile of the clocks from i<<z on, of the processes that are shown.
func (ix *index) tileOf(z int, i int64, shown []bool) (*tile, error) {
	if z < 0 || z > mostLevel || i < 0 || i > int64(clock.Max>>z) {
		return nil, fmt.Errorf("z=%d&i=%d: there is no such tile; z is 0 to %d, and i<<z at most 2^53", z, i, mostLevel)
	}
	lo := uint64(i) << z
	hi := lo + 1<<z - 1
	t := &tile{Z: z, I: i}
	total, most := 0, 0
	for p, l := range ix.lanes {
		if shown[p] {
			from, to := l.between(lo, hi)
			total += to - from
			most = max(most, to-from)
		}
	}
	if t.Exact = total <= tileEvents && most <= tileLane; t.Exact {
		ix.exact(t, lo, hi, shown)
		return t, nil
	}
	ix.count(t, lo, z, shown)
	ix.flows(t, lo, hi, z, shown)
	return t, nil
}

func (ix *index) exact(t *tile, lo, hi uint64, shown []bool) {
	for p, l := range ix.lanes {
		if !shown[p] {
			continue
		}
		from, to := l.between(lo, hi)
		for k := from; k < to; k++ {
			pos := l.at(k)
			seq := ix.trace.Ref(causal.At{Process: int32(p), Pos: pos}).Seq
			t.Events = append(t.Events, int64(p), int64(pos), int64(seq), int64(l.clocks[pos]), int64(l.marks[pos]),
				int64(l.steps[pos]), int64(l.peer(pos)))
		}
	}
	n := 0
	ix.within(lo, hi, func(m message) bool {
		if !shown[m.send.Process] || !shown[m.receive.Process] {
			return true
		}
		if n++; n > tileMessages {
			t.More = true
			return false
		}
		t.Messages = append(t.Messages,
			int64(m.send.Process), int64(m.send.Pos), int64(ix.clock(m.send)),
			int64(m.receive.Process), int64(m.receive.Pos), int64(ix.clock(m.receive)))
		return true
	})
}

// count counts the events of each cell of a tile.
func (ix *index) count(t *tile, lo uint64, z int, shown []bool) {
	// Cells are powers of two, so a shift finds them.
	shift := max(0, z-7)
	for p, l := range ix.lanes {
		if !shown[p] {
			continue
		}
		var cells [tileBuckets][4]int64
		from, to := l.between(lo, lo+1<<z-1)
		for k := from; k < to; k++ {
			pos := l.at(k)
			c := &cells[(l.clocks[pos]-lo)>>shift]
			if kind := l.marks[pos] & markKind; kind > 0 {
				c[kind-1]++
			}
			if l.marks[pos]&markFinding != 0 {
				c[3]++
			}
		}
		for b, c := range cells {
			if c != [4]int64{} {
				t.Cells = append(t.Cells, int64(p), int64(b), c[0], c[1], c[2], c[3])
			}
		}
	}
}

// flow is messages from one process to another that begin in one column of a tile.
type flow struct {
	from, to        int32
	column          int
	n               int64
	sends, receives float64 // sums of clocks
}

// flows sums up the messages that begin in a tile.
func (ix *index) flows(t *tile, lo, hi uint64, z int, shown []bool) {
	type key struct {
		from, to int32
		column   int
	}
	sums := map[key]*flow{}
	shift := max(0, z-3)
	m := &ix.messages
	for _, x := range m.all[m.from(ix, lo):m.from(ix, hi+1)] {
		if !shown[x.send.Process] || !shown[x.receive.Process] {
			continue
		}
		k := key{x.send.Process, x.receive.Process, int((ix.low(x) - lo) >> shift)}
		f := sums[k]
		if f == nil {
			f = &flow{from: k.from, to: k.to, column: k.column}
			sums[k] = f
		}
		f.n++
		f.sends += float64(ix.clock(x.send))
		f.receives += float64(ix.clock(x.receive))
	}
	all := make([]*flow, 0, len(sums))
	for _, f := range sums {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *flow) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.column, b.column), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	for _, f := range all[:min(len(all), tileFlows)] {
		n := float64(f.n)
		t.Flows = append(t.Flows, int64(f.from), int64(f.to), f.n, int64(f.sends/n), int64(f.receives/n))
	}
}
