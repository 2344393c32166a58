package customer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// StateFormat is the name and the version of the form that a State is written in.
const StateFormat = "bank-trace-session/1"

// maxName is the length in bytes of the longest name that a log takes.
const maxName = 255

// State is all that a session must not forget: a session that is restored from it goes on where this one stood.
type State struct {
	Name        string // of the customer
	Incarnation uint64 // of the newest header of its log, 0 before the first
	Seq         uint64 // of the newest event, 0 before the first
	Clock       uint64 // of the newest event
	N           uint64 // of the newest request, 0 before the first

	// Of the request that waits for its answer.
	Outstanding bool
	Operation   Operation
	Tried       []string // the branches that it was sent to, in the order of the first time

	Token clock.Vector      // what the session has seen
	Taken map[string]uint64 // branch -> highest seq of its messages taken
}

// StateError says why something is no state of a session.
type StateError struct {
	File    string // "" where the caller named none
	Field   string // "" where the state as a whole is wrong
	Problem string // what is wrong: the part of the sentence that follows the field
	Remedy  string
}

// Error returns file: field "f" problem; remedy.
func (e *StateError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Field != "" {
		fmt.Fprintf(&b, "field %q ", e.Field)
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// remedyState is what to do about a state that cannot be read.
const remedyState = "give the file that the customer's session was saved in, or name a new file to begin a new session"

func wrong(field, problem string, args ...any) *StateError {
	return &StateError{Field: field, Problem: fmt.Sprintf(problem, args...), Remedy: remedyState}
}

// State returns a copy of the session's state.
func (s *Session) State() State {
	state := State{
		Name: s.Name(), Incarnation: s.incarnation, Seq: s.seq.Seq(), Clock: s.seq.Now(), N: s.n,
		Outstanding: s.outstanding, Token: s.token.Clone(), Taken: make(map[string]uint64, len(s.taken)),
	}
	for branch, seq := range s.taken {
		state.Taken[branch] = seq
	}
	if s.outstanding {
		state.Operation, state.Tried = s.op, slices.Clone(s.tried)
	}
	return state
}

// Restore returns the session of a customer that goes on from a state. The error is a *StateError: the state is that of
// another customer, or of no session at all.
func Restore(name string, state State) (*Session, error) {
	if state.Name != name {
		return nil, &StateError{Field: "customer", Problem: fmt.Sprintf("is %q, and this customer is %q", state.Name, name),
			Remedy: fmt.Sprintf("name the customer %s, or give the session file of %s", state.Name, name)}
	}
	if err := state.Validate(); err != nil {
		return nil, err
	}
	s := &Session{
		seq: trace.ResumeSequencer(name, state.Seq, state.Clock), incarnation: state.Incarnation, n: state.N,
		outstanding: state.Outstanding, op: state.Operation, tried: slices.Clone(state.Tried),
		token: state.Token.Clone(), taken: make(map[string]uint64, len(state.Taken)),
	}
	for branch, seq := range state.Taken {
		s.taken[branch] = seq
	}
	return s, nil
}

// Validate reports what no session can have come to, as a *StateError.
func (s *State) Validate() error {
	if problem := unnamed(s.Name); problem != "" {
		return wrong("customer", "%s", problem)
	}
	counts := []struct {
		field     string
		n, lo, hi uint64
	}{
		{"incarnation", s.Incarnation, 0, clock.Max},
		{"seq", s.Seq, 0, clock.Max},
		{"clock", s.Clock, s.Seq, clock.Max}, // every event ticks
		{"n", s.N, 0, s.Seq},                 // every request has a send event
	}
	for _, c := range counts {
		if c.n < c.lo || c.n > c.hi {
			return wrong(c.field, "is %d, and can only be from %d to %d", c.n, c.lo, c.hi)
		}
	}
	if (s.Seq == 0) != (s.Clock == 0) {
		return wrong("clock", "is %d after %d events", s.Clock, s.Seq)
	}
	for i, e := range s.Token {
		if problem := unnamed(e.Process); problem != "" {
			return wrong("token", "has a name that %s", problem)
		}
		if e.N < 1 || e.N > clock.Max || i > 0 && e.Process <= s.Token[i-1].Process {
			return wrong("token", "is no version vector at %q: %d", e.Process, e.N)
		}
	}
	for branch, seq := range s.Taken {
		if problem := unnamed(branch); problem != "" {
			return wrong("taken", "has a name that %s", problem)
		}
		if seq < 1 || seq > clock.Max {
			return wrong("taken", "has %d for %q, and a seq is from 1 to 2^53", seq, branch)
		}
	}
	return s.validOutstanding()
}

func (s *State) validOutstanding() error {
	op := s.Operation
	switch {
	case !s.Outstanding && (op != Operation{} || len(s.Tried) > 0):
		return wrong("outstanding", "has an operation and no request waits for its answer")
	case !s.Outstanding:
		return nil
	case s.N == 0:
		return wrong("outstanding", "is a request, and n says that none was made")
	case op.Op < trace.OpQuery || op.Op > trace.OpTransfer:
		return wrong("outstanding.op", "is %q, which is no operation of a customer", op.Op)
	case op.Amount < 0 || op.Amount > int64(clock.Max):
		return wrong("outstanding.amount", "is %d, and can only be from 0 to 2^53", op.Amount)
	case len(s.Tried) == 0:
		return wrong("outstanding.tried", "names no branch")
	}
	for _, account := range []string{op.Account, op.ToAccount} {
		if problem := unnamed(account); problem != "" && account != "" {
			return wrong("outstanding.account", "%s", problem)
		}
	}
	for i, branch := range s.Tried {
		if problem := unnamed(branch); problem != "" {
			return wrong("outstanding.tried", "has a name that %s", problem)
		}
		if slices.Contains(s.Tried[:i], branch) {
			return wrong("outstanding.tried", "has %q twice", branch)
		}
	}
	return nil
}

// unnamed says what keeps a string from being a name, "" where it is one.
func unnamed(name string) string {
	switch {
	case len(name) == 0 || len(name) > maxName:
		return fmt.Sprintf("has %d bytes, and a name has 1 to %d", len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Sprintf("is %q, which is not UTF-8", name)
	}
	return ""
}

// stateJSON is a State as it is written.
type stateJSON struct {
	Format      string            `json:"format"`
	Customer    string            `json:"customer"`
	Incarnation uint64            `json:"incarnation"`
	Seq         uint64            `json:"seq"`
	Clock       uint64            `json:"clock"`
	N           uint64            `json:"n"`
	Outstanding *outstandingJSON  `json:"outstanding,omitempty"`
	Token       map[string]uint64 `json:"token,omitempty"`
	Taken       map[string]uint64 `json:"taken,omitempty"`
}

type outstandingJSON struct {
	Op        string   `json:"op"`
	Account   string   `json:"account,omitempty"`
	ToAccount string   `json:"to_account,omitempty"`
	Amount    int64    `json:"amount,omitempty"`
	Tried     []string `json:"tried"`
}

// AppendJSON appends the state as one line of JSON, without its line end. There is one such line for a state. The error
// is that of Validate.
func (s *State) AppendJSON(dst []byte) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return dst, err
	}
	form := stateJSON{
		Format: StateFormat, Customer: s.Name, Incarnation: s.Incarnation, Seq: s.Seq, Clock: s.Clock, N: s.N, Taken: s.Taken,
	}
	if len(s.Token) > 0 {
		form.Token = make(map[string]uint64, len(s.Token))
		for _, e := range s.Token {
			form.Token[e.Process] = e.N
		}
	}
	if s.Outstanding {
		op := s.Operation
		form.Outstanding = &outstandingJSON{op.Op.String(), op.Account, op.ToAccount, op.Amount, s.Tried}
	}
	text, err := json.Marshal(form)
	return append(dst, text...), err
}

// ParseState reads what AppendJSON wrote, and nothing else: a field that is unknown, missing, given twice or out of range
// is an error, as is another version of the form. The error is a *StateError.
func ParseState(text []byte) (State, error) {
	var version struct{ Format string }
	if err := json.Unmarshal(text, &version); err != nil {
		return State{}, unreadable(err)
	}
	if version.Format != StateFormat {
		return State{}, &StateError{Field: "format", Problem: fmt.Sprintf("is %q, and this program reads %q", version.Format, StateFormat), Remedy: remedyState}
	}
	var form stateJSON
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&form); err != nil {
		return State{}, unreadable(err)
	}
	state := State{
		Name: form.Customer, Incarnation: form.Incarnation, Seq: form.Seq, Clock: form.Clock, N: form.N, Taken: form.Taken,
	}
	for process, n := range form.Token {
		state.Token = append(state.Token, clock.Entry{Process: process, N: n})
	}
	slices.SortFunc(state.Token, func(a, b clock.Entry) int { return cmp.Compare(a.Process, b.Process) })
	if o := form.Outstanding; o != nil {
		op, err := trace.ParseOp(o.Op)
		if err != nil {
			return State{}, wrong("outstanding.op", "is %q, which is no operation", o.Op)
		}
		state.Outstanding, state.Tried = true, o.Tried
		state.Operation = Operation{Op: op, Account: o.Account, ToAccount: o.ToAccount, Amount: o.Amount}
	}
	again, err := state.AppendJSON(nil)
	if err != nil {
		return State{}, err
	}
	// What reads the same and is written otherwise has a field twice, in capitals or out of place: this program never wrote it.
	if !bytes.Equal(again, text) {
		return State{}, wrong("", "is not written as this program writes a session: it should be %s", again)
	}
	return state, nil
}

// unreadable translates the errors of encoding/json.
func unreadable(err error) *StateError {
	var ill *json.UnmarshalTypeError
	if errors.As(err, &ill) {
		return wrong(ill.Field, "is a %s, where %s should be", ill.Value, ill.Type)
	}
	return wrong("", "is not the state of a session: %v", err)
}
