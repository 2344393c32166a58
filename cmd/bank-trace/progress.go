package main

import (
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

func (b *bar) done() {
	if b.b != nil {
		_ = b.b.Finish()
	}
}
