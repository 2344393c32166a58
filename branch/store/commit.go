package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// sweepAfter is how many dropped writes of one origin, or logged events, are left lying before they are deleted.
const (
	sweepAfter       = 1024
	sweepEventsAfter = 8192
)

// Commit implements Store. The error is an *Error, of kind ErrFull where the disk is, or unwraps to ErrClosed.
func (p *Pebble) Commit(batches ...Batch) error {
	if err := p.usable(); err != nil {
		return err
	}
	p.begin()
	for _, b := range batches {
		if b.Durable == nil {
			continue
		}
		if err := p.change(b.Durable); err != nil {
			p.disk.fuse.blow(err) // part of it is counted in already
			return err
		}
	}
	return p.commit(batches)
}

// usable returns why the store takes nothing any more, nil if it does.
func (p *Pebble) usable() error {
	if p.db == nil {
		return &Error{Kind: ErrClosed, Path: p.dir}
	}
	if p.disk.fuse.blown() != nil {
		return p.failure(p.dir, "", nil)
	}
	return nil
}

func (p *Pebble) begin() {
	clear(p.stage)
	p.values = p.values[:0]
}

// set makes one record part of the commit under way. The last word on a key counts.
func (p *Pebble) set(key []byte, value func(dst []byte) []byte) {
	from := len(p.values)
	p.values = value(p.values)
	p.stage[string(key)] = span{from, len(p.values)}
}

func (p *Pebble) setCount(key []byte, n uint64) {
	p.set(key, func(dst []byte) []byte { return binary.AppendUvarint(dst, n) })
}

// adopt makes a whole state part of the commit under way, which is the first.
func (p *Pebble) adopt(s *branch.State) error {
	p.position.logged, p.sweptEvents = s.Seq, s.Seq // what came before stands in another store, which is lost
	d := branch.Durable{}
	for _, origin := range slices.Sorted(maps.Keys(s.Writes)) {
		d.Held = append(d.Held, s.Writes[origin]...)
	}
	for _, process := range slices.Sorted(maps.Keys(s.Taken)) {
		d.Taken = append(d.Taken, branch.Taken{Process: process, Seq: s.Taken[process]})
	}
	for _, e := range s.Executed {
		p.key = appendName(p.key[:0], tableExecuted, e.Process)
		p.setCount(p.key, e.N)
	}
	for account, balance := range s.Balances {
		p.setBalance(account, trace.KnownBalance(balance))
	}
	for customer, outcome := range s.Results {
		p.key = appendName(p.key[:0], tableResult, customer)
		p.set(p.key, func(dst []byte) []byte { return appendOutcome(dst, &outcome) })
	}
	for at, amount := range s.Rights {
		p.setRight(at, amount)
	}
	for at, n := range s.Fences {
		p.setFence(at, n)
	}
	for _, e := range s.Executed {
		if n := firstOf(s, e.Process); n > 1 {
			d.Dropped = append(d.Dropped, trace.ID{Process: e.Process, N: n - 1})
		}
	}
	return p.change(&d)
}

// firstOf returns n of the first write of an origin that a state still has, or would have.
func firstOf(s *branch.State, origin string) uint64 {
	if writes := s.Writes[origin]; len(writes) > 0 {
		return writes[0].ID.N
	}
	return s.Executed.Get(origin) + 1
}

// change makes what some steps have changed part of the commit under way.
func (p *Pebble) change(d *branch.Durable) error {
	if d.Adopted != nil {
		if err := p.adopt(d.Adopted); err != nil {
			return err
		}
	}
	for _, w := range d.Held {
		p.key = appendWrite(p.key[:0], w.ID.Process, w.ID.N)
		from := len(p.values)
		values, err := appendWriteRecord(p.values, w)
		if err != nil {
			return &Error{Kind: ErrFailed, Path: p.dir, What: fmt.Sprintf("write %s cannot be encoded", w.ID), Err: err}
		}
		p.values = values
		p.stage[string(p.key)] = span{from, len(values)}
	}
	for i := range d.Executed {
		p.execute(&d.Executed[i])
	}
	for _, t := range d.Taken {
		p.key = appendName(p.key[:0], tableTaken, t.Process)
		p.setCount(p.key, t.Seq)
	}
	for _, id := range d.Dropped {
		p.drop(id)
	}
	return nil
}

