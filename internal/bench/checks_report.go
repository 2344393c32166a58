package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"time"
)

// What check is to reach.
const (
	mostTimesWC      = 6.0
	leastBinpb       = 10e6 // events a second
	leastGenerated   = 500e3
	mostMemory       = 200 << 20
	mostGrowth       = 1.10 // against linear
	mostRecording    = 150 * time.Nanosecond
	growsFrom        = 100_000
	growsTo          = 10_000_000
	memoryLikeSmall  = 1.5 // times the memory of the smallest trace counts as the same, as a heap is sawtoothed
	leastTimedEvents = 1_000_000
)

// WriteText writes the report as plain text.
func (r *ChecksReport) WriteText(w io.Writer) error { return r.write(w, table.text) }

// WriteMarkdown writes the report as Markdown.
func (r *ChecksReport) WriteMarkdown(w io.Writer) error { return r.write(w, table.markdown) }

func (r *ChecksReport) write(w io.Writer, show func(table) string) error {
	_, err := io.WriteString(w, strings.Join([]string{r.head(), show(r.figures()), "Against what is to be reached:\n", show(r.targets())}, "\n"))
	return err
}

func (r *ChecksReport) head() string {
	o := &r.options
	return fmt.Sprintf("Traces of %d branches and %d customers, mode %s, from `generate`; commands as a whole, interleaved, %d rounds each,\n"+
		"on %s/%s with %d CPUs, %s. Files are read once right before each run. Figures are the median (the least to the most).\n"+
		"CPU is user and system time: where others use the machine it tells more than the clock.\n",
		o.Branches, o.Customers, cmp.Or(o.Mode, "total"), o.Rounds, runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), runtime.Version())
}

// peaks is the memory of check. That of wc and cat is not known: what the kernel tells is at least this process's own.
func peaks(side string, all []taken) string {
	if side == WC || side == Cat {
		return ""
	}
	return spread(all, peak, memory)
}

// figures is the table of all that was measured.
func (r *ChecksReport) figures() table {
	t := table{head: []string{"events", "lost", "command", "bytes an event", "time", "CPU", "events/s", "most memory"}}
	for _, m := range r.traces {
		t.rows = append(t.rows, []string{fmt.Sprint(m.events), percent(m.loss), "generate, protobuf", "",
			duration(float64(m.generation.wall)), duration(float64(m.generation.cpu)), rate(m.events, m.generation.wall), memory(float64(m.generation.memory))})
		for _, side := range checkSides() {
			all := m.sides[side]
			if len(all) == 0 {
				continue
			}
			t.rows = append(t.rows, []string{fmt.Sprint(m.events), percent(m.loss), side,
				fmt.Sprintf("%.0f", float64(m.bytes[side])/float64(max(m.events, 1))),
				spread(all, wall, duration), spread(all, cpu, duration),
				rate(m.events, time.Duration(median(of(all, wall)))), peaks(side, all)})
		}
	}
	return t
}

func wall(t taken) float64 { return float64(t.wall) }
func cpu(t taken) float64  { return float64(t.cpu) }
func peak(t taken) float64 { return float64(t.memory) }

func of(all []taken, what func(taken) float64) []float64 {
	values := make([]float64, len(all))
	for i, t := range all {
		values[i] = what(t)
	}
	return values
}

func percent(share float64) string { return fmt.Sprintf("%g %%", 100*share) }

func rate(events int64, d time.Duration) string {
	return fmt.Sprintf("%.2f M", float64(events)/d.Seconds()/1e6)
}

func memory(bytes float64) string {
	if bytes == 0 {
		return "not known"
	}
	return fmt.Sprintf("%.0f MiB", bytes/(1<<20))
}

