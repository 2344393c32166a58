package trace

import "github.com/seed-8ff1fc32/bank-trace/clock"

// maxName is the longest name of a process or an account, in bytes.
const maxName = 255

// names keeps one string for each name that a log repeats, so that reading an event allocates nothing. It forgets all
// once it holds mostNames: a log may have any number of accounts.
type names struct {
	known map[string]string
	last  [fieldCount]string // the latest name in each field: most often it comes again
	// The latest of the names that end alike: looking here is faster than in known, and finds most.
	recent [128]string
}

const mostNames = 1 << 16

func (n *names) get(b []byte, f field) string {
	if n.last[f] == string(b) {
		return n.last[f]
	}
	slot := &n.recent[ending(b)%uint(len(n.recent))]
	if *slot == string(b) {
		n.last[f] = *slot
		return *slot
	}
	s, ok := n.known[string(b)]
	if !ok {
		if len(n.known) >= mostNames || n.known == nil {
			n.known = make(map[string]string)
		}
		s = string(b)
		n.known[s] = s
	}
	n.last[f], *slot = s, s
	return s
}

// ending is a number that tells names apart which end with different numbers.
func ending(b []byte) uint {
	if len(b) < 2 {
		return uint(len(b))
	}
	return uint(b[len(b)-1]) + 10*uint(b[len(b)-2])
}

// memos remember the latest vectors as they stand in the log: a branch that tells each of its peers what it holds writes
// the same one many times.
type memos [3]memo

type memo struct {
	text    []byte // "" for none
	vector  clock.Vector
	numbers []uint64 // in a binary log, of the names of the first entries of vector
}

// mostMemo is the longest text that is worth remembering, in bytes.
const mostMemo = 4096

func (m *memos) of(f field) *memo {
	switch f {
	case fDeps:
		return &m[0]
	case fSees:
		return &m[1]
	}
	return &m[2]
}

func (m *memo) keep(text []byte, v clock.Vector) {
	if len(text) > mostMemo {
		m.forget()
		return
	}
	m.text, m.vector = append(m.text[:0], text...), append(m.vector[:0], v...)
}

func (m *memo) forget() { m.text, m.numbers = m.text[:0], m.numbers[:0] }

// forget is for when names or their numbers have changed.
func (m *memos) forget() {
	for i := range m {
		m[i].forget()
	}
}
