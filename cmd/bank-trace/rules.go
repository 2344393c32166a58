package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

func newRules(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "rules",
		Short: "List the rules that check knows",
		Long: `Lists every rule with the exit status that a finding leads to: 1 a violation, 2 it
could not be decided, 0 a warning.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, r := range check.Rules() {
				if _, err := fmt.Fprintf(c.out, "%d  %-30s %s\n", r.Exit, r.Name, wrap(r.Statement, 46, 34)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newExplain(c *console) *cobra.Command {
	return &cobra.Command{
		Use:     "explain RULE",
		Short:   "Explain a rule: what it says, why, and what usually breaks it",
		Example: "  bank-trace explain clock/receive-not-after-send",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("explain: name one rule (see: bank-trace rules)")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			for _, r := range check.Rules() {
				names = append(names, r.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, ok := check.LookupRule(args[0])
			if !ok {
				return fmt.Errorf("explain: there is no rule %q (see: bank-trace rules)", args[0])
			}
			_, err := fmt.Fprintf(c.out, "%s\n\nHolds when:     %s\nWhy:            %s\nUsual mistake:  %s\nSource:         %s\nA finding is:   %s\n",
				r.Name, wrap(r.Statement, 64, 16), wrap(r.Reason, 64, 16), wrap(r.Mistake, 64, 16), wrap(r.Source, 64, 16), severity(r.Exit))
			return err
		},
	}
}

func severity(exit int) string {
	switch exit {
	case exitViolation:
		return "a violation, exit status 1"
	case exitUndecided:
		return "something that keeps the check from deciding, exit status 2"
	}
	return "a warning, exit status 0"
}

// wrap breaks text into lines of at most width runes; later lines are indented.
func wrap(text string, width, indent int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i > 0 && column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = 0
		case i > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
