package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// bank is three scripted branches. Script says how the i-th call, from 0, ends:
// "ok", or the reason of an error, with a reply that the branch recorded where it ends with "!".
type bank struct {
	script    []string
	mu        sync.Mutex
	addresses map[string]string
	order     []string // the branches in the order of the calls
	asked     []*bankv1.Call
}

func newBank(t *testing.T, script ...string) *bank {
	b := &bank{script: script, addresses: map[string]string{}}
	for i := range 3 {
		name := fmt.Sprintf("branch-%d", i+1)
		b.addresses[name] = serve(t, func(ctx context.Context, call *bankv1.Call) (*bankv1.Reply, error) {
			return b.answer(ctx, name, call)
		}).at
	}
	return b
}

func (b *bank) answer(ctx context.Context, name string, call *bankv1.Call) (*bankv1.Reply, error) {
	b.mu.Lock()
	i := len(b.order)
	b.order, b.asked = append(b.order, name), append(b.asked, call)
	b.mu.Unlock()
	word := b.script[min(i, len(b.script)-1)]
	at := &bankv1.Stamp{Process: name, Seq: uint64(i) + 1, Clock: call.Stamp.Clock + 1}
	reason, recorded := strings.CutSuffix(word, "!")
	results := map[string]bankv1.Result{
		"INSUFFICIENT_FUNDS": bankv1.Result_RESULT_INSUFFICIENT, "REQUEST_CONFLICT": bankv1.Result_RESULT_CONFLICT,
		"BALANCE_LIMIT": bankv1.Result_RESULT_REFUSED, "BRANCH_STOPPING": bankv1.Result_RESULT_REFUSED, "STAMP_REFUSED": bankv1.Result_RESULT_REFUSED,
	}
	code := codes.Unavailable
	switch reason {
	case "ok":
		return &bankv1.Reply{Stamp: at, Result: bankv1.Result_RESULT_OK, Sees: &bankv1.Vector{Entries: []*bankv1.VectorEntry{{Origin: name, N: uint64(i) + 1}}}}, nil
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	case "lost":
		return nil, failure(codes.Unavailable)
	case "later":
		return nil, failure(codes.ResourceExhausted, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Microsecond)}))
	case "never":
		return nil, failure(codes.ResourceExhausted, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)}))
	case "INSUFFICIENT_FUNDS", "REQUEST_CONFLICT", "BALANCE_LIMIT", "STAMP_REFUSED", "OUTCOME_UNKNOWN", "OVERLOADED", "STALE_MESSAGE":
		code = codes.FailedPrecondition
	}
	result, known := results[reason]
	if !known {
		result = bankv1.Result_RESULT_UNKNOWN
	}
	details := []protoadapt.MessageV1{info(reason, strings.ToLower(strings.TrimPrefix(result.String(), "RESULT_")))}
	if recorded {
		details = append(details, reply(&bankv1.Reply{Stamp: at, Result: result}))
	}
	return nil, failure(code, details...)
}

