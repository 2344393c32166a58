package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// content is all that a store has, as one reading found it.
type content struct {
	state       branch.State
	position    position
	incarnation uint64
	records     map[string]uint64
	kept        map[string]uint64
	next        uint64 // seq that the next block of events must begin with; 0 before the first that counts
	ends        uint64 // of the newest block
}

// restore reads everything, checks it, and goes on from there.
func (p *Pebble) restore() error {
	c, err := p.read()
	if err != nil {
		return err
	}
	p.position, p.incarnation, p.records = c.position, c.incarnation, c.records
	p.kept, p.swept = c.kept, map[string]uint64{} // what was swept before is not known, and sweeping twice does no harm
	return nil
}

// Load implements Store. The error is an *Error.
func (p *Pebble) Load() (_ branch.State, err error) {
	if err := p.usable(); err != nil {
		return branch.State{}, err
	}
	defer p.recovered(p.dir, &err)
	c, err := p.read()
	if err != nil {
		return branch.State{}, p.failure(p.dir, "", err)
	}
	return c.state, nil
}

// read reads every record and checks that they add up to one commit.
func (p *Pebble) read() (*content, error) {
	c := &content{records: map[string]uint64{}, kept: map[string]uint64{}}
	c.state.Writes, c.state.Balances = map[string][]*branch.Write{}, map[string]int64{}
	c.state.Results, c.state.Taken = map[string]branch.Outcome{}, map[string]uint64{}
	c.state.Rights, c.state.Fences = map[branch.Share]int64{}, map[branch.Fence]uint64{}
	c.state.Grants = map[branch.Grantee]branch.Ask{}
	value, closer, err := p.db.Get([]byte{tablePosition})
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		err = errors.Join(c.position.decode(value), closer.Close())
		if err != nil {
			return nil, p.damaged([]byte{tablePosition}, err)
		}
	}
	err = p.each(nil, nil, func(key, value []byte) error {
		if err := c.record(key, value); err != nil {
			return p.damaged(key, err)
		}
		return nil
	})
	if err == nil {
		if wrong := c.check(); wrong != nil {
			err = corrupt(p.disk.PathJoin(p.dir, dataFolder), "", wrong)
		}
	}
	if err != nil {
		return nil, err
	}
	if c.position.commits == 0 {
		c.state = branch.State{}
	}
	c.state.Seq, c.state.Clock = c.position.seq, c.position.clock
	return c, nil
}

func (p *Pebble) damaged(key []byte, err error) error {
	return corrupt(p.disk.PathJoin(p.dir, dataFolder), fmt.Sprintf("record %q", key), err)
}

// each calls yield for every record from a key on, up to another; nil means the first and beyond the last.
func (p *Pebble) each(from, to []byte, yield func(key, value []byte) error) error {
	records, err := p.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for ok := records.First(); ok; ok = records.Next() {
		value, err := records.ValueAndErr()
		if err == nil {
			err = yield(records.Key(), value)
		}
		if err != nil {
			return errors.Join(err, records.Close())
		}
	}
	return errors.Join(records.Error(), records.Close())
}

// record takes one record in. Dropped comes before writes, in the order of keys.
func (c *content) record(key, value []byte) error {
	k, v := parser{rest: key[1:]}, parser{rest: value}
	name := string(key[1:])
	switch key[0] {
	case tableMeta, tablePosition:
		return nil
	case tableEvents:
		last := k.fixed()
		return errors.Join(k.end(), c.events(last, value))
	case tableWrite:
		origin, n := k.text(), k.fixed()
		if n <= c.kept[origin] {
			return k.end()
		}
		if err := errors.Join(k.end(), c.write(origin, n, value)); err != nil {
			return err
		}
		v.rest = nil
	case tableBalance:
		c.state.Balances[name] = v.number()
	case tableRight:
		at := branch.Share{Account: k.text(), Branch: k.text()}
		c.state.Rights[at] = v.number()
		if err := k.end(); err != nil {
			return err
		}
	case tableFence:
		at := branch.Fence{Customer: k.text(), Branch: k.text()}
		c.state.Fences[at] = v.count()
		if err := k.end(); err != nil {
			return err
		}
	case tableGrant:
		at := branch.Grantee{Branch: k.text(), Customer: k.text()}
		c.state.Grants[at] = branch.Ask{Request: v.count(), Number: v.count()}
		if err := k.end(); err != nil {
			return err
		}
	case tableDropped:
		c.kept[name] = v.count()
		c.state.Writes[name] = []*branch.Write{}
	case tableIncarnation:
		c.incarnation = v.count()
	case tableResult:
		o, err := decodeOutcome(value)
		if err != nil {
			return err
		}
		c.state.Results[name], v.rest = o, nil
	case tableTaken:
		c.state.Taken[name] = v.count()
	case tableExecuted:
		c.state.Executed = c.state.Executed.Set(name, v.count())
	default:
		return errors.New("no table has such a key")
	}
	c.records[string(key)] = digest(key, value)
	return v.end()
}

