package bench

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// targetCallers is the load at which the targets count.
const targetCallers = 64

// comparison is a side beside its baseline.
type comparison struct {
	side, baseline string
	target         float64 // the least ratio at targetCallers
}

func comparisons() []comparison { return []comparison{{Memory, Echo, 0.5}, {Durable, Etcd, 2}} }

// key names the cells that differ in nothing but the round.
type key struct {
	side    string
	callers int
}

// Report is what a run measured.
type Report struct {
	options Options
	sides   []string // that were measured
	samples map[key][]sample
	notes   []string      // what is missing and why
	sync    time.Duration // of 4 KiB to disk; 0 where no durable side was measured
}

// titles are what the sides are called in a report.
func titles() map[string]string {
	return map[string]string{
		Echo: "gRPC echo", Memory: "bank, in memory", Durable: "bank, durable", Etcd: "etcd, 3 nodes",
	}
}

// WriteText writes the report as plain text.
func (r *Report) WriteText(w io.Writer) error {
	return r.write(w, table.text)
}

// WriteMarkdown writes the report as Markdown.
func (r *Report) WriteMarkdown(w io.Writer) error {
	return r.write(w, table.markdown)
}

func (r *Report) write(w io.Writer, show func(table) string) error {
	_, err := io.WriteString(w, strings.Join(append([]string{r.head()}, r.body(show)...), "\n"))
	return err
}

// body is the tables, and what is missing from them.
func (r *Report) body(show func(table) string) []string {
	parts := []string{show(r.figures())}
	if ratios := r.ratios(); len(ratios.rows) > 0 {
		parts = append(parts, "Each beside its baseline in the same round:\n", show(ratios))
	}
	for _, note := range r.notes {
		parts = append(parts, note+"\n")
	}
	return parts
}

// head says what was measured, and how.
func (r *Report) head() string {
	var b strings.Builder
	o := &r.options
	rounds := fmt.Sprintf("%d rounds", o.Rounds)
	if o.Rounds == 1 {
		rounds = "1 round"
	}
	fmt.Fprintf(&b, "Deposits at %d branches, mode %s: %s of %v a cell after %v to warm up, on %s/%s with %d CPUs, %s.\n",
		Branches, cmp.Or(o.Mode, "total"), rounds, o.Window, o.Warm, runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), runtime.Version())
	fmt.Fprintf(&b, "Each side is one process with its callers. Branches and customers record every event to a trace folder (JSON Lines).\n")
	if r.sync > 0 {
		fmt.Fprintf(&b, "A sync of 4 KiB took %v before the first round.\n", round(r.sync))
	}
	b.WriteString("CPU is all that the process used, callers included: where others use the machine it tells more than the clock.\n")
	if o.Rounds > 1 {
		b.WriteString("Figures are the median of the rounds (the least to the most).\n")
	}
	return b.String()
}

// figures is the table of all cells.
func (r *Report) figures() table {
	t := table{head: []string{"callers", "side", "calls/s", "p50", "p99", "CPU a call"}}
	for _, callers := range r.options.Callers {
		for _, side := range r.sides {
			all := r.samples[key{side, callers}]
			if len(all) == 0 {
				continue
			}
			t.rows = append(t.rows, []string{strconv.Itoa(callers), titles()[side],
				spread(all, func(s sample) float64 { return s.rate }, func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }),
				spread(all, func(s sample) float64 { return float64(s.p50) }, duration),
				spread(all, func(s sample) float64 { return float64(s.p99) }, duration),
				spread(all, func(s sample) float64 { return float64(s.cpu) }, known(duration)),
			})
		}
	}
	return t
}

// ratios is the table of each side's rate in a round divided by its baseline's in the same round.
func (r *Report) ratios() table {
	t := table{head: []string{"callers", "ratio", "calls a second", "at least", "calls for a CPU second"}}
	same := func(v float64) float64 { return v }
	show := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	for _, callers := range r.options.Callers {
		for _, c := range comparisons() {
			own, base := r.samples[key{c.side, callers}], r.samples[key{c.baseline, callers}]
			if len(own) == 0 || len(own) != len(base) {
				continue
			}
			paired := make([]float64, len(own))  // of calls a second
			thrifty := make([]float64, len(own)) // of calls for the same CPU time
			for i := range own {
				paired[i] = own[i].rate / base[i].rate
				if own[i].cpu > 0 {
					thrifty[i] = float64(base[i].cpu) / float64(own[i].cpu)
				}
			}
			target := ""
			if callers == targetCallers {
				if target = fmt.Sprintf("%g: reached", c.target); median(paired) < c.target {
					target = fmt.Sprintf("%g: missed", c.target)
				}
			}
			t.rows = append(t.rows, []string{strconv.Itoa(callers), titles()[c.side] + " / " + titles()[c.baseline],
				spread(paired, same, show), target, spread(thrifty, same, known(show))})
		}
	}
	return t
}

// spread shows the median, the least and the most of what is asked of each.
func spread[T any](all []T, of func(T) float64, show func(float64) string) string {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	if len(values) == 1 {
		return show(values[0])
	}
	return fmt.Sprintf("%s (%s to %s)", show(median(values)), show(slices.Min(values)), show(slices.Max(values)))
}

// median returns the value in the middle, or the mean of the two there.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func duration(v float64) string { return round(time.Duration(v)).String() }

// known shows 0 as what it means of CPU time.
func known(show func(float64) string) func(float64) string {
	return func(v float64) string {
		if v == 0 {
			return "not known"
		}
		return show(v)
	}
}

// round leaves three digits or so, none below a microsecond.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
