package archtest

// anything lets a package import every package of the module.
const anything = "..."

// row says what one package of the module may import. Paths are relative to the module.
type row struct {
	// may lists the module's packages that files other than tests may import. Tests may import more, see checkTests.
	may []string
	// oneFile names a package of may that a single file may import, so that the rest of the package can do without it.
	oneFile string
	// bank marks a package that knows the bank. What is not of the bank never imports what is, not even in tests.
	bank bool
	// never lists packages, the module's or others, that no file but tests may import; what lies below them is meant too.
	never []string
	// noGo forbids go statements outside tests.
	noGo bool
}

// table has a row for every package of the module. A row without a folder is a package that is still to come.
func table() map[string]row {
	// A state machine that reads no clock, socket or file gives the same effects for the same inputs, whichever shell drives it.
	// The checker may speak of durations; it reads logs through trace and never opens one itself.
	pureButTime := []string{
		"net", "os", "io/fs", "syscall", "math/rand", "crypto/rand", "sync", "log", "google.golang.org/grpc",
	}
	pure := append([]string{"time"}, pureButTime...)

	return map[string]row{
		"pb/bank/v1":  {bank: true},
		"pb/trace/v1": {},

		"clock": {never: pure, noGo: true},

		"trace":                 {may: []string{"clock", "pb/trace/v1"}, oneFile: "pb/trace/v1"},
		"trace/causal":          {may: []string{"trace", "clock"}},
		"trace/check":           {may: []string{"trace", "clock", "trace/causal"}, never: pureButTime, noGo: true},
		"trace/check/checktest": {may: []string{"trace", "clock"}},
		"trace/mutate":          {may: []string{"trace", "clock", "trace/causal", "trace/check"}},
		"trace/diagram":         {may: []string{"trace", "clock", "trace/causal", "trace/check"}},
		"trace/viewer":          {may: []string{"trace", "clock", "trace/causal", "trace/check", "trace/diagram"}},
		"trace/convert":         {may: []string{"trace", "clock"}},

		"branch":        {may: []string{"clock", "trace", "branch/ledger"}, bank: true, never: pure, noGo: true},
		"branch/ledger": {bank: true, never: pure, noGo: true},
		// The names of steps, operations and results are trace's.
		"branch/wire":  {may: []string{"branch", "clock", "trace", "pb/bank/v1"}, bank: true},
		"branch/store": {may: []string{"branch", "branch/wire", "trace"}, bank: true},
		"branch/server": {
			may:  []string{"branch", "branch/wire", "branch/store", "clock", "trace", "pb/bank/v1"},
			bank: true,
		},
		"customer":        {may: []string{"clock", "trace"}, bank: true, never: pure, noGo: true},
		"customer/client": {may: []string{"customer", "clock", "trace", "pb/bank/v1"}, bank: true},

		"internal/scenario": {bank: true},
		"internal/sim": {
			may:  []string{"branch", "branch/store", "customer", "clock", "trace", "trace/check", "internal/scenario"},
			bank: true,
		},
		// branch and customer for the values that configure a server and name an operation.
		"internal/cluster": {
			may:  []string{"branch", "branch/server", "customer", "customer/client", "trace", "internal/scenario"},
			bank: true,
		},
		"internal/bench":         {may: []string{anything}, bank: true},
		"internal/bench/figures": {may: []string{"internal/bench"}, bank: true},
		"internal/archtest":      {},
		"internal/torture":       {may: []string{anything}, bank: true},

		"cmd/bank-trace": {may: []string{anything}, bank: true},
	}
}
