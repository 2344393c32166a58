package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Every command is run on every trace as often as asked, on all of its events, and the folder is left empty.
func TestRunChecks(t *testing.T) {
	for _, command := range []string{"wc", "cat", "go"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("there is no %s here", command)
		}
	}
	dir := t.TempDir()
	o := ChecksOptions{Branches: 3, Customers: 4, Sizes: []int64{2000, 4000}, Losses: []float64{0, 0.05}, Rounds: 2, MostJSONL: 2000, Dir: dir}
	r, err := RunChecks(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.traces) != 4 {
		t.Fatalf("%d traces", len(r.traces))
	}
	for _, m := range r.traces {
		for _, side := range checkSides() {
			want := 2
			if m.size > o.MostJSONL && side != CheckBinpb {
				want = 0
			}
			if len(m.sides[side]) != want {
				t.Errorf("%v: %s ran %d times, want %d", m.traceSize, side, len(m.sides[side]), want)
			}
		}
		if m.events < m.size/2 || m.events > 2*m.size {
			t.Errorf("%v: %d events", m.traceSize, m.events)
		}
		if m.bytes[CheckBinpb] == 0 || m.generation.wall == 0 {
			t.Errorf("%v: %v bytes, generated in %v", m.traceSize, m.bytes, m.generation.wall)
		}
	}
	if r.recorder.each <= 0 {
		t.Errorf("recorder: %v", r.recorder)
	}
	var text bytes.Buffer
	if err := r.WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| wc -l", "| check, protobuf", "Recorder, JSON Lines", "memory of check"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &text)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, error %v", left, err)
	}
}

func TestRunChecksRefuses(t *testing.T) {
	for _, o := range []ChecksOptions{
		{},
		{Rounds: 1, Losses: []float64{0}},
		{Rounds: 1, Losses: []float64{0}, Sizes: []int64{1}},
		{Rounds: 1, Losses: []float64{2}, Sizes: []int64{1000}},
	} {
		if _, err := RunChecks(context.Background(), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
