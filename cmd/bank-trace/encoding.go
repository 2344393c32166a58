package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// encodingFlag is a flag that names an encoding; JSON Lines where it is not given.
type encodingFlag struct {
	trace.Encoding
	given bool
}

func (f *encodingFlag) Set(s string) (err error) {
	f.Encoding, err = trace.ParseEncoding(s)
	f.given = true
	return err
}

func (f *encodingFlag) Type() string { return "encoding" }

// add adds the flag, for those of the encodings that the verb takes.
func (f *encodingFlag) add(cmd *cobra.Command, usage string, takes ...trace.Encoding) {
	var names []string
	for _, enc := range takes {
		names = append(names, enc.String())
	}
	cmd.Flags().Var(f, "encoding", usage+": "+strings.Join(names, ", "))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("encoding", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)))
}
