package main

import (
	"errors"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// recording is a trace folder that a run writes: one log for each process.
type recording struct {
	dir       *trace.Dir
	encoding  trace.Encoding
	processes []string
	logs      []*trace.LogFile
}

func newRecording(dir string, enc trace.Encoding, overwrite bool) (*recording, error) {
	d, err := trace.Create(dir, overwrite)
	if err != nil {
		return nil, err
	}
	return &recording{dir: d, encoding: enc}, nil
}

// log creates the log of a process. It is not for concurrent use.
func (r *recording) log(process string) (*trace.LogFile, error) {
	l, err := r.dir.LogIn(process, r.encoding)
	if err != nil {
		return nil, err
	}
	r.processes = append(r.processes, process)
	r.logs = append(r.logs, l)
	return l, nil
}

// close ends all logs and writes run.json, whatever came before: what was recorded stays readable.
func (r *recording) close(run *trace.Run) error {
	var errs []error
	for _, l := range r.logs {
		errs = append(errs, l.Close())
	}
	run.Processes = r.processes
	run.Versions = map[string]string{"bank-trace": version()}
	return errors.Join(append(errs, r.dir.WriteRun(run))...)
}
