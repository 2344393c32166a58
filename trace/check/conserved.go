package check

import (
	"fmt"
	"math/big"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// wish is one request as its customer's log tells of it.
type wish struct {
	effect  int64 // on the bank's money, if it is executed
	asks    int
	ok, no  bool // answered ok; insufficient or conflict
	refused bool
}

// add adds what the request may have changed to the least and the most.
func (w *wish) add(least, most *big.Int) {
	effect := big.NewInt(w.effect)
	unknown := !w.no && (!w.refused || w.asks > 1)
	if w.ok || unknown && w.effect < 0 {
		least.Add(least, effect)
	}
	if w.ok || unknown && w.effect > 0 {
		most.Add(most, effect)
	}
}

func (w *wish) take(e *trace.Event) {
	if isAsk(e) {
		if w.asks++; w.asks > 1 {
			return
		}
		switch e.Op {
		case trace.OpDeposit:
			w.effect = e.Amount
		case trace.OpWithdraw:
			w.effect = -e.Amount
		}
		return
	}
	switch e.Result {
	case trace.OK:
		w.ok = true
	case trace.Insufficient, trace.Conflict:
		w.no = true
	case trace.Refused:
		w.refused = true
	}
}

// purse is what the first pass remembers of a customer's requests.
type purse struct {
	suspect     bool
	now         trace.ID // request under way
	wish        wish
	least, most *big.Int // of the ones before
}

// conservedFamily adds up what customers were told, and compares with what the branches end with.
//
//  1. Per customer the request under way is kept. When the next one is sent, it is added up: acknowledged for certain,
//     refused not at all, and else perhaps.
//  2. A customer that speaks of a request that is not the one under way is suspect: the second pass keeps all its requests.
//  3. At the end each branch's final total less its opening must lie between the least and the most.
type conservedFamily struct {
	*engine
	*tally
	purses []*purse // by process
	exact  map[*proc]map[trace.ID]*wish
}

func newConservedFamily(e *engine) *conservedFamily {
	return &conservedFamily{engine: e, tally: e.tally, exact: map[*proc]map[trace.ID]*wish{}}
}

func (f *conservedFamily) wants(_ trace.Kind, s trace.Step) bool {
	return s == trace.StepRequest || s == trace.StepRespond
}

func (f *conservedFamily) first(v *visit) {
	if v.e.Request.IsZero() || !isAsk(v.e) && !isReply(v.e) || !f.settled() {
		return
	}
	into := reach(&f.purses, v.p.id)
	if *into == nil {
		*into = &purse{least: new(big.Int), most: new(big.Int)}
	}
	s, q := *into, v.e.Request
	if isAsk(v.e) && q.Process == v.p.name && q.N > s.now.N {
		s.wish.add(s.least, s.most)
		s.now, s.wish = q, wish{}
	}
	if q != s.now {
		s.suspect = true
		return
	}
	s.wish.take(v.e)
}

func (f *conservedFamily) end() {
	for id, s := range f.purses {
		if s != nil && s.suspect {
			f.exact[f.procs[id]] = map[trace.ID]*wish{}
		}
	}
	if len(f.exact) == 0 {
		f.conclude()
	}
}

func (f *conservedFamily) suspects() bool { return len(f.exact) > 0 }

func (f *conservedFamily) again(v *visit) {
	wishes := f.exact[v.p]
	if wishes == nil || v.e.Request.IsZero() || !isAsk(v.e) && !isReply(v.e) {
		return
	}
	w := wishes[v.e.Request]
	if w == nil {
		w = &wish{}
		wishes[v.e.Request] = w
	}
	w.take(v.e)
}

func (f *conservedFamily) settle() {
	if len(f.exact) > 0 {
		f.conclude()
	}
}

// moved returns the least and the most by which customers' logs say that the money changed; false where they cannot.
func (f *conservedFamily) moved() (least, most *big.Int, ok bool) {
	if !f.settled() || f.logs().absent() {
		return nil, nil, false
	}
	least, most = new(big.Int), new(big.Int)
	for _, p := range f.procs {
		if !p.customer() || !p.hasLog() {
			continue
		}
		if !p.whole() || p.slice() || len(p.unreadable) > 0 {
			return nil, nil, false
		}
		ok = true
		s := at(f.purses, p.id)
		switch {
		case s == nil:
		case s.suspect:
			for _, w := range f.exact[p] {
				if w.asks > 0 {
					w.add(least, most)
				}
			}
		default:
			s.wish.add(s.least, s.most)
			least.Add(least, s.least)
			most.Add(most, s.most)
		}
	}
	return least, most, ok
}

// conclude compares the branches with the customers.
func (f *conservedFamily) conclude() {
	least, most, ok := f.moved()
	if !ok {
		return
	}
	for _, p := range f.byName() {
		total, known := f.change(p)
		if !known {
			continue
		}
		f.checked[moneyConserved]++
		if total.Cmp(least) >= 0 && total.Cmp(most) <= 0 {
			continue
		}
		expected := "a change of " + least.String()
		if least.Cmp(most) != 0 {
			expected = fmt.Sprintf("a change from %s to %s", least, most)
		}
		f.add(moneyConserved, finding{
			event: p.ending(),
			message: fmt.Sprintf("The money at %s changed by %s in all, and the replies that customers received come to another sum.",
				p.name, total),
			expected: expected,
		})
	}
}

// change returns by how much a branch's money differs from its opening.
func (f *conservedFamily) change(p *proc) (*big.Int, bool) {
	b := at(f.money().books, p.id)
	if !p.replica() || !p.whole() || p.slice() || len(p.opening) == 0 || b == nil || len(p.unreadable) > 0 {
		return nil, false
	}
	total, opened := new(big.Int), 0
	for _, c := range b.cells {
		if !c.known {
			return nil, false
		}
		total.Add(total, big.NewInt(c.amount))
	}
	for _, o := range p.opening {
		if b.cells[o.Account] != nil {
			opened++
		}
		total.Sub(total, big.NewInt(o.Amount))
	}
	return total, opened == len(b.cells)
}
