package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// states compares replicas where their vectors are equal.
//
//  1. A state is what a replica holds once an event has moved its vector, or a snapshot, unless it executed writes beyond
//     a gap. States are known by a hash of their vector. The first state of a vector is kept, with the balances that its
//     event gives and a hash of all balances; the next ones are compared with it.
//  2. A state is dropped when all branches have reached it, and now and then when no branch can reach it any more: the
//     sum of a vector only rises, but at a snapshot. So what a snapshot gives, and what a replica comes to again after
//     it, may have been dropped: it is left to the second pass.
//  3. Where two do not fit, the second pass collects the states of that hash with all balances, and compares those of
//     equal vectors with the first of them by clock.
type states struct {
	kept    map[uint64]*state
	limit   int                    // how many are kept before it is looked which can go
	reached []int64                // by process
	shown   []trace.AccountBalance // scratch
	suspect map[uint64][]stateAt
}

// state is the first that was read of its vector.
type state struct {
	total    uint64
	replicas int
	shown    []trace.AccountBalance
	book     uint64
}

// stateAt is a state as the second pass keeps it.
type stateAt struct {
	spot
	vector clock.Vector
	shown  []trace.AccountBalance
	book   map[string]int64
}

const fewStates = 1024

func newStates() states {
	return states{kept: map[uint64]*state{}, limit: fewStates, suspect: map[uint64][]stateAt{}}
}

// appendBalances appends the balances that an execute gives.
func appendBalances(all []trace.AccountBalance, e *trace.Event) []trace.AccountBalance {
	if e.Balance.Known && (e.ToAccount != e.Account || !e.ToBalance.Known) {
		all = append(all, trace.AccountBalance{Account: e.Account, Amount: e.Balance.Amount})
	}
	if e.ToBalance.Known && e.ToAccount != "" {
		all = append(all, trace.AccountBalance{Account: e.ToAccount, Amount: e.ToBalance.Amount})
	}
	return all
}

// reach takes the state of a replica that v brought to it.
func (s *states) reach(f *replicaFamily, r *replica, v *visit) {
	if r.gaps > 0 || r.blind() || !v.p.replica() {
		return
	}
	*reach(&s.reached, v.p.id)++
	if r.taken != nil && (v.e.Step == trace.StepSnapshot || r.total <= r.peak) {
		s.suspect[r.hash] = nil
		return
	}
	shown, book := appendBalances(s.shown[:0], v.e), f.money().hashOf(v.p)
	s.shown = shown
	first := s.kept[r.hash]
	if first == nil {
		s.kept[r.hash] = &state{total: r.total, replicas: 1, shown: slices.Clone(shown), book: book}
		if first = s.kept[r.hash]; len(s.kept) > s.limit {
			s.sweep(f)
		}
	} else {
		first.replicas++
		if !alike(first.shown, shown, first.book == book) {
			s.suspect[r.hash] = nil
		}
	}
	if v.p.role == roleBranch && first.replicas >= len(f.branches) {
		delete(s.kept, r.hash)
	}
}

// alike reports whether the balances that two states show cannot contradict each other.
func alike(a, b []trace.AccountBalance, sameBooks bool) bool {
	if sameBooks {
		return true
	}
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

// sweep drops the states that no branch can reach any more.
func (s *states) sweep(f *replicaFamily) {
	least := uint64(clock.Max)
	for _, p := range f.procs {
		if p.hasLog() && !p.done && (p.role == roleBranch || p.role == "") {
			least = min(least, f.replicas.of(p).total)
		}
	}
	maps.DeleteFunc(s.kept, func(_ uint64, x *state) bool { return x.total <= least })
	s.limit = 2*len(s.kept) + fewStates
}

// again takes the state of a replica in the second pass.
func (s *states) again(f *replicaFamily, r *replica, v *visit) {
	all, ok := s.suspect[r.hash]
	if !ok || r.gaps > 0 || r.blind() || !v.p.replica() {
		return
	}
	x := stateAt{v.spot(), r.vector.Clone(), appendBalances(nil, v.e), f.money().balances(v.p)}
	if v.e.Step == trace.StepSnapshot { // it says something of every account
		for account, amount := range x.book {
			x.shown = append(x.shown, trace.AccountBalance{Account: account, Amount: amount})
		}
	}
	s.suspect[r.hash] = append(all, x)
}

func (s *states) settle(f *replicaFamily) {
	for _, all := range s.suspect {
		slices.SortStableFunc(all, func(a, b stateAt) int { return compareSpots(a.spot, b.spot) })
		for i, x := range all {
			j := slices.IndexFunc(all[:i], func(y stateAt) bool { return y.vector.Equal(x.vector) })
			if j < 0 {
				continue
			}
			if account, differs := contradiction(all[j], x); differs {
				f.divergedState(all[j], x, account)
			}
		}
	}
}

// contradiction returns the first account that one of two states shows and about which they differ.
func contradiction(a, b stateAt) (string, bool) {
	var accounts []string
	for _, shown := range slices.Concat(a.shown, b.shown) {
		x, knownA := a.book[shown.Account]
		y, knownB := b.book[shown.Account]
		if knownA && knownB && x != y {
			accounts = append(accounts, shown.Account)
		}
	}
	if len(accounts) == 0 {
		return "", false
	}
	return slices.Min(accounts), true
}

func (f *replicaFamily) divergedState(first, s stateAt, account string) {
	message := fmt.Sprintf("%s and %s bring %s and %s to the same writes %s, and account %s is %d at %s and %d at %s.",
		first.ref(), s.ref(), first.p.name, s.p.name, s.vector, account, first.book[account], first.p.name, s.book[account], s.p.name)
	if first.p == s.p {
		message = fmt.Sprintf("%s and %s bring %s to the same writes %s, before and after a snapshot, and account %s is %d first and then %d.",
			first.ref(), s.ref(), s.p.name, s.vector, account, first.book[account], s.book[account])
	}
	f.add(replicaDiverged, finding{
		event: s.spot, other: first.spot,
		message:  message,
		expected: fmt.Sprintf("balance %d", first.book[account]),
	})
}

// openings compares the balances before the first write.
func (f *replicaFamily) openings() {
	var first *proc
	for _, p := range f.byName() {
		if !p.replica() || len(p.opening) == 0 {
			continue
		}
		if first == nil {
			first = p
			continue
		}
		f.checked[replicaDiverged]++
		for _, b := range p.opening {
			i := slices.IndexFunc(first.opening, func(x trace.AccountBalance) bool { return x.Account == b.Account })
			if i < 0 || first.opening[i].Amount == b.Amount {
				continue
			}
			f.add(replicaDiverged, finding{
				event: spot{p: p, at: p.opened}, other: spot{p: first, at: first.opened},
				message: fmt.Sprintf("Account %s opens with %d at %s and with %d at %s.",
					b.Account, first.opening[i].Amount, first.name, b.Amount, p.name),
				expected: fmt.Sprintf("balance %d", first.opening[i].Amount),
			})
			break
		}
	}
}

// byName returns all processes by name.
func (e *engine) byName() []*proc {
	return slices.SortedFunc(slices.Values(e.procs), func(a, b *proc) int { return cmp.Compare(a.name, b.name) })
}

// compared returns how many states were reached by a replica after another one.
func (s *states) compared() int64 {
	var sum, most int64
	for _, n := range s.reached {
		sum, most = sum+n, max(most, n)
	}
	return sum - most
}
