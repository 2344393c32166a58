package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the golden texts of testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bank-trace": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
			stop()
			os.Exit(status)
		},
	})
}

// TestScripts runs testdata/script/*.txtar. The scripts' own command `status N CMD...` runs the command and demands the
// exit status N.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			examples, err := os.Getwd()
			env.Setenv("EXAMPLES", examples+"/../../examples")
			return errors.Join(err, setBank(env))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

// setBank sets BANK to three branches at ports of this machine that are free, and AT1 to AT3 to their addresses.
func setBank(env *testscript.Env) error {
	var branches []string
	for id := 1; id <= 3; id++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		branches = append(branches, fmt.Sprintf("%d=%s", id, l.Addr()))
		env.Setenv(fmt.Sprintf("AT%d", id), l.Addr().String())
	}
	env.Setenv("BANK", strings.Join(branches, ","))
	return nil
}

// TestDemo holds the demo to what a newcomer is promised.
func TestDemo(t *testing.T) {
	var out, errs bytes.Buffer
	if got := run(t.Context(), []string{"demo"}, strings.NewReader(""), &out, &errs); got != 0 {
		t.Fatalf("exit status %d\n%s", got, errs.String())
	}
	text := out.String()
	for _, word := range []string{"promise", "horizon", "vector", "incarnation"} {
		if strings.Contains(strings.ToLower(text), word) {
			t.Errorf("the demo says %q", word)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("escapes in what is no terminal")
	}
	story, rows := false, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > 80 && !strings.Contains(line, ".jsonl:") {
			t.Errorf("%d columns: %s", n, line)
		}
		switch {
		case strings.HasPrefix(line, "clock  process"):
			story = true
		case line == "":
			story = false
		case story:
			rows++
		}
	}
	if rows < 10 || rows > 25 {
		t.Errorf("the story has %d rows", rows)
	}
	for _, want := range []string{"checked: pass", "FAIL clock/receive-not-after-send", "Expected: ", "Next, try:", "270 at branch-3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the demo does not say %q:\n%s", want, text)
		}
	}
}
