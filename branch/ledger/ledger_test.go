package ledger

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestAgainstBigInt holds the ledger against one that cannot overflow.
func TestAgainstBigInt(t *testing.T) {
	names := []string{"main", "savings", "absent"}
	rapid.Check(t, func(t *rapid.T) {
		opening := map[string]int64{
			"main":    rapid.Int64Range(0, MaxAmount).Draw(t, "main"),
			"savings": rapid.Int64Range(0, 1000).Draw(t, "savings"),
		}
		l, err := New(opening)
		if err != nil {
			t.Fatal(err)
		}
		twin := map[string]*big.Int{}
		for name, b := range opening {
			twin[name] = big.NewInt(b)
			if rapid.Bool().Draw(t, "rich") {
				l.balances[name] = MaxBalance - b
				twin[name] = big.NewInt(MaxBalance - b)
			}
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			from := rapid.SampledFrom(names).Draw(t, "from")
			to := rapid.SampledFrom(names).Draw(t, "to")
			amount := rapid.OneOf(rapid.Int64Range(1, 2000), rapid.Int64()).Draw(t, "amount")
			var got error
			takes, gives := "", ""
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				gives = from
				_, got = l.Deposit(from, amount)
			case 1:
				takes = from
				_, got = l.Withdraw(from, amount)
			default:
				takes, gives = from, to
				_, _, got = l.Transfer(from, to, amount)
			}
			if want := apply(twin, takes, gives, amount); !errors.Is(got, want) {
				t.Fatalf("take %d from %q, give to %q: %v, want %v", amount, takes, gives, got, want)
			}
			for name, b := range twin {
				if have, err := l.Balance(name); err != nil || big.NewInt(have).Cmp(b) != 0 {
					t.Fatalf("%q has %d (%v), want %v", name, have, err, b)
				}
			}
		}
	})
}

// apply moves amount in the twin, or says why it must not.
func apply(twin map[string]*big.Int, takes, gives string, amount int64) error {
	for _, name := range []string{takes, gives} {
		if name != "" && twin[name] == nil {
			return ErrAccount
		}
	}
	a := big.NewInt(amount)
	switch {
	case amount < 1 || amount > MaxAmount:
		return ErrAmount
	case takes == gives:
		return ErrSameAccount
	case takes != "" && twin[takes].Cmp(a) < 0:
		return ErrInsufficient
	case gives != "" && new(big.Int).Add(twin[gives], a).Cmp(big.NewInt(MaxBalance)) > 0:
		return ErrLimit
	}
	if takes != "" {
		twin[takes] = new(big.Int).Sub(twin[takes], a)
	}
	if gives != "" {
		twin[gives] = new(big.Int).Add(twin[gives], a)
	}
	return nil
}

func TestNewRefuses(t *testing.T) {
	for _, opening := range []map[string]int64{{"": 1}, {"main": -1}, {"main": MaxAmount + 1}} {
		if _, err := New(opening); err == nil {
			t.Errorf("%v was taken", opening)
		}
	}
}

func TestAccountsInOrder(t *testing.T) {
	l, err := New(map[string]int64{"b": 2, "a": 1, "c": 3})
	if err != nil {
		t.Fatal(err)
	}
	all := l.Accounts()
	if len(all) != 3 || all[0] != (Account{"a", 1}) || all[2] != (Account{"c", 3}) {
		t.Errorf("accounts %v", all)
	}
}
