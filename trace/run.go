package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// RunFile is the name of the file in a trace folder that describes the run.
const RunFile = "run.json"

// Run describes the run that a trace folder holds: its file run.json.
type Run struct {
	Format    string            `json:"format"`             // [Format]
	Mode      string            `json:"mode,omitempty"`     // "total" or "causal"
	Seed      *uint64           `json:"seed,omitempty"`     // of a simulated run
	Scenario  string            `json:"scenario,omitempty"` // what was run: a file, say
	Versions  map[string]string `json:"versions,omitempty"` // program -> version
	Processes []string          `json:"processes"`          // every process that should have a log
	Settled   bool              `json:"settled"`            // at the end every message was received and every write executed everywhere
}

// WriteRun writes run.json in folder dir, whole or not at all. An empty Format is written as [Format].
func WriteRun(dir string, r *Run) (err error) {
	run := *r
	if run.Format == "" {
		run.Format = Format
	}
	if run.Processes == nil {
		run.Processes = []string{}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&run); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, RunFile), err)
	}
	f, err := os.CreateTemp(dir, RunFile+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text.Bytes())
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, RunFile))
}

// ReadRun reads a run.json; path names the file or the folder that holds it. The error is a *[SyntaxError] where the
// file holds something else.
func ReadRun(path string) (*Run, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, RunFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Run)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, runError(path, text, err)
	}
	wrong := func(field, value, problem, remedy string) error {
		return &SyntaxError{File: path, Line: 1, Field: field, Value: value, Problem: problem, Remedy: remedy}
	}
	switch {
	case r.Format != Format && !isLaterFormat(r.Format):
		return nil, wrong("format", fmt.Sprintf("%q", r.Format), "is not a format that this version reads", fields[fFormat].remedy)
	case r.Mode != "" && r.Mode != modeNames[1] && r.Mode != modeNames[2]:
		return nil, wrong("mode", fmt.Sprintf("%q", r.Mode), "is none of total, causal", fields[fMode].remedy)
	}
	return r, nil
}

// runError places an error of encoding/json.
func runError(path string, text []byte, err error) error {
	const remedy = "write it as the documentation of the trace format says, or delete it: the logs can be checked without"
	e := &SyntaxError{File: path, Problem: err.Error(), Remedy: remedy}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := int64(0)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
		e.Problem = "not valid JSON: " + syntax.Error()
	case errors.As(err, &kind):
		offset = kind.Offset
		e.Field = kind.Field
		e.Problem = "a JSON " + kind.Value + " does not belong here"
	}
	e.Line = 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
	return e
}
