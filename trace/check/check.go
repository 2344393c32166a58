package check

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Options says what to check and how. The zero value checks every rule but clock/not-exact.
type Options struct {
	Strict         bool     // clock/not-exact too: clocks must not skip values
	Rules          []string // names of rules or families; none means all
	AllowTruncated bool     // a log that was cut off is a warning
	Run            *trace.Run
	Stdin          io.Reader                 // what the file "-" stands for
	Progress       func(events, bytes int64) // called now and then with what has been read, of each pass
	MaxFindings    int                       // findings kept per rule; all are counted. 0 means 1,000

	pick    func(n int) int // test hook: merges in another order
	keep    int             // test hook: bytes of messages in flight to keep in memory, at the most
	without []ruleID        // test hook: rules to leave out
}

const defaultMaxFindings = 1_000

// Check reads the logs and reports what they prove. An error is one of reading or opening a log, of the context, or an
// *UnknownRuleError; everything that is wrong with what the logs say is in the report.
func Check(ctx context.Context, sources []Source, opt Options) (*Report, error) {
	sel, err := choose(opt.Rules, opt.Strict)
	if err != nil {
		return nil, err
	}
	for _, id := range opt.without {
		sel.on[id] = false
	}
	if opt.MaxFindings <= 0 {
		opt.MaxFindings = defaultMaxFindings
	}
	spooled, remove, err := spool(ctx, sources, opt.Stdin)
	if err != nil {
		return nil, err
	}
	defer remove()
	// Sources are numbered by name, so that the order in which they were given changes nothing.
	slices.SortStableFunc(spooled, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(fileNames(a), fileNames(b)))
	})
	e := newEngine(spooled, sel, opt)
	defer e.messageFamily().spilled.remove()
	if err := e.run(ctx); err != nil {
		return nil, err
	}
	return e.report(ctx)
}

func fileNames(s Source) []string {
	names := make([]string, len(s.Pieces))
	for i, p := range s.Pieces {
		names[i] = p.File
	}
	return names
}
