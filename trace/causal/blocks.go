package causal

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// blockLen is the number of receives in a block.
const blockLen = 4096

// receiveBytes is the size of a receive in the file.
const receiveBytes = 16

// block is some consecutive receives of a process: in memory, or in the spill.
type block struct {
	held []receive // resolved, once the graph is built
	off  int64     // in the spill, where held is nil; not resolved there
	n    int32
	last int32 // place of its last receive
}

// spill is the receives beyond those that memory may hold: a temporary file, made when it is needed.
type spill struct {
	mu   sync.Mutex
	room int64 // receives that memory may still take
	file *trace.Scratch
	size int64
}

// put stores a block and reports whether it was left in memory: the slice then belongs to the block.
func (s *spill) put(receives []receive) (b block, held bool, err error) {
	b = block{n: int32(len(receives)), last: receives[len(receives)-1].pos}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room >= int64(len(receives)) {
		s.room -= int64(len(receives))
		b.held = receives
		return b, true, nil
	}
	if s.file == nil {
		if s.file, err = trace.NewScratch(); err != nil {
			return b, false, fmt.Errorf("keep the messages of a large trace: %w", err)
		}
	}
	bytes := make([]byte, 0, len(receives)*receiveBytes)
	for _, r := range receives {
		bytes = binary.LittleEndian.AppendUint64(bytes, r.send)
		bytes = binary.LittleEndian.AppendUint32(bytes, uint32(r.pos))
		bytes = binary.LittleEndian.AppendUint32(bytes, uint32(r.peer))
	}
	b.off = s.size
	s.size += int64(len(bytes))
	if _, err := s.file.WriteAt(bytes, b.off); err != nil {
		return b, false, fmt.Errorf("keep the messages of a large trace: %w", err)
	}
	return b, false, nil
}

// get reads a block into buf, which it grows where needed.
func (s *spill) get(b *block, buf []receive) ([]receive, error) {
	bytes := make([]byte, int(b.n)*receiveBytes)
	if _, err := s.file.ReadAt(bytes, b.off); err != nil {
		return nil, fmt.Errorf("read the messages of a large trace again: %w", err)
	}
	buf = buf[:0]
	for ; len(bytes) > 0; bytes = bytes[receiveBytes:] {
		buf = append(buf, receive{
			send: binary.LittleEndian.Uint64(bytes),
			pos:  int32(binary.LittleEndian.Uint32(bytes[8:])),
			peer: int32(binary.LittleEndian.Uint32(bytes[12:])),
		})
	}
	return buf, nil
}

func (s *spill) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// block returns the receives of a block, resolved. Those from the spill are in buf.
func (g *Graph) block(b *block, buf []receive) ([]receive, error) {
	if b.held != nil {
		return b.held, nil
	}
	receives, err := g.spill.get(b, buf)
	return g.resolve(receives), err
}

// cursor reads the receives of a process from the first to the last.
type cursor struct {
	g    *Graph
	todo []block
	rest []receive // of the block that is being read
	buf  []receive
	err  error
}

func (g *Graph) cursor(p int32) *cursor { return &cursor{g: g, todo: g.procs[p].blocks} }

// more reports whether there is a further receive at a place below end.
func (c *cursor) more(end int32) bool {
	for len(c.rest) == 0 {
		if len(c.todo) == 0 || c.err != nil {
			return false
		}
		b := &c.todo[0]
		c.todo = c.todo[1:]
		if c.rest, c.err = c.g.block(b, c.buf); b.held == nil {
			c.buf = c.rest
		}
	}
	return c.rest[0].pos < end
}

// take returns the receive that more told of.
func (c *cursor) take() receive {
	r := c.rest[0]
	c.rest = c.rest[1:]
	return r
}
