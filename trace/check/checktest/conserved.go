package checktest

import (
	"math/big"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// money/not-conserved: "from customers' logs alone: openings + acknowledged deposits - acknowledged withdrawals, give or
// take the unknown ones, is each branch's final total".
func notConserved(w *whole) (found []Finding) {
	least, most, ok := w.moved()
	if !ok {
		return nil
	}
	for _, r := range w.replicas() {
		opening := r.opening()
		if opening == nil || !r.ended {
			continue
		}
		final := balancesAfter(r, len(r.events)-1)
		total, whole := new(big.Int), true
		for account, amount := range final {
			total.Add(total, big.NewInt(amount))
			total.Sub(total, big.NewInt(opening[account]))
			_, opened := opening[account]
			_, known, _ := r.before(len(r.events), account)
			whole = whole && opened && known
		}
		if whole && (total.Cmp(least) < 0 || total.Cmp(most) > 0) {
			found = append(found, Finding{Event: r.name})
		}
	}
	return found
}

// moved returns, from customers' logs alone, the least and the most by which the bank's money has changed. It is not ok
// where the trace does not have every customer's log to its end, or did not settle.
func (w *whole) moved() (least, most *big.Int, ok bool) {
	least, most = new(big.Int), new(big.Int)
	for name := range w.named() {
		if w.procs[name] == nil {
			return nil, nil, false
		}
	}
	customers := 0
	for _, c := range w.processes() {
		if !c.isCustomer() {
			continue
		}
		customers++
		if !c.ended || c.slice() {
			return nil, nil, false
		}
		for i, ask := range c.events {
			if !isAsk(ask) || askedBefore(c.events[:i], ask.Request) {
				continue
			}
			amount := effect(ask, ask.Account)
			if ask.Op == trace.OpTransfer {
				amount.SetInt64(0)
			}
			acknowledged, refused := answered(c, ask.Request)
			if acknowledged || !refused && amount.Sign() < 0 {
				least.Add(least, amount)
			}
			if acknowledged || !refused && amount.Sign() > 0 {
				most.Add(most, amount)
			}
		}
	}
	return least, most, customers > 0 && w.opt.Settled
}

func askedBefore(events []*trace.Event, request trace.ID) bool {
	for _, e := range events {
		if isAsk(e) && e.Request == request {
			return true
		}
	}
	return false
}

// answered reports whether the customer has an ok reply to a request, and else whether it has one that says no.
func answered(c *process, request trace.ID) (acknowledged, refused bool) {
	asks := 0
	for _, e := range c.events {
		if isAsk(e) && e.Request == request {
			asks++
		}
	}
	for _, e := range c.events {
		if isReply(e) && e.Request == request {
			acknowledged = acknowledged || e.Result == trace.OK
			refused = refused || e.Result == trace.Insufficient || e.Result == trace.Conflict || e.Result == trace.Refused && asks == 1
		}
	}
	return acknowledged, refused && !acknowledged
}

func isReply(e *trace.Event) bool { return e.Kind == trace.Receive && e.Step == trace.StepRespond }
