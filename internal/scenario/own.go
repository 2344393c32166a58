package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// own reads a scenario in our own form into s.
func (d *decoder) own(s *Scenario, root *node) {
	f, ok := d.object(root, "", "", "name", "mode", "branches", "opening", "customers")
	if !ok {
		return
	}
	if n := f["name"]; n != nil {
		d.scenarioName(s, n.value)
	}
	if n := f["mode"]; n != nil {
		d.mode(s, n.value)
	}
	var opening map[string]int64
	if n := f["opening"]; n != nil {
		opening = d.opening(n.value)
	} else {
		d.fail(root, "", "the scenario says no opening balance", root.keys(), "add opening: {main: 400}")
	}
	if n := f["branches"]; n != nil {
		d.branches(s, n.value, opening)
	} else {
		d.fail(root, "", "the scenario says no branches", root.keys(), "add branches: 3, or a list of their ids")
	}
	if n := f["customers"]; n != nil {
		d.customers(s, n.value)
	} else {
		d.fail(root, "", "the scenario has no customers", root.keys(), "add customers, each with id and steps")
	}
}

func (d *decoder) scenarioName(s *Scenario, n *node) {
	text, ok := d.name(n, "", "name")
	if !ok {
		return
	}
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if text == "" || text != strings.TrimSpace(text) || len(text) > maxName || strings.ContainsFunc(text, unprintable) {
		d.fail(n, "", fmt.Sprintf("a name is one line of printable text, %d bytes at most, without blanks at its ends", maxName), n.describe(), "choose such a name")
		return
	}
	s.Name = text
}

func (d *decoder) mode(s *Scenario, n *node) {
	if n.kind != kindString || n.text != ModeTotal && n.text != ModeCausal {
		d.fail(n, "", "there is no such mode", n.describe(), "write mode: total or mode: causal")
		return
	}
	s.Mode = n.text
}

// opening reads the balances by account; nil if they cannot be known.
func (d *decoder) opening(n *node) map[string]int64 {
	if n.kind == kindNumber {
		v, ok := d.integer(n, "opening", "the opening balance", 0, MaxAmount)
		if !ok {
			return nil
		}
		return map[string]int64{MainAccount: v}
	}
	const remedy = "write the balance of every account, such as opening: {main: 400}"
	if n.kind != kindObject {
		d.fail(n, "opening", "the opening balances must be given by account", n.describe(), remedy)
		return nil
	}
	if len(n.fields) == 0 {
		d.fail(n, "opening", "there is no account", "", remedy)
		return nil
	}
	balances, lines := map[string]int64{}, map[string]int{}
	for _, f := range n.fields {
		if first, twice := lines[f.key]; twice {
			d.failAt(f.position, "opening", fmt.Sprintf("account %q is given twice, first on line %d", f.key, first), "", "remove one of them")
			continue
		}
		lines[f.key] = f.line
		if !accountName(f.key) {
			d.failAt(f.position, "opening", "this is no account name", fmt.Sprintf("%q", cutTo(f.key, 60)), accountRemedy)
			continue
		}
		v, ok := d.integer(f.value, "opening", fmt.Sprintf("the balance of account %q", f.key), 0, MaxAmount)
		if !ok {
			v = 0 // the account exists: steps may name it without a second error
		}
		balances[f.key] = v
	}
	return balances
}

const (
	maxAccount    = 64
	accountRemedy = "use letters, digits, and - _ . between them, 64 bytes at most"
)

func accountName(s string) bool {
	if s == "" || len(s) > maxAccount {
		return false
	}
	plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for i, r := range s {
		inside := i > 0 && i+1 < len(s)
		if !plain(r) && !(inside && strings.ContainsRune("-_.", r)) {
			return false
		}
	}
	return true
}

