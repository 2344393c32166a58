// Package causal answers questions about happens-before: which of two events came before the other, over which messages,
// what an event can know of the others, and which clock it should have.
//
// # What happens-before is
//
// It is the relation of L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 21(7), 1978,
// read off the logs and nothing else; clocks and stamps play no part in it. Event a happens before event b if b can be
// reached from a over one or more steps:
//
//  1. from an event to the next one in the log of its process;
//  2. from a send to each receive that names it as its cause, if the trace has an event of that name and it is a send.
//
// So a message that is received twice leads to both receives, and one that is received by another process than it was
// sent to leads there. A receive without a send in the trace (an orphan, or one whose sender's log is missing) is reached
// from its own process alone. Where a log gives a number to two events, the number names the first. In a faulty trace two
// events may each happen before the other: they are on a cycle, and the answers say so.
//
// Two events neither of which happens before the other are concurrent.
//
// # How it is computed
//
// A [Graph] holds of each process the receives, in the order of its log, and one bit for each event: is it a send. That
// is 16 bytes a message, and beyond [Options.Held] messages they wait in a temporary file: all algorithms read the
// receives of a process from the first to the last. No event is held.
//
//   - What happens before an event is of each process a first part of its log ([Graph.Past]): its vector clock (C. Fidge,
//     Australian Computer Science Conference 1988; F. Mattern, Parallel and Distributed Algorithms 1989). Each receive in it is
//     read once, and says how far its sender's log belongs to it.
//   - What happens after is of each process the rest of its log from some event on ([Graph.Future]).
//   - A shortest causal path ([Graph.Path]) is found breadth first by messages: what k messages reach is of each process
//     the log from some event on, so a layer is one number for each process.
//
// None of this supposes that clocks rise, that there are no cycles, or that messages keep their order.
package causal
