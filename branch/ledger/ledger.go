// Package ledger is the money of the bank: named accounts with balances in int64 minor units and checked arithmetic.
// It is pure: the same calls on the same ledger give the same results at every replica.
package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const (
	// MaxAmount is the largest amount of one operation and of one opening balance, in minor units.
	MaxAmount int64 = 1 << 53
	// MaxBalance is the largest balance, in minor units. An operation that would pass it is not done.
	MaxBalance int64 = 1 << 62
)

// Why an operation was not done. The ledger is then unchanged.
var (
	ErrAmount       = errors.New("amount is not from 1 to 2^53")
	ErrAccount      = errors.New("no such account")
	ErrSameAccount  = errors.New("a transfer needs two different accounts")
	ErrInsufficient = errors.New("balance does not cover the amount")
	ErrLimit        = errors.New("balance would pass 2^62")
)

// Account is one account and its balance in minor units.
type Account struct {
	Name    string
	Balance int64
}

// Ledger holds the accounts of one replica. It is not safe for concurrent use.
type Ledger struct {
	balances map[string]int64
}

// New returns a ledger that holds the given accounts. Openings must lie in 0..MaxAmount and names must not be empty.
func New(opening map[string]int64) (*Ledger, error) {
	for _, name := range slices.Sorted(maps.Keys(opening)) {
		if name == "" {
			return nil, fmt.Errorf("opening: an account has no name")
		}
		if b := opening[name]; b < 0 || b > MaxAmount {
			return nil, fmt.Errorf("opening: account %q has %d, which is not from 0 to 2^53", name, b)
		}
	}
	return &Ledger{balances: maps.Clone(opening)}, nil
}

// Restore returns a ledger that holds the given accounts as they were once. Balances must lie in 0..MaxBalance.
func Restore(balances map[string]int64) (*Ledger, error) {
	for _, name := range slices.Sorted(maps.Keys(balances)) {
		if b := balances[name]; b < 0 || b > MaxBalance {
			return nil, fmt.Errorf("account %q has %d, which is not from 0 to 2^62", name, b)
		}
	}
	return &Ledger{balances: maps.Clone(balances)}, nil
}

// Balance returns the balance of an account, or ErrAccount.
func (l *Ledger) Balance(account string) (int64, error) {
	b, ok := l.balances[account]
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrAccount, account)
	}
	return b, nil
}

// Accounts returns all accounts in rising order of name.
func (l *Ledger) Accounts() []Account {
	all := make([]Account, 0, len(l.balances))
	for name, b := range l.balances {
		all = append(all, Account{name, b})
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Deposit adds amount to an account and returns its new balance.
func (l *Ledger) Deposit(account string, amount int64) (int64, error) {
	b, err := l.check(account, amount)
	if err != nil {
		return b, err
	}
	if b > MaxBalance-amount {
		return b, ErrLimit
	}
	l.balances[account] = b + amount
	return b + amount, nil
}

// Withdraw takes amount from an account and returns its new balance, or its old one with the error.
func (l *Ledger) Withdraw(account string, amount int64) (int64, error) {
	b, err := l.check(account, amount)
	if err != nil {
		return b, err
	}
	if b < amount {
		return b, ErrInsufficient
	}
	l.balances[account] = b - amount
	return b - amount, nil
}

// Transfer moves amount from one account to another and returns both new balances, or the old ones with the error.
func (l *Ledger) Transfer(from, to string, amount int64) (fromBalance, toBalance int64, err error) {
	f, err := l.Balance(from)
	if err != nil {
		return 0, 0, err
	}
	t, err := l.check(to, amount)
	switch {
	case err != nil:
		return f, t, err
	case from == to:
		return f, t, ErrSameAccount
	case f < amount:
		return f, t, ErrInsufficient
	case t > MaxBalance-amount:
		return f, t, ErrLimit
	}
	l.balances[from], l.balances[to] = f-amount, t+amount
	return f - amount, t + amount, nil
}

// Add changes a balance as a write says that was decided elsewhere, and returns it. Nothing is checked: it is for whoever
// decided.
func (l *Ledger) Add(account string, change int64) int64 {
	l.balances[account] += change
	return l.balances[account]
}

func (l *Ledger) check(account string, amount int64) (int64, error) {
	b, err := l.Balance(account)
	if err == nil && (amount < 1 || amount > MaxAmount) {
		err = ErrAmount
	}
	return b, err
}
