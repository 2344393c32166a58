package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// few is a run of all sides but etcd, which takes a module proxy and a minute to build.
func few(t *testing.T) Options {
	return Options{
		Rounds: 2, Window: 40 * time.Millisecond, Warm: 20 * time.Millisecond, Callers: []int{1, 8},
		Only: []string{Echo, Memory, Durable}, Dir: t.TempDir(),
	}
}

// measured runs, with more time in each cell where the machine is too busy for one call.
func measured(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	for ; errors.Is(err, ErrNoCalls) && o.Window < time.Minute; r, err = Run(t.Context(), o) {
		o.Window *= 4
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func left(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestRunMeasuresEveryCell(t *testing.T) {
	o := few(t)
	o.Profile = filepath.Join(t.TempDir(), "profiles")
	var order []string
	o.Progress = func(p Progress) { order = append(order, p.What) }
	r := measured(t, o)
	order = order[max(0, len(order)-2*2*3):]
	for _, side := range o.Only {
		for _, callers := range o.Callers {
			all := r.samples[key{side, callers}]
			if len(all) != o.Rounds {
				t.Errorf("%s with %d callers has %d samples, want %d", side, callers, len(all), o.Rounds)
			}
			for _, s := range all {
				if s.calls == 0 || s.rate <= 0 || s.p50 <= 0 || s.p99 < s.p50 || s.cpu == 0 && runtime.GOOS != "windows" {
					t.Errorf("%s with %d callers measured %+v", side, callers, s)
				}
			}
		}
	}
	if want := 2 * 2 * 3; len(order) != want {
		t.Errorf("%d cells, want %d: %q", len(order), want, order)
	}
	if first, last := order[0], order[len(order)-1]; !strings.HasSuffix(first, Echo) || !strings.HasSuffix(last, Echo) {
		t.Errorf("the second round does not go backwards: %q", order)
	}
	if found := left(t, o.Profile); len(found) != 6 {
		t.Errorf("profiles are %v, want one for each side and number of callers", found)
	}
	if found := left(t, o.Dir); len(found) > 0 {
		t.Errorf("%v is left", found)
	}
	var text, markdown bytes.Buffer
	if err := errors.Join(r.WriteText(&text), r.WriteMarkdown(&markdown)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"gRPC echo", "bank, in memory", "bank, durable", "bank, in memory / gRPC echo", "A sync of 4 KiB"} {
		if !strings.Contains(text.String(), want) || !strings.Contains(markdown.String(), want) {
			t.Errorf("%q is not in both of\n%s\n%s", want, &text, &markdown)
		}
	}
}

// What is measured is the bank with all its promises: it records a trace that holds to every rule.
func TestMeasuredBankRecordsItsTrace(t *testing.T) {
	for _, durable := range []bool{false, true} {
		c := cell{callers: 5, dir: t.TempDir()}
		k, err := bankSide{durable: durable}.open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		const each = 40
		made := slices.Repeat([]int{each}, c.callers)
		all, ctx := errgroup.WithContext(k.serving)
		for caller := range c.callers {
			all.Go(func() error {
				for range each {
					if err := k.deposit(ctx, caller); err != nil {
						return err
					}
				}
				return nil
			})
		}
		err = all.Wait()
		if err == nil {
			err = k.verify(made)
		}
		if err == nil && k.verify(append(made, 1)) == nil {
			t.Error("one deposit more than was made is found too")
		}
		if err := errors.Join(err, k.close(err == nil)); err != nil {
			t.Fatal(err)
		}
		folder, err := trace.Find(k.dir.Path())
		if err != nil {
			t.Fatal(err)
		}
		report, err := check.Check(t.Context(), check.Folder(folder), check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if report.Verdict != check.Pass || report.Processes != Branches+c.callers {
			t.Errorf("durable %v: %v with %d processes: %v", durable, report.Verdict, report.Processes, report.Findings)
		}
		// A deposit is two events at its customer, and at the branches ten at the least.
		if report.Events < 12*each*int64(c.callers) {
			t.Errorf("durable %v: %d events of %d deposits", durable, report.Events, each*c.callers)
		}
	}
}

func TestRunEndsWhenToldTo(t *testing.T) {
	o := few(t)
	o.Window = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(p Progress) {
		if p.Done == 0 {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
	}
	for _, side := range o.Only {
		o.Only = []string{side}
		if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", side, err)
		}
		if found := left(t, o.Dir); len(found) > 0 {
			t.Errorf("%s: %v is left", side, found)
		}
		ctx, cancel = context.WithCancel(t.Context())
	}
	cancel()
}

func TestRunRefusesWhatMakesNoSense(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"0 rounds":                   func(o *Options) { o.Rounds = 0 },
		"a cell needs time":          func(o *Options) { o.Window = 0 },
		"no number of callers":       func(o *Options) { o.Callers = nil },
		"0 callers; give 1":          func(o *Options) { o.Callers = []int{1, 0} },
		"no side is called \"disk\"": func(o *Options) { o.Only = []string{Echo, "disk"} },
		"mode \"none\" is not known": func(o *Options) { o.Mode, o.Only = "none", []string{Memory} },
	} {
		o := few(t)
		change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
		if found := left(t, o.Dir); len(found) > 0 {
			t.Errorf("%q: %v is left", want, found)
		}
	}
}

func TestEtcdIsLeftOutWhereItCannotBeBuilt(t *testing.T) {
	module := t.TempDir() // with a source that cannot be built, as when no module proxy is there
	t.Chdir(module)
	o := few(t)
	o.Rounds, o.Callers, o.Only = 1, []int{1}, []string{Echo, Etcd}
	leftOut := func(why string) {
		t.Helper()
		r := measured(t, o)
		var text bytes.Buffer
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), "etcd is left out: "+why) || !slices.Equal(r.sides, []string{Echo}) {
			t.Errorf("%q is not said in\n%s", why, &text)
		}
	}
	leftOut("its source is not here")
	for name, text := range map[string]string{
		"go.mod":                      "module example.org/m\n",
		"internal/bench/etcd/go.mod":  "module example.org/m/internal/bench/etcd\n",
		"internal/bench/etcd/etcd.go": "package main\n\nimport _ \"example.org/none\"\n",
	} {
		at := filepath.Join(module, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	leftOut("go build in " + filepath.Join(module, "internal", "bench", "etcd"))
	o.Only = []string{Etcd}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing is left to measure") {
		t.Errorf("with nothing else to measure the error is %v", err)
	}
}
