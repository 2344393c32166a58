package ledger

import (
	"testing"

	"pgregory.net/rapid"
)

// TestRightsAddUpToTheBalance applies random writes that their origins' rights cover, in any order that rights allow.
func TestRightsAddUpToTheBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "branches")
		opening := map[string]int64{"main": rapid.Int64Range(0, 1000).Draw(t, "opening")}
		r, l := NewRights(opening, n), mustNew(t, opening)
		for range rapid.IntRange(0, 50).Draw(t, "writes") {
			b, to := rapid.IntRange(0, n-1).Draw(t, "branch"), rapid.IntRange(0, n-1).Draw(t, "to")
			amount := rapid.Int64Range(1, 300).Draw(t, "amount")
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				l.Add("main", amount)
				r.Add("main", b, amount)
			case 1:
				if r.Of("main", b) >= amount {
					l.Add("main", -amount)
					r.Add("main", b, -amount)
				}
			case 2:
				amount = min(amount, r.Of("main", b))
				r.Add("main", b, -amount)
				r.Add("main", to, amount)
			}
			sum := int64(0)
			for i := range n {
				if r.Of("main", i) < 0 {
					t.Fatalf("branch %d has rights %d", i, r.Of("main", i))
				}
				sum += r.Of("main", i)
			}
			if balance, _ := l.Balance("main"); balance != sum || balance < 0 {
				t.Fatalf("rights add up to %d, the balance is %d", sum, balance)
			}
		}
	})
}

func mustNew(t *rapid.T, opening map[string]int64) *Ledger {
	l, err := New(opening)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
