package check

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Messages that wait for their other half take memory as long as they do, and lost ones wait for ever. So there are files.
//
//  1. Once the sends that wait (but for the latest of each process), or the receives that do, take more than so many
//     bytes, they are written to a file in the order of (sender, seq): a run. A receive whose send is in a run finds
//     nothing and waits as well.
//  2. At the end, if there are runs, what still waits becomes two more, and all runs are merged. Halves that meet make a
//     pair; the others are judged as they are without files. Of several receives the one read first counts, which is the
//     one in the earliest run.

// defaultKeep is how many bytes of sends, and as many of receives, wait in memory.
const defaultKeep = 16 << 20

// What an entry of the maps takes, about, in bytes.
const (
	flightSize = 96
	earlySize  = 320
)

// spilled are runs.
type spilled []*trace.Scratch

func (s spilled) remove() {
	for _, run := range s {
		_ = run.Close() // what stays of it is in the folder for what may be removed
	}
}

func (f *messageFamily) spillFlights() {
	if len(f.flights.late)*flightSize <= f.opt.keep {
		return
	}
	late := f.flights.release()
	var names []message
	for k := range late {
		names = append(names, message{k.id, k.n})
	}
	f.spill(names, func(m message) entry { return f.sending(m, late[m.key()]) })
}

// sent2 takes the reply of a send with it.
func (f *messageFamily) sending(m message, s flight) entry {
	x := entry{message: m, sent: true, flight: s}
	if s.replies {
		x.told = f.replies[m]
		delete(f.replies, m)
	}
	return x
}

func (f *messageFamily) spillEarly() {
	if len(f.early)*earlySize <= f.opt.keep {
		return
	}
	waiting := f.early
	f.early = map[message]early{}
	f.spill(slices.Collect(maps.Keys(waiting)), func(m message) entry { return entry{message: m, early: waiting[m]} })
}

// entry is one half of a message, or several receives of it.
type entry struct {
	message
	sent   bool
	flight flight
	told   reply
	early  early
	run    int
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.seq, b.seq), cmp.Compare(a.run, b.run))
}

// spill writes a run of what waits under the names.
func (f *messageFamily) spill(names []message, waiting func(message) entry) {
	if f.fault != nil || len(names) == 0 {
		return
	}
	run, err := trace.NewScratch()
	if err == nil {
		f.spilled = append(f.spilled, run)
		var buf []byte
		slices.SortFunc(names, func(a, b message) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.seq, b.seq)) })
		for _, m := range names {
			x := waiting(m)
			buf = f.encode(buf[:0], &x)
			if _, err = run.Write(buf); err != nil {
				break
			}
		}
	}
	if err != nil {
		f.fault = fmt.Errorf("keep messages in flight in a temporary file: %w", err)
	}
}

// endSpilled judges all messages that wait, in files or in memory.
func (f *messageFamily) endSpilled() {
	var names []message
	f.flights.each(func(k numbered, _ flight) bool {
		names = append(names, message{k.id, k.n})
		return false
	})
	f.spill(names, func(m message) entry {
		s, _ := f.flights.take(m.key())
		return f.sending(m, s)
	})
	f.spill(slices.Collect(maps.Keys(f.early)), func(m message) entry { return entry{message: m, early: f.early[m]} })
	if f.fault == nil {
		if err := f.join(); err != nil {
			f.fault = fmt.Errorf("read messages in flight from a temporary file: %w", err)
		}
	}
}

// join goes through all runs at once.
func (f *messageFamily) join() error {
	var all runs
	for i, run := range f.spilled {
		r, err := run.Rewind()
		if err != nil {
			return err
		}
		one := &runReader{r: r, f: f, run: i}
		if err := one.next(); err == nil {
			all = append(all, one)
		} else if err != io.EOF {
			return err
		}
	}
	heap.Init(&all)
	var send, receives *entry
	flush := func() {
		switch {
		case send != nil && receives != nil:
			f.late(send.message, send.flight, send.told, &receives.early)
		case send != nil:
			f.unreceived(send.message, send.flight)
		case receives != nil:
			f.unsent(receives.message, &receives.early)
		}
		send, receives = nil, nil
	}
	latest := message{from: -1}
	for len(all) > 0 {
		x := all[0].entry
		if x.message != latest {
			flush()
			latest = x.message
		}
		switch {
		case x.sent:
			send = &x
		case receives == nil:
			receives = &x
		default:
			receives.early.count += x.early.count
			receives.early.inexact = receives.early.inexact || x.early.inexact
		}
		switch err := all[0].next(); {
		case err == nil:
			heap.Fix(&all, 0)
		case err == io.EOF:
			heap.Pop(&all)
		default:
			return err
		}
	}
	flush()
	return nil
}

