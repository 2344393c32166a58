package client

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestBackoffDoublesUpToItsMost(t *testing.T) {
	b, random := Backoff{First: 40 * time.Millisecond, Most: time.Second}, rand.New(rand.NewPCG(3, 4))
	seen := map[time.Duration]bool{}
	for retry := 1; retry <= 200; retry++ {
		whole := min(40*time.Millisecond<<min(retry-1, 10), time.Second)
		got := b.before(retry, random)
		if got < whole/2 || got > whole {
			t.Errorf("before retry %d: %v, want from %v to %v", retry, got, whole/2, whole)
		}
		seen[got] = true
	}
	if len(seen) < 190 {
		t.Errorf("only %d different pauses of 200", len(seen))
	}
	if again := b.before(5, rand.New(rand.NewPCG(3, 4))); again != b.before(5, rand.New(rand.NewPCG(3, 4))) {
		t.Error("the same seed gives another pause")
	}
}
