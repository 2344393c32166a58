package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/customer"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// verb does one kind of step with the words behind its name.
type verb func(*bottle, []string) error

// verbs are the steps that a scenario may have.
//
//	bank total B... ACCOUNT=AMOUNT...     opens the bank
//	deposit|withdraw C B AMOUNT [ACCOUNT] customer C calls branch B; the account is main unless named
//	query C B [ACCOUNT]
//	transfer C B AMOUNT FROM TO
//	retry C B [as deposit|withdraw AMOUNT] the outstanding request again; "as" is a customer who mixes up his numbers
//	deliver LINK... [all]                 the next message of each link (b1->b2), or all that are on them now
//	deliver all                           all messages, with a flush wherever one arrived, until none is under way
//	drop|duplicate|reorder LINK           the next message is lost, doubled, or overtaken by the one behind it
//	partition A,B|C · heal                messages across are lost and connections break · they stand again; whoever is
//	                                      not named reaches both sides
//	flush B... · tick B...                a batch ends · the retry interval passes
//	slow B · commit B                     its disk keeps batches in its cache · they become durable, and so do later ones
//	crash B [keep N] · restart B          the cache is lost, but for N batches
//	copy B · restore B                    its disk is copied · it restarts from that copy
//	expire B C                            the call of C at B has waited long enough
//	state B · links                       what a branch has · what is under way
//	check                                 the checker reads what was recorded
func verbs() map[string]verb {
	all := map[string]verb{
		"bank": (*bottle).bankStep, "retry": (*bottle).retryStep, "deliver": (*bottle).deliverStep,
		"partition": (*bottle).partitionStep, "crash": (*bottle).crashStep, "expire": (*bottle).expireStep,
		"state": (*bottle).stateStep, "links": (*bottle).linksStep, "check": (*bottle).checkStep,
		"heal": func(b *bottle, args []string) error {
			b.sides = nil
			return b.relink()
		},
		"drop": onLink(1, func(b *bottle, l link) {
			b.say("lost: %v", b.links[l][0].ref)
			b.links[l] = b.links[l][1:]
		}),
		"duplicate": onLink(1, func(b *bottle, l link) {
			b.links[l] = slices.Insert(b.links[l], 1, b.links[l][0])
			b.sayLink(l)
		}),
		"reorder": onLink(2, func(b *bottle, l link) {
			b.links[l][0], b.links[l][1] = b.links[l][1], b.links[l][0]
			b.sayLink(l)
		}),
		"flush": onBranch(true, func(b *bottle, r *replica) error { return b.step(r, branch.Flush{}) }),
		"tick":  onBranch(true, func(b *bottle, r *replica) error { return b.step(r, branch.Retry{}) }),
		"slow": onBranch(true, func(b *bottle, r *replica) error {
			r.slow = true
			return nil
		}),
		"commit": onBranch(true, func(b *bottle, r *replica) error {
			r.slow = false
			return b.commit(r)
		}),
		"copy": onBranch(true, func(b *bottle, r *replica) error {
			r.copied = len(r.journal)
			b.say("the copy ends with event %d", r.log.seq)
			return nil
		}),
		"restart": onBranch(false, func(b *bottle, r *replica) error { return b.restart(r) }),
		"restore": onBranch(false, func(b *bottle, r *replica) error { return b.restore(r) }),
	}
	for _, op := range []trace.Op{trace.OpDeposit, trace.OpWithdraw, trace.OpQuery, trace.OpTransfer} {
		all[op.String()] = func(b *bottle, args []string) error { return b.requestStep(op, args) }
	}
	return all
}

// play does one step and returns what came of it.
func (b *bottle) play(step string) ([]string, error) {
	words := strings.Fields(step)
	do, ok := verbs()[words[0]]
	if !ok {
		return nil, fmt.Errorf("there is no step %q", words[0])
	}
	b.lines = nil
	if err := do(b, words[1:]); err != nil {
		return nil, err
	}
	return b.lines, nil
}

// onBranch is a step for each branch that it names; they must be up, or down.
func onBranch(up bool, do func(*bottle, *replica) error) verb {
	return func(b *bottle, args []string) error {
		for _, name := range args {
			r, err := b.replica(name)
			if err != nil {
				return err
			}
			if r.up != up {
				return fmt.Errorf("%s is up: %v", name, r.up)
			}
			if err := do(b, r); err != nil {
				return err
			}
		}
		return nil
	}
}

// onLink is a step for a link that must have at least that many messages.
func onLink(least int, do func(*bottle, link)) verb {
	return func(b *bottle, args []string) error {
		for _, arg := range args {
			l, err := b.link(arg)
			if err != nil {
				return err
			}
			if n := len(b.links[l]); n < least {
				return fmt.Errorf("%d messages are under way on %v", n, l)
			}
			do(b, l)
		}
		return nil
	}
}

