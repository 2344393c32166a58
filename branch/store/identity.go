package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Identity says whose store it is.
type Identity struct {
	Cluster     [32]byte // branch.Config.ClusterHash
	ClusterText string   // the same in words
	Branch      string
}

// format is the version of the folder and of the keys in it.
const format = "bank-trace-store/1"

const (
	identityFile = "STORE"
	commitsFile  = "COMMITS"
	lockFile     = "LOCK"
	dataFolder   = "db"
)

// claim is what the file STORE says.
type claim struct {
	format  string
	id      Identity
	commits uint64 // that the store has at the least
}

const claimForm = "%s\nbranch %q\ncluster %s\ntext %q\ncommits %d\n"

func (c *claim) encode() []byte {
	text := fmt.Appendf(nil, claimForm, c.format, c.id.Branch, hex.EncodeToString(c.id.Cluster[:]), c.id.ClusterText, c.commits)
	return fmt.Appendf(text, "crc %08x\n", crc32.ChecksumIEEE(text))
}

var errClaim = errors.New("it is not as the store wrote it")

// decodeClaim reads the file STORE. Of one that another version has written only the format is known.
func decodeClaim(data []byte) (claim, error) {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if c := (claim{format: string(first)}); c.format != format && bytes.HasPrefix(first, []byte("bank-trace-store/")) && sealed(data) {
		return c, nil
	}
	var c claim
	var cluster string
	if _, err := fmt.Sscanf(string(data), claimForm, &c.format, &c.id.Branch, &cluster, &c.id.ClusterText, &c.commits); err != nil {
		return claim{}, errClaim
	}
	if n, err := hex.Decode(c.id.Cluster[:], []byte(cluster[:min(len(cluster), 64)])); err != nil || n != 32 || !bytes.Equal(c.encode(), data) {
		return claim{}, errClaim
	}
	return c, nil
}

// sealed reports whether the last line of data has the checksum of what comes before it.
func sealed(data []byte) bool {
	i := bytes.LastIndex(data, []byte("crc "))
	return i > 0 && string(data[i:]) == fmt.Sprintf("crc %08x\n", crc32.ChecksumIEEE(data[:i]))
}

// check compares a claim with who opens the store.
func (c *claim) check(path string, want Identity) error {
	switch {
	case c.format != format:
		return &Error{Kind: ErrVersion, Path: path, What: fmt.Sprintf("it has format %s, this program writes %s", c.format, format),
			Remedy: "open it with the version of bank-trace that wrote it"}
	case c.id.Cluster != want.Cluster:
		return &Error{Kind: ErrForeign, Path: path,
			What:   fmt.Sprintf("it belongs to the cluster %q, this is %q", c.id.ClusterText, want.ClusterText),
			Remedy: "give the branch the folder of its own cluster, or an empty one"}
	case c.id.Branch != want.Branch:
		return &Error{Kind: ErrForeign, Path: path, What: fmt.Sprintf("it belongs to branch %q, this is %q", c.id.Branch, want.Branch),
			Remedy: "give every branch a folder of its own"}
	}
	return nil
}

// readClaim reads the file STORE of a folder; nil if the folder is empty or does not exist.
func readClaim(files vfs.FS, dir string) (*claim, error) {
	path := files.PathJoin(dir, identityFile)
	data, err := readFile(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, checkEmpty(files, dir)
	}
	if err != nil {
		return nil, diskError(path, "it cannot be read", err)
	}
	c, err := decodeClaim(data)
	if err != nil {
		return nil, corrupt(path, "", err)
	}
	return &c, nil
}

// checkEmpty refuses a folder with files in it that are not left over from the making of a store.
func checkEmpty(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diskError(dir, "the folder cannot be read", err)
	}
	for _, name := range names {
		if name != lockFile && name != identityFile+".new" {
			return &Error{Kind: ErrForeign, Path: dir, What: fmt.Sprintf("the folder holds %q and no file %s", name, identityFile),
				Remedy: "give the branch an empty folder, or the one that it had"}
		}
	}
	return nil
}

// writeClaim replaces the file STORE in one step.
func writeClaim(files vfs.FS, dir string, c *claim) error {
	path := files.PathJoin(dir, identityFile)
	if err := writeFile(files, path+".new", c.encode()); err != nil {
		return diskError(path, "it cannot be written", err)
	}
	if err := files.Rename(path+".new", path); err != nil {
		return diskError(path, "it cannot be replaced", err)
	}
	return syncFolder(files, dir)
}

func readFile(files vfs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return data, errors.Join(err, f.Close())
}

func writeFile(files vfs.FS, path string, data []byte) error {
	f, err := files.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncFolder(files vfs.FS, dir string) error {
	f, err := files.OpenDir(dir)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	return diskError(dir, "the folder cannot be synced", err)
}
