package clock

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Entry says that a vector covers 1..N of Process.
type Entry struct {
	Process string
	N       uint64
}

// Vector maps processes to counts: as a version vector, origin -> n of the gap-free prefix of its writes (Parker et
// al. 1983); as a vector clock, process -> number of its events in the past (Fidge 1988, Mattern 1988). Entries stand
// in rising bytewise order of Process and none has N = 0, so equal vectors are equal slices. The zero value is empty.
type Vector []Entry

func (v Vector) find(process string) (int, bool) {
	return slices.BinarySearchFunc(v, process, func(e Entry, p string) int { return cmp.Compare(e.Process, p) })
}

// Get returns the count of process, 0 where the vector has none.
func (v Vector) Get(process string) uint64 {
	if i, ok := v.find(process); ok {
		return v[i].N
	}
	return 0
}

// Set returns the vector with process at n. It may change v in place, as append does.
func (v Vector) Set(process string, n uint64) Vector {
	i, ok := v.find(process)
	switch {
	case ok && n == 0:
		return slices.Delete(v, i, i+1)
	case ok:
		v[i].N = n
		return v
	case n == 0:
		return v
	}
	return slices.Insert(v, i, Entry{process, n})
}

// Merge returns the least vector that covers v and u. It may change v in place, as append does.
func (v Vector) Merge(u Vector) Vector {
	for _, e := range u {
		if e.N > v.Get(e.Process) {
			v = v.Set(e.Process, e.N)
		}
	}
	return v
}

// Covers reports whether v has at least u's count for every process.
func (v Vector) Covers(u Vector) bool {
	i := 0
	for _, e := range u {
		for i < len(v) && v[i].Process != e.Process {
			i++
		}
		if i == len(v) || v[i].N < e.N {
			return false
		}
	}
	return true
}

// Equal reports whether v and u have the same counts.
func (v Vector) Equal(u Vector) bool { return slices.Equal(v, u) }

// Concurrent reports whether neither vector covers the other.
func (v Vector) Concurrent(u Vector) bool { return !v.Covers(u) && !u.Covers(v) }

// Clone returns a copy that shares nothing with v.
func (v Vector) Clone() Vector { return slices.Clone(v) }

// String writes the vector as {a:1 b:2}.
func (v Vector) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, e := range v {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Process)
		b.WriteByte(':')
		b.WriteString(strconv.FormatUint(e.N, 10))
	}
	b.WriteByte('}')
	return b.String()
}
