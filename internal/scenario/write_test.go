package scenario_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
)

// TestWriteAndRead writes random scenarios and reads them back unchanged.
func TestWriteAndRead(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		roundTrip(r, randomScenario(r))
	})
}

func randomScenario(r *rapid.T) *scenario.Scenario {
	id := rapid.IntRange(1, scenario.MaxID)
	amount := rapid.Int64Range(1, scenario.MaxAmount)
	account := rapid.OneOf(rapid.StringMatching(`[\pL\p{Nd}]([-_.\pL\p{Nd}]{0,8}[\pL\p{Nd}])?`),
		rapid.SampledFrom([]string{"main", "true", "null", "no", "y", "1", "0x1f", "1e3", "1.5", "query", "nan", "2024-01-01"}))
	s := &scenario.Scenario{
		Name: rapid.OneOf(rapid.StringMatching(`[!-~]([ -~]{0,20}[!-~])?`), account).Draw(r, "name"),
		Mode: rapid.SampledFrom([]string{scenario.ModeTotal, scenario.ModeCausal}).Draw(r, "mode"),
	}
	opening := rapid.MapOfN(account, rapid.Int64Range(0, scenario.MaxAmount), 2, 5).Draw(r, "opening")
	accounts := slices.Sorted(maps.Keys(opening))
	branches := rapid.SliceOfNDistinct(id, 1, scenario.MaxBranches, rapid.ID).Draw(r, "branches")
	if rapid.Bool().Draw(r, "numbered") {
		for i := range branches {
			branches[i] = i + 1
		}
	}
	for _, b := range branches {
		s.Branches = append(s.Branches, scenario.Branch{ID: b, Opening: maps.Clone(opening)})
	}
	for _, c := range rapid.SliceOfNDistinct(id, 1, 4, rapid.ID).Draw(r, "customers") {
		customer := scenario.Customer{ID: c}
		for i := range rapid.IntRange(0, 5).Draw(r, fmt.Sprintf("steps of %d", c)) {
			st := scenario.Step{ID: i + 1, Op: rapid.SampledFrom([]string{
				scenario.OpQuery, scenario.OpDeposit, scenario.OpWithdraw, scenario.OpTransfer, scenario.OpWait}).Draw(r, "op")}
			if st.Op == scenario.OpWait {
				st.Wait = time.Duration(rapid.Int64Range(1, int64(scenario.MaxWait)).Draw(r, "wait"))
			} else {
				st.Branch = rapid.SampledFrom(branches).Draw(r, "branch")
				two := rapid.Permutation(accounts).Draw(r, "accounts")
				st.Account = two[0]
				if st.Op == scenario.OpTransfer {
					st.ToAccount = two[1]
				}
				if st.Op != scenario.OpQuery {
					st.Amount = amount.Draw(r, "amount")
				}
			}
			customer.Steps = append(customer.Steps, st)
		}
		s.Customers = append(s.Customers, customer)
	}
	return s
}
