package scenario

import (
	"cmp"
	"fmt"
	"slices"
)

// isCourseEntry tells a lone customer or branch of a course file from a scenario in our own form.
func isCourseEntry(n *node) bool {
	typed := false
	for _, f := range n.fields {
		switch f.key {
		case "type":
			typed = true
		case "branches", "customers", "opening":
			return false
		}
	}
	return typed
}

// courseReader reads a course file. Events are resolved last, when all branches are known.
type courseReader struct {
	*decoder
	scenario  *Scenario
	branches  ids
	customers ids
	requests  map[int]request // the first event with each id
	first     *courseBranch   // the branch that the others' balances are compared with
}

type courseBranch struct {
	position
	id      int
	balance int64
}

type request struct {
	position
	customer int
}

// course reads the list of customers and branches of a course file into s.
func (d *decoder) course(s *Scenario, root *node) {
	s.Course = true
	entries := root.items
	if root.kind == kindObject {
		entries = []*node{root}
	}
	r := &courseReader{decoder: d, scenario: s, branches: ids{}, customers: ids{}, requests: map[int]request{}}
	var customers []func()
	sorts := map[string]int{}
	for i, n := range entries {
		place := fmt.Sprintf("entry %d", i+1)
		switch sort := r.sortOf(n, place); sort {
		case "branch":
			sorts[sort]++
			r.branch(n, place)
		case "customer":
			sorts[sort]++
			customers = append(customers, func() { r.customer(n, place) })
		}
	}
	for _, read := range customers {
		read()
	}
	if sorts["branch"] == 0 {
		d.fail(root, "", "the course file has no branches", "", `add for each branch {"id": 1, "type": "branch", "balance": 400}`)
	}
	if sorts["customer"] == 0 {
		d.fail(root, "", "the course file has no customers", "", `add for each customer {"id": 1, "type": "customer", "events": [...]}`)
	}
	if sorts["branch"] > MaxBranches {
		d.fail(root, "", fmt.Sprintf("a bank has 1 to %d branches", MaxBranches), fmt.Sprint(sorts["branch"]), "remove some")
	}
	slices.SortFunc(s.Branches, func(a, b Branch) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Customers, func(a, b Customer) int { return cmp.Compare(a.ID, b.ID) })
}

// sortOf is what an entry is, "customer" or "branch"; empty if it is neither, which is reported.
func (r *courseReader) sortOf(n *node, place string) string {
	const remedy = `write "type": "customer" or "type": "branch"`
	if n.kind != kindObject {
		r.fail(n, place, "a customer or a branch is expected here", n.describe(), remedy)
		return ""
	}
	for _, f := range n.fields {
		if f.key != "type" {
			continue
		}
		if f.value.kind == kindString {
			switch f.value.text {
			case "customer", "client":
				return "customer"
			case "branch", "bank":
				return "branch"
			}
		}
		r.fail(f.value, place, "there is no such type", f.value.describe(), remedy)
		return ""
	}
	r.fail(n, place, "the entry has no type", n.keys(), remedy)
	return ""
}

func (r *courseReader) branch(n *node, place string) {
	f, _ := r.object(n, place, "", "id", "type", "balance")
	id, place, idOK := r.id(f["id"], n, place, "branch", r.branches)
	if f["balance"] == nil {
		r.fail(n, place, "the branch has no balance", n.keys(), `add "balance": 400, the same at every branch`)
	} else if v, ok := r.integer(f["balance"].value, place, "a balance", 0, MaxAmount); ok {
		b := courseBranch{position: f["balance"].value.position, id: id, balance: v}
		switch {
		case !idOK:
		case r.first == nil:
			r.first = &b
		case r.first.balance != v:
			r.failAt(b.position, place, fmt.Sprintf("its balance differs from the %d of branch %d on line %d", r.first.balance, r.first.id, r.first.line),
				fmt.Sprint(v), "give all branches the same balance: every branch holds a copy of one account")
		}
		if idOK {
			r.scenario.Branches = append(r.scenario.Branches, Branch{ID: id, Opening: map[string]int64{MainAccount: v}})
			return
		}
	}
	// Keep a branch whose balance is wrong: the events that name it are right.
	if idOK {
		r.scenario.Branches = append(r.scenario.Branches, Branch{ID: id})
	}
}

// id reads the id of an entry and returns the better name of its place.
func (r *courseReader) id(f *field, n *node, place, what string, seen ids) (id int, better string, ok bool) {
	if f == nil {
		r.fail(n, place, fmt.Sprintf("the %s has no id", what), n.keys(), `add "id": 1, or another number of its own`)
		return 0, place, false
	}
	v, ok := r.integer(f.value, place, fmt.Sprintf("a %s's id", what), 1, MaxID)
	if !ok {
		return 0, place, false
	}
	return int(v), fmt.Sprintf("%s %d", what, v), r.add(seen, f.value, int(v), place, what)
}