// runs is a heap of runs by their next entry.
type runs []*runReader

func (r runs) Len() int           { return len(r) }
func (r runs) Less(i, j int) bool { return compareEntries(r[i].entry, r[j].entry) < 0 }
func (r runs) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *runs) Push(x any)        { *r = append(*r, x.(*runReader)) }
func (r *runs) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}

// encode appends an entry: its numbers as varints, one after the other.
func (f *messageFamily) encode(b []byte, x *entry) []byte {
	put := func(all ...uint64) {
		for _, n := range all {
			b = binary.AppendUvarint(b, n)
		}
	}
	put(uint64(x.from), x.seq, bit(x.sent))
	if x.sent {
		s := &x.flight
		put(uint64(s.to+1), bit(s.replies), s.clock, uint64(s.at.file), uint64(s.at.line))
		f.encodeReply(put, &x.told)
		return b
	}
	a := &x.early.arrival
	put(uint64(a.p.id), a.seq, a.clock, uint64(a.at.file), uint64(a.at.line), a.stamp, a.before, bit(a.known),
		uint64(x.early.count), bit(x.early.inexact))
	f.encodeReply(put, &a.reply)
	return b
}

func (f *messageFamily) encodeReply(put func(...uint64), r *reply) {
	put(bit(r.responds))
	if !r.responds {
		return
	}
	customer := uint64(0)
	if !r.request.IsZero() {
		customer = uint64(f.process(r.request.Process).id) + 1
	}
	put(customer, r.request.N, uint64(r.result), bit(r.balance.Known), uint64(r.balance.Amount),
		bit(r.toBalance.Known), uint64(r.toBalance.Amount))
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// runReader reads a run.
type runReader struct {
	r   *bufio.Reader
	f   *messageFamily
	run int
	err error
	entry
}

// next reads the next entry; the error is io.EOF behind the last.
func (r *runReader) next() error {
	if _, err := r.r.Peek(1); err != nil {
		return err
	}
	x := entry{run: r.run}
	x.from, x.seq, x.sent = int32(r.number()), r.number(), r.flag()
	if x.sent {
		s := &x.flight
		s.to, s.replies, s.clock, s.at = int32(r.number())-1, r.flag(), r.number(), r.place()
		x.told = r.reply()
	} else {
		a := &x.early.arrival
		a.p = r.f.procs[r.number()]
		a.seq, a.clock, a.at = r.number(), r.number(), r.place()
		a.stamp, a.before, a.known = r.number(), r.number(), r.flag()
		x.early.count, x.early.inexact = int64(r.number()), r.flag()
		a.reply = r.reply()
	}
	r.entry = x
	return r.err
}

func (r *runReader) number() uint64 {
	n, err := binary.ReadUvarint(r.r)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	r.err = errors.Join(r.err, err)
	return n
}

func (r *runReader) flag() bool   { return r.number() == 1 }
func (r *runReader) place() place { return place{int32(r.number()), int(r.number())} }

func (r *runReader) reply() (told reply) {
	if told.responds = r.flag(); !told.responds {
		return told
	}
	customer, n := r.number(), r.number()
	if customer > 0 {
		told.request = trace.ID{Process: r.f.procs[customer-1].name, N: n}
	}
	told.result = trace.Result(r.number())
	told.balance = trace.Balance{Known: r.flag(), Amount: int64(r.number())}
	told.toBalance = trace.Balance{Known: r.flag(), Amount: int64(r.number())}
	return told
}
