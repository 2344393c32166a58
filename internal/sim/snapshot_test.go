package sim_test

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

// room is how many clocks come between two of a trace with room for events that did not happen there.
const room = 64

// takeSnapshot makes a valid trace one in which some branch lost its store at some moment: it takes over what it had
// executed a few writes before, as from a peer that was behind, executes these again, and goes on as it did. Sliced, its
// log begins only there.
func (s *specimen) takeSnapshot(r *rand.Rand, sliced bool) {
	s.makeRoom()
	var branches []*checktest.Log
	for i := range s.logs {
		l := &s.logs[i]
		acted := slices.ContainsFunc(l.Records, func(record checktest.Record) bool { return record.Event != nil })
		if h := l.Records[0].Header; h != nil && h.Role == "branch" && acted {
			branches = append(branches, l)
		}
	}
	if len(branches) == 0 {
		return
	}
	log := branches[r.IntN(len(branches))]
	at := eventIn(r, log)
	before := &trace.Event{}
	var done []*trace.Event
	for _, record := range log.Records[:at+1] {
		switch e := record.Event; {
		case e != nil && e.Step == trace.StepSnapshot:
			before, done = e, nil
		case e != nil && e.Step == trace.StepExecute && !e.Write.IsZero():
			done = append(done, e)
		}
	}
	again := min(r.IntN(6), len(done))
	last := log.Records[at].Event
	header := latestHeader(log.Records[:at+1]).Clone()
	header.Incarnation++
	events := []*trace.Event{snapshotOf(before, done[:len(done)-again])}
	for _, e := range done[len(done)-again:] {
		c := e.Clone()
		events = append(events, &c)
	}
	s.shift(last.Process, last.Seq, uint64(len(events)))
	added := []checktest.Record{{Header: &header}}
	for i, e := range events {
		e.Process, e.Kind, e.Seq, e.Clock = last.Process, trace.Local, last.Seq+uint64(i)+1, last.Clock+uint64(i)+1
		added = append(added, checktest.Record{Event: e})
	}
	for _, record := range log.Records[at+1:] {
		if record.Header != nil {
			record.Header.Incarnation++
		}
	}
	if sliced {
		header.First = events[0].Seq
		log.Records = log.Records[at+1:]
		at = -1
	}
	log.Records = slices.Insert(log.Records, at+1, added...)
	if end := log.Records[len(log.Records)-1].End; end != nil && end.Clock == last.Clock {
		end.Clock = events[len(events)-1].Clock
	}
}

// makeRoom leaves clocks between any two.
func (s *specimen) makeRoom() {
	for _, log := range s.logs {
		for _, record := range log.Records {
			if e := record.Event; e != nil {
				e.Clock, e.Stamp, e.At = room*e.Clock, room*e.Stamp, room*e.At
			}
			if record.End != nil {
				record.End.Clock *= room
			}
		}
	}
}

// shift makes room for events of a process after one of its own.
func (s *specimen) shift(process string, after, by uint64) {
	moved := func(seq *uint64) {
		if *seq > after {
			*seq += by
		}
	}
	for _, log := range s.logs {
		for _, record := range log.Records {
			switch e := record.Event; {
			case e != nil && e.Process == process:
				moved(&e.Seq)
				moved(&e.Answers)
			case e != nil && e.Peer == process && e.Kind == trace.Receive:
				moved(&e.Cause)
			case record.End != nil && record.End.Process == process:
				record.End.Events += by
			}
		}
	}
}

func latestHeader(records []checktest.Record) (h *trace.Header) {
	for _, record := range records {
		if record.Header != nil {
			h = record.Header
		}
	}
	return h
}

// snapshotOf returns the snapshot of what some executes come to after an earlier snapshot.
func snapshotOf(before *trace.Event, done []*trace.Event) *trace.Event {
	e := &trace.Event{Step: trace.StepSnapshot}
	sees := before.Sees.Clone()
	balances := map[string]int64{}
	for _, b := range before.Balances {
		balances[b.Account] = b.Amount
	}
	for _, x := range done {
		sees = sees.Set(x.Write.Process, x.Write.N)
		if x.Balance.Known {
			balances[x.Account] = x.Balance.Amount
		}
		if x.ToBalance.Known {
			balances[x.ToAccount] = x.ToBalance.Amount
		}
	}
	e.Sees = sees
	for account, amount := range balances {
		e.Balances = append(e.Balances, trace.AccountBalance{Account: account, Amount: amount})
	}
	slices.SortFunc(e.Balances, func(a, b trace.AccountBalance) int { return cmp.Compare(a.Account, b.Account) })
	return e
}

// aroundSnapshot returns the place in a log of a random event near its last snapshot; -1 without one.
func aroundSnapshot(r *rand.Rand, log *checktest.Log) int {
	for i, record := range slices.Backward(log.Records) {
		if record.Event == nil || record.Event.Step != trace.StepSnapshot {
			continue
		}
		var near []int
		for j := max(0, i-3); j < min(len(log.Records), i+8); j++ {
			if log.Records[j].Event != nil {
				near = append(near, j)
			}
		}
		return append(near, i, i, i)[r.IntN(len(near)+3)]
	}
	return -1
}