func (r *courseReader) customer(n *node, place string) {
	f, _ := r.object(n, place, "", "id", "type", "events", "customer-requests")
	id, place, _ := r.id(f["id"], n, place, "customer", r.customers)
	c := Customer{ID: id}
	events, requests := f["events"], f["customer-requests"]
	switch {
	case events != nil && requests != nil:
		r.failAt(requests.position, place, `the customer has both "events" and "customer-requests"`, "", "put all into one of them")
	case events == nil && requests == nil:
		r.fail(n, place, "the customer has no events", n.keys(), `add "events": [...], or "events": [] if it shall do nothing`)
	}
	for _, list := range []*field{events, requests} {
		if list == nil {
			continue
		}
		items, _ := r.list(list.value, place, fmt.Sprintf("%q", list.key), "put the events into [ ]")
		for i, item := range items {
			c.Steps = append(c.Steps, r.event(item, id, place, i+1))
		}
	}
	r.scenario.Customers = append(r.scenario.Customers, c)
}

// event reads the event at a position of the list, from 1, of the customer at place.
func (r *courseReader) event(n *node, customer int, owner string, number int) Step {
	st := Step{Account: MainAccount}
	place := fmt.Sprintf("%s, event at position %d", owner, number)
	f, ok := r.object(n, place, `write {"id": 1, "interface": "query"}`, "id", "customer-request-id", "interface", "money", "dest", "branch")
	if !ok {
		return st
	}
	if st.ID = r.eventID(f, n, customer, place); st.ID > 0 {
		place = fmt.Sprintf("%s, event %d", owner, st.ID)
	}
	st.Op = r.operation(f["interface"], n, place)
	money := f["money"]
	switch {
	case st.Op == OpQuery && money != nil:
		r.warn(money.position, `"money" of a query ignored`)
	case st.Op == OpQuery || st.Op == "":
	case money == nil:
		r.fail(n, place, fmt.Sprintf("the %s has no money", st.Op), n.keys(), `add "money": 170`)
	default:
		st.Amount, _ = r.integer(money.value, place, `"money"`, 1, MaxAmount)
	}
	st.Branch = r.destination(f, n, customer, place)
	return st
}

// eventID is an event's id, which must be the customer's only one; another customer's is allowed, since files exist
// in which every customer counts from 1.
func (r *courseReader) eventID(f map[string]*field, n *node, customer int, place string) int {
	id := f["customer-request-id"]
	if id == nil {
		id = f["id"]
	}
	if id == nil {
		r.fail(n, place, "the event has no id", n.keys(), `add "customer-request-id": 1, or another number of its own`)
		return 0
	}
	v, ok := r.integer(id.value, place, fmt.Sprintf("%q", id.key), 1, MaxID)
	if !ok {
		return 0
	}
	first, known := r.requests[int(v)]
	switch {
	case !known:
		r.requests[int(v)] = request{position: id.value.position, customer: customer}
	case first.customer == customer:
		r.fail(id.value, place, fmt.Sprintf("event %d is given twice, first on line %d", v, first.line), "", "give each its own id")
	default:
		r.warn(id.value.position, "customers share event ids: outputs grouped by request mix their events")
	}
	return int(v)
}

func (r *courseReader) operation(f *field, n *node, place string) string {
	const remedy = `write "interface": "query", "deposit" or "withdraw"`
	if f == nil {
		r.fail(n, place, "the event has no interface", n.keys(), remedy)
		return ""
	}
	if f.value.kind == kindString {
		switch f.value.text {
		case OpQuery, OpDeposit, OpWithdraw:
			return f.value.text
		}
	}
	r.fail(f.value, place, "there is no such interface", f.value.describe(), remedy)
	return ""
}

// destination is the branch that an event names, or the one with the customer's id.
func (r *courseReader) destination(f map[string]*field, n *node, customer int, place string) int {
	named := 0
	for _, key := range []string{"dest", "branch"} {
		at := f[key]
		if at == nil {
			continue
		}
		r.scenario.Roaming = true
		v, ok := r.integer(at.value, place, fmt.Sprintf("%q", key), 1, MaxID)
		if ok && named > 0 && named != int(v) {
			r.failAt(at.position, place, fmt.Sprintf(`"dest" says branch %d and "branch" says %d`, named, v), "", "remove one of them")
		} else if ok && named == 0 {
			r.knownBranch(r.scenario, at.value.position, int(v), place)
		}
		named = int(v)
	}
	if f["dest"] != nil || f["branch"] != nil || customer == 0 {
		return named
	}
	if _, known := r.branches[customer]; !known && len(r.branches) > 0 {
		r.fail(n, place, fmt.Sprintf("the event names no branch, and there is no branch %d, the customer's own id", customer), "", `add "branch": 1, or such a branch`)
	}
	return customer
}
