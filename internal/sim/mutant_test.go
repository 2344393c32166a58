package sim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check/checktest"
)

// mutant returns a trace after one to three random changes.
func mutant(s specimen, seed uint64) (specimen, []string) {
	s = s.clone()
	r := rand.New(rand.NewPCG(seed, 6))
	s.opt.Strict = r.IntN(2) == 0
	s.opt.Settled = s.opt.Settled && r.IntN(4) > 0
	var changes []string
	for range 1 + r.IntN(3) {
		changes = append(changes, change(r, &s))
	}
	return s, changes
}

// change makes one random change and says which.
func change(r *rand.Rand, s *specimen) string {
	at := r.IntN(len(s.logs))
	if len(s.logs) > 1 && r.IntN(60) == 0 {
		lost := s.logs[at].Name
		s.logs = slices.Delete(s.logs, at, at+1)
		return "lose " + lost
	}
	log := &s.logs[at]
	i := eventIn(r, log)
	if near := aroundSnapshot(r, log); near >= 0 && r.IntN(2) == 0 {
		i = near
	}
	if i < 0 {
		return "none"
	}
	e := log.Records[i].Event
	name := e.Ref().String()
	switch kind := r.IntN(12); kind {
	case 0:
		log.Records = slices.Delete(log.Records, i, i+1)
		return "drop " + name + renumber(r, s, log, e.Process, e.Seq, -1)
	case 1:
		c := e.Clone()
		log.Records = slices.Insert(log.Records, i+1, checktest.Record{Event: &c})
		return "repeat " + name + renumber(r, s, log, e.Process, e.Seq, 1)
	case 2:
		f := log.Records[eventIn(r, log)].Event
		e.Clock, f.Clock = f.Clock, e.Clock
		return "swap the clocks of " + name + " and " + f.Ref().String()
	case 3:
		if last := len(log.Records) - 1; r.IntN(4) == 0 && log.Records[last].End != nil {
			log.Records = log.Records[:last]
			return "unend " + log.Name
		}
		return "none"
	case 4:
		j := eventIn(r, log)
		log.Records[i], log.Records[j] = log.Records[j], log.Records[i]
		return "swap " + name + " and " + log.Records[i].Event.Ref().String()
	}
	return name + ": " + field(r, s, e)
}

func eventIn(r *rand.Rand, log *checktest.Log) int {
	var events []int
	for i, record := range log.Records {
		if record.Event != nil {
			events = append(events, i)
		}
	}
	if len(events) == 0 {
		return -1
	}
	return events[r.IntN(len(events))]
}

// renumber makes a log whole again after an event was dropped or repeated, so that nothing but its absence shows: seqs,
// what names them, and the end record.
func renumber(r *rand.Rand, s *specimen, log *checktest.Log, process string, from uint64, by int64) string {
	if r.IntN(2) == 0 {
		return ""
	}
	moved := func(seq uint64) uint64 {
		if seq > from {
			return uint64(int64(seq) + by)
		}
		return seq
	}
	again := false
	for _, record := range log.Records {
		if e := record.Event; e != nil && e.Process == process {
			if e.Answers = moved(e.Answers); e.Seq == from && by > 0 && again {
				e.Seq++
				continue
			}
			again = again || e.Seq == from
			e.Seq = moved(e.Seq)
		}
		if record.End != nil && record.End.Process == process {
			record.End.Events = uint64(int64(record.End.Events) + by)
		}
	}
	for _, other := range s.logs {
		for _, record := range other.Records {
			if e := record.Event; e != nil && e.Kind == trace.Receive && e.Peer == process {
				e.Cause = moved(e.Cause)
			}
		}
	}
	return " and renumber"
}

// field changes one field of an event.
func field(r *rand.Rand, s *specimen, e *trace.Event) string {
	near := func(n uint64) uint64 { return uint64(max(1, int64(n)+r.Int64N(7)-3)) }
	any := func() string { return s.opt.Processes[r.IntN(len(s.opt.Processes))] }
	switch kind := r.IntN(18); {
	case kind == 0:
		e.Clock = near(e.Clock)
		return fmt.Sprintf("clock %d", e.Clock)
	case kind == 1:
		e.Clock = 1 + r.Uint64N(80)
		return fmt.Sprintf("clock %d", e.Clock)
	case kind == 2 && e.Kind == trace.Receive:
		e.Stamp = near(e.Stamp)
		return fmt.Sprintf("stamp %d", e.Stamp)
	case kind == 3 && e.Kind == trace.Receive:
		e.Cause = 1 + r.Uint64N(e.Cause+3)
		return fmt.Sprintf("cause %d", e.Cause)
	case kind == 4 && e.Kind != trace.Local:
		e.Peer = any()
		return "peer " + e.Peer
	case kind == 5 && e.Balance.Known:
		e.Balance.Amount += r.Int64N(9) - 4 - 60*int64(r.IntN(8)/7)
		return fmt.Sprintf("balance %d", e.Balance.Amount)
	case kind == 6 && e.Amount > 0:
		e.Amount = 1 + r.Int64N(60)
		return fmt.Sprintf("amount %d", e.Amount)
	case kind == 7 && e.Result > 0:
		e.Result = trace.Result(r.IntN(7))
		return "result " + e.Result.String()
	case kind == 8:
		e.Sees = e.Sees.Clone().Set(any(), r.Uint64N(5))
		return "sees " + e.Sees.String()
	case kind == 9 && !e.Write.IsZero():
		e.Write.N = near(e.Write.N)
		return "write " + e.Write.String()
	case kind == 10 && e.At > 0:
		e.At = near(e.At)
		return fmt.Sprintf("at %d", e.At)
	case kind == 11 && !e.Request.IsZero():
		if e.Request.N = near(e.Request.N); r.IntN(3) == 0 {
			e.Request.Process = any()
		}
		return "request " + e.Request.String()
	case kind == 12 && r.IntN(3) == 0:
		e.Process = any()
		return "process " + e.Process
	case kind == 14 && e.Step == trace.StepOrder:
		e.Deps = e.Deps.Clone().Set(any(), r.Uint64N(5))
		return "deps " + e.Deps.String()
	case kind >= 15 && e.Step == trace.StepSnapshot:
		return taken(r, e)
	case kind == 13 && e.Answers > 0:
		e.Answers = near(e.Answers)
		return fmt.Sprintf("answers %d", e.Answers)
	}
	return "none"
}

// taken changes what a snapshot brings.
func taken(r *rand.Rand, e *trace.Event) string {
	switch {
	case len(e.Balances) > 0 && r.IntN(2) == 0:
		i := r.IntN(len(e.Balances))
		if r.IntN(3) == 0 {
			e.Balances = slices.Delete(e.Balances, i, i+1)
		} else {
			e.Balances[i].Amount += r.Int64N(9) - 4
		}
		return fmt.Sprintf("balances %v", e.Balances)
	case len(e.Sees) > 0:
		entry := e.Sees[r.IntN(len(e.Sees))]
		e.Sees = e.Sees.Clone().Set(entry.Process, entry.N+uint64(r.IntN(3))-min(entry.N, uint64(r.IntN(3))))
		return "sees " + e.Sees.String()
	}
	return "none"
}
