package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a progress bar on a terminal, and nothing elsewhere.
type bar struct{ b *progressbar.ProgressBar }

// newBar returns a bar that shows after a second of work. A total of -1 is unknown.
func newBar(w io.Writer, unit string, total int64) *bar {
	if !terminal(w) {
		return &bar{}
	}
	return &bar{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(unit), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetRenderBlankState(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(24),
		progressbar.OptionUseANSICodes(true), progressbar.OptionSetPredictTime(total > 0))}
}

func (b *bar) set(n int64) {
	if b.b != nil {
		_ = b.b.Set64(n) // a bar that cannot be drawn stops nothing
	}
}

// reading is a progress bar for the reading of logs: the share of their bytes, events a second, and the time left.
type reading struct {
	*bar
	begun  time.Time
	events int64 // of the passes before, and of this one up to the latest call
	last   int64
}

// newReading returns a bar for logs of so many bytes in all; 0 is unknown.
func newReading(w io.Writer, total int64) *reading {
	if !terminal(w) {
		return &reading{bar: &bar{}}
	}
	return &reading{begun: time.Now(), bar: &bar{progressbar.NewOptions64(cmp.Or(total, -1),
		progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetRenderBlankState(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(24),
		progressbar.OptionUseANSICodes(true), progressbar.OptionSetPredictTime(total > 0))}}
}

// set takes how many events and bytes a pass has read. A pass that reads all once more starts over.
func (r *reading) set(events, bytes int64) {
	if r.b == nil {
		return
	}
	if events < r.last {
		r.last = 0
	}
	r.events, r.last = r.events+events-r.last, events
	if took := time.Since(r.begun); took > time.Second/4 {
		r.b.Describe(fmt.Sprintf("%.1f M events/s", float64(r.events)/took.Seconds()/1e6))
	}
	r.bar.set(bytes)
}

func (b *bar) done() {
	if b.b != nil {
		_ = b.b.Finish()
	}
}
