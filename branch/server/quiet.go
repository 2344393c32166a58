package server

import "sync"

// quiet keeps a fault that goes on and on from filling the program's log: what is said about something is said once,
// and again when another fault came between.
type quiet struct {
	mu   sync.Mutex
	last map[string]string
}

// news reports whether the error is not the one that was said last about the same thing.
func (q *quiet) news(about string, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last == nil {
		q.last = map[string]string{}
	}
	text := err.Error()
	if q.last[about] == text {
		return false
	}
	q.last[about] = text
	return true
}

// well forgets what was said about something: it works again.
func (q *quiet) well(about string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.last, about)
}
