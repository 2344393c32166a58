package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stepReader reads the steps of one customer.
type stepReader struct {
	*decoder
	scenario *Scenario
	home     int // the branch of a step that names none; 0 if it was given wrongly, which is reported already
}

// operations lists what a step may be, and the keys that go with it.
func operations(op string) []string {
	switch op {
	case OpDeposit, OpWithdraw:
		return []string{"at", "account"}
	case OpTransfer:
		return []string{"at", "from", "to"}
	case OpQuery:
		return []string{"at"}
	}
	return nil
}

const stepRemedy = "write one of deposit: AMOUNT, withdraw: AMOUNT, transfer: AMOUNT, query: ACCOUNT or wait: TIME"

func (r stepReader) step(n *node, number int, place string) Step {
	st := Step{ID: number}
	if n.kind == kindString {
		if n.text != OpQuery {
			r.fail(n, place, "this is no step", n.describe(), stepRemedy)
			return st
		}
		st.Op = OpQuery
		st.Branch = r.branch(nil, n.position, place)
		st.Account = r.account(nil, n.position, place, "write query: ACCOUNT")
		return st
	}
	ops := []string{OpDeposit, OpWithdraw, OpTransfer, OpQuery, OpWait}
	f, ok := r.object(n, place, stepRemedy, append(ops, "at", "account", "from", "to")...)
	if !ok {
		return st
	}
	var given []string
	for _, op := range ops {
		if f[op] != nil {
			given = append(given, op)
		}
	}
	if len(given) != 1 {
		r.fail(n, place, "a step names exactly one operation", n.keys(), stepRemedy)
		return st
	}
	st.Op = given[0]
	r.stray(f, st.Op, place)
	r.fill(&st, f, place)
	return st
}

// stray reports keys that do not go with the operation.
func (r stepReader) stray(f map[string]*field, op, place string) {
	allowed := operations(op)
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if key == op || slices.Contains(allowed, key) {
			continue
		}
		remedy := "remove it"
		switch {
		case op == OpQuery && key == "account":
			remedy = "write the account behind query: instead"
		case len(allowed) > 0:
			remedy = "use " + strings.Join(allowed, ", ")
		}
		r.failAt(f[key].position, place, fmt.Sprintf("the key %q does not go with %s", key, op), "", remedy)
	}
}

// fill reads what the operation needs.
func (r stepReader) fill(st *Step, f map[string]*field, place string) {
	main := f[st.Op]
	if st.Op == OpWait {
		st.Wait = r.waitTime(main.value, place)
		return
	}
	st.Branch = r.branch(f["at"], main.position, place)
	switch st.Op {
	case OpQuery:
		if main.value.kind == kindNull {
			main = nil
		}
		st.Account = r.account(main, f[OpQuery].position, place, "write query: ACCOUNT")
		return
	case OpTransfer:
		r.transfer(st, f, place)
	default:
		st.Account = r.account(f["account"], main.position, place, "add account: ACCOUNT")
	}
	v, _ := r.integer(main.value, place, "an amount", 1, MaxAmount)
	st.Amount = v
}

func (r stepReader) transfer(st *Step, f map[string]*field, place string) {
	for _, key := range []string{"from", "to"} {
		if f[key] == nil {
			r.failAt(f[OpTransfer].position, place, fmt.Sprintf("the transfer does not say %s which account", key), "", fmt.Sprintf("add %s: ACCOUNT", key))
			return
		}
	}
	st.Account = r.account(f["from"], position{}, place, "")
	st.ToAccount = r.account(f["to"], position{}, place, "")
	if st.Account != "" && st.Account == st.ToAccount {
		r.failAt(f["to"].value.position, place, "the transfer goes to the account it comes from", fmt.Sprintf("%q", st.ToAccount), "name another account")
	}
}

// branch is the branch that a step asks: the one it names, else the customer's.
func (r stepReader) branch(at *field, near position, place string) int {
	if at != nil {
		v, ok := r.integer(at.value, place, "at", 1, MaxID)
		if ok {
			r.knownBranch(r.scenario, at.value.position, int(v), place)
		}
		return int(v)
	}
	if branches := r.scenario.Branches; r.home > 0 && len(branches) > 0 {
		if !slices.ContainsFunc(branches, func(b Branch) bool { return b.ID == r.home }) {
			r.failAt(near, place, fmt.Sprintf("the step names no branch, and there is no branch %d, the customer's own id", r.home), "", "add at: BRANCH to the step or to the customer")
		}
	}
	return r.home
}

// account is the account that f names, or the default one; missing is the remedy if there is none.
func (r stepReader) account(f *field, near position, place, missing string) string {
	var opening map[string]int64
	if len(r.scenario.Branches) > 0 {
		opening = r.scenario.Branches[0].Opening
	}
	if f == nil {
		_, hasMain := opening[MainAccount]
		switch {
		case hasMain || opening == nil:
			return MainAccount
		case len(opening) == 1:
			for only := range opening {
				return only
			}
		}
		r.failAt(near, place, "the step names no account, and none of the bank's accounts is called main", "", missing)
		return ""
	}
	text, ok := r.name(f.value, place, "an account")
	if !ok {
		return ""
	}
	if !accountName(text) {
		r.fail(f.value, place, "this is no account name", f.value.describe(), accountRemedy)
		return ""
	}
	if _, known := opening[text]; !known && opening != nil {
		r.fail(f.value, place, "there is no such account", fmt.Sprintf("%q", text), "add it to opening; its balance may be 0")
	}
	return text
}
