package main

import (
	"cmp"
	"errors"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// readEvents reads all events of a small trace, in the order of (clock, process).
func readEvents(path string) ([]trace.Event, error) {
	folder, err := trace.Find(path)
	if err != nil {
		return nil, err
	}
	var events []trace.Event
	for _, l := range folder.Logs {
		if events, err = appendLog(events, l); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(events, func(a, b trace.Event) int {
		return cmp.Or(cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Process, b.Process))
	})
	return events, nil
}

func appendLog(events []trace.Event, l trace.Log) (_ []trace.Event, err error) {
	r, err := l.Open(nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Scan() {
		switch rec := r.Record().(type) {
		case *trace.Event:
			events = append(events, rec.Clone())
		case *trace.SyntaxError:
			return nil, rec
		}
	}
	return events, r.Err()
}
