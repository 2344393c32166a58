package sim_test

import (
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// sync makes the n oldest batches of the cache durable and returns them.
func (r *replica) sync(n int) []branch.Effects {
	done := r.cache[:n]
	r.cache = r.cache[n:]
	for i := range done {
		r.journal = append(r.journal, store.Batch{Durable: &done[i].Durable, Events: done[i].Events})
	}
	return done
}

// commit makes everything durable that the disk's cache holds, writes it to the log, and lets it go.
func (b *bottle) commit(r *replica) error {
	r.disk.Sync(r.disk.Cached())
	done := r.sync(len(r.cache))
	for i := range done {
		out := &done[i]
		for j := range out.Events {
			if err := r.log.event(&out.Events[j]); err != nil {
				return err
			}
		}
		if err := r.disk.Logged(r.log.seq); err != nil {
			return err
		}
		for j := range out.Messages {
			m := &out.Messages[j]
			b.put(link{r.cfg.Name, m.To}, parcel{trace.Ref{Process: m.Stamp.Process, Seq: m.Stamp.Seq}, m})
		}
		for _, reply := range out.Replies {
			b.reply(r, reply)
		}
	}
	return nil
}

// crash kills a branch. Of the batches in its disk's cache the oldest kept ones had become durable, though nobody was
// told.
func (b *bottle) crash(r *replica, kept int) error {
	if kept > len(r.cache) {
		return fmt.Errorf("%d batches are in the cache of %s's disk", len(r.cache), r.cfg.Name)
	}
	b.say("%s loses %d of %d batches in its disk's cache", r.cfg.Name, len(r.cache)-kept, len(r.cache))
	r.disk.Crash(kept)
	r.sync(kept)
	r.cache = nil
	return b.down(r)
}

func (b *bottle) down(r *replica) error {
	r.up, r.slow = false, false
	clear(r.callers)
	return b.relink()
}

// restart brings a branch back from its disk: first what the log lacks, then a header.
func (b *bottle) restart(r *replica) error {
	if err := r.disk.Events(r.log.seq, func(e *trace.Event) error {
		b.say("the log gets what it lacked: %v", e.Ref())
		return r.log.event(e)
	}); err != nil {
		return err
	}
	if err := r.disk.Logged(r.log.seq); err != nil {
		return err
	}
	r.incarnation++
	h := r.cfg.Header(r.incarnation)
	if err := r.log.writer.Header(&h); err != nil {
		return err
	}
	return b.load(r)
}

// restore starts a branch from the old copy of its disk. If it stops, the disk itself is put back.
func (b *bottle) restore(r *replica) error {
	newest, journal := r.disk, r.journal
	r.disk, r.journal = store.NewMemory(), slices.Clone(r.journal[:r.copied])
	for _, batch := range r.journal {
		if err := r.disk.Commit(batch); err != nil {
			return err
		}
	}
	err := b.load(r)
	if !r.up {
		r.disk, r.journal = newest, journal
	}
	return err
}

// load restores the core from the disk and connects it.
func (b *bottle) load(r *replica) error {
	state, err := r.disk.Load()
	if err != nil {
		return err
	}
	r.twin = restoredHorizons(state)
	if r.core, err = branch.Restore(r.cfg, state); err != nil {
		return err
	}
	r.up = true
	b.say("%s goes on after event %d, clock %d", r.cfg.Name, state.Seq, state.Clock)
	return b.relink()
}
