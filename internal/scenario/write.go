package scenario

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// YAML writes s in our own form. What [Parse] reads back is s again, except that a course file's event ids become
// positions, its Course and Roaming marks are gone, and so are the warnings. A scenario that our form cannot express,
// because its branches open differently or a step has an unknown operation, is an error.
func (s *Scenario) YAML() ([]byte, error) {
	opening := s.Opening()
	for _, b := range s.Branches {
		if !maps.Equal(b.Opening, opening) {
			return nil, &Error{File: s.Name, Place: b.Name(), Problem: "opens with other balances than " + s.Branches[0].Name(), Remedy: "give all branches the same"}
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "name: %s\nmode: %s\nbranches: %s\nopening: {", quoted(s.Name), s.Mode, branchList(s.Branches))
	for i, account := range slices.Sorted(maps.Keys(opening)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %d", quoted(account), opening[account])
	}
	b.WriteString("}\ncustomers:\n")
	for _, c := range s.Customers {
		fmt.Fprintf(&b, "  - id: %d\n", c.ID)
		if len(c.Steps) == 0 {
			b.WriteString("    steps: []\n")
			continue
		}
		b.WriteString("    steps:\n")
		for i, st := range c.Steps {
			text, err := st.yaml()
			if err != nil {
				err.File, err.Place = s.Name, fmt.Sprintf("%s, step %d", c.Name(), i+1)
				return nil, err
			}
			fmt.Fprintf(&b, "      - {%s}\n", text)
		}
	}
	return b.Bytes(), nil
}

// branchList is the short form where the ids are 1, 2, 3 and so on.
func branchList(branches []Branch) string {
	inOrder := true
	list := make([]string, len(branches))
	for i, b := range branches {
		inOrder = inOrder && b.ID == i+1
		list[i] = strconv.Itoa(b.ID)
	}
	if inOrder {
		return strconv.Itoa(len(branches))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (st Step) yaml() (string, *Error) {
	switch st.Op {
	case OpQuery:
		return fmt.Sprintf("query: %s, at: %d", quoted(st.Account), st.Branch), nil
	case OpDeposit, OpWithdraw:
		return fmt.Sprintf("%s: %d, account: %s, at: %d", st.Op, st.Amount, quoted(st.Account), st.Branch), nil
	case OpTransfer:
		return fmt.Sprintf("transfer: %d, from: %s, to: %s, at: %d", st.Amount, quoted(st.Account), quoted(st.ToAccount), st.Branch), nil
	case OpWait:
		return fmt.Sprintf("wait: %s", st.Wait), nil
	}
	return "", &Error{Problem: "there is no such operation", Value: st.Op, Remedy: "use one of the Op constants"}
}

// plainWord matches the words that no version of YAML reads as anything but text, the listed ones aside.
var plainWord = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// quoted is s as a YAML scalar, in double quotes unless it is a plain word.
func quoted(s string) string {
	switch s {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
	default:
		if plainWord.MatchString(s) {
			return s
		}
	}
	// Names are printable: besides these two nothing needs an escape.
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
