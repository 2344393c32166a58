package torture

import (
	"flag"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var hang = flag.Bool("hang", false, "have TestHang wait for its end, for TestNobodyIsLeft")

// TestHang is a process that does not end by itself.
func TestHang(t *testing.T) {
	if !*hang {
		t.Skip("is for TestNobodyIsLeft")
	}
	<-t.Context().Done()
}

func TestNobodyIsLeft(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l := newLauncher()
	var all []*process
	for range 3 {
		p, err := l.start(io.Discard, io.Discard, self, "-test.run=^TestHang$", "-hang")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	l.close()
	for _, p := range all {
		select {
		case <-p.done:
			if _, killed := p.status(); !killed {
				t.Errorf("process %d ended by itself: %v", p.cmd.Process.Pid, p.err)
			}
		default:
			t.Errorf("process %d still runs after close", p.cmd.Process.Pid)
		}
	}
	if _, err := l.start(io.Discard, io.Discard, self, "-test.run=^TestHang$"); err == nil {
		t.Error("a launcher that is closed starts processes")
	}
}

// TestBranchThatEndsIsReported has the go command for a branch, which knows no such verb.
func TestBranchThatEndsIsReported(t *testing.T) {
	other, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Torture(t.Context(), Config{Binary: other, Dir: t.TempDir(), Mode: "total", Time: time.Minute})
	if err == nil || !strings.Contains(err.Error(), "ended by itself") || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("got %v; want the branch's end and what it printed", err)
	}
}
