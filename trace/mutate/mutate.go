// Package mutate breaks traces on purpose: each mutation makes a valid trace violate one rule, and no other that the
// rule does not bring with it, for teaching, and for testing checkers.
//
// A mutated trace still obeys Lamport's condition wherever the rule is not about clocks, but its clocks may skip values:
// only check it with --strict where the rule is clock/not-exact.
package mutate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Mutation is a way to violate one rule.
type Mutation struct {
	Rule    string
	Mistake string   // the real mistake that it imitates
	Needs   string   // what a trace must have for it
	Implies []string // further rules that are violated with it, or may be: what the rules' statements imply
	apply   func(*editor) (Change, error)
}

// Change says what a mutation did.
type Change struct {
	Rule    string
	Event   trace.Ref // the event that a finding names, under its new number; Seq is 0 where a line or a whole log is meant
	Line    int       // of the log of Event.Process, where a line is no record any more; else 0
	Text    string    // what was done, for a person
	Implies []string  // further rules that the trace may now violate
}

// ErrNoPlace says that a trace has nothing that the mutation could be done to.
var ErrNoPlace = errors.New("the trace has no place for this mutation")

// NoPlaceError says that a trace has nothing that a mutation could be done to, and what would have. It unwraps to
// ErrNoPlace.
type NoPlaceError struct {
	Rule, Needs string
	Why         string // "" where there is nothing to add
}

func (e *NoPlaceError) Error() string {
	why := ""
	if e.Why != "" {
		why = " (" + e.Why + ")"
	}
	return fmt.Sprintf("%v%s; it needs %s", ErrNoPlace, why, e.Needs)
}

func (e *NoPlaceError) Unwrap() error { return ErrNoPlace }

// UnknownRuleError says that there is no mutation for a rule.
type UnknownRuleError struct {
	Rule  string
	Known []string
}

func (e *UnknownRuleError) Error() string {
	return fmt.Sprintf("no mutation violates %q; there are mutations for %s", e.Rule, strings.Join(e.Known, ", "))
}

// Mutations returns all mutations, family by family.
func Mutations() []Mutation {
	return slices.Concat(logMutations(), clockMutations(), messageMutations(), causalityMutations(), requestMutations(),
		replicaMutations(), moneyMutations(), sessionMutations())
}

// Rules returns the rules that there is a mutation for, family by family.
func Rules() []string {
	var names []string
	for _, m := range Mutations() {
		names = append(names, m.Rule)
	}
	return names
}

// Break changes the trace in place so that it violates the rule, at an event that at allows (nil allows all), chosen by
// seed. The same trace, rule, at and seed give the same change. The trace should be valid: what is wrong with it already
// may hide the change. The error is an *UnknownRuleError, or wraps a *NoPlaceError; the trace is then unchanged.
func Break(t *Trace, rule string, at func(*trace.Event) bool, seed uint64) (Change, error) {
	all := Mutations()
	i := slices.IndexFunc(all, func(m Mutation) bool { return m.Rule == rule })
	if i < 0 {
		return Change{}, &UnknownRuleError{rule, Rules()}
	}
	if at == nil {
		at = func(*trace.Event) bool { return true }
	}
	m := all[i]
	c, err := m.apply(newEditor(t, at, rand.New(rand.NewPCG(seed, 0))))
	if err != nil {
		var none *NoPlaceError
		if errors.As(err, &none) {
			none.Rule, none.Needs = rule, m.Needs
		}
		return Change{}, fmt.Errorf("%s: %w", rule, err)
	}
	c.Rule, c.Implies = rule, m.Implies
	t.mendEnds()
	return c, nil
}

// mendEnds makes the end records fit the events before them: what a program that made the mistake would have written.
func (t *Trace) mendEnds() {
	for _, l := range t.Logs {
		last := map[string]*trace.Event{}
		for _, r := range l.Records {
			switch {
			case r.Event != nil:
				last[r.Event.Process] = r.Event
			case r.End != nil:
				if e := last[r.End.Process]; e != nil {
					r.End.Events, r.End.Clock = e.Seq, e.Clock
				}
			}
		}
	}
}