// targets is the table of what is to be reached, with what was.
func (r *ChecksReport) targets() table {
	t := table{head: []string{"what", "target", "measured", ""}}
	add := func(what, target, measured string, reached bool) {
		verdict := "missed"
		if reached {
			verdict = "reached"
		}
		t.rows = append(t.rows, []string{what, target, measured, verdict})
	}
	for _, m := range r.traces {
		of := fmt.Sprintf("%d events, %s lost", m.events, percent(m.loss))
		if m.size >= leastTimedEvents && len(m.sides[WC]) > 0 {
			times := ratios(m.sides[CheckJSONL], m.sides[WC], wall)
			add("check of JSON Lines / wc -l, "+of, fmt.Sprintf("%g at most", mostTimesWC), spread(times, same, twoDigits), median(times) <= mostTimesWC)
		}
		if m.size >= leastTimedEvents {
			perSecond := make([]float64, 0, len(m.sides[CheckBinpb]))
			for _, x := range m.sides[CheckBinpb] {
				perSecond = append(perSecond, float64(m.events)/x.wall.Seconds())
			}
			add("check of protobuf, "+of, "10 M events/s", spread(perSecond, same, millions), median(perSecond) >= leastBinpb)
			generated := float64(m.events) / m.generation.wall.Seconds()
			add("generate to protobuf, "+of, "0.5 M events/s", millions(generated), generated >= leastGenerated)
		}
		r.memoryTarget(m, add)
		r.growthTarget(m, add)
	}
	add("Recorder, JSON Lines", "150 ns, 0 allocations", fmt.Sprintf("%d ns, %.3f allocations", r.recorder.each.Nanoseconds(), r.recorder.allocs),
		r.recorder.each <= mostRecording && r.recorder.allocs < 0.001)
	return t
}

// memoryTarget compares the memory for a trace with that for the one of about a million events without loss.
func (r *ChecksReport) memoryTarget(m *measuredTrace, add func(what, target, measured string, reached bool)) {
	most := 0.0
	for _, side := range []string{CheckJSONL, CheckBinpb} {
		for _, x := range m.sides[side] {
			most = max(most, peak(x))
		}
	}
	if most == 0 {
		return
	}
	target, reached := "200 MiB", most < mostMemory
	if base := r.find(leastTimedEvents, 0); base != nil && base != m && m.size > base.size {
		small := median(of(base.sides[CheckBinpb], peak))
		target += fmt.Sprintf(", and as with %d events (%s)", base.events, memory(small))
		reached = reached && most <= memoryLikeSmall*small
	}
	add(fmt.Sprintf("memory of check, %d events, %s lost", m.events, percent(m.loss)), target, memory(most), reached)
}

// growthTarget compares the time an event takes in a trace with that of the smallest.
func (r *ChecksReport) growthTarget(m *measuredTrace, add func(what, target, measured string, reached bool)) {
	base := r.find(growsFrom, m.loss)
	if m.size != growsTo || base == nil {
		return
	}
	for _, side := range []string{CheckJSONL, CheckBinpb} {
		if len(m.sides[side]) == 0 {
			continue
		}
		each := func(t *measuredTrace, what func(taken) float64) float64 {
			return median(of(t.sides[side], what)) / float64(t.events)
		}
		growth, cpuGrowth := each(m, wall)/each(base, wall), each(m, cpu)/each(base, cpu)
		add(fmt.Sprintf("%s: time an event, %d to %d events, %s lost", side, base.events, m.events, percent(m.loss)),
			fmt.Sprintf("x %.2f at most", mostGrowth), fmt.Sprintf("x %.2f (CPU x %.2f)", growth, cpuGrowth), growth <= mostGrowth && !math.IsNaN(growth))
	}
}

func (r *ChecksReport) find(size int64, loss float64) *measuredTrace {
	for _, m := range r.traces {
		if m.size == size && m.loss == loss {
			return m
		}
	}
	return nil
}

func same(v float64) float64 { return v }

func twoDigits(v float64) string { return fmt.Sprintf("%.2f", v) }

func millions(v float64) string { return fmt.Sprintf("%.2f M/s", v/1e6) }

// ratios divides what each round took by what the other side took in the same round.
func ratios(own, base []taken, what func(taken) float64) []float64 {
	all := make([]float64, min(len(own), len(base)))
	for i := range all {
		all[i] = what(own[i]) / what(base[i])
	}
	return all
}
