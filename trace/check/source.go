package check

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Source is one log, or one file that many processes share. It must give the same bytes each time it is opened.
type Source struct {
	Name   string
	Pieces []Piece // in order; a log that was never rotated has one
}

// Piece is one file of a source.
type Piece struct {
	File string                        // as findings name it
	Open func() (io.ReadCloser, error) // nil stands for Options.Stdin, which Check spools first
}

// stdinName is how findings call standard input.
const stdinName = "stdin"

// manyFiles is the number of files from which on they are not all held open while they are read side by side.
const manyFiles = 200

// Bytes returns a source that is held in memory.
func Bytes(name string, data []byte) Source {
	return Source{Name: name, Pieces: []Piece{{File: name, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}}}
}

// Files returns the source of one log in the given files, the pieces of a rotated log in their order. The file "-" is
// Options.Stdin.
func Files(name string, files ...string) Source { return fileSource(name, files, false) }

// Folder returns the sources of a folder of logs. Options.Run should be the folder's Run.
func Folder(f *trace.Folder) []Source {
	total := 0
	for _, l := range f.Logs {
		total += len(l.Files)
	}
	sources := make([]Source, 0, len(f.Logs))
	for _, l := range f.Logs {
		sources = append(sources, fileSource(l.Name, l.Files, total > manyFiles))
	}
	return sources
}

func fileSource(name string, files []string, sparing bool) Source {
	s := Source{Name: name}
	for _, file := range files {
		p := Piece{File: file}
		switch {
		case file == "-":
			p.File = stdinName
		default:
			p.Open = trace.Opener(file, sparing)
		}
		s.Pieces = append(s.Pieces, p)
	}
	return s
}

// spool copies standard input to a temporary file where a source asks for it, so that it can be read twice. The
// sources that it returns are a copy. The caller calls remove when done.
func spool(ctx context.Context, sources []Source, stdin io.Reader) (spooled []Source, remove func(), err error) {
	remove = func() {}
	for _, s := range sources {
		s.Pieces = append([]Piece(nil), s.Pieces...)
		for i := range s.Pieces {
			if s.Pieces[i].Open != nil {
				continue
			}
			kept, err := trace.Spool(ctx, stdin)
			if err != nil {
				remove()
				return nil, nil, fmt.Errorf("keep standard input for a second reading: %w", err)
			}
			stdin, remove = nil, kept.Remove
			s.Pieces[i].Open = kept.Open
		}
		spooled = append(spooled, s)
	}
	return spooled, remove, nil
}
