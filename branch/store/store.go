// Package store keeps the durable state of a branch: what it must have on disk before anything that depends on it
// leaves.
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
	// Events calls yield for every committed event with a seq above after, in order, and ends with its first error.
	Events(after uint64, yield func(*trace.Event) error) error
	// Commit returns when the batch is stored for good. The store keeps nothing that the caller may change.
	Commit(Batch) error
	// Logged says that the log file has all events up to seq, so that the store may drop them.
	Logged(seq uint64) error
	Close() error
}