func (p *Pebble) execute(x *branch.Execution) {
	p.key = appendName(p.key[:0], tableExecuted, x.Write.ID.Process)
	p.setCount(p.key, x.Write.ID.N)
	p.setBalance(x.Write.Account, x.Balance)
	p.setBalance(x.Write.ToAccount, x.ToBalance)
	if x.First {
		p.key = appendName(p.key[:0], tableResult, x.Write.Request.Process)
		p.set(p.key, func(dst []byte) []byte { return appendOutcome(dst, &x.Outcome) })
	}
	for _, r := range x.Rights {
		p.setRight(r.Share, r.Amount)
	}
	if x.Fenced {
		p.setFence(branch.Fence{Customer: x.Write.Request.Process, Branch: x.Write.ID.Process}, x.Write.Request.N)
	}
	if x.Granted {
		p.key = appendPair(p.key[:0], tableGrant, x.Write.ToBranch, x.Write.Request.Process)
		p.set(p.key, func(dst []byte) []byte {
			return binary.AppendUvarint(binary.AppendUvarint(dst, x.Write.Request.N), x.Write.Number)
		})
	}
}

func (p *Pebble) setRight(at branch.Share, amount int64) {
	p.key = appendPair(p.key[:0], tableRight, at.Account, at.Branch)
	p.set(p.key, func(dst []byte) []byte { return binary.AppendVarint(dst, amount) })
}

func (p *Pebble) setFence(at branch.Fence, n uint64) {
	p.key = appendPair(p.key[:0], tableFence, at.Customer, at.Branch)
	p.setCount(p.key, n)
}

func (p *Pebble) setBalance(account string, b trace.Balance) {
	if b.Known {
		p.key = appendName(p.key[:0], tableBalance, account)
		p.set(p.key, func(dst []byte) []byte { return binary.AppendVarint(dst, b.Amount) })
	}
}

// drop takes writes out of what is live. Those that the commit under way has brought are never written.
func (p *Pebble) drop(id trace.ID) {
	if id.N <= p.kept[id.Process] {
		return
	}
	for n := p.kept[id.Process] + 1; n <= id.N; n++ {
		p.key = appendWrite(p.key[:0], id.Process, n)
		delete(p.stage, string(p.key))
		p.position.sum -= p.records[string(p.key)]
		delete(p.records, string(p.key))
	}
	p.kept[id.Process] = id.N
	p.key = appendName(p.key[:0], tableDropped, id.Process)
	p.setCount(p.key, id.N)
}

// commit writes what was staged, the batches' events and the new position, and syncs it.
func (p *Pebble) commit(batches []Batch) error {
	if err := p.usable(); err != nil {
		return err
	}
	batch := p.db.NewBatch()
	err := p.fill(batch, batches)
	if err == nil {
		err = p.sweep(batch, false)
	}
	if err != nil {
		return errors.Join(err, batch.Close())
	}
	if err := p.apply(batch); err != nil {
		return err
	}
	p.noteCommits()
	if p.flushed.Load() {
		if err := p.writeWitness(); err != nil {
			return p.failure(p.dir, "", err)
		}
	}
	return p.failure(p.dir, "", nil)
}

