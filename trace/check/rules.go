package check

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is one thing that a trace is checked for.
type Rule struct {
	Name      string // family/rule
	Family    string
	Statement string // holds when this is so
	Reason    string // why anybody should care
	Source    string // where the rule comes from
	Mistake   string // what usually broke it
	Exit      int    // exit status that a finding leads to: 1 a violation, 2 undecidable, 0 a warning
}

// ruleID is a rule's place in the catalogue.
type ruleID uint8

const (
	logMalformed ruleID = iota
	logTruncated
	logMissing
	logSequenceGap
	clockNotIncreasing
	clockNotAfterSend
	clockStampMismatch
	clockNotExact
	messageOrphan
	messageDuplicate
	messageMisdelivered
	messageLost
	causalityCycle
	requestUnanswered
	requestTwice
	requestDiffers
	requestUnexecuted
	requestAltered
	replicaTwice
	replicaPhantom
	replicaAltered
	replicaMissing
	replicaOrder
	replicaHorizon
	replicaDependency
	replicaVector
	replicaDiverged
	moneyUnexplained
	moneyOverdrawn
	moneyRefusal
	moneyRefused
	moneyLost
	moneyConserved
	sessionOwnWrites
	sessionReads
	sessionWrites
	sessionFollow
	ruleCount
)

// catalogue returns all rules, each at the index of its ruleID.
func catalogue() []Rule {
	rules := slices.Concat(logRules(), clockRules(), messageRules(), causalityRules(), requestRules(),
		replicaRules(), moneyRules(), sessionRules())
	for i := range rules {
		rules[i].Family, _, _ = strings.Cut(rules[i].Name, "/")
	}
	return rules
}

// Rules returns the catalogue: every rule, family by family.
func Rules() []Rule { return catalogue() }

// LookupRule returns the rule with that name.
func LookupRule(name string) (Rule, bool) {
	for _, r := range catalogue() {
		if r.Name == name {
			return r, true
		}
	}
	return Rule{}, false
}

// UnknownRuleError says that Options.Rules names no rule and no family.
type UnknownRuleError struct {
	Name  string
	Known []string // the families and the rules
}

func (e *UnknownRuleError) Error() string {
	return fmt.Sprintf("no rule or family of rules is called %q; there are %s", e.Name, strings.Join(e.Known, ", "))
}

// selection says which rules are on, and what the user asked for by name.
type selection struct {
	on    [ruleCount]bool
	named map[string][]ruleID // a rule or a family as it was named -> its rules
}

// choose resolves names of rules and families; none means all. The rules of unreadable and cut-off logs are always on,
// because what could not be read may hide a violation of any rule.
func choose(names []string, strict bool) (selection, error) {
	s := selection{named: map[string][]ruleID{}}
	rules := catalogue()
	for _, name := range names {
		for id, r := range rules {
			if r.Name == name || r.Family == name && (ruleID(id) != clockNotExact || strict) {
				s.named[name] = append(s.named[name], ruleID(id))
				s.on[id] = true
			}
		}
		if len(s.named[name]) == 0 {
			return s, &UnknownRuleError{Name: name, Known: knownNames(rules)}
		}
	}
	if len(names) == 0 {
		for id := range s.on {
			s.on[id] = true
		}
		s.on[clockNotExact] = strict
	}
	s.on[logMalformed], s.on[logTruncated] = true, true
	return s, nil
}

func knownNames(rules []Rule) []string {
	var names []string
	for i, r := range rules {
		if i == 0 || rules[i-1].Family != r.Family {
			names = append(names, r.Family)
		}
		names = append(names, r.Name)
	}
	return names
}
