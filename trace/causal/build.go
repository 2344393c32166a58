package causal

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// builder makes a graph of logs that are read side by side, each by a scan of its own.
type builder struct {
	mu    sync.Mutex
	ids   map[string]int32
	procs []*process
	owner []*scan // of the log of a process; nil as long as none was seen
	spill *spill
}

// newBuilder returns a builder that holds that many messages in memory.
func newBuilder(held int64) *builder {
	return &builder{ids: map[string]int32{}, spill: &spill{room: held}}
}

// scan takes the records of one log.
type scan struct {
	*builder
	log   int              // its number
	known map[string]int32 // of ids
	parts map[int32]*part
	last  *part
}

// part is what a scan knows of a process whose events are in its log.
type part struct {
	*process
	id    int32
	tail  []receive // not yet in a block
	heard map[int32]bool
	peer  string // the latest
	from  int32  // its number

	promised        bool   // its last header promises an end, and none came since
	lowest, highest uint64 // clock
}

// SecondLogError says that two logs speak for one process.
type SecondLogError struct{ Process string }

func (e *SecondLogError) Error() string {
	return fmt.Sprintf("two logs have records of %s; give each process one log", e.Process)
}

func (b *builder) scan(log int) *scan {
	return &scan{builder: b, log: log, known: map[string]int32{}, parts: map[int32]*part{}}
}

// id returns the number of a process for the time of the scan.
func (s *scan) id(name string) int32 {
	if id, ok := s.known[name]; ok {
		return id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.ids[name]
	if !ok {
		id = int32(len(s.procs))
		s.ids[name] = id
		s.procs = append(s.procs, &process{name: name})
		s.owner = append(s.owner, nil)
	}
	s.known[name] = id
	return id
}

// process returns the part of a process that the log speaks for. The error is a *[SecondLogError].
func (s *scan) process(name string) (*part, error) {
	if s.last != nil && s.last.name == name {
		return s.last, nil
	}
	id := s.id(name)
	p := s.parts[id]
	if p == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.owner[id] != nil {
			return nil, &SecondLogError{name}
		}
		s.owner[id] = s
		p = &part{process: s.procs[id], id: id, heard: map[int32]bool{}}
		p.logged = true
		s.parts[id] = p
	}
	s.last = p
	return p, nil
}

// add takes the next event of the log.
func (s *scan) add(e *trace.Event) error {
	p, err := s.process(e.Process)
	if err != nil {
		return err
	}
	pos := p.count
	if pos == none-1 {
		return fmt.Errorf("%s has more than %d events; check can read such a log, explain cannot", p.name, none-1)
	}
	p.count++
	p.seqs.add(e.Seq, pos)
	if pos&63 == 0 {
		p.sends = append(p.sends, 0)
	}
	switch {
	case e.Kind == trace.Send:
		p.sends[pos>>6] |= 1 << (pos & 63)
	case e.Kind == trace.Receive && e.Peer != "" && e.Cause > 0:
		return s.receive(p, e, pos)
	}
	return nil
}

func (s *scan) receive(p *part, e *trace.Event, pos int32) error {
	if p.peer != e.Peer {
		p.peer, p.from = e.Peer, s.id(e.Peer)
		p.heard[p.from] = true
	}
	p.tail = append(p.tail, receive{e.Cause, pos, p.from})
	if len(p.tail) < blockLen {
		return nil
	}
	return s.flush(p)
}

// flush makes a block of the receives of p that are in none yet.
func (s *scan) flush(p *part) error {
	b, held, err := s.spill.put(p.tail)
	p.blocks = append(p.blocks, b)
	p.tail = p.tail[:0]
	if held {
		p.tail = nil
		if b.n == blockLen { // there will be more
			p.tail = make([]receive, 0, blockLen)
		}
	}
	return err
}

// close ends the log.
func (s *scan) close() error {
	for _, p := range s.parts {
		if len(p.tail) > 0 {
			if err := s.flush(p); err != nil {
				return err
			}
		}
		p.tail = nil
	}
	return nil
}

// graph returns the graph, once all scans are closed: processes get their final numbers, and receives their sends.
func (b *builder) graph() *Graph {
	order := make([]int32, len(b.procs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int { return cmp.Compare(b.procs[x].name, b.procs[y].name) })
	g := &Graph{ids: b.ids, spill: b.spill, rank: make([]int32, len(order)), procs: make([]process, len(order))}
	for rank, id := range order {
		g.rank[id] = int32(rank)
		g.procs[rank] = *b.procs[id]
		g.ids[g.procs[rank].name] = int32(rank)
		g.procs[rank].seqs.settle()
	}
	for rank, id := range order {
		p := &g.procs[rank]
		if s := b.owner[id]; s != nil {
			for peer := range s.parts[id].heard {
				p.heard = append(p.heard, g.rank[peer])
			}
		}
		for i := range p.blocks {
			if p.blocks[i].held != nil {
				p.blocks[i].held = g.resolve(p.blocks[i].held)
			}
		}
	}
	return g
}
