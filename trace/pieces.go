package trace

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// piece is what the name of a log's file says.
type piece struct {
	process string
	number  uint64 // 0 where it has none
	dotted  bool   // the number may as well be the end of the process's name
	name    string // with the number in it, where it is
}

// IsLog reports whether a file of that name is taken for a log where it lies in a trace folder: it ends as an [Encoding]
// is called, or so with a number behind jsonl or binpb, as log rotation leaves it.
func IsLog(name string) bool {
	_, _, ok := cutSuffix(name)
	return ok
}

// cutSuffix takes .jsonl or .binpb off the name of a log, and what stands behind it: a compression, and a number.
func cutSuffix(name string) (bare string, number uint64, ok bool) {
	bare = strings.TrimSuffix(strings.TrimSuffix(name, ".zst"), ".gz")
	if rest, n, is := cutNumber(bare); is {
		bare, number = rest, n
	}
	for _, suffix := range [...]string{".jsonl", ".binpb"} {
		if rest, is := strings.CutSuffix(bare, suffix); is && rest != "" {
			return rest, number, true
		}
	}
	return name, 0, false
}

// cutNumber takes a dot and a number from 1 off the end of a name.
func cutNumber(name string) (rest string, number uint64, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 {
		return name, 0, false
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 64)
	if err != nil || n == 0 || name[i+1] == '+' {
		return name, 0, false
	}
	return name[:i], n, true
}

// splitName reads the name of a log's file. Numbers of four digits and more are those of pieces. A shorter one may be, so
// whoever needs to know looks into the file.
func splitName(name string) piece {
	bare, number, _ := cutSuffix(name)
	if number > 0 {
		return piece{process: unescape(bare), number: number}
	}
	rest, number, ok := cutNumber(bare)
	switch {
	case !ok:
		return piece{process: unescape(bare)}
	case len(bare)-len(rest) > 4:
		return piece{process: unescape(rest), number: number}
	}
	return piece{process: unescape(rest), number: number, dotted: true, name: unescape(bare)}
}

func unescape(name string) string {
	if process, err := url.PathUnescape(name); err == nil && process != "" {
		return process
	}
	return name
}

// pieceOf returns what a file is by its name and, where that leaves it open, by the process that its first record is of.
func pieceOf(path string) piece {
	p := splitName(filepath.Base(path))
	if !p.dotted {
		return p
	}
	if process, _ := firstEvent(path); process == p.process {
		return p
	}
	return piece{process: p.name}
}

// mostSkimmed is how many records of a piece are read to find an event.
const mostSkimmed = 1000

// firstEvent returns the process of a file's first record, and the seq of its first event; nothing where they cannot be
// found. It does not touch what can be read only once.
func firstEvent(path string) (process string, seq uint64) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "", 0
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0
	}
	defer f.Close()
	r := NewReader(f, path)
	for n := 0; n < mostSkimmed && r.Scan(); n++ {
		switch rec := r.Record().(type) {
		case *Header:
			process = cmp.Or(process, rec.Process)
		case *End:
			process = cmp.Or(process, rec.Process)
		case *Event:
			return cmp.Or(process, rec.Process), rec.Seq
		}
	}
	return process, 0
}

// orderPieces sorts the files of one log: by the seq of the first event of each, and where one has no event behind the
// one that its number follows. Where they begin with different processes, so that their numbers do not compare, the
// order is that of the names.
func orderPieces(files []string) error {
	if len(files) == 1 {
		return nil
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Or(comparePieces(a, b), cmp.Compare(a, b)) })
	for i := 1; i < len(files); i++ {
		if comparePieces(files[i-1], files[i]) == 0 {
			return &CopiesError{files[i-1], files[i]}
		}
	}
	type begun struct {
		file string
		seq  uint64
	}
	all := make([]begun, len(files))
	of := ""
	for i, file := range files {
		process, seq := firstEvent(file)
		if process != "" && of != "" && process != of {
			return nil
		}
		of = cmp.Or(of, process)
		if seq == 0 && i > 0 {
			seq = all[i-1].seq
		}
		all[i] = begun{file, seq}
	}
	slices.SortStableFunc(all, func(a, b begun) int { return cmp.Compare(a.seq, b.seq) })
	for i := range all {
		files[i] = all[i].file
	}
	return nil
}

// comparePieces orders the files of one log by their numbers, the one without number, which is still written, last.
func comparePieces(a, b string) int {
	m, n := splitName(filepath.Base(a)).number, splitName(filepath.Base(b)).number
	return cmp.Compare(m-1, n-1) // 0-1 is the largest
}

// fileName returns the name of the file that a process's log has in a trace folder: bytes that file systems or pieces
// give a meaning to are percent-escaped.
func fileName(process string, enc Encoding) string {
	return strings.NewReplacer(".", "%2E", ":", "%3A").Replace(url.PathEscape(process)) + "." + enc.String()
}

func logPath(dir, process string, enc Encoding) string {
	return filepath.Join(dir, fileName(process, enc))
}

// Rename returns the name that a log's file gets in another encoding: what its name says of process and piece stays.
func (e Encoding) Rename(file string) string {
	dir, name := filepath.Split(file)
	bare, number, _ := cutSuffix(name)
	if number > 0 { // as log rotation leaves it
		bare += fmt.Sprintf(".%04d", number)
	}
	return dir + bare + "." + e.String()
}