// client returns a client that retries without delay.
func (b *bank) client(t *testing.T, more func(*client.Config)) (*client.Client, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	cfg := client.Config{Name: "customer-1", Branches: b.addresses, Log: trace.NewWriter(log),
		Backoff: client.Backoff{First: time.Microsecond, Most: time.Microsecond}, Random: rand.New(rand.NewPCG(1, 2))}
	if more != nil {
		more(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, log
}

func TestRetriesUntilTheOutcomeIsFinal(t *testing.T) {
	for _, tc := range []struct {
		name    string
		script  string
		result  trace.Result
		reason  string
		unknown bool
		order   string // branches that were called
		events  string
	}{
		{name: "at the same branch first, then at the others, then round again", script: "lost lost lost lost lost ok", result: trace.OK,
			order: "2 2 3 1 2 3", events: "send send send send send send receive ok"},
		{name: "what is not final is recorded", script: "OVERLOADED! SESSION_BEHIND! RECOVERING! OUTCOME_UNKNOWN! STALE_MESSAGE ok", result: trace.OK,
			order: "2 2 3 1 2 3", events: "send receive unknown send receive unknown send receive unknown send receive unknown send send receive ok"},
		{name: "what is final ends it", script: "lost INSUFFICIENT_FUNDS!", result: trace.Insufficient, reason: "INSUFFICIENT_FUNDS",
			order: "2 2", events: "send send receive insufficient"},
		{name: "another payload", script: "REQUEST_CONFLICT!", result: trace.Conflict, reason: "REQUEST_CONFLICT", order: "2", events: "send receive conflict"},
		{name: "a recorded refusal is the bank's word", script: "OUTCOME_UNKNOWN! BALANCE_LIMIT!", result: trace.Refused, reason: "BALANCE_LIMIT",
			order: "2 2", events: "send receive unknown send receive refused"},
		{name: "an unrecorded refusal speaks of one attempt", script: "lost STAMP_REFUSED", result: trace.Unknown, reason: "STAMP_REFUSED", unknown: true,
			order: "2 2", events: "send send"},
		{name: "a refusal of every attempt is one", script: "BRANCH_STOPPING STAMP_REFUSED", result: trace.Refused, reason: "STAMP_REFUSED",
			order: "2 2", events: "send send"},
		{name: "a branch that stops", script: "BRANCH_STOPPING BRANCH_STOPPING ok", result: trace.OK, order: "2 2 3", events: "send send send receive ok"},
		{name: "as the branch asks", script: "later ok", result: trace.OK, order: "2 2", events: "send send receive ok"},
		{name: "not before the branch asks", script: "never", result: trace.Unknown, unknown: true, order: "2", events: "send"},
		{name: "a branch that hangs", script: "hang hang ok", result: trace.OK, order: "2 2 3", events: "send send send receive ok"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBank(t, strings.Fields(tc.script)...)
			c, log := b.client(t, func(cfg *client.Config) {
				if strings.Contains(tc.script, "hang") {
					cfg.AttemptTimeout = 30 * time.Millisecond
				}
			})
			got, err := c.Deposit(t.Context(), "branch-2", "main", 5)
			var e *client.Error
			if errors.As(err, &e); got.Result != tc.result || (err == nil) != (tc.result == trace.OK) || err != nil && (e.Reason != tc.reason || e.Unknown != tc.unknown) {
				t.Errorf("got %+v, %v", got, err)
			}
			if order := strings.ReplaceAll(strings.Join(b.order, " "), "branch-", ""); order != tc.order {
				t.Errorf("called %s, want %s", order, tc.order)
			}
			for i, call := range b.asked {
				if call.N != 1 || i > 0 && (call.Stamp.Seq <= b.asked[i-1].Stamp.Seq || call.Stamp.Clock <= b.asked[i-1].Stamp.Clock) {
					t.Errorf("call %d is %v", i+1, call)
				}
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(kinds(t, log), " "); got != "header "+tc.events+" end" {
				t.Errorf("the log has %s", got)
			}
		})
	}
}

func TestTheDeadlineEndsRetries(t *testing.T) {
	b := newBank(t, "lost", "lost", "lost", "hang")
	c, _ := b.client(t, func(cfg *client.Config) { cfg.Timeout = 300 * time.Millisecond })
	_, err := c.Deposit(t.Context(), "branch-2", "main", 5)
	var e *client.Error
	if !errors.As(err, &e) || !e.Unknown || e.Attempts != 4 || !slices.Equal(e.Tried, []string{"branch-2", "branch-3", "branch-1"}) {
		t.Fatalf("got %v (%+v)", err, e)
	}
	for _, want := range []string{"tried 4 times, at branch-2, branch-3, branch-1", "outcome unknown", "query the account"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if _, err = c.Query(t.Context(), "branch-1", "main"); !errors.As(err, &e) || e.Unknown || e.Request.N != 2 || strings.Contains(err.Error(), "outcome") {
		t.Errorf("a query: %v", err)
	}
	if c.Unsettled() != nil {
		t.Errorf("unsettled: %v", c.Unsettled())
	}
}

func TestAttemptsAreLimitedAndOptional(t *testing.T) {
	for attempts := 1; attempts <= 3; attempts++ {
		b := newBank(t, "lost")
		c, _ := b.client(t, func(cfg *client.Config) { cfg.Attempts = attempts })
		_, err := c.Query(t.Context(), "branch-1", "main")
		var e *client.Error
		if !errors.As(err, &e) || e.Attempts != attempts || len(b.order) != attempts {
			t.Errorf("%d attempts: %v, at %v", attempts, err, b.order)
		}
	}
}

func TestACancelledRequestIsNotRetried(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	o := serve(t, func(context.Context, *bankv1.Call) (*bankv1.Reply, error) {
		calls++
		cancel()
		return nil, failure(codes.Unavailable)
	})
	b := &bank{addresses: map[string]string{"branch-1": o.at}}
	c, _ := b.client(t, func(cfg *client.Config) {
		cfg.Backoff = client.Backoff{First: time.Hour, Most: time.Hour}
		cfg.Timeout = 2 * time.Hour
	})
	if _, err := c.Deposit(ctx, "branch-1", "main", 5); err == nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestConfigsThatCannotBeRight(t *testing.T) {
	good := map[string]string{"branch-1": "127.0.0.1:1"}
	for want, cfg := range map[string]client.Config{
		"no name":          {Branches: good},
		"knows no":         {Name: "c"},
		"a branch too":     {Name: "branch-1", Branches: good},
		"is negative":      {Name: "c", Branches: good, Backoff: client.Backoff{First: -1}},
		"Attempts -1":      {Name: "c", Branches: good, Attempts: -1},
		"branch has no":    {Name: "c", Branches: map[string]string{"": "x"}},
		"longer than 255":  {Name: strings.Repeat("c", 256), Branches: good},
		"has a log of its": {Name: "c", Branches: good, Log: full{}, Session: &client.SessionFile{}},
		"is that of":       {Name: "c", Branches: good, Session: &client.SessionFile{}},
	} {
		if _, err := client.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestTheOrderOfBranchesIsTheirNames(t *testing.T) {
	b := newBank(t, "lost", "lost", "lost", "ok")
	c, _ := b.client(t, nil)
	if _, err := c.Query(t.Context(), "branch-3", "main"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"branch-3", "branch-3", "branch-1", "branch-2"}, b.order); diff != "" {
		t.Error(diff)
	}
}
