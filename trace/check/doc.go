// Package check proves or disproves, from the event logs of the processes of a distributed system, that the
// happens-before order was kept; and for the logs of a bank, that the replicas agree, that no money was lost, made or
// overdrawn, and that every customer read its own writes.
//
// [Check] merges the logs by (clock, process) and reads them as a stream. What it remembers is what is still open:
// messages in flight, writes that some branch has not executed yet, and customers times branches. Each rule keeps its
// state by each log's own order and joins what different logs say by name (process:seq for a message, origin/n for a
// write, customer/n for a request), so no verdict depends on how the logs were merged.
//
// The first pass finds everything that looks wrong. Only if there is something that one pass cannot settle, such as
// telling a second receive from a receive that nobody sent, a second pass reads the logs again.
//
// A verdict is [Fail] if a violation is proven, even if other parts of the trace could not be read; else [Inconclusive]
// if something could not be read or nothing was checked; else [Pass]. Warnings never change it.
//
// That every clock rises along each step of happens-before proves that it has no cycle. Where some clock does not rise, and
// where an answer must be in the past of an event of another log, a last pass builds the part of happens-before that
// matters; see graph.go.
//
// The families of rules are files of this package: log.go, clock.go, message.go, graph.go, request.go, replica.go,
// money.go, conserved.go and session.go, each with its algorithm; what the second pass makes of their suspects is in
// request_settle.go, replica_end.go, replica_diverged.go and session_settle.go. [Rules] is the catalogue.
package check
