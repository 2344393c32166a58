package scenario

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// The modes of a run.
const (
	ModeTotal  = "total"
	ModeCausal = "causal"
)

// The operations of a [Step].
const (
	OpQuery    = "query"
	OpDeposit  = "deposit"
	OpWithdraw = "withdraw"
	OpTransfer = "transfer"
	OpWait     = "wait"
)

// MainAccount is the account of a bank that has one balance per branch.
const MainAccount = "main"

// Limits of what a scenario may say.
const (
	MaxBranches = 64
	MaxAmount   = 1 << 53        // of an amount and of an opening balance, in minor units
	MaxID       = 1<<31 - 1      // of a branch, a customer and a course event
	MaxWait     = 24 * time.Hour // of one wait
	MaxJSONSize = 64 << 20       // bytes
	MaxYAMLSize = 4 << 20        // bytes; YAML costs far more memory a byte
)

// Scenario says what a run of the bank shall do.
type Scenario struct {
	Name      string     // from the file, or the file's base name without its extension
	Mode      string     // ModeTotal or ModeCausal
	Branches  []Branch   // in file order; of a course file by id
	Customers []Customer // in file order; of a course file by id
	Course    bool       // read from a course file
	Roaming   bool       // a course file in which events name a branch
	Warnings  []string   // what was ignored, as file:line:column: text
}

// Branch is one branch of the bank.
type Branch struct {
	ID      int              // at least 1
	Opening map[string]int64 // minor units by account, the same at every branch
}

// Customer is one customer; customers run at the same time.
type Customer struct {
	ID    int // at least 1
	Steps []Step
}

// Step is one thing that a customer does. A customer begins a step when the one before is over.
type Step struct {
	ID        int    // of a course file the request's or event's id; else the position, from 1
	Op        string // one of the Op constants
	Branch    int    // id of the branch to ask; 0 for a wait, which asks none
	Account   string // empty for a wait
	ToAccount string // of a transfer
	Amount    int64  // minor units; 0 for a query and a wait
	Wait      time.Duration
}

// Name is the name of the branch's process, such as branch-1.
func (b Branch) Name() string { return fmt.Sprintf("branch-%d", b.ID) }

// Name is the name of the customer's process, such as customer-1.
func (c Customer) Name() string { return fmt.Sprintf("customer-%d", c.ID) }

// Opening is a copy of the balances by account that every branch opens with; nil if there is no branch.
func (s *Scenario) Opening() map[string]int64 {
	if len(s.Branches) == 0 {
		return nil
	}
	return maps.Clone(s.Branches[0].Opening)
}

// Load reads the scenario in the file at path. Its errors are those of [Parse], or one *Error that wraps what the
// operating system said.
func Load(path string) (*Scenario, error) {
	data, err := readLimited(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

func readLimited(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, &Error{File: path, Problem: "the file cannot be examined", Remedy: "check that it is still there", Err: err}
	}
	if info.IsDir() {
		return nil, &Error{File: path, Problem: "this is a directory", Remedy: "name a scenario file inside it"}
	}
	data, err = io.ReadAll(io.LimitReader(f, MaxJSONSize+1))
	if err != nil {
		return nil, &Error{File: path, Problem: "the file cannot be read", Remedy: "check that it is a readable file", Err: err}
	}
	return data, nil
}

func openError(path string, err error) *Error {
	// The path is printed in front of the problem: once is enough.
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	e := &Error{File: path, Problem: "the file cannot be opened", Remedy: "check the path", Err: err}
	if errors.Is(err, fs.ErrPermission) {
		e.Remedy = "check who may read it"
	}
	return e
}

// Parse reads a scenario from data; name stands for the file in errors and warnings, and its base name without the
// extension names the scenario where the data does not. The error is every problem found, in the order of the lines:
// *Error values joined by [errors.Join].
func Parse(name string, data []byte) (*Scenario, error) {
	if len(data) > MaxJSONSize {
		return nil, &Error{File: name, Problem: fmt.Sprintf("the file is over %d MiB", MaxJSONSize>>20), Remedy: "split it into several scenarios"}
	}
	text, perr := cleanText(name, data)
	if perr != nil {
		return nil, perr
	}
	root, perr := parseTree(name, text)
	if perr != nil {
		return nil, perr
	}
	d := &decoder{file: name}
	s := &Scenario{Name: baseName(name), Mode: ModeTotal}
	switch {
	case root.kind == kindList, root.kind == kindObject && isCourseEntry(root):
		d.course(s, root)
	case root.kind == kindObject:
		d.own(s, root)
	default:
		d.fail(root, "", "this is not a scenario", root.describe(),
			"write a mapping with branches, opening and customers, or a course file's list of customers and branches")
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	s.Warnings = d.warnings()
	return s, nil
}

// parseTree reads text into a tree, as JSON if it begins like JSON and as YAML otherwise.
func parseTree(file, text string) (*node, *Error) {
	start, perr := jsonStart(file, text)
	if perr != nil {
		return nil, perr
	}
	if start {
		return parseJSON(file, text)
	}
	if len(text) > MaxYAMLSize {
		return nil, &Error{File: file, Problem: fmt.Sprintf("the file is over %d MiB, the limit of YAML", MaxYAMLSize>>20),
			Remedy: fmt.Sprintf("write it as JSON, whose limit is %d MiB", MaxJSONSize>>20)}
	}
	return parseYAML(file, text)
}

// baseName is the last element of name without its extension, made printable so that it can be written back.
func baseName(name string) string {
	base := filepath.Base(filepath.ToSlash(name))
	if cut := strings.TrimSuffix(base, filepath.Ext(base)); cut != "" {
		base = cut
	}
	base = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(base, "_"))
	if base = cutTo(strings.TrimSpace(base), maxName); base == "" || base == "." || base == "/" || base == `\` {
		return "scenario"
	}
	return base
}

// cutTo shortens s to at most n bytes, at the end of a rune and without blanks at its end.
func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	end := 0
	for i := range s {
		if i > n {
			break
		}
		end = i
	}
	return strings.TrimSpace(s[:end])
}
