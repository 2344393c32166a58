package diagram

import (
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// Picture is a window of a trace, laid out: every node, break and end of an arrow has a lane, across, and a line, along the
// clock. No two nodes of a lane are on one line.
type Picture struct {
	Title string // what is shown
	Lanes []Lane
	Rows  []Row // in order, without gaps: the first has line 0
	Lines int   // of all rows together
	Nodes []Node
	// Arrows are the messages of which at least one end is in the window, in the order of their sends.
	Arrows []Arrow
	Breaks []Break
	Ways   []Way // where a lit path goes along a lane
	// Marks are the findings that name an event in the window, in the order of their numbers.
	Marks []Mark
	Notes []string // what was left out
	Hints []string // the flags of draw that show what was left out
	Lit   bool     // some of the nodes and arrows are lit, and the others are there for orientation
	What  string   // what is lit, in words
}

// Lane is the line of one process.
type Lane struct {
	Process string
	Short   string // an abbreviation, of at most three letters where that tells them apart
	Role    string // as in the log's header
	Logged  bool   // the trace has its log
	Last    int    // the line up to which the log speaks; Picture.Lines where it speaks beyond the window
}

// RowKind is what a row is.
type RowKind uint8

// The rows.
const (
	RowClock RowKind = iota // one value of the clock
	RowFold                 // values of the clock at which nothing is shown
	RowBreak                // between two values, for breaks
)

// Row is one value of the clock, or several that are folded. It has more than one line where a process has several events
// with that clock.
type Row struct {
	Kind   RowKind
	Clock  uint64 // of a RowClock; else of the next one
	Line   int    // its first
	Lines  int
	Values uint64 // of a RowFold: how many values of the clock are folded
	Hidden int64  // of a RowFold: how many events of the trace are not shown there
}

// Node is an event.
type Node struct {
	trace.Event
	At    causal.At
	Lane  int
	Line  int
	Lit   bool
	Name  string // "A" or "B" where the query named it; else ""
	Label string // what it did, in a few words
	Marks []int  // numbers of findings that name it
}

// ArrowKind is what became of a message.
type ArrowKind uint8

// The arrows.
const (
	Delivered ArrowKind = iota // a send and its receive
	Again                      // a send and a further receive of it
	Lost                       // a send that was never received; the receiver's log has ended
	InFlight                   // a send that was not received as far as the logs go
	Orphan                     // a receive that has no send, though the log of its peer would have it
	Unlogged                   // a receive whose send the trace cannot show
	Out                        // a send whose receive is not in the window
	In                         // a receive whose send is not in the window
)

// Arrow is a message.
type Arrow struct {
	Kind     ArrowKind
	From, To int       // nodes; -1 where that end is not in the window, or nowhere
	Far      trace.Ref // the end that is not in the window; Seq is 0 where it is not known
	FarLane  int       // the lane of Far, -1 if it has none
	Label    string
	Lit      bool
	Marks    []int // numbers of findings that name both its ends
	Minor    bool  // an acknowledgement or the like, not part of a request
	Astray   bool  // received by another process than it was sent to
}

// BreakKind says what a break is.
type BreakKind uint8

// The breaks.
const (
	BreakRestart    BreakKind = iota // the process was started again
	BreakUnreadable                  // lines of the log that are no record
	BreakCut                         // the log stops here without its end
)

// Break is a place in a lane where its line is broken.
type Break struct {
	Kind  BreakKind
	Lane  int
	Line  int
	Text  string // in a few words: the incarnation that begins, say
	Marks []int  // numbers of findings that name it
}

// Way is a part of a lane, from a node to a later one of the same process.
type Way struct{ From, To int }

// Mark is a finding.
type Mark struct {
	N       int // its number
	Finding *check.Finding
	Event   int  // node; -1 where it is not in the window
	Other   int  // node; -1 where there is none
	Main    bool // it is the one that was asked for
}

// NodeOf returns the number of the node of an event, -1 where the window has it not.
func (p *Picture) NodeOf(at causal.At) int {
	for i := range p.Nodes {
		if p.Nodes[i].At == at {
			return i
		}
	}
	return -1
}