// branches fills s.Branches from a number or a list of ids.
func (d *decoder) branches(s *Scenario, n *node, opening map[string]int64) {
	add := func(id int) { s.Branches = append(s.Branches, Branch{ID: id, Opening: maps.Clone(opening)}) }
	if n.kind != kindList {
		count, ok := d.integer(n, "branches", "the number of branches", 1, MaxBranches)
		for id := 1; ok && id <= int(count); id++ {
			add(id)
		}
		return
	}
	if len(n.items) == 0 || len(n.items) > MaxBranches {
		d.fail(n, "branches", fmt.Sprintf("a bank has 1 to %d branches", MaxBranches), fmt.Sprint(len(n.items)), "change the list")
	}
	seen := ids{}
	for i, item := range n.items {
		id, ok := d.integer(item, fmt.Sprintf("branches, entry %d", i+1), "a branch's id", 1, MaxID)
		if ok && d.add(seen, item, int(id), "branches", "branch") {
			add(int(id))
		}
	}
}

func (d *decoder) customers(s *Scenario, n *node) {
	items, ok := d.list(n, "customers", "customers", "write each customer behind a dash: - id: 1")
	if !ok {
		return
	}
	if len(items) == 0 {
		d.fail(n, "customers", "the scenario has no customers", "", "add one, with id and steps")
	}
	seen := ids{}
	for i, item := range items {
		if c, ok := d.customer(s, item, fmt.Sprintf("customers, entry %d", i+1), seen); ok {
			s.Customers = append(s.Customers, c)
		}
	}
}

func (d *decoder) customer(s *Scenario, n *node, place string, seen ids) (c Customer, ok bool) {
	f, ok := d.object(n, place, "write id and steps", "id", "at", "steps")
	if !ok {
		return c, false
	}
	if id := f["id"]; id == nil {
		d.fail(n, place, "the customer has no id", n.keys(), "add id: 1, or another number of its own")
	} else if v, ok := d.integer(id.value, place, "a customer's id", 1, MaxID); ok {
		d.add(seen, id.value, int(v), "customers", "customer")
		c.ID, place = int(v), fmt.Sprintf("customer %d", v)
	}
	r := stepReader{decoder: d, scenario: s, home: c.ID}
	if at := f["at"]; at != nil {
		r.home = 0
		if v, ok := d.integer(at.value, place, "at", 1, MaxID); ok && d.knownBranch(s, at.value.position, int(v), place) {
			r.home = int(v)
		}
	}
	if f["steps"] == nil {
		d.fail(n, place, "the customer has no steps", n.keys(), "add steps, or steps: [] if it shall do nothing")
		return c, true
	}
	items, _ := d.list(f["steps"].value, place, "steps", "write each step behind a dash: - deposit: 170")
	for i, item := range items {
		c.Steps = append(c.Steps, r.step(item, i+1, fmt.Sprintf("%s, step %d", place, i+1)))
	}
	return c, true
}

// knownBranch reports a branch that the scenario does not have. Where the branches themselves could not be read it
// stays silent: that is an error already.
func (d *decoder) knownBranch(s *Scenario, at position, id int, place string) bool {
	if len(s.Branches) == 0 || slices.ContainsFunc(s.Branches, func(b Branch) bool { return b.ID == id }) {
		return true
	}
	d.failAt(at, place, fmt.Sprintf("there is no branch %d", id), "", "name one of the scenario's branches or add this one")
	return false
}

// waitTime reads a duration such as 50ms.
func (d *decoder) waitTime(n *node, place string) time.Duration {
	const problem = "a wait must be a time with its unit, more than 0 and at most 24h"
	v, err := time.ParseDuration(n.text)
	switch {
	case n.kind == kindNumber:
		d.fail(n, place, problem, n.describe(), "add the unit: wait: "+cutTo(n.text, 20)+"ms")
	case n.kind != kindString || err != nil || v <= 0 || v > MaxWait:
		d.fail(n, place, problem, n.describe(), "write for example wait: 50ms")
	default:
		return v
	}
	return 0
}