func (b *bottle) replica(name string) (*replica, error) {
	if r, ok := b.branches[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("there is no branch %q", name)
}

func (b *bottle) link(arg string) (link, error) {
	from, to, ok := strings.Cut(arg, "->")
	if !ok {
		return link{}, fmt.Errorf("%q is no link; write b1->b2", arg)
	}
	return link{from, to}, nil
}

func (b *bottle) bankStep(args []string) error {
	if len(args) < 2 || args[0] != branch.ModeTotal {
		return errors.New("write bank total b1 b2 main=400")
	}
	var names []string
	opening := map[string]int64{}
	for _, arg := range args[1:] {
		account, amount, ok := strings.Cut(arg, "=")
		if !ok {
			names = append(names, arg)
			continue
		}
		var err error
		if opening[account], err = strconv.ParseInt(amount, 10, 64); err != nil {
			return err
		}
	}
	return b.found(names, opening)
}

func (b *bottle) requestStep(op trace.Op, args []string) error {
	least, operation := 3, customer.Operation{Op: op, Account: "main"}
	switch op {
	case trace.OpQuery:
		least = 2
	case trace.OpTransfer:
		least = 5
	}
	if len(args) < least {
		return fmt.Errorf("%v takes %d words", op, least)
	}
	if op != trace.OpQuery {
		var err error
		if operation.Amount, err = strconv.ParseInt(args[2], 10, 64); err != nil {
			return err
		}
	}
	switch {
	case op == trace.OpTransfer:
		operation.Account, operation.ToAccount = args[3], args[4]
	case len(args) > least:
		operation.Account = args[least]
	}
	c, err := b.customer(args[0])
	if err != nil {
		return err
	}
	if _, err := b.replica(args[1]); err != nil {
		return err
	}
	call, e, err := c.Request(args[1], operation)
	if err != nil {
		return err
	}
	return b.call(c, call, e)
}

func (b *bottle) retryStep(args []string) error {
	if len(args) != 2 && len(args) != 5 {
		return errors.New("write retry c1 b2, or retry c1 b2 as withdraw 100")
	}
	c, err := b.customer(args[0])
	if err != nil {
		return err
	}
	call, e, err := c.Retry(args[1])
	if err != nil {
		return err
	}
	if len(args) == 5 {
		if call.Op, err = trace.ParseOp(args[3]); err != nil {
			return err
		}
		if call.Amount, err = strconv.ParseInt(args[4], 10, 64); err != nil {
			return err
		}
		e.Op, e.Amount = call.Op, call.Amount
	}
	return b.call(c, call, e)
}

func (b *bottle) deliverStep(args []string) error {
	all := len(args) > 0 && args[len(args)-1] == "all"
	if all {
		args = args[:len(args)-1]
	}
	if len(args) == 0 {
		return b.deliverEverything()
	}
	for _, arg := range args {
		l, err := b.link(arg)
		if err != nil {
			return err
		}
		n := 1
		if all {
			n = len(b.links[l])
		}
		for range n {
			if err := b.deliver(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliverEverything works in rounds: what is under way arrives, link by link, and then every branch ends a batch.
func (b *bottle) deliverEverything() error {
	for range 100 {
		links := b.under()
		if len(links) == 0 {
			return nil
		}
		for _, l := range links {
			if err := b.deliverStep([]string{l.String(), "all"}); err != nil {
				return err
			}
		}
		for _, name := range b.names {
			if r := b.branches[name]; r.up {
				if err := b.step(r, branch.Flush{}); err != nil {
					return err
				}
			}
		}
	}
	return errors.New("messages lead to messages without an end")
}

func (b *bottle) partitionStep(args []string) error {
	sides := strings.Split(strings.Join(args, ""), "|")
	if len(sides) < 2 {
		return errors.New("write partition b1|b2,b3")
	}
	b.sides = map[string]string{}
	for _, side := range sides {
		for name := range strings.SplitSeq(side, ",") {
			b.sides[name] = side
		}
	}
	for _, l := range b.under() {
		if !b.severed(l.From, l.To) {
			continue
		}
		for _, p := range b.links[l] {
			b.say("lost on its way from %s to %s: %v", l.From, l.To, p.ref)
		}
		b.links[l] = nil
	}
	return b.relink()
}

func (b *bottle) crashStep(args []string) error {
	r, err := b.replica(args[0])
	if err != nil {
		return err
	}
	kept := 0
	if len(args) == 3 && args[1] == "keep" {
		if kept, err = strconv.Atoi(args[2]); err != nil {
			return err
		}
	}
	return b.crash(r, kept)
}

func (b *bottle) expireStep(args []string) error {
	r, err := b.replica(args[0])
	if err != nil {
		return err
	}
	waiters := r.waitersOf(args[1])
	if len(waiters) == 0 {
		return fmt.Errorf("%s has no request of %s under way", args[0], args[1])
	}
	return b.step(r, branch.Expire{Waiter: waiters[0]})
}
