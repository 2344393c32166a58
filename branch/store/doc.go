// Package store keeps the durable state of a branch: what it must have on disk before anything that depends on it
// leaves.
//
// [Memory] is a store for simulations and for branches that need not outlive their process. [Pebble] is one on disk, in a
// folder of its own:
//
//	STORE   text: format, branch, cluster, and how many commits the store has at the least
//	COMMITS the number of commits, and a digest of it: newer than STORE, and never synced
//	LOCK    locked by the process that has the store open
//	db/     the key-value store (github.com/cockroachdb/pebble)
//
// # Keys
//
// The first byte of a key is its table. Numbers in keys are 8 bytes, big-endian, so that keys stand in their order; a name
// before a number has its length before it. Numbers in values are varints (encoding/binary); text is its length and its
// bytes.
//
//	table  rest of the key         value
//	b      account                 balance in minor units, signed
//	d      origin                  n: this write and those before it are needed no longer
//	e      last seq of the block   first seq of the block, then its events as JSON Lines
//	i                              incarnation: how often the branch was started
//	m      format                  version of this table, as text
//	m      branch, cluster, text   name of the branch; SHA-256 of the cluster's description; the description
//	p                              position: commits, seq, clock, seq up to which the log file has the events, sum
//	r      customer                result of the customer's newest executed request
//	t      process                 highest seq of its messages taken
//	w      origin and n            a write, as protobuf (pb/bank/v1, Write)
//	x      origin                  n of the newest write executed
//
// Every commit is one batch of the key-value store, synced before Commit returns, and has the position in it. What is
// dropped counts as gone from the commit that says so; its bytes are deleted later, many at a time.
//
// # What is found out
//
// A store that does not come back as it was committed refuses to open. Blocks of data carry checksums. But the key-value
// store reads its list of its own files, and the newest part of its write-ahead log, up to the first damaged record and
// takes that for their end, since a power cut leaves the same. So three checks lie above it:
//
//   - The sum in the position is that of all live keys and values outside e, m and p, and the blocks of events follow each
//     other without a gap up to the position's seq: parts of different commits are never taken for one state.
//   - STORE says how many commits there are at the least, as of the last time that data moved from the log into a table:
//     a whole but older state is not taken for the newest. It is synced, and has a checksum.
//   - COMMITS says so as of the last commit, if the process was killed and the system was not.
//
// One case is left: damage to the newest block (32 KiB) of the write-ahead log together with a power cut. Then the state may
// be one before the last commit. The log file shows it, since it has events that the store lacks, and so do the peers at
// the first sync.
//
// After the first write or sync that fails, the store changes nothing on the disk any more and refuses everything.
package store
