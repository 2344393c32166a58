package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Memory is a Store in memory. For simulations it is a disk with a cache: Write puts a batch into the cache, Sync makes
// the oldest cached batches durable, and Crash loses the rest.
type Memory struct {
	state  branch.State
	events []trace.Event // committed, and not yet in the log file
	cached []Batch

	incarnation uint64
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{} }

// Load implements Store.
func (m *Memory) Load() (branch.State, error) {
	s := m.state
	s.Writes = maps.Clone(s.Writes)
	for origin, writes := range s.Writes {
		s.Writes[origin] = slices.Clone(writes)
	}
	s.Executed = s.Executed.Clone()
	s.Balances, s.Results, s.Taken = maps.Clone(s.Balances), maps.Clone(s.Results), maps.Clone(s.Taken)
	s.Rights, s.Fences, s.Grants = maps.Clone(s.Rights), maps.Clone(s.Fences), maps.Clone(s.Grants)
	return s, nil
}

// Events implements Store.
func (m *Memory) Events(after uint64, yield func(*trace.Event) error) error {
	for i := range m.events {
		if m.events[i].Seq > after {
			if err := yield(&m.events[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Incarnation implements Store.
func (m *Memory) Incarnation() uint64 { return m.incarnation }

// Begin implements Store.
func (m *Memory) Begin(incarnation uint64) error {
	if err := checkIncarnation(m.incarnation, incarnation); err != nil {
		return err
	}
	m.incarnation = incarnation
	return nil
}

// checkIncarnation refuses to count a start that was counted already.
func checkIncarnation(has, next uint64) error {
	if next <= has {
		return fmt.Errorf("store: incarnation %d cannot begin, %d has begun before; begin %d", next, has, has+1)
	}
	return nil
}

// Commit implements Store: it writes and syncs.
func (m *Memory) Commit(batches ...Batch) error {
	for _, b := range batches {
		m.Write(b)
	}
	m.Sync(len(m.cached))
	return nil
}

// Logged implements Store.
func (m *Memory) Logged(seq uint64) error {
	n := 0
	for n < len(m.events) && m.events[n].Seq <= seq {
		n++
	}
	m.events = slices.Delete(m.events, 0, n)
	return nil
}

// Close implements Store.
func (m *Memory) Close() error { return nil }

// Write puts a batch into the cache. The batch must not be changed afterwards.
func (m *Memory) Write(b Batch) { m.cached = append(m.cached, b) }

// Cached returns how many batches a crash could lose.
func (m *Memory) Cached() int { return len(m.cached) }

// Sync makes the n oldest cached batches durable.
func (m *Memory) Sync(n int) {
	for _, b := range m.cached[:n] {
		m.state.Apply(b.Durable, b.Events)
		m.events = append(m.events, b.Events...)
	}
	m.cached = slices.Delete(m.cached, 0, n)
}

// Crash loses every cached batch but the kept oldest, which had reached the disk though nobody was told.
func (m *Memory) Crash(kept int) {
	m.Sync(kept)
	m.cached = nil
}
