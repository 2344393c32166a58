package viewer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// query is what events are searched by; all of its parts must fit.
type query struct {
	process string
	ref     trace.Ref
	clocks  [2]uint64 // 0, 0 for any
	kind    trace.Kind
	step    trace.Step
	request trace.ID
	write   trace.ID
	either  trace.ID // request or write
	account string
	peer    string
}

// searchForms says what can be searched for.
const searchForms = "a process, an event (branch-1:5), a request or write (customer-1/3), a clock (17 or 10..20), a kind, a step, an account; " +
	"or process= clock= kind= step= request= write= account= peer=, several separated by spaces"

// parseQuery reads what was typed.
func (ix *index) parseQuery(s string) (q query, err error) {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	if len(words) == 0 {
		return q, fmt.Errorf("nothing to search for; type %s", searchForms)
	}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			key, value = ix.guess(word), word
		}
		if err := q.set(key, value); err != nil {
			return q, fmt.Errorf("%q: %w; type %s", word, err, searchForms)
		}
	}
	return q, nil
}

// guess says what a word without a key is: a name that the trace has counts before all else.
func (ix *index) guess(word string) string {
	if ix.process(word) >= 0 {
		return "process"
	}
	if _, err := trace.ParseRef(word); err == nil {
		return "event"
	}
	if _, err := parseClocks(word); err == nil {
		return "clock"
	}
	if _, err := trace.ParseKind(word); err == nil {
		return "kind"
	}
	if _, err := trace.ParseStep(word); err == nil {
		return "step"
	}
	if _, err := trace.ParseID(word); err == nil {
		return "either"
	}
	return "account"
}

// process returns the number of a process; -1 for none.
func (ix *index) process(name string) int {
	i, ok := slices.BinarySearchFunc(ix.lanes, name, func(l *lane, name string) int { return cmp.Compare(l.name, name) })
	if !ok {
		return -1
	}
	return i
}

func parseClocks(s string) (c [2]uint64, err error) {
	lo, hi, ok := strings.Cut(s, "..")
	if !ok {
		hi = lo
	}
	for i, part := range []string{lo, hi} {
		if c[i], err = strconv.ParseUint(part, 10, 64); err != nil || c[i] == 0 || c[i] > clock.Max {
			return c, fmt.Errorf("%q is no clock from 1 to 2^53", part)
		}
	}
	return c, nil
}

func (q *query) set(key, value string) (err error) {
	if value == "" {
		return fmt.Errorf("%s has no value", key)
	}
	switch key {
	case "process":
		q.process = value
	case "event":
		q.ref, _ = trace.ParseRef(value)
	case "clock":
		q.clocks, err = parseClocks(value)
	case "kind":
		q.kind, err = trace.ParseKind(value)
	case "step":
		q.step, err = trace.ParseStep(value)
	case "request":
		q.request, err = trace.ParseID(value)
	case "write":
		q.write, err = trace.ParseID(value)
	case "either":
		q.either, err = trace.ParseID(value)
	case "account":
		q.account = value
	case "peer":
		q.peer = value
	default:
		return fmt.Errorf("%q cannot be searched by", key)
	}
	return err
}

// hits is what a search found.
type hits struct {
	Total  int64   `json:"total"`
	Events []event `json:"events"` // the first by clock
}

// mostHits is how many events a search returns.
const mostHits = 500

// search returns the events that fit, those with the lowest clocks first.
func (ix *index) search(q query, limit int) *hits {
	h := &hits{Events: []event{}}
	if q.ref.Seq > 0 {
		if at, err := ix.trace.Find(q.ref); err == nil {
			h.Total, h.Events = 1, append(h.Events, ix.event(at))
		}
		return h
	}
	var found []causal.At
	byClock := func(a, b causal.At) int { return cmp.Or(cmp.Compare(ix.clock(a), ix.clock(b)), compareAt(a, b)) }
	for p, l := range ix.lanes {
		if q.process != "" && q.process != l.name {
			continue
		}
		m := newMatcher(l, &q)
		if m == nil {
			continue
		}
		from, to := 0, l.len()
		if q.clocks[1] > 0 {
			from, to = l.between(q.clocks[0], q.clocks[1])
		}
		n := 0
		for k := from; k < to; k++ {
			if pos := l.at(k); m.fits(pos) {
				h.Total++
				if n++; n <= limit {
					found = append(found, causal.At{Process: int32(p), Pos: pos})
				}
			}
		}
		if len(found) > 4*limit {
			slices.SortFunc(found, byClock)
			found = found[:limit]
		}
	}
	slices.SortFunc(found, byClock)
	for _, at := range found[:min(len(found), limit)] {
		h.Events = append(h.Events, ix.event(at))
	}
	return h
}

// matcher is a query in the numbers of one process; -1 stands for any.
type matcher struct {
	l                            *lane
	kind                         uint8
	step                         uint8
	request, write, either, peer int32
	accounts                     []bool // by number; nil for any
}

// newMatcher returns nil where nothing in the log can fit.
func newMatcher(l *lane, q *query) *matcher {
	m := &matcher{l: l, kind: uint8(q.kind), step: uint8(q.step), request: -1, write: -1, either: -1, peer: -1}
	possible := true
	number := func(id trace.ID, to *int32) {
		if !id.IsZero() {
			n, ok := l.ids.number[id]
			*to, possible = n, possible && ok
		}
	}
	number(q.request, &m.request)
	number(q.write, &m.write)
	number(q.either, &m.either)
	if q.peer != "" {
		n, ok := l.names.number[q.peer]
		m.peer, possible = n, possible && ok
	}
	if q.account != "" {
		m.accounts = make([]bool, len(l.accountsOf.values))
		for i, a := range l.accountsOf.values {
			m.accounts[i] = a[0] == q.account || a[1] == q.account
		}
		possible = possible && slices.Contains(m.accounts, true)
	}
	if !possible {
		return nil
	}
	return m
}

func (m *matcher) fits(pos int32) bool {
	l := m.l
	return (m.kind == 0 || l.marks[pos]&markKind == m.kind) && (m.step == 0 || l.steps[pos] == m.step) &&
		(m.request < 0 || l.requests[pos] == m.request) && (m.write < 0 || l.writes[pos] == m.write) &&
		(m.either < 0 || l.requests[pos] == m.either || l.writes[pos] == m.either) &&
		(m.peer < 0 || l.peers[pos] == m.peer) && (m.accounts == nil || m.accounts[l.accounts[pos]])
}
