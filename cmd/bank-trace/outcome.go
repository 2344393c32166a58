package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	rpc "google.golang.org/grpc/status"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

func newOutcome(c *console) *cobra.Command {
	var f customerFlags
	var request string
	cmd := &cobra.Command{
		Use:   "outcome --request CUSTOMER/N",
		Short: "Ask the branches what became of a request",
		Long: `Asks every branch that is given what it knows of a request: executed, with the
result; refused; not known here, or not decided yet; or not kept, as the customer
has made a newer request since. Asking is no event: no clock ticks, no log grows.`,
		Example: `  bank-trace customer outcome --branch 127.0.0.1:7001 --request customer-1/3`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return outcome(cmd.Context(), c, f, request) },
	}
	f.add(cmd, "customer-1")
	for _, unused := range []string{"name", "session", "trace"} {
		if err := cmd.Flags().MarkHidden(unused); err != nil {
			panic(err) // add has just made it
		}
	}
	cmd.Flags().StringVar(&request, "request", "", "the request, as CUSTOMER/N (required)")
	return cmd
}

func outcome(ctx context.Context, c *console, f customerFlags, request string) (err error) {
	id, err := trace.ParseID(request)
	if err != nil {
		return fmt.Errorf("--request %q: give CUSTOMER/N, as in customer-1/3: %w", request, err)
	}
	t := &teller{conns: client.NewConns()}
	defer func() { err = errors.Join(err, t.close()) }()
	if err := f.find(ctx, c, t); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	for _, name := range slices.Sorted(maps.Keys(t.branches)) {
		conn, err := t.conns.To(t.branches[name])
		if err != nil {
			return err
		}
		m, err := bankv1.NewBankServiceClient(conn).GetOutcome(ctx, &bankv1.GetOutcomeRequest{Customer: id.Process, N: id.N})
		if err != nil {
			return fmt.Errorf("%s at %s does not answer: %s", name, t.branches[name], rpc.Convert(err).Message())
		}
		if _, err := fmt.Fprintf(c.out, "%s: %s\n", name, outcomeText(m)); err != nil {
			return err
		}
	}
	return nil
}

func outcomeText(m *bankv1.GetOutcomeResponse) string {
	text := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(m.Outcome.String(), "OUTCOME_")), "_", " ")
	if m.Reason != "" {
		text += " (" + m.Reason + ")"
	}
	if m.Balance != nil {
		text += fmt.Sprintf(", balance %d", m.GetBalance())
	}
	if m.ToBalance != nil {
		text += fmt.Sprintf(", the other account's %d", m.GetToBalance())
	}
	if len(m.Payload) > 0 {
		text += fmt.Sprintf(", payload %x", m.Payload)
	}
	return text
}
