package checktest

import (
	"cmp"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Options say what is known about the run besides its logs.
type Options struct {
	Strict    bool     // clock/not-exact, too
	Settled   bool     // run.json: every message was received and every write executed everywhere
	Processes []string // run.json: every process that should have a log
	Mode      string   // run.json: the mode where no header of a process names one
}

// Finding is one violation of a rule. Two findings are the same one when all fields are equal.
type Finding struct {
	Rule    string
	Event   string // process:seq; the name of a process or log where no event is at fault
	Other   string // process:seq of the event that it conflicts with, "" for none
	Replica string // where something is missing at one replica: its name
}

// rule is one rule of the catalogue: its name and the function that finds every violation of it.
type rule struct {
	name string
	find func(*whole) []Finding
}

func catalogue() []rule {
	return []rule{
		{"log/malformed", malformed},
		{"log/truncated", truncated},
		{"log/missing", missing},
		{"log/sequence-gap", sequenceGap},
		{"clock/not-increasing", notIncreasing},
		{"clock/receive-not-after-send", receiveNotAfterSend},
		{"clock/stamp-mismatch", stampMismatch},
		{"clock/not-exact", notExact},
		{"message/orphan-receive", orphanReceive},
		{"message/duplicate-receive", duplicateReceive},
		{"message/misdelivered", misdelivered},
		{"message/lost", lost},
		{"causality/cycle", cycle},
		{"request/unanswered", unanswered},
		{"request/answered-twice", answeredTwice},
		{"request/answer-differs", answerDiffers},
		{"request/answered-unexecuted", answeredUnexecuted},
		{"request/altered", requestAltered},
		{"replica/executed-twice", executedTwice},
		{"replica/phantom-execute", phantomExecute},
		{"replica/altered", replicaAltered},
		{"replica/missing-execute", missingExecute},
		{"replica/order-differs", orderDiffers},
		{"replica/execute-before-horizon", executeBeforeHorizon},
		{"replica/dependency-missing", dependencyMissing},
		{"replica/wrong-vector", wrongVector},
		{"replica/diverged", diverged},
		{"money/unexplained-balance", unexplainedBalance},
		{"money/overdrawn", overdrawn},
		{"money/wrong-refusal", wrongRefusal},
		{"money/refused-but-executed", refusedButExecuted},
		{"money/acknowledged-but-lost", acknowledgedButLost},
		{"money/not-conserved", notConserved},
		{"session/read-your-writes", readYourWrites},
		{"session/monotonic-reads", monotonicReads},
		{"session/monotonic-writes", monotonicWrites},
		{"session/writes-follow-reads", writesFollowReads},
	}
}

// Rules returns the names of all rules, in the order of the blueprint.
func Rules() []string {
	var names []string
	for _, r := range catalogue() {
		names = append(names, r.name)
	}
	return names
}

// Check returns every finding of every rule, sorted and each once. Logs may come in any order; where the records of one
// process are spread over several logs, these are taken in the order given.
func Check(logs []Log, opt Options) []Finding {
	w := newWhole(logs, opt)
	found := []Finding{}
	for _, r := range catalogue() {
		for _, f := range r.find(w) {
			f.Rule = r.name
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Other, b.Other), cmp.Compare(a.Replica, b.Replica))
	})
	return slices.Compact(found)
}

// at returns the finding about event e and the other one, which may be nil.
func at(e, other *trace.Event) Finding {
	f := Finding{Event: e.Ref().String()}
	if other != nil {
		f.Other = other.Ref().String()
	}
	return f
}