func (c *content) write(origin string, n uint64, value []byte) error {
	w, err := decodeWriteRecord(value)
	if err != nil {
		return err
	}
	if w.ID != (trace.ID{Process: origin, N: n}) {
		return fmt.Errorf("it holds write %s", w.ID)
	}
	writes := c.state.Writes[origin]
	if len(writes) > 0 && n != writes[len(writes)-1].ID.N+1 {
		return fmt.Errorf("write %d of %s is missing", n-1, origin)
	}
	c.state.Writes[origin] = append(writes, w)
	return nil
}

// events takes a block of events in that ends with last.
func (c *content) events(last uint64, value []byte) error {
	if last <= c.position.logged {
		return nil
	}
	first, _, err := blockHead(value)
	if err != nil || first > last {
		return errRecord
	}
	if c.next == 0 {
		if first > c.position.logged+1 {
			return fmt.Errorf("events %d to %d are missing", c.position.logged+1, first-1)
		}
	} else if first != c.next {
		return fmt.Errorf("event %d stands where event %d belongs", first, c.next)
	}
	c.next, c.ends = last+1, last
	return nil
}

// check compares what was read with the position.
func (c *content) check() error {
	sum := uint64(0)
	for _, n := range c.records {
		sum += n
	}
	if sum != c.position.sum {
		return errors.New("its records are not those of one commit")
	}
	if ends := max(c.ends, c.position.logged); ends != c.position.seq {
		return fmt.Errorf("its events end at %d, its state at %d", ends, c.position.seq)
	}
	return nil
}

// Events implements Store. Errors other than those of yield are of type *Error.
func (p *Pebble) Events(after uint64, yield func(*trace.Event) error) error {
	if err := p.usable(); err != nil {
		return err
	}
	after = max(after, p.position.logged)
	records, err := p.db.NewIter(&pebble.IterOptions{LowerBound: appendEvents(nil, after+1), UpperBound: []byte{tableEvents + 1}})
	if err != nil {
		return p.failure(p.dir, "", err)
	}
	blocks := &blockReader{records: records}
	stopped := false
	err = blocks.events(after, func(e *trace.Event) error {
		err := yield(e)
		stopped = err != nil
		return err
	})
	closing := records.Close()
	switch {
	case stopped:
		return err
	case err != nil:
		return p.failure(p.disk.PathJoin(p.dir, dataFolder), "", err)
	}
	return p.failure(p.dir, "", closing)
}

// blockReader reads the lines of all blocks as one text.
type blockReader struct {
	records *pebble.Iterator
	started bool
	first   uint64 // seq of the first event
	lines   []byte // of the current block, not handed out yet
}

// Read is for io.Reader.
func (b *blockReader) Read(dst []byte) (int, error) {
	for len(b.lines) == 0 {
		ok := false
		if b.started {
			ok = b.records.Next()
		} else {
			ok = b.records.First()
		}
		if !ok {
			return 0, cmp.Or(b.records.Error(), io.EOF)
		}
		value, err := b.records.ValueAndErr()
		if err != nil {
			return 0, err
		}
		first, lines, err := blockHead(value)
		if err != nil {
			return 0, err
		}
		if !b.started {
			b.started, b.first = true, first
		}
		b.lines = lines
	}
	n := copy(dst, b.lines)
	b.lines = b.lines[n:]
	return n, nil
}

// events calls yield for the events with a seq above after.
func (b *blockReader) events(after uint64, yield func(*trace.Event) error) error {
	r := trace.NewReader(b, "events")
	want := uint64(0)
	for r.Scan() {
		want = cmp.Or(want, b.first)
		e, ok := r.Record().(*trace.Event)
		if !ok || e.Seq != want {
			return fmt.Errorf("event %d is missing", want)
		}
		want++
		if e.Seq <= after {
			continue
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return r.Err()
}
