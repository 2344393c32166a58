package store

import (
	"encoding/binary"
	"errors"
)

// The tables of the key-value store: the first byte of every key.
const (
	tableBalance     = 'b'
	tableDropped     = 'd'
	tableEvents      = 'e'
	tableIncarnation = 'i'
	tableMeta        = 'm'
	tablePosition    = 'p'
	tableResult      = 'r'
	tableTaken       = 't'
	tableWrite       = 'w'
	tableExecuted    = 'x'
	tableRight       = 's'
	tableFence       = 'f'
	tableGrant       = 'g'
)

// appendName appends the key of a table that is keyed by name.
func appendName(dst []byte, table byte, name string) []byte {
	return append(append(dst, table), name...)
}

// appendEvents appends the key of the block of events that ends with seq.
func appendEvents(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tableEvents), seq)
}

// appendWrite appends the key of a write.
func appendWrite(dst []byte, origin string, n uint64) []byte {
	dst = appendText(append(dst, tableWrite), origin)
	return binary.BigEndian.AppendUint64(dst, n)
}

// appendPair appends the key of a record that two names name.
func appendPair(dst []byte, table byte, a, b string) []byte {
	return appendText(appendText(append(dst, table), a), b)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var errRecord = errors.New("the record is not as the store wrote it")

// parser takes a key or a value apart. After the first thing that is not there all that it returns is zero.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) byte() byte {
	if len(p.rest) == 0 {
		p.bad = true
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

func (p *parser) count() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || size > 1 && p.rest[size-1] == 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) number() int64 {
	n := p.count()
	return int64(n>>1) ^ -int64(n&1) // zigzag, as binary.AppendVarint writes it
}

func (p *parser) text() string {
	n := p.count()
	if n > uint64(len(p.rest)) {
		p.fail()
		return ""
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

// fixed reads a number of a key.
func (p *parser) fixed() uint64 {
	if len(p.rest) < 8 {
		p.fail()
		return 0
	}
	n := binary.BigEndian.Uint64(p.rest)
	p.rest = p.rest[8:]
	return n
}

func (p *parser) fail() { p.bad, p.rest = true, nil }

// end returns an error unless all was there and nothing is left.
func (p *parser) end() error {
	if p.bad || len(p.rest) > 0 {
		return errRecord
	}
	return nil
}

// position is where a commit has left the store.
type position struct {
	commits    uint64 // how many there were
	seq, clock uint64 // of the newest event
	logged     uint64 // seq up to which the log file has the events
	sum        uint64 // over all live records
}

func (p *position) append(dst []byte) []byte {
	for _, n := range []uint64{p.commits, p.seq, p.clock, p.logged, p.sum} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func (p *position) decode(value []byte) error {
	in := parser{rest: value}
	for _, n := range []*uint64{&p.commits, &p.seq, &p.clock, &p.logged, &p.sum} {
		*n = in.count()
	}
	return in.end()
}

// digest is the 64-bit FNV-1a hash of a record, with its bits mixed once more so that digests may be added up (the
// finalizer of Appleby's MurmurHash3).
func digest[K string | []byte](key K, value []byte) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ 0x100) * 1099511628211
	for _, b := range value {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
