package bench

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 50), func(n int) time.Duration { return time.Duration(n) }), 1, 300).Draw(t, "values")
		p := rapid.IntRange(1, 100).Draw(t, "p")
		s := slices.Sorted(slices.Values(values))
		got := percentile(s, p)
		// The least value v such that at least p percent of all are at or below v.
		want := time.Duration(-1)
		for _, v := range values {
			below := 0
			for _, w := range values {
				if w <= v {
					below++
				}
			}
			if 100*below >= p*len(values) && (want < 0 || v < want) {
				want = v
			}
		}
		if got != want {
			t.Fatalf("percentile %d of %v is %d, want %d", p, values, got, want)
		}
	})
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{8, 1, 4, 2}, 3}} {
		before := slices.Clone(test.values)
		if got := median(test.values); got != test.want || !slices.Equal(test.values, before) {
			t.Errorf("the median of %v is %v, want %v; it left %v", before, got, test.want, test.values)
		}
	}
}

func TestRound(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234 * time.Nanosecond: "1µs", 45678 * time.Nanosecond: "46µs", 1234567: "1.23ms", 45678901: "45.7ms", 1234567890: "1.235s",
	} {
		if got := round(d).String(); got != want {
			t.Errorf("%v is shown as %s, want %s", d, got, want)
		}
	}
}

// A report's ratios pair the cells of a round: here every round has the same ratio, while the rates drift by half.
func TestReport(t *testing.T) {
	r := &Report{
		options: Options{Rounds: 3, Window: 2 * time.Second, Warm: time.Second, Callers: []int{1, 64}},
		sides:   []string{Echo, Memory, Durable}, samples: map[key][]sample{},
		notes: []string{"etcd is left out: there is none"}, sync: 175 * time.Microsecond,
	}
	for _, callers := range r.options.Callers {
		for i, side := range r.sides {
			for _, drift := range []float64{1, 0.5, 0.75} {
				rate := drift * float64(callers) * 1000 / float64(i+1)
				p50 := time.Duration(float64(time.Second) / rate)
				r.samples[key{side, callers}] = append(r.samples[key{side, callers}], sample{rate: rate, p50: p50, p99: 9 * p50, calls: 2 * int(rate), cpu: time.Duration(i+1) * 20 * time.Microsecond})
			}
		}
	}
	for name, show := range map[string]func(table) string{"report.txt": table.text, "report.md": table.markdown} {
		got := strings.Join(r.body(show), "\n")
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
}
