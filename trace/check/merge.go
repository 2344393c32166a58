package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// cursor is the reading of one source: where it stands, and the event that is next.
type cursor struct {
	index  int // among the sources
	source Source
	piece  int // of the source, that is being read
	file   int32
	body   io.ReadCloser
	reader *trace.Ahead

	event *trace.Event // next; owned by reader
	proc  *proc        // of event
	peer  *proc        // of event, if it is a send or a receive that names one
	at    place

	procs   []*proc // whose log it is
	records int64   // read, broken ones included
	broken  int64   // records that could not be read, at the most
	torn    bool    // the last record was cut off
}

// place is a line of a file, or a record of a binary one.
type place struct {
	file int32 // number in engine.files, from 1
	line int
}

// merger reads all sources side by side: their events in the order of (clock, process), each source's in its own order
// whatever its clocks say.
//
//  1. Each cursor reads up to its next event. Headers, ends and broken records are handed over as they are met.
//  2. A heap holds the cursors by (clock, process, source) of their next event.
//  3. The least is handed over, its cursor moves on and sinks to its place.
type merger struct {
	engine *engine
	heap   []turn
	pick   func(n int) int // test hook: which of n cursors is next, instead of the least
	read   int64           // events
	ahead  *trace.Prefetcher
}

// progressEvery is the number of events between two calls of Options.Progress and looks at the context.
const progressEvery = 4096

func (m *merger) run(ctx context.Context) (err error) {
	cursors := make([]*cursor, len(m.engine.sources))
	m.ahead = trace.NewPrefetcher(len(cursors))
	defer func() {
		m.ahead.Close() // before the files are: they may be read right now
		for _, c := range cursors {
			if c != nil && c.body != nil {
				err = errors.Join(err, c.body.Close())
			}
		}
	}()
	file := int32(1)
	for i, s := range m.engine.sources {
		c := &cursor{index: i, source: s, piece: -1, file: file - 1}
		file += int32(len(s.Pieces))
		cursors[i] = c
		if len(s.Pieces) == 0 {
			continue
		}
		if err := m.open(c); err != nil { // all of them at once, so that all begin to be read
			return err
		}
	}
	for _, c := range cursors {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.advance(c); err != nil {
			return err
		}
		if c.event != nil {
			m.heap = append(m.heap, turn{c: c})
		}
	}
	m.rank()
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m.drain(ctx)
}

func (m *merger) drain(ctx context.Context) error {
	for len(m.heap) > 0 {
		i, until := 0, uint64(0)
		if m.pick != nil {
			i = m.pick(len(m.heap))
		} else {
			until = m.second() + slack
		}
		c := m.heap[i].c
		for again := true; again; again = c.event != nil && c.event.Clock <= until && m.engine.ready(c) {
			m.engine.event(c)
			if m.read++; m.read%progressEvery == 0 {
				if err := errors.Join(ctx.Err(), m.engine.fault); err != nil {
					return err
				}
				m.engine.progress(m.read, m.ahead.Bytes())
			}
			if err := m.advance(c); err != nil {
				return err
			}
		}
		if c.event == nil {
			last := len(m.heap) - 1
			m.heap[i] = m.heap[last]
			m.heap = m.heap[:last]
		} else {
			m.heap[i] = m.turn(c)
		}
		m.sink(i)
	}
	m.engine.progress(m.read, m.ahead.Bytes())
	return nil
}

// slack is by how many values of the clock a log may run ahead of the others.
const slack = 64

// second returns the clock of the cursor whose turn it is after the first one's, or where there is none of the first.
func (m *merger) second() uint64 {
	clock := m.heap[0].clock
	if len(m.heap) > 1 {
		clock = m.heap[1].clock
	}
	if len(m.heap) > 2 {
		clock = min(clock, m.heap[2].clock)
	}
	return clock
}

// advance reads up to the next event of c, or to its end: event is nil then.
func (m *merger) advance(c *cursor) error {
	c.event = nil
	for {
		if c.reader == nil {
			if c.piece+1 == len(c.source.Pieces) {
				m.engine.finished(c)
				return nil
			}
			if err := m.open(c); err != nil {
				return err
			}
		}
		for c.reader.Scan() {
			c.at = place{c.file, c.reader.Line()}
			c.records++
			if e := c.reader.Event(); e != nil {
				m.engine.upcoming(c, e)
				return nil
			}
			m.engine.record(c, c.reader.Record())
		}
		if err := c.reader.Err(); err != nil {
			return err
		}
		c.reader = nil
		body := c.body
		c.body = nil
		if err := body.Close(); err != nil {
			return err
		}
	}
}

func (m *merger) open(c *cursor) error {
	c.piece++
	c.file++
	p := c.source.Pieces[c.piece]
	body, err := p.Open()
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	c.body = body
	c.reader = m.ahead.Open(body, p.File)
	return nil
}

// turn is a cursor in the heap, with what decides when it is its turn.
type turn struct {
	clock uint64
	rank  int32 // of the process by name, so that names need not be compared; 0 for one that has none
	c     *cursor
}

func (m *merger) turn(c *cursor) turn { return turn{c.event.Clock, c.proc.rank, c} }

// rank gives the processes that stand in the heap at first their ranks by name. In a log of one process that is all there
// are; what other processes such a file may speak of are compared by name.
func (m *merger) rank() {
	var procs []*proc
	for _, p := range m.engine.procs {
		p.rank = 0
	}
	for _, t := range m.heap {
		procs = append(procs, t.c.proc)
	}
	slices.SortFunc(procs, func(a, b *proc) int { return cmp.Compare(a.name, b.name) })
	for i, p := range procs {
		p.rank = int32(i + 1)
	}
	for i := range m.heap {
		m.heap[i] = m.turn(m.heap[i].c)
	}
}

func (a *turn) less(b *turn) bool {
	switch {
	case a.clock != b.clock:
		return a.clock < b.clock
	case a.rank != b.rank && a.rank > 0 && b.rank > 0:
		return a.rank < b.rank
	case a.c.proc != b.c.proc:
		return a.c.proc.name < b.c.proc.name
	}
	return a.c.index < b.c.index
}

func (m *merger) sink(i int) {
	if i >= len(m.heap) {
		return
	}
	t := m.heap[i]
	for {
		least := 2*i + 1
		if least >= len(m.heap) {
			break
		}
		if next := least + 1; next < len(m.heap) && m.heap[next].less(&m.heap[least]) {
			least = next
		}
		if !m.heap[least].less(&t) {
			break
		}
		m.heap[i] = m.heap[least]
		i = least
	}
	m.heap[i] = t
}
