package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/store"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

const (
	// flushAfter is how long a recorded event may stay in the log's buffer.
	flushAfter = 50 * time.Millisecond
	// syncAfter is how long one may stay in the system's. The store has it meanwhile.
	syncAfter = time.Second
)

// LogError says that a log file and a store do not belong together.
type LogError struct {
	Path   string // the log file
	What   string // what is wrong with it, with the values
	Remedy string
}

func (e *LogError) Error() string { return fmt.Sprintf("log %s: %s; %s", e.Path, e.What, e.Remedy) }

const (
	remedyLogAhead = "bring the branch's newest data back: what stands here has a log of later events"
	remedyLogOld   = "bring the branch's newest log file back, or that folder of data which this file belongs to"
)

// logKeeper writes the branch's log. With a store the log is a file and a projection of the store: it has what the store
// has, once and in order, at the latest after the next start.
type logKeeper struct {
	cfg    Config
	tail   *trace.Tail // of the log file as it was found; nil without one
	has    uint64      // seq of the newest event in the store at the start
	joined uint64      // seq of the first event of a branch that joined again, if its store still has it

	out  Log            // nil while nothing is recorded
	file *trace.LogFile // out, where it is a file

	flush    *time.Timer // runs while the log's buffer holds something
	buffered bool
	written  uint64      // seq of the newest event handed to out
	sync     *time.Timer // runs while the system's buffer holds something
	due      bool        // sync runs, or a sync is under way
	syncing  uint64      // what the sync under way covers; 0 while there is none
	synced   chan error  // holds its result
	safe     uint64      // seq up to which the file has all for good
	dead     bool        // the branch has failed: nothing is written any more but what abandon writes
}

func newLogKeeper(cfg Config) *logKeeper {
	k := &logKeeper{cfg: cfg, out: cfg.Log, flush: time.NewTimer(flushAfter), sync: time.NewTimer(syncAfter), synced: make(chan error, 1)}
	k.flush.Stop()
	k.sync.Stop()
	return k
}

var errEnough = errors.New("enough")

