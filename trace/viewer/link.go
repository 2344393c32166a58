package viewer

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Link says what a page opens with. All of it may be left out.
type Link struct {
	Finding   int         // its number from 1, as in the list of check --report json; 0 for none
	Events    []trace.Ref // one is chosen; of two it is explained how they stand to each other
	Request   trace.ID    // is searched for
	Clocks    [2]uint64   // the first and the last on screen; 0 is that of the trace
	Processes []string    // the only ones that are shown
}

// Link returns the fragment of an address that opens the page so, with its number sign; "" for an empty Link. The error says what
// the trace does not have.
func (v *Viewer) Link(l Link) (string, error) {
	h := v.acquire()
	defer v.release(h)
	q := url.Values{}
	if n := len(h.report.Findings); l.Finding > n || l.Finding < 0 {
		return "", fmt.Errorf("there is no finding %d: the check found %s", l.Finding, found(n))
	}
	if l.Finding > 0 {
		q.Set("finding", strconv.Itoa(l.Finding))
	}
	for _, ref := range l.Events {
		if _, err := h.trace.Find(ref); err != nil {
			return "", err
		}
	}
	switch len(l.Events) {
	case 0:
	case 1:
		q.Set("event", l.Events[0].String())
	case 2:
		q.Set("a", l.Events[0].String())
		q.Set("event", l.Events[1].String())
		q.Set("explain", "1")
	default:
		return "", fmt.Errorf("a page opens with one event or two, not with %d", len(l.Events))
	}
	if !l.Request.IsZero() {
		q.Set("q", l.Request.String())
	}
	if l.Clocks != [2]uint64{} {
		lo, hi := max(l.Clocks[0], 1), l.Clocks[1]
		if hi == 0 {
			hi = h.clocks[1]
		}
		if lo > hi {
			return "", fmt.Errorf("there is nothing from clock %d to %d: the trace has %d to %d", lo, hi, h.clocks[0], h.clocks[1])
		}
		q.Set("clocks", fmt.Sprintf("%d.5..%d.5", lo-1, hi)) // half a clock of room on either side
	}
	for _, name := range l.Processes {
		if h.process(name) < 0 {
			return "", fmt.Errorf("the trace has no process %q", name)
		}
	}
	if len(l.Processes) > 0 {
		q.Set("only", strings.Join(slices.Compact(slices.Sorted(slices.Values(l.Processes))), ","))
	}
	if len(q) == 0 {
		return "", nil
	}
	return "#" + q.Encode(), nil
}

func found(n int) string {
	switch n {
	case 0:
		return "nothing wrong"
	case 1:
		return "1 thing"
	}
	return fmt.Sprintf("%d, numbered from 1", n)
}
