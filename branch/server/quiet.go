package server

import (
	"strings"
	"sync"
)

// maxSaid is how many different faults are remembered; then all are forgotten, and may be said once more.
const maxSaid = 256

// quiet keeps faults that go on and on from filling the program's log: each is said once about a thing, until that works
// again. Faults that differ in their numbers alone are the same.
type quiet struct {
	mu   sync.Mutex
	said map[[2]string]bool
}

// news reports whether the error was not yet said about the thing.
func (q *quiet) news(about string, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	name := false // within the number of a process, as in branch-12
	fault := [2]string{about, strings.Map(func(r rune) rune {
		digit := '0' <= r && r <= '9'
		name = r == '-' || name && digit
		if digit && !name {
			return -1
		}
		return r
	}, err.Error())}
	if q.said[fault] {
		return false
	}
	if q.said == nil || len(q.said) >= maxSaid {
		q.said = map[[2]string]bool{}
	}
	q.said[fault] = true
	return true
}

// well forgets what was said about a thing: it works again.
func (q *quiet) well(about string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for fault := range q.said {
		if fault[0] == about {
			delete(q.said, fault)
		}
	}
}
