package viewer

import (
	"context"
	"slices"
	"sync"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

// Options says how a trace is opened.
type Options struct {
	Name     string             // what the page calls the trace
	Names    []causal.Name      // events to look for, see [Viewer.Named]
	Check    check.Options      // how it is checked; its Run and Progress are set here
	Progress func(events int64) // called now and then, from any goroutine, with the events read; nil for nobody
}

// Viewer is an open trace, and the http.Handler of its page. It may be used by many goroutines at once.
type Viewer struct {
	paths []string // of a trace that is watched
	opt   Options
	busy  chan struct{} // a place for each question that is computed at the same time

	reading sync.Mutex       // one reading at a time
	sizes   map[string]int64 // of the files that the last one read

	mu  sync.Mutex
	now *held
}

// held is an index in use. The one that follows it retires it; it is closed when its last question is answered.
type held struct {
	*index
	users   int
	retired bool
	closed  bool
}

// mostBusy is how many questions that may take long are computed at the same time.
const mostBusy = 2

// StdinError says that a trace on standard input cannot be shown: its lines are read again while it is.
type StdinError struct{}

func (*StdinError) Error() string {
	return "standard input cannot be shown, as its lines are read again and again; save it to a file and name that"
}

// Open reads a trace and checks it. The caller closes the Viewer.
//
// The error is a *[trace.SyntaxError] where a record cannot be read, a *[causal.SecondLogError] where two logs have records of
// a process, a *[StdinError], or one of reading.
func Open(ctx context.Context, folder *trace.Folder, opt Options) (*Viewer, error) {
	for _, l := range folder.Logs {
		if slices.Contains(l.Files, trace.Stdin) {
			return nil, &StdinError{}
		}
	}
	ix, err := readIndex(ctx, folder, opt)
	if err != nil {
		return nil, err
	}
	return newViewer(ix, opt), nil
}

func newViewer(ix *index, opt Options) *Viewer {
	return &Viewer{opt: opt, busy: make(chan struct{}, mostBusy), now: &held{index: ix}}
}

// Close removes the files that were made to read the trace. Questions must have been answered.
func (v *Viewer) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now.retired = true
	return v.now.closeUnused()
}

// Events returns the number of events of the trace.
func (v *Viewer) Events() int64 { return v.held().events }

// Report returns what the check of the trace found; that of a trace that still grows is empty.
func (v *Viewer) Report() *check.Report { return v.held().report }

// Named returns the events of Options.Names. The error is one of [causal.Trace.Resolve].
func (v *Viewer) Named() ([]trace.Ref, error) {
	h := v.acquire()
	defer v.release(h)
	found, err := h.trace.Resolve()
	if err != nil {
		return nil, err
	}
	var refs []trace.Ref
	for _, at := range found {
		refs = append(refs, h.trace.Ref(at))
	}
	return refs, nil
}

// held returns the index of now, for what is in memory.
func (v *Viewer) held() *held {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// acquire returns the index of now, which stays open until it is released.
func (v *Viewer) acquire() *held {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now.users++
	return v.now
}

func (v *Viewer) release(h *held) {
	v.mu.Lock()
	defer v.mu.Unlock()
	h.users--
	_ = h.closeUnused() // it was only read, and who asked has the answer
}

// swap makes ix the index of now.
func (v *Viewer) swap(ix *index) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.now
	ix.follow(old.index)
	v.now = &held{index: ix}
	old.retired = true
	return old.closeUnused()
}

// closeUnused closes a retired index that nobody uses.
func (h *held) closeUnused() error {
	if !h.retired || h.users > 0 || h.closed {
		return nil
	}
	h.closed = true
	return h.trace.Close()
}
