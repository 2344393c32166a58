package trace

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Prefetcher reads logs ahead of whoever wants their records, in goroutines of its own: with the one that wants them they are
// as many as the program may use processors. More would take its turn from it.
//
//  1. Each log has two batches of records. While the records of one are handed out, the other waits its turn to be filled,
//     is filled, or waits to be taken.
//  2. Whoever comes to the end of a batch gives it back to be filled and takes the other. Where that is not there yet, it fills
//     batches itself until it is.
//
// So a log's records come in their order, whatever the goroutines do, and memory is bounded however long a log is.
//
// Of events Has is left out, once it is seen that it can be read: it is most of a branch's log, and no rule looks at it.
type Prefetcher struct {
	work    chan *Ahead
	workers sync.WaitGroup
	stopped atomic.Bool
	read    atomic.Int64
	batch   int // events
	buffer  int // bytes, at first
}

const (
	mostAhead   = 256     // events of a batch
	allAhead    = 1 << 15 // events of the batches of all logs, where they are many
	allBuffered = 32 << 20
	leastBuffer = 4 << 10
)

// NewPrefetcher returns a Prefetcher for about so many logs that are read side by side: their memory is shared out.
// The caller closes it.
func NewPrefetcher(logs int) *Prefetcher {
	logs = max(logs, 1)
	p := &Prefetcher{
		work:   make(chan *Ahead, logs),
		batch:  min(max(allAhead/logs, 4), mostAhead),
		buffer: min(max(allBuffered/logs, leastBuffer), firstBuffer),
	}
	for range runtime.GOMAXPROCS(0) - 1 {
		p.workers.Go(func() {
			for a := range p.work {
				a.fill()
			}
		})
	}
	return p
}

// Close waits until nothing is read any more. No log of the Prefetcher is used again.
func (p *Prefetcher) Close() {
	p.stopped.Store(true)
	close(p.work)
	p.workers.Wait()
}

// Bytes returns how many bytes of the logs have been read, before their compression is taken off.
func (p *Prefetcher) Bytes() int64 { return p.read.Load() }

// Open begins to read a log. The name of the file is for errors. Until the log is read to its end or the Prefetcher is
// closed, src is read in another goroutine; it is not closed.
func (p *Prefetcher) Open(src io.Reader, file string) *Ahead {
	a := &Ahead{p: p, ready: make(chan *batch, 1)}
	a.reader = newReader(&countedReader{src, &p.read}, file, p.buffer)
	a.reader.rec.lean = true
	a.order(newBatch(p.batch))
	a.spare = newBatch(p.batch)
	return a
}

type countedReader struct {
	src io.Reader
	n   *atomic.Int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.src.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// Ahead is a log that is read ahead. It is used as a [Reader] is.
type Ahead struct {
	p      *Prefetcher
	reader *Reader // of the goroutine that fills
	empty  *batch  // to be filled
	ready  chan *batch

	spare *batch // until the first is taken
	now   *batch
	next  int
	err   error
}

// batch is records that were read ahead. Most are events on successive lines, and then events is all there is to it: what
// another processor wrote is slow to read, so there is little beside them.
type batch struct {
	events []Event
	n      int
	line   int    // of the first
	mixed  bool   // not all are events on successive lines
	items  []item // the records, then; of events their places in events
	last   bool   // there are no more; err says why
	err    error
}

type item struct {
	record Record
	line   int
}

func newBatch(n int) *batch { return &batch{events: make([]Event, n)} }

// order has a batch filled.
func (a *Ahead) order(b *batch) {
	a.empty = b
	a.p.work <- a
}

// fill reads as many records as a batch holds.
func (a *Ahead) fill() {
	b, r := a.empty, a.reader
	b.n, b.mixed, b.items, b.last, b.err = 0, false, b.items[:0], false, nil
	for b.n < len(b.events) && !a.p.stopped.Load() {
		r.rec.event = &b.events[b.n]
		if !r.Scan() {
			b.last, b.err = true, r.Err()
			break
		}
		b.add(r.Record(), r.Line())
	}
	a.ready <- b
}

// add takes a record.
func (b *batch) add(rec Record, line int) {
	if b.n == 0 {
		b.line = line
	}
	if _, event := rec.(*Event); !b.mixed && (!event || line != b.line+b.n) {
		b.mixed = true
		for i := range b.n {
			b.items = append(b.items, item{&b.events[i], b.line + i})
		}
	}
	if b.mixed {
		b.items = append(b.items, item{kept(rec), line})
	}
	b.n++
}

// kept returns the record where it outlives the next Scan, else a copy.
func kept(rec Record) Record {
	switch rec := rec.(type) {
	case *Header:
		c := rec.Clone()
		return &c
	case *End:
		c := *rec
		return &c
	}
	return rec
}

// Scan goes on to the next record and reports whether there is one: false at the end of the log and at an I/O error.
func (a *Ahead) Scan() bool {
	for a.now == nil || a.next == a.now.n {
		if a.now != nil && a.now.last {
			a.err = a.now.err
			return false
		}
		b := a.take()
		if a.now == nil {
			a.now = a.spare
		}
		if !b.last {
			a.order(a.now)
		}
		a.now, a.next = b, 0
	}
	a.next++
	return true
}

// take returns the batch that comes next, and fills others as long as it is not there.
func (a *Ahead) take() *batch {
	for {
		select {
		case b := <-a.ready:
			return b
		default:
		}
		select {
		case b := <-a.ready:
			return b
		case other := <-a.p.work:
			other.fill()
		}
	}
}

// Event returns the record that Scan found, nil where it is no event.
func (a *Ahead) Event() *Event {
	if !a.now.mixed {
		return &a.now.events[a.next-1]
	}
	e, _ := a.now.items[a.next-1].record.(*Event)
	return e
}

// Record returns the record that Scan found.
func (a *Ahead) Record() Record {
	if !a.now.mixed {
		return &a.now.events[a.next-1]
	}
	return a.now.items[a.next-1].record
}

// Line returns the number of the record's line, from 1; in a binary log the number of the record.
func (a *Ahead) Line() int {
	if !a.now.mixed {
		return a.now.line + a.next - 1
	}
	return a.now.items[a.next-1].line
}

// Err returns the I/O error that ended the reading, with file and line; nil at the end of the log.
func (a *Ahead) Err() error { return a.err }
