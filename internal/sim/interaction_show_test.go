package sim_test

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// stateStep shows what branches have. Horizons are those of the dumb twin: the core does not show its own.
func (b *bottle) stateStep(args []string) error {
	for _, name := range args {
		r, err := b.replica(name)
		if err != nil {
			return err
		}
		var money, reach, pending []string
		for _, a := range r.core.Accounts() {
			money = append(money, fmt.Sprintf("%s %d", a.Name, a.Balance))
		}
		for _, peer := range b.names {
			if peer != name {
				reach = append(reach, fmt.Sprintf("%s %d", peer, r.twin.of(peer, r.core.Held().Get(peer))))
			}
		}
		for _, w := range r.twin.pending {
			pending = append(pending, fmt.Sprintf("%v at %d", w.ID, w.At))
		}
		b.say("%s @%d: %s; held %v, executed %v, pending %s; horizons %s", name, r.core.Now(), strings.Join(money, ", "),
			r.core.Held(), r.core.Executed(), cmp.Or(strings.Join(pending, ", "), "none"), strings.Join(reach, ", "))
	}
	return nil
}

// linksStep shows what is under way.
func (b *bottle) linksStep([]string) error {
	for _, l := range b.under() {
		b.sayLink(l)
	}
	if len(b.lines) == 0 {
		b.say("nothing is under way")
	}
	return nil
}

func (b *bottle) sayLink(l link) {
	var refs []string
	for _, p := range b.links[l] {
		refs = append(refs, p.ref.String())
	}
	b.say("%v: %s", l, strings.Join(refs, ", "))
}

// checkStep closes the logs of all processes that are up and lets the checker read them, clocks strictly.
func (b *bottle) checkStep([]string) error {
	var sources []check.Source
	var processes []string
	add := func(name string, l *log, end *trace.End) error {
		if end != nil {
			if err := l.writer.End(end); err != nil {
				return err
			}
		}
		processes = append(processes, name)
		err := l.writer.Flush()
		sources = append(sources, check.Bytes(name+".jsonl", l.data.Bytes()))
		return err
	}
	down := 0
	for _, name := range b.names {
		r := b.branches[name]
		var end *trace.End
		if r.up {
			end = &trace.End{Process: name, Events: r.core.Events(), Clock: r.core.Now()}
		} else {
			down++
		}
		if err := add(name, &r.log, end); err != nil {
			return err
		}
	}
	for name, c := range b.customers {
		if err := add(name, &c.log, &trace.End{Process: name, Events: c.Events(), Clock: c.Now()}); err != nil {
			return err
		}
	}
	run := &trace.Run{Format: trace.Format, Mode: branch.ModeTotal, Processes: processes, Settled: b.settled()}
	report, err := check.Check(b.t.Context(), sources, check.Options{Strict: true, AllowTruncated: down > 0, Run: run})
	if err != nil {
		return err
	}
	if report.Verdict != check.Pass {
		return fmt.Errorf("the checker says %s: %+v", report.Verdict, report.Findings)
	}
	settled := "settled"
	if !run.Settled {
		settled = "not settled"
	}
	b.say("%s: %d events, %d messages, %s", report.Verdict, report.Events, report.Messages, settled)
	for _, r := range report.Rules {
		if r.Findings > 0 {
			b.say("warning: %s, %d", r.Rule, r.Findings)
		}
	}
	return nil
}
