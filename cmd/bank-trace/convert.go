package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

// convertFlags are the flags of `convert`.
type convertFlags struct {
	encoding  encodingFlag
	drop      bool
	overwrite bool
}

func newConvert(c *console) *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Write a trace or a log in another encoding",
		Long: `Writes the logs of a folder into another folder, or one log into another file; -
is standard input or output. A log is JSON Lines (jsonl) or the same records in
protobuf (binpb), plain or compressed (.zst, .gz). What a log is, its content
says; what it shall be, --encoding or the name of OUT.

Nothing is lost: converted there and back, every record is the same. A log that
only gets another compression is copied as it is. Else a record that cannot be
read, or a field that is not of the format, is an error and nothing is written.`,
		Example: `  bank-trace convert /tmp/t /tmp/small --encoding binpb.zst
  bank-trace convert branch-1.binpb branch-1.jsonl
  bank-trace convert branch-1.binpb.zst - | grep '"clock":17,'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("convert: name what to convert, a folder or a log, and where to write it")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return convertTrace(cmd.Context(), c, f, args[0], args[1])
		},
	}
	f.encoding.add(cmd, "what to write (what the name of OUT says by default)", trace.Encodings()...)
	fl := cmd.Flags()
	fl.Lookup("encoding").DefValue = ""
	fl.BoolVar(&f.drop, "drop-unknown", false, "leave out fields that are not of the format")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace a trace or a file that is there already")
	return cmd
}

func convertTrace(ctx context.Context, c *console, f convertFlags, in, out string) (err error) {
	isFolder, total := false, int64(-1)
	if in != trace.Stdin {
		info, err := os.Stat(in)
		if err != nil {
			return fmt.Errorf("convert: %w; name a trace folder, a log, or - for standard input", err)
		}
		isFolder, total = info.IsDir(), info.Size()
	}
	enc, err := f.target(out, isFolder)
	if err != nil {
		return err
	}
	var folder *trace.Folder
	if isFolder {
		if folder, err = trace.Find(in); err != nil {
			return err
		}
		total = sizeOf(folder)
	}
	bar := newBar(c.err, "bytes", cmp.Or(total, -1))
	recode := &convert.Recode{Encoding: enc, DropUnknown: f.drop, Overwrite: f.overwrite, Progress: bar.set}
	var done convert.Recoded
	switch {
	case isFolder:
		done, err = recode.Folder(ctx, folder, out)
	case in != trace.Stdin && out != trace.Stdin:
		done, err = recode.File(ctx, in, out)
	default:
		done, err = c.stream(ctx, recode, in, out)
	}
	bar.done()
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	to := c.out
	if out == trace.Stdin {
		to = c.err
	}
	_, err = fmt.Fprintf(to, "%s: %s, %d bytes of %s from %d\n", out, english.Plural(done.Files, "log", ""), done.Written, enc, done.Read)
	return err
}

// target returns the encoding that is asked for.
func (f convertFlags) target(out string, folder bool) (trace.Encoding, error) {
	named, ok := trace.EncodingOf(out)
	switch {
	case folder && out == trace.Stdin:
		return 0, errors.New("convert: a folder is written into a folder; name one instead of -")
	case folder || out == trace.Stdin:
		ok = false
	case ok && f.encoding.given && named != f.encoding.Encoding:
		return 0, fmt.Errorf("convert: %s is the name of %s, and --encoding says %s; leave one out", out, named, f.encoding)
	}
	if !ok && !f.encoding.given && out == trace.Stdin {
		return trace.JSONL, nil
	}
	if !ok && !f.encoding.given {
		return 0, fmt.Errorf("convert: %s does not say what to write; give --encoding", out)
	}
	if f.encoding.given {
		named = f.encoding.Encoding
	}
	return named, nil
}

// stream converts from standard input, or to standard output, or both.
func (c *console) stream(ctx context.Context, recode *convert.Recode, in, out string) (done convert.Recoded, err error) {
	src, name := c.stdin, "standard input"
	if in != trace.Stdin {
		f, err := os.Open(in)
		if err != nil {
			return done, err
		}
		defer f.Close()
		src, name = f, in
	}
	if out == trace.Stdin {
		return recode.Stream(ctx, c.out, src, name)
	}
	return recode.Create(ctx, src, name, out)
}

// sizeOf returns how many bytes the files of a folder have.
func sizeOf(folder *trace.Folder) (total int64) {
	for _, l := range folder.Logs {
		for _, file := range l.Files {
			if info, err := os.Stat(file); err == nil {
				total += info.Size()
			}
		}
	}
	return total
}