func (p *Pebble) fill(batch *pebble.Batch, batches []Batch) error {
	for key, at := range p.stage {
		value := p.values[at.from:at.to]
		sum := digest(key, value)
		p.position.sum += sum - p.records[key]
		p.records[key] = sum
		p.key = append(p.key[:0], key...)
		if err := batch.Set(p.key, value, nil); err != nil {
			return err
		}
	}
	p.block = p.block[:0]
	for _, b := range batches {
		if len(b.Events) == 0 {
			continue
		}
		if len(p.block) == 0 {
			p.block = binary.AppendUvarint(p.block, b.Events[0].Seq)
		}
		p.block = appendBlock(p.block, b.Events)
		last := &b.Events[len(b.Events)-1]
		p.position.seq, p.position.clock = last.Seq, last.Clock
	}
	if len(p.block) > 0 {
		p.key = appendEvents(p.key[:0], p.position.seq)
		if err := batch.Set(p.key, p.block, nil); err != nil {
			return err
		}
	}
	p.position.commits++
	return batch.Set([]byte{tablePosition}, p.position.append(p.values[:0]), nil)
}

// apply writes a batch, syncs it and closes it.
func (p *Pebble) apply(batch *pebble.Batch) error {
	err := p.db.Apply(batch, pebble.Sync)
	if p.disk.fuse.blown() != nil || err != nil { // the fuse knows what the key-value store is not told
		return p.failure(p.dir, "", err)
	}
	return batch.Close()
}

// sweep deletes the bytes of what was dropped, if there is enough of it.
func (p *Pebble) sweep(batch *pebble.Batch, all bool) error {
	for origin, n := range p.kept {
		if from := p.swept[origin]; n > from && (all || n-from >= sweepAfter) {
			if err := batch.DeleteRange(appendWrite(nil, origin, from+1), appendWrite(nil, origin, n+1), nil); err != nil {
				return err
			}
			p.swept[origin] = n
		}
	}
	if from, to := p.sweptEvents, p.position.logged; to > from && (all || to-from >= sweepEventsAfter) {
		if err := batch.DeleteRange(appendEvents(nil, from+1), appendEvents(nil, to+1), nil); err != nil {
			return err
		}
		p.sweptEvents = to
	}
	return nil
}

// Logged implements Store. It is written with the next commit, or when the store closes.
func (p *Pebble) Logged(seq uint64) error {
	if err := p.usable(); err != nil {
		return err
	}
	p.position.logged = max(p.position.logged, min(seq, p.position.seq))
	return nil
}

// noteCommits says in COMMITS how many commits there are. The write is not synced: it outlives the process, and after a
// power cut it is an older number at worst.
func (p *Pebble) noteCommits() {
	data := binary.BigEndian.AppendUint64(p.values[:0], p.position.commits)
	data = binary.BigEndian.AppendUint64(data, digest(commitsFile, data))
	_, _ = p.commits.WriteAt(data, 0) // an error blows the fuse
}

// writeWitness says in STORE how many commits there are by now.
func (p *Pebble) writeWitness() error {
	p.flushed.Store(false)
	if p.claim.commits == p.position.commits {
		return nil
	}
	p.claim.commits = p.position.commits
	return writeClaim(p.disk, p.dir, &p.claim)
}

// Close implements Store. It leaves all data in files whose every byte has a checksum.
func (p *Pebble) Close() error {
	if p.db == nil {
		return nil
	}
	var err error
	if p.disk.fuse.blown() == nil {
		err = p.settle()
	}
	closing := errors.Join(p.db.Close(), p.commits.Close())
	if blown := p.disk.fuse.blown(); blown != nil {
		err, closing = p.failure(p.dir, "", nil), nil
	}
	p.db = nil
	return errors.Join(err, closing, p.lock.Close())
}

// settle writes what commits have put off.
func (p *Pebble) settle() error {
	batch := p.db.NewBatch()
	err := p.sweep(batch, true)
	if err == nil {
		err = batch.Set([]byte{tablePosition}, p.position.append(nil), nil)
	}
	if err != nil {
		return errors.Join(err, batch.Close())
	}
	if p.position.commits == 0 {
		return batch.Close()
	}
	if err := p.apply(batch); err != nil {
		return err
	}
	if err := p.db.Flush(); err != nil {
		return p.failure(p.dir, "", err)
	}
	return p.writeWitness()
}
