package mutate

import (
	"bytes"
	_ "embed"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

//go:embed causal.jsonl
var causalLogs []byte

// Causal returns a small valid trace of mode causal, made by hand: three branches, of which the second's withdrawal
// depends on the first's deposit. It is what the rules of that mode can be shown on.
func Causal() (*Trace, error) {
	t := &Trace{Run: &trace.Run{Format: trace.Format, Mode: "causal", Settled: true}}
	all, err := ReadLog("causal.jsonl", bytes.NewReader(causalLogs))
	for _, r := range all.Records {
		name := r.process()
		if n := len(t.Logs); n == 0 || t.Logs[n-1].Name != name {
			t.Logs = append(t.Logs, Log{Name: name})
			t.Run.Processes = append(t.Run.Processes, name)
		}
		log := &t.Logs[len(t.Logs)-1]
		log.Records = append(log.Records, r)
	}
	return t, err
}
