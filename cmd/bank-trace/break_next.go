package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/mutate"
)

// tellNext prints the commands to try on a broken copy.
func tellNext(ctx context.Context, c *console, dir string, change mutate.Change) error {
	strict := ""
	if change.Rule == "clock/not-exact" {
		strict = "--strict "
	}
	if _, err := fmt.Fprintf(c.out, "Next: bank-trace check %s%s\n", strict, dir); err != nil {
		return err
	}
	n, err := numberOf(ctx, dir, change)
	if err != nil || n == 0 {
		return err
	}
	_, err = fmt.Fprintf(c.out, "      bank-trace view %s%s --finding %d\n", strict, dir, n)
	return err
}

// numberOf returns the number, from 1, of the finding of what was changed; 0 where the copy cannot be shown, or nothing is found.
func numberOf(ctx context.Context, dir string, change mutate.Change) (int, error) {
	folder, err := trace.Find(dir)
	var none *trace.NoLogsError
	switch {
	case change.Rule == "log/malformed", errors.As(err, &none): // it was made so
		return 0, nil
	case err != nil:
		return 0, err
	}
	report, err := check.Check(ctx, check.Folder(folder), check.Options{Strict: change.Rule == "clock/not-exact", Run: folder.Run})
	if err != nil {
		return 0, err
	}
	f := findingOf(report, change)
	for i := range report.Findings {
		if &report.Findings[i] == f {
			return i + 1, nil
		}
	}
	return 0, nil
}
