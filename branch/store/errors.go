package store

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What the error of a store unwraps to, where a caller may want to branch.
var (
	ErrForeign  = errors.New("not this branch's store")             // of another cluster or branch, or no store at all
	ErrVersion  = errors.New("store of another version")            // written by another version of the program
	ErrLocked   = errors.New("store is in use")                     // by another process, or opened twice
	ErrReadOnly = errors.New("store cannot be written")             // for want of permission
	ErrFull     = errors.New("disk is full")                        // nothing acknowledged is lost
	ErrCorrupt  = errors.New("store is damaged")                    // what is on disk is not what was committed
	ErrFailed   = errors.New("reading or writing the store failed") // any other error of the disk
	ErrClosed   = errors.New("store is closed")
)

// Error says why a store refuses to serve.
type Error struct {
	Kind   error  // one of the sentinels
	Path   string // the file or folder
	What   string // what is wrong with it, with the values
	Remedy string // what to do; "" where Kind says it all
	Err    error  // the cause, nil if there is none
}

func (e *Error) Error() string {
	text := e.Path + ": " + e.Kind.Error()
	if e.What != "" {
		text += ": " + e.What
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap returns the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

const (
	remedyCorrupt = "keep the folder, bring its newest good copy back, or remove it and let the branch join anew from a peer"
	remedyFull    = "make room on the disk and start the branch again; nothing acknowledged is lost"
	remedyWrite   = "give the branch a folder that its user may write to"
	remedyFailed  = "look into the disk and the system's log, then start the branch again"
)

func corrupt(path, what string, err error) *Error {
	return &Error{Kind: ErrCorrupt, Path: path, What: what, Remedy: remedyCorrupt, Err: err}
}

// diskError says what an error of the disk means. An error that is one of this package's already stays as it is.
func diskError(path, what string, err error) error {
	var own *Error
	var number syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case vfs.IsNoSpaceError(err):
		return &Error{Kind: ErrFull, Path: path, What: what, Remedy: remedyFull, Err: err}
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return &Error{Kind: ErrReadOnly, Path: path, What: what, Remedy: remedyWrite, Err: err}
	case pebble.IsCorruptionError(err):
		return corrupt(path, what, err)
	case errors.As(err, &number) && number != syscall.ENOENT:
		return &Error{Kind: ErrFailed, Path: path, What: what, Remedy: remedyFailed, Err: err}
	}
	return corrupt(path, what, err) // the files contradict each other, or one is missing
}
