package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

func newRules(c *console) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules that check knows",
		Long: `Lists every rule with the exit status that a finding leads to: 1 a violation, 2 it
could not be decided, 0 a warning.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if markdown {
				return check.WriteRules(cmd.Context(), c.out)
			}
			for _, r := range check.Rules() {
				if _, err := fmt.Fprintf(c.out, "%d  %-30s %s\n", r.Exit, r.Name, wrap(r.Statement, 46, 34)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "with reasons and examples, as the page docs/rules.md")
	return cmd
}

// ruleNames completes the name of a rule.
func ruleNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, r := range check.Rules() {
		names = append(names, cobra.CompletionWithDesc(r.Name, r.Statement))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// ruleList completes the last of a list of rules and families.
func ruleList(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	done := typed[:strings.LastIndexByte(typed, ',')+1]
	var names []cobra.Completion
	family := ""
	for _, r := range check.Rules() {
		if r.Family != family {
			family = r.Family
			names = append(names, cobra.CompletionWithDesc(done+family, "every rule of the family "+family))
		}
		names = append(names, cobra.CompletionWithDesc(done+r.Name, r.Statement))
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
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
