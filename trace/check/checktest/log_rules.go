package checktest

import "github.com/seed-8ff1fc32/bank-trace/trace"

// log/malformed: "every record parses".
func malformed(w *whole) (found []Finding) {
	for _, log := range w.logs {
		for _, record := range log.Records {
			if record.Syntax != nil && !record.Syntax.Truncated {
				found = append(found, Finding{Event: log.Name})
			}
		}
	}
	return append(append(found, w.strays...), w.ungrammatical...)
}

// log/truncated: "a log that promises `end` has it". A last line that is torn is the other sign of it.
func truncated(w *whole) (found []Finding) {
	for _, p := range w.processes() {
		if n := len(p.headers); n > 0 && p.headers[n-1].Ends && !p.ended {
			found = append(found, Finding{Event: p.name})
		}
	}
	for _, log := range w.logs {
		name := log.Name
		for _, record := range log.Records {
			if record.Syntax == nil {
				name = record.process()
			} else if record.Syntax.Truncated {
				found = append(found, Finding{Event: name})
			}
		}
	}
	return found
}

// log/missing: "every process named as a peer has a log (for foreign logs a warning)".
func missing(w *whole) (found []Finding) {
	for name := range w.named() {
		if w.procs[name] == nil {
			found = append(found, Finding{Event: name})
		}
	}
	return found
}

// named returns every process that run.json, a header or an event names as one with a log of its own.
func (w *whole) named() map[string]bool {
	named := map[string]bool{}
	for _, name := range w.opt.Processes {
		named[name] = true
	}
	for _, p := range w.processes() {
		for _, h := range p.headers {
			for _, peer := range h.Peers {
				named[peer] = true
			}
		}
	}
	for _, e := range w.all {
		if e.Kind != trace.Local && e.Peer != "" {
			named[e.Peer] = true
		}
	}
	return named
}

// log/sequence-gap: "seq goes up by exactly 1 within a process".
func sequenceGap(w *whole) (found []Finding) {
	for _, p := range w.processes() {
		for i, e := range p.events {
			if i == 0 && e.Seq != p.first {
				found = append(found, at(e, nil))
			}
			if i > 0 && e.Seq != p.events[i-1].Seq+1 {
				found = append(found, at(e, p.events[i-1]))
			}
		}
	}
	return append(found, w.miscounted...)
}
