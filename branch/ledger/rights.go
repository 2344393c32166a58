package ledger

import (
	"fmt"
	"maps"
	"slices"
)

// Rights says how much each branch may withdraw from each account without asking the others: a bounded counter (V. Balegas
// et al., "Extending Eventually Consistent Cloud Databases for Enforcing Numeric Invariants", SRDS 2015, after the escrow
// method of P. O'Neil, TODS 11(4), 1986). An account's rights add up to its balance. They only change by writes, each of
// which changes them alike at every replica: a deposit adds to its origin's, a withdrawal takes from them, and a grant
// moves some from its origin to another branch. So one number a branch is enough where Balegas et al. merge a matrix.
type Rights struct {
	branches int
	shares   map[string][]int64 // account -> by branch
}

// NewRights splits every opening balance evenly; what is left over goes to the first branches, one minor unit each.
func NewRights(opening map[string]int64, branches int) *Rights {
	r := &Rights{branches: branches, shares: map[string][]int64{}}
	for account, balance := range opening {
		share := make([]int64, branches)
		for i := range share {
			share[i] = balance / int64(branches)
			if int64(i) < balance%int64(branches) {
				share[i]++
			}
		}
		r.shares[account] = share
	}
	return r
}

// Of returns what a branch may withdraw from an account.
func (r *Rights) Of(account string, branch int) int64 {
	if share := r.shares[account]; share != nil {
		return share[branch]
	}
	return 0
}

// Set makes the rights of a branch what they were once. The account must be one of the opening.
func (r *Rights) Set(account string, branch int, amount int64) error {
	share := r.shares[account]
	if share == nil {
		return fmt.Errorf("rights: %w: %q", ErrAccount, account)
	}
	share[branch] = amount
	return nil
}

// Add changes the rights of a branch, as a write says that was decided at its origin, and returns them.
func (r *Rights) Add(account string, branch int, change int64) int64 {
	share := r.shares[account]
	if share == nil {
		return 0
	}
	share[branch] += change
	return share[branch]
}

// Accounts returns all accounts in rising order of name.
func (r *Rights) Accounts() []string { return slices.Sorted(maps.Keys(r.shares)) }
