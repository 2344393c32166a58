package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rs/zerolog"
)

// Options are what a store on disk may be given. The zero value is good for a branch.
type Options struct {
	FS  vfs.FS         // nil means the operating system's
	Log zerolog.Logger // for what the key-value store tells; the zero value is silent
}

// Sizes in bytes, and counts. A branch's live state is small: what counts is that the store takes little memory, and that
// commits seldom wait for anything but their sync.
const (
	cacheSize    = 16 << 20
	memTableSize = 8 << 20
	memTables    = 8  // beyond which a commit waits for the oldest to be written out
	sublevels    = 32 // of the first level, beyond which a commit waits for their compaction
)

// Pebble is a Store on disk. One goroutine at a time uses it, but Size may be called by any until Close.
type Pebble struct {
	dir   string
	disk  *disk
	lock  io.Closer
	db    *pebble.DB
	claim claim

	position    position
	incarnation uint64
	records     map[string]uint64 // live records outside e, m and p -> digest
	kept, swept map[string]uint64 // by origin: writes at or below are needed no longer; are deleted
	sweptEvents uint64            // blocks up to this seq are deleted

	stage  map[string]span // records that the commit under way sets
	values []byte          // their values
	key    []byte
	block  []byte

	commits vfs.File    // the file COMMITS
	flushed atomic.Bool // a memtable was written out since STORE was written
}

// span is a piece of Pebble.values.
type span struct{ from, to int }

var _ Store = (*Pebble)(nil)

// Open opens the store in the folder dir, or makes one if the folder is empty or does not exist. The error is an *Error:
// of kind ErrForeign, ErrVersion, ErrLocked, ErrReadOnly, ErrFull, ErrCorrupt or ErrFailed.
func Open(dir string, id Identity, opts Options) (_ *Pebble, err error) {
	files := opts.FS
	if files == nil {
		files = vfs.Default
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, diskError(dir, "", err)
		}
	}
	p := &Pebble{dir: dir, disk: &disk{files, newFuse()}, stage: map[string]span{}}
	if _, err := readClaim(p.disk, dir); err != nil { // before anything in the folder is touched
		return nil, err
	}
	if err := p.takeLock(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.lock.Close() // the first error says it all
		}
	}()
	claimed, err := readClaim(p.disk, dir) // again: another process may have made it meanwhile
	if err != nil {
		return nil, err
	}
	if claimed == nil {
		claimed = &claim{format: format, id: id}
		if err := errors.Join(writeClaim(p.disk, dir, claimed), p.failure(dir, "", nil)); err != nil {
			return nil, p.failure(dir, "", err)
		}
	}
	p.claim = *claimed
	if err := p.claim.check(files.PathJoin(dir, identityFile), id); err != nil {
		return nil, err
	}
	if err := p.openData(opts.Log); err != nil {
		return nil, err
	}
	return p, nil
}

// takeLock makes the folder and locks it.
func (p *Pebble) takeLock() error {
	if err := p.failure(p.dir, "", p.disk.MkdirAll(p.dir, 0o755)); err != nil {
		return err
	}
	// Any folder above may be as new. One that cannot be synced was there before, as far as a branch can tell.
	for dir := p.dir; dir != p.disk.PathDir(dir); {
		dir = p.disk.PathDir(dir)
		if f, err := p.disk.FS.OpenDir(dir); err == nil {
			_ = errors.Join(f.Sync(), f.Close())
		}
	}
	path := p.disk.PathJoin(p.dir, lockFile)
	lock, err := p.disk.Lock(path)
	switch {
	case err == nil:
		p.lock = lock
		return nil
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || vfs.IsNoSpaceError(err):
		return diskError(path, "it cannot be locked", err)
	}
	return &Error{Kind: ErrLocked, Path: path, Remedy: "stop the other process, or give this branch a folder of its own", Err: err}
}

// openData opens the key-value store, checks all that is in it, and says in STORE how far it has come.
func (p *Pebble) openData(log zerolog.Logger) (err error) {
	path := p.disk.PathJoin(p.dir, dataFolder)
	defer p.recovered(path, &err)
	if p.db, err = pebble.Open(path, p.options(log)); err != nil {
		return p.failure(path, "it cannot be opened", err)
	}
	defer func() {
		if err != nil {
			err = p.failure(path, "", err)
			_ = p.db.Close() // it says the same again
		}
	}()
	if err := p.checkMeta(path); err != nil {
		return err
	}
	if err := p.restore(); err != nil {
		return err
	}
	if least := max(p.claim.commits, p.readCommits()); p.position.commits < least {
		return corrupt(path, fmt.Sprintf("the newest commit found is %d, and %d were made at the least", p.position.commits, least), nil)
	}
	commits := p.disk.PathJoin(p.dir, commitsFile)
	if p.commits, err = p.disk.Create(commits, vfs.WriteCategoryUnspecified); err != nil {
		return diskError(commits, "it cannot be created", err)
	}
	if err := p.writeWitness(); err != nil {
		return errors.Join(err, p.commits.Close())
	}
	return p.failure(p.dir, "", nil)
}

