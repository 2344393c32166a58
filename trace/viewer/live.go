package viewer

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Watch opens the trace of a run that is under way, which may have written nothing yet: paths are as [trace.Find] takes them. What
// its page shows grows with each [Viewer.Refresh], until [Viewer.Finish]. The caller closes the Viewer.
func Watch(ctx context.Context, opt Options, paths ...string) (*Viewer, error) {
	if slices.Contains(paths, trace.Stdin) {
		return nil, &StdinError{}
	}
	ix, err := readGrowing(ctx, &trace.Folder{}, opt)
	if err != nil {
		return nil, err
	}
	v := newViewer(ix, opt)
	v.paths = paths
	return v, nil
}

// Refresh reads the logs anew if they have grown since it last did, and says whether they had. Questions under way are answered
// from what was read before. A log that is being written may stand in the way of a reading: then the error says so, what was read
// before stays, and the next Refresh may succeed.
func (v *Viewer) Refresh(ctx context.Context) (grown bool, err error) {
	v.reading.Lock()
	defer v.reading.Unlock()
	if !v.held().growing {
		return false, nil
	}
	folder, sizes, err := v.look()
	if err != nil || maps.Equal(sizes, v.sizes) {
		return false, err
	}
	ix, err := readGrowing(ctx, folder, v.opt)
	if err != nil {
		return false, err
	}
	v.sizes = sizes
	return true, v.swap(ix)
}

// look finds the logs, and how long they are.
func (v *Viewer) look() (*trace.Folder, map[string]int64, error) {
	folder, err := trace.Find(v.paths...)
	var none *trace.NoLogsError
	switch {
	case errors.As(err, &none):
		return &trace.Folder{}, nil, nil
	case err != nil:
		return nil, nil, err
	}
	sizes := map[string]int64{}
	for _, l := range folder.Logs {
		for _, file := range l.Files {
			info, err := os.Stat(file)
			if err != nil {
				return nil, nil, err
			}
			sizes[file] = info.Size()
		}
	}
	return folder, sizes, nil
}

// Finish reads and checks the trace of a run that is over. The errors are those of [trace.Find] and [Open].
func (v *Viewer) Finish(ctx context.Context) error {
	v.reading.Lock()
	defer v.reading.Unlock()
	folder, err := trace.Find(v.paths...)
	if err != nil {
		return err
	}
	ix, err := readIndex(ctx, folder, v.opt)
	if err != nil {
		return err
	}
	return v.swap(ix)
}

// follow gives an index the generation after that of another.
func (ix *index) follow(old *index) {
	ix.generation, ix.since = old.generation+1, old.since
	same := func(a, b *lane) bool { return a.name == b.name }
	if !slices.EqualFunc(ix.lanes, old.lanes, same) {
		ix.since = ix.generation
	}
}

// Follow refreshes until the context ends, as often as is of use and the logs are quick enough to read: see pauseAfter.
func (v *Viewer) Follow(ctx context.Context) {
	for timer := time.NewTimer(0); ; {
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		began := time.Now()
		_, _ = v.Refresh(ctx) // what cannot be read now may be later; what never can, Finish tells
		timer.Reset(pauseAfter(time.Since(began)))
	}
}

// pauseAfter returns how long nothing is read after a reading that took so long: reading takes a tenth of the time at the most, and
// is done no more often than eyes follow.
func pauseAfter(took time.Duration) time.Duration { return max(250*time.Millisecond, 9*took) }
