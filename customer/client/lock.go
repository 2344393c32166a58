package client

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// errLocked says that another program holds a lock.
var errLocked = errors.New("locked")

// LockedError says that another program has a session file open.
type LockedError struct {
	Path   string // of the session file
	Holder string // "process 17 on host", "" where it left no word
}

// Error names the file and who has it.
func (e *LockedError) Error() string {
	holder := e.Holder
	if holder == "" {
		holder = "another process"
	}
	return fmt.Sprintf("session file %s: %s has it open; wait until it has ended, or give each program a session of its own", e.Path, holder)
}

// lockFile locks the session file at path for this program, by a file of its own beside it: the session file itself is
// replaced whenever it is saved. The lock goes with the program, however that ends; its file stays.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		if errors.Is(err, errLocked) {
			text, _ := io.ReadAll(io.LimitReader(f, 1<<10))
			err = &LockedError{Path: path, Holder: strings.TrimSpace(string(text))}
		} else {
			err = fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return nil, errors.Join(err, f.Close())
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	holder := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := errors.Join(f.Truncate(0), writeAt(f, holder)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
