package store

import (
	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Batch is what one or more steps of a branch have changed: it is stored as one whole or not at all.
type Batch struct {
	Durable *branch.Durable
	Events  []trace.Event
}

// Store keeps the state of one branch. Only one goroutine at a time uses it.
type Store interface {
	// Load returns the state that the committed batches add up to. The caller may change it.
	Load() (branch.State, error)
	// Events calls yield for every committed event with a seq above after, in order, and ends with its first error. Those
	// that the log file has are left out. The event is the store's, and valid until yield returns.
	Events(after uint64, yield func(*trace.Event) error) error
	// Incarnation returns how often the branch was started, 0 for a new store.
	Incarnation() uint64
	// Begin says that the branch starts for the incarnation-th time, which is more than ever before, and returns when that
	// is stored for good: before anything that the new incarnation records.
	Begin(incarnation uint64) error
	// Commit returns when the batches are stored for good, all of them in one whole and in this order. The store keeps
	// nothing that the caller may change. After an error it is not known whether they are stored, and the store takes
	// nothing more.
	Commit(batches ...Batch) error
	// Logged says that the log file has all events up to seq for good, so that the store may drop them.
	Logged(seq uint64) error
	Close() error
}
