package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// explainFlags are the flags of `explain`.
type explainFlags struct {
	past, future, concurrent bool
	limit                    int
}

// mostShown is the highest --limit.
const mostShown = 10_000

func newExplain(c *console) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain RULE | TRACE A [B]",
		Short: "Explain a rule, an event's clock, or how two events of a trace stand to each other",
		Long: `explain RULE: what the rule says, why, what usually breaks it, and an example.

explain TRACE A: the clock that event A should have, which event set it, and how
much of the trace A can know. With --past, --future or --concurrent those events.

explain TRACE A B: did A happen before B? The first line says before, after or
concurrent; then a shortest causal path, or what each knows of the other.

An event is named branch-1:5 (process:seq), customer-1/3 (the first event of that
request), or by what tells it from the others, joined by commas: process= clock=
kind= step= request= write=. The answer goes by the logs' order and the messages
alone, and is exact for faulty traces too.`,
		Example: `  bank-trace explain clock/receive-not-after-send
  bank-trace explain my-trace branch-2:7
  bank-trace explain my-trace branch-1:3 branch-2:7
  bank-trace explain my-trace customer-1/1 request=customer-2/1,step=execute,process=branch-2
  bank-trace explain my-trace clock=17,process=branch-1 --concurrent`,
		Args:              func(_ *cobra.Command, args []string) error { return f.check(args) },
		ValidArgsFunction: explained,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return explainRule(cmd.Context(), c, args[0])
			}
			return explainTrace(cmd.Context(), c, f, args)
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.past, "past", false, "the events that happened before A")
	fl.BoolVar(&f.future, "future", false, "the events that happened after A")
	fl.BoolVar(&f.concurrent, "concurrent", false, "the events that are concurrent with A")
	fl.IntVar(&f.limit, "limit", 20, fmt.Sprintf("events to list, of those; 0 to %d", mostShown))
	return cmd
}

func (f *explainFlags) check(args []string) error {
	cone := f.past || f.future || f.concurrent
	switch {
	case len(args) == 0 || len(args) > 3:
		return errors.New("explain: name one rule (see: bank-trace rules), or a trace and one event or two")
	case cone && len(args) != 2:
		return errors.New("explain: --past, --future and --concurrent are of one event; name a trace and that event")
	case f.limit < 0 || f.limit > mostShown:
		return fmt.Errorf("--limit %d: give a number of events from 0 to %d", f.limit, mostShown)
	}
	return nil
}

// explained completes the name of a rule, or that of a trace.
func explained(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := ruleNames(cmd, args, typed)
	return names, cobra.ShellCompDirectiveDefault
}

func explainRule(ctx context.Context, c *console, name string) error {
	r, ok := check.LookupRule(name)
	if !ok {
		return fmt.Errorf("explain: there is no rule %q (see: bank-trace rules); of a trace, name an event too", name)
	}
	return r.WriteText(ctx, c.out, terminal(c.out))
}

// explainTrace answers about the events that args name, after the trace.
func explainTrace(ctx context.Context, c *console, f explainFlags, args []string) (err error) {
	opt := causal.Options{Stdin: c.stdin}
	for _, arg := range args[1:] {
		name, err := causal.ParseName(arg)
		if err != nil {
			return fmt.Errorf("explain: %w", err)
		}
		opt.Names = append(opt.Names, name)
	}
	folder, err := trace.Find(args[0])
	if err != nil {
		return err
	}
	bar := newBar(c.err, "events", -1)
	defer bar.done()
	opt.Progress = bar.set
	t, err := causal.Read(ctx, folder, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	events, err := t.Resolve()
	if err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	bar.done()
	if len(events) == 2 {
		return explainPair(ctx, c, t, events[0], events[1])
	}
	return explainEvent(ctx, c, t, f, events[0])
}

func explainPair(ctx context.Context, c *console, t *causal.Trace, a, b causal.At) error {
	if a == b {
		return fmt.Errorf("explain: both names are of event %s; name two events", t.Ref(a))
	}
	p, err := t.Pair(ctx, a, b)
	if err != nil {
		return err
	}
	return p.WriteText(c.out)
}

func explainEvent(ctx context.Context, c *console, t *causal.Trace, f explainFlags, of causal.At) error {
	var sides []causal.Side
	for side, wanted := range map[causal.Side]bool{
		causal.PastSide: f.past, causal.FutureSide: f.future, causal.ConcurrentSide: f.concurrent,
	} {
		if wanted {
			sides = append(sides, side)
		}
	}
	if len(sides) == 0 {
		o, err := t.Origin(ctx, of)
		if err != nil {
			return err
		}
		return o.WriteText(c.out)
	}
	slices.Sort(sides)
	for i, side := range sides {
		cone, err := t.Cone(ctx, of, side, f.limit)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(c.out)
		}
		if err := cone.WriteText(c.out); err != nil {
			return err
		}
	}
	return nil
}
