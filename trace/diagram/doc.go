// Package diagram draws traces as space-time diagrams, as L. Lamport drew them ("Time, Clocks, and the Ordering of Events in
// a Distributed System", CACM 21(7), 1978): a line for each process, its events on it, and an arrow for each message.
//
// [Read] reads a trace, [Trace.Picture] chooses a window of it and lays it out, and the [Picture] is drawn: by
// [Picture.WriteSVG] for a page, by [Picture.WriteText] for a terminal. A Picture is plain data, for other renderings.
//
// # What a picture shows
//
// Events are placed by their clocks, one row for each value. Distance is not duration: a row says that an event has that
// clock, and nothing of when it happened. Stretches of the clock in which nothing is shown are folded, and say so. What
// the logs say is drawn as they say it, however wrong: a message that was received twice has two arrows, a lost one ends
// in a cross, a receive without a send begins at a question mark, an arrow whose receive is not later than its send
// points upward, and two events of one process with one clock stand one below the other.
//
// # How a window is chosen
//
// Anchors are the events that a [Query] names. Every other event has a distance from the nearest anchor, in clock values.
// Whole distances are taken, from the least on, until the picture has as many rows as it may have: so what is shown is
// complete for some stretch of the clock around each anchor. What is left out is counted, and the picture says where it
// is. No more than the window is held in memory; logs are read again where they are asked for.
package diagram