// eventOf returns the first event above a seq that the store still has, nil if it has none.
func eventOf(s store.Store, after uint64) (*trace.Event, error) {
	var found *trace.Event
	err := s.Events(after, func(e *trace.Event) error {
		c := e.Clone()
		found = &c
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// lookForSnapshot finds out whether the store still has how the branch joined again, see Rejoin.
func (k *logKeeper) lookForSnapshot() error {
	first, second := uint64(0), false
	err := k.cfg.Store.Events(0, func(e *trace.Event) error {
		if first > 0 {
			second = e.Step == trace.StepSnapshot
			return errEnough
		}
		first = e.Seq
		return nil
	})
	if second {
		k.joined = first
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// begins reports whether the log begins with how the branch joined again.
func (k *logKeeper) begins() bool {
	return k.joined > 0 && (k.tail.Whole == 0 || k.tail.First == k.joined && k.tail.Last.Seq == 0)
}

// older reports whether the log file is that of the branch before it joined again.
func (k *logKeeper) older() bool {
	return k.joined > 0 && k.tail.Whole > 0 && k.tail.First < k.joined && k.tail.Last.Seq < k.joined
}

// setAside gives an older log another name. It is in no trace of the branch any more: its end is lost.
func (k *logKeeper) setAside() error {
	aside := fmt.Sprintf("%s.before-%d", k.tail.Path, k.joined)
	k.cfg.Logger.Warn().Str("file", k.tail.Path).Str("to", aside).Msg("the log from before the branch lost its data is set aside")
	if err := os.Rename(k.tail.Path, aside); err != nil {
		return err
	}
	k.tail = &trace.Tail{Path: k.tail.Path}
	return nil
}

// inspect reads the end of the log file and refuses one that is not the store's. It changes nothing.
func (k *logKeeper) inspect(s *branch.State) error {
	k.has = s.Seq
	if err := k.lookForSnapshot(); err != nil {
		return err
	}
	if k.cfg.LogFile == "" {
		return nil
	}
	first, err := eventOf(k.cfg.Store, 0)
	if err != nil {
		return err
	}
	sure := s.Seq
	if first != nil {
		sure = first.Seq - 1
	}
	if k.tail, err = trace.ReadTail(k.cfg.LogFile, k.cfg.Branch.Name, sure); err != nil {
		return err
	}
	return k.compare(s, sure)
}

func (k *logKeeper) compare(s *branch.State, sure uint64) error {
	t, begun := k.tail, k.cfg.Store.Incarnation()
	refuse := func(remedy, what string, values ...any) error {
		return &LogError{t.Path, fmt.Sprintf(what, values...), remedy}
	}
	if k.begins() || k.older() {
		return nil
	}
	switch last := &t.Last; {
	case last.Seq > s.Seq:
		return refuse(remedyLogAhead, "it has events up to %d, and the store ends at %d", last.Seq, s.Seq)
	case t.Whole == 0 && begun > 0:
		return refuse(remedyLogOld, "it is empty or missing, and the store has begun %d times and has %d events", begun, s.Seq)
	case last.Seq < sure:
		return refuse(remedyLogOld, "it lacks events %d to %d, which the store has no longer", last.Seq+1, sure)
	case last.Seq == s.Seq && last.Clock != s.Clock:
		return refuse(remedyLogOld, "its event %d has clock %d, and the store says %d", last.Seq, last.Clock, s.Clock)
	case t.Incarnation > 0 && t.Incarnation < begun:
		return refuse(remedyLogOld, "its newest header is of incarnation %d, and the store has begun %d times", t.Incarnation, begun)
	case last.Seq > sure:
		stored, err := eventOf(k.cfg.Store, last.Seq-1)
		if err != nil {
			return err
		}
		if stored == nil || !bytes.Equal(trace.AppendEvent(nil, stored), trace.AppendEvent(nil, last)) {
			return refuse(remedyLogOld, "its event %d is not the store's", last.Seq)
		}
	}
	return nil
}

// begin brings the log file up to the store and begins an incarnation. All of that is on disk before anything is
// recorded.
func (k *logKeeper) begin() error {
	s := k.cfg.Store
	if s == nil {
		return k.header(1)
	}
	incarnation := s.Incarnation() + 1
	if k.tail != nil {
		incarnation = max(incarnation, k.tail.Incarnation+1)
		if k.older() {
			if err := k.setAside(); err != nil {
				return err
			}
		}
		if k.begins() {
			incarnation = max(incarnation, 2) // openings count in the first alone
		}
		if err := k.resume(incarnation); err != nil {
			return err
		}
	}
	if err := s.Logged(k.has); err != nil {
		return err
	}
	if err := s.Begin(incarnation); err != nil {
		return err
	}
	k.written, k.safe = k.has, k.has
	return nil
}

func (k *logKeeper) resume(incarnation uint64) (err error) {
	if cut := k.tail.Size - k.tail.Whole; cut > 0 {
		k.cfg.Logger.Warn().Str("file", k.tail.Path).Int64("bytes", cut).Msg("the log's torn end is cut off and written anew")
	}
	if k.file, err = k.tail.Resume(); err != nil {
		return err
	}
	k.out = k.file
	lacks := func() error { return k.cfg.Store.Events(k.tail.Last.Seq, k.file.Event) }
	begins := func() error { return k.header(incarnation) }
	steps := []func() error{lacks, begins, k.file.Sync}
	if k.begins() {
		steps[0], steps[1] = begins, lacks
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (k *logKeeper) header(incarnation uint64) error {
	if k.out == nil {
		return nil
	}
	h := k.cfg.Branch.Header(incarnation)
	if k.tail != nil && k.begins() {
		h.First = k.joined
	}
	return k.out.Header(&h)
}

// events writes the trace lines of a batch.
func (k *logKeeper) events(all []trace.Event) error {
	if len(all) == 0 {
		return nil
	}
	k.written = all[len(all)-1].Seq
	if k.out == nil {
		k.safe = k.written // nobody wants them
		return nil
	}
	for i := range all {
		if err := k.out.Event(&all[i]); err != nil {
			return err
		}
	}
	if !k.buffered {
		k.buffered = true
		k.flush.Reset(flushAfter)
	}
	if k.file != nil && !k.due {
		k.due = true
		k.sync.Reset(syncAfter)
	}
	return nil
}

// flushed writes what the log's buffer holds.
func (k *logKeeper) flushed() error {
	k.buffered = false
	if k.dead {
		return nil
	}
	return k.out.Flush()
}

// startSync brings what is written to the disk. Nobody waits for that.
func (k *logKeeper) startSync() error {
	if k.dead {
		return nil
	}
	if err := k.file.Flush(); err != nil {
		return err
	}
	k.syncing = k.written
	go func() { k.synced <- k.file.SyncWritten() }()
	return nil
}

func (k *logKeeper) wasSynced(err error) error {
	if err == nil {
		k.safe = k.syncing
	}
	k.syncing, k.due = 0, false
	if err == nil && k.written > k.safe {
		k.due = true
		k.sync.Reset(syncAfter)
	}
	return err
}

// durable returns the seq up to which the store may drop its events.
func (k *logKeeper) durable() uint64 { return k.safe }

// stop waits for the sync under way.
func (k *logKeeper) stop() error {
	k.flush.Stop()
	k.sync.Stop()
	if k.syncing == 0 {
		return nil
	}
	return k.wasSynced(<-k.synced)
}

// end closes the log: the branch was stopped, and all its events are in the log.
func (k *logKeeper) end(end *trace.End) error {
	if err := k.stop(); err != nil {
		return err
	}
	if k.out != nil {
		if err := errors.Join(k.out.End(end), k.out.Flush()); err != nil {
			return err
		}
	}
	if k.file != nil {
		if err := errors.Join(k.file.Sync(), k.file.Close()); err != nil {
			return err
		}
	}
	if k.cfg.Store != nil {
		return k.cfg.Store.Logged(end.Events)
	}
	return nil
}

// abandon leaves the log as it is: the branch has failed. All lines that were handed to it are of stored events.
func (k *logKeeper) abandon(abrupt bool) {
	_ = k.stop() // the failure before says more
	if k.out == nil || abrupt {
		return
	}
	_ = k.out.Flush()
	if k.file != nil {
		_ = k.file.Close()
	}
}
