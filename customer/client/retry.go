package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
)

// Backoff says how long a client waits before it tries again: First, then twice as long each time up to Most, of which
// a half is fixed and a half is random, so that customers that failed together do not come back together.
type Backoff struct {
	First time.Duration // 0 means 50 ms
	Most  time.Duration // 0 means 1 s
}

// before returns the pause before the retry with that number, counted from 1.
func (b Backoff) before(retry int, random *rand.Rand) time.Duration {
	pause := b.First
	for ; retry > 1 && pause < b.Most; retry-- {
		pause *= 2
	}
	pause = min(pause, b.Most)
	return pause - time.Duration(random.Float64()*float64(pause/2))
}

// tour is the order in which a request goes to the branches: to the first twice, as most failures pass, then to the
// others, and round again.
type tour struct {
	ring     []string
	attempts int
}

func newTour(first string, branches []string) *tour {
	i := slices.Index(branches, first)
	return &tour{ring: slices.Concat(branches[i:], branches[:i]), attempts: 1}
}

// next returns where the next attempt goes.
func (t *tour) next() string {
	t.attempts++
	return t.ring[(t.attempts-2)%len(t.ring)]
}

// transient reports whether a request may well end otherwise when it is made again. It goes by the branch's reason where
// there is one, and else by gRPC's code: then the connection failed, or the branch took too long.
func transient(reason string, code codes.Code, retryInfo bool) bool {
	switch reason {
	case "OVERLOADED", "SESSION_BEHIND", "RECOVERING", "OUTCOME_UNKNOWN", "STALE_MESSAGE", "LOG_FAILED":
		return true
	case "":
		return retryInfo || code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.Canceled || code == codes.Aborted
	}
	return code == codes.Unavailable // the branch itself says that it will pass
}

// pause waits, and reports whether there is time left then.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
