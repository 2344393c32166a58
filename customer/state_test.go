package customer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// walk makes a session do something at random.
func walk(t *rapid.T, s *customer.Session, steps int) {
	for range steps {
		branch := fmt.Sprintf("branch-%d", rapid.IntRange(1, 3).Draw(t, "branch"))
		switch what := rapid.IntRange(0, 4).Draw(t, "step"); {
		case !s.Outstanding():
			op := customer.Operation{Op: trace.OpTransfer, Account: "m\"ä&in", ToAccount: "till", Amount: rapid.Int64Range(1, 9).Draw(t, "amount")}
			if _, _, err := s.Request(branch, op); err != nil {
				t.Fatal(err)
			}
		case what == 0:
			s.GiveUp()
		case what == 1:
			if _, _, err := s.Retry(branch); err != nil {
				t.Fatal(err)
			}
		default:
			r := customer.Reply{
				N: s.N(), Stamp: clock.Stamp{Process: branch, Seq: s.State().Taken[branch] + 1, Clock: s.Now() + 3}, Again: what == 2,
				Result: trace.OK, Sees: clock.Vector{{Process: branch, N: s.N()}},
			}
			if _, err := s.Reply(r); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A session that is written, read and restored at some point does the same from there on as one that never was.
func TestARestoredSessionGoesOnAsIfNothingHadHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := customer.NewSession("customer-1")
		s.Header(rapid.Uint64Range(1, 9).Draw(t, "incarnation"), nil)
		walk(t, s, rapid.IntRange(0, 20).Draw(t, "steps"))
		before := s.State()
		text, err := before.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := customer.ParseState(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		restored, err := customer.Restore("customer-1", read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, restored.State()); diff != "" {
			t.Fatal(diff)
		}
		for _, branch := range []string{"branch-2", "branch-1"} {
			wantCall, wantEvent, wantErr := ask(s, branch)
			call, event, err := ask(restored, branch)
			if diff := cmp.Diff([]any{wantCall, wantEvent}, []any{call, event}); diff != "" || (err == nil) != (wantErr == nil) {
				t.Fatal(diff, err, wantErr)
			}
			r := customer.Reply{N: s.N(), Stamp: clock.Stamp{Process: branch, Seq: before.Taken[branch] + 1, Clock: s.Now() + 1}, Result: trace.OK}
			wantEvent, wantErr = s.Reply(r)
			if event, err = restored.Reply(r); err != nil || wantErr != nil || !cmp.Equal(wantEvent, event) {
				t.Fatal(event, err, wantErr)
			}
			if _, err := restored.Reply(r); !errors.Is(err, customer.ErrNotAwaited) {
				t.Fatalf("a copy of the reply: %v", err)
			}
		}
		if diff := cmp.Diff(s.State(), restored.State()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func ask(s *customer.Session, branch string) (customer.Call, trace.Event, error) {
	if s.Outstanding() {
		return s.Retry(branch)
	}
	return s.Request(branch, customer.Operation{Op: trace.OpQuery, Account: "main"})
}

const full = `{"format":"bank-trace-session/1","customer":"customer-1","incarnation":2,"seq":7,"clock":19,"n":3,` +
	`"outstanding":{"op":"deposit","account":"main","amount":100,"tried":["branch-2","branch-1"]},` +
	`"token":{"branch-1":2,"branch-2":1},"taken":{"branch-1":12}}`

func TestStatesThatAreNoSessions(t *testing.T) {
	if _, err := customer.ParseState([]byte(full)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ from, to, field, want string }{
		{`session/1`, `session/2`, "format", `is "bank-trace-session/2", and this program reads "bank-trace-session/1"`},
		{`{"format":"bank-trace-session/1",`, `{`, "format", `is ""`},
		{`"customer-1"`, `""`, "customer", "has 0 bytes"},
		{`"seq":7`, `"seq":-7`, "seq", "is a number -7, where uint64 should be"},
		{`"seq":7`, `"seq":"7"`, "seq", "is a string"},
		{`"seq":7`, `"seq":20`, "clock", "is 19, and can only be from 20"},
		{`"clock":19`, `"clock":9007199254740993`, "clock", "can only be from 7 to 9007199254740992"},
		{`"n":3`, `"n":8`, "n", "from 0 to 7"},
		{`"n":3`, `"n":0`, "outstanding", "n says that none"},
		{`"seq":7,"clock":19,"n":3`, `"seq":0,"clock":19,"n":0`, "clock", "after 0 events"},
		{`deposit`, `steal`, "outstanding.op", `is "steal"`},
		{`deposit`, `grant`, "outstanding.op", "no operation of a customer"},
		{`"amount":100`, `"amount":-1`, "outstanding.amount", "is -1"},
		{`["branch-2","branch-1"]`, `[]`, "outstanding.tried", "names no branch"},
		{`["branch-2","branch-1"]`, `["branch-2","branch-2"]`, "outstanding.tried", "twice"},
		{`"branch-2":1`, `"branch-2":0`, "token", "no version vector"},
		{`{"branch-1":12}`, `{"branch-1":0}`, "taken", "from 1"},
		{`{"branch-1":12}`, `{"":1}`, "taken", "a name that has 0 bytes"},
		{`"n":3`, `"n":3,"m":3`, "", "unknown field"},
		{`"n":3`, `"n":3,"n":3`, "", "is not written as"},
		{`"n":3`, `"N":3`, "", "is not written as"},
		{`"n":3`, ` "n":3`, "", "is not written as"},
		{`}}`, `}}{}`, "", "not the state of a session"},
		{`}}`, `}`, "", "not the state of a session"},
		{`main`, strings.Repeat("x", 256), "outstanding.account", "256 bytes"},
		{`main`, "\xff", "", "is not written as"},
	} {
		_, err := customer.ParseState([]byte(strings.Replace(full, tc.from, tc.to, 1)))
		var wrong *customer.StateError
		if !errors.As(err, &wrong) || wrong.Field != tc.field || !strings.Contains(err.Error(), tc.want) || wrong.Remedy == "" {
			t.Errorf("%s for %s: %v (field %q)", tc.to, tc.from, err, wrong.Field)
		}
	}
}

func TestRestoreIsForOneCustomer(t *testing.T) {
	state := customer.NewSession("customer-1").State()
	if _, err := customer.Restore("customer-2", state); err == nil || !strings.Contains(err.Error(), `is "customer-1", and this customer is "customer-2"; name the customer customer-1`) {
		t.Errorf("got %v", err)
	}
	state.N = 4
	if _, err := customer.Restore("customer-1", state); err == nil {
		t.Error("4 requests without an event")
	}
	state = customer.State{Name: "customer-1", Tried: []string{"branch-1"}}
	if _, err := customer.Restore("customer-1", state); err == nil {
		t.Error("a branch was tried for no request")
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(`{"format":"bank-trace-session/1","customer":"c","incarnation":0,"seq":0,"clock":0,"n":0}`))
	f.Add([]byte(`{"format":"bank-trace-session/1","token":{"a":1,"a":2}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		state, err := customer.ParseState(text)
		if err != nil {
			return
		}
		again, err := state.AppendJSON(nil)
		if err != nil || string(again) != string(text) {
			t.Fatalf("read %s, wrote %s, %v", text, again, err)
		}
		if _, err := customer.Restore(state.Name, state); err != nil {
			t.Fatal(err)
		}
	})
}

// A session outlives its program as one line of JSON.
func ExampleState() {
	s := customer.NewSession("customer-1")
	s.Header(1, []string{"branch-1", "branch-2"})
	if _, _, err := s.Request("branch-2", customer.Operation{Op: trace.OpDeposit, Account: "main", Amount: 170}); err != nil {
		fmt.Println(err)
	}
	state := s.State()
	text, err := state.AppendJSON(nil)
	fmt.Println(string(text), err)
	// Output:
	// {"format":"bank-trace-session/1","customer":"customer-1","incarnation":1,"seq":1,"clock":1,"n":1,"outstanding":{"op":"deposit","account":"main","amount":170,"tried":["branch-2"]}} <nil>
}