// recovered turns a panic over damaged files into an error.
func (p *Pebble) recovered(path string, err *error) {
	if r := recover(); r != nil {
		*err = p.failure(path, "", fmt.Errorf("%v", r))
	}
}

// failure returns the error with which the disk first failed, or else what err means.
func (p *Pebble) failure(path, what string, err error) error {
	if blown := p.disk.fuse.blown(); blown != nil {
		return diskError(path, what, blown)
	}
	return diskError(path, what, err)
}

func (p *Pebble) options(log zerolog.Logger) *pebble.Options {
	o := &pebble.Options{
		FS:                          p.disk,
		FormatMajorVersion:          pebble.FormatWALSyncChunks, // damage within the log is told from a torn tail
		Logger:                      &logger{log, p.disk.fuse},
		CacheSize:                   cacheSize,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
		L0StopWritesThreshold:       sublevels,
		MaxOpenFiles:                256,
	}
	o.EventListener = &pebble.EventListener{
		FlushEnd: func(pebble.FlushInfo) { p.flushed.Store(true) },
		BackgroundError: func(err error) {
			if p.disk.fuse.blown() == nil { // once is enough: pebble tries again and again
				log.Error().Err(err).Msg("store")
			}
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			p.disk.fuse.blow(corrupt(i.Path, "", i.Details))
		},
	}
	return o
}

// checkMeta compares whose data it is with STORE, or says so in data that is new.
func (p *Pebble) checkMeta(path string) error {
	meta := map[string][]byte{
		"format": []byte(format), "branch": []byte(p.claim.id.Branch),
		"cluster": p.claim.id.Cluster[:], "text": []byte(p.claim.id.ClusterText),
	}
	found := 0
	for name, want := range meta {
		value, closer, err := p.db.Get(appendName(nil, tableMeta, name))
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		found++
		same := string(value) == string(want)
		got := string(value)
		if err := closer.Close(); err != nil {
			return err
		}
		if !same {
			return &Error{Kind: ErrForeign, Path: path, What: fmt.Sprintf("its %s is %q, and %s says %q", name, got, identityFile, want),
				Remedy: "put the files of one store back together"}
		}
	}
	if found == len(meta) {
		return nil
	}
	if found > 0 || p.claim.commits > 0 {
		return corrupt(path, fmt.Sprintf("%d of %d records of whose data it is are missing", len(meta)-found, len(meta)), nil)
	}
	batch := p.db.NewBatch()
	for name, value := range meta {
		if err := batch.Set(appendName(nil, tableMeta, name), value, nil); err != nil {
			return errors.Join(err, batch.Close())
		}
	}
	return p.apply(batch)
}

// readCommits returns how many commits the file COMMITS says there are, 0 if it says nothing that makes sense: it is not
// synced.
func (p *Pebble) readCommits() uint64 {
	data, err := readFile(p.disk, p.disk.PathJoin(p.dir, commitsFile))
	in := parser{rest: data}
	n, sum := in.fixed(), in.fixed()
	if err != nil || in.end() != nil || sum != digest(commitsFile, data[:8]) {
		return 0
	}
	return n
}

// logger passes on what the key-value store tells. What it calls fatal ends the store, not the process.
type logger struct {
	log  zerolog.Logger
	fuse *fuse
}

// Infof is for pebble.Logger.
func (l *logger) Infof(format string, args ...any) { l.log.Debug().Msgf(format, args...) }

// Errorf is for pebble.Logger.
func (l *logger) Errorf(format string, args ...any) { l.log.Error().Msgf(format, args...) }

// Fatalf is for pebble.Logger.
func (l *logger) Fatalf(format string, args ...any) {
	var cause error
	for _, a := range args {
		if err, ok := a.(error); ok {
			cause = err
		}
	}
	if cause == nil {
		cause = fmt.Errorf(format, args...)
	}
	l.log.Error().Msgf(format, args...)
	l.fuse.blow(cause)
}

// Size returns the bytes that the key-value store takes on disk, its write-ahead log included.
func (p *Pebble) Size() uint64 { return p.db.Metrics().DiskSpaceUsage() }

// Incarnation implements Store.
func (p *Pebble) Incarnation() uint64 { return p.incarnation }

// Begin implements Store.
func (p *Pebble) Begin(incarnation uint64) error {
	if err := checkIncarnation(p.incarnation, incarnation); err != nil {
		return err
	}
	p.begin()
	p.set([]byte{tableIncarnation}, func(dst []byte) []byte { return binary.AppendUvarint(dst, incarnation) })
	if err := p.commit(nil); err != nil {
		return err
	}
	p.incarnation = incarnation
	return nil
}
