package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/internal/cluster"
	"github.com/seed-8ff1fc32/bank-trace/internal/scenario"
)

// spawn makes the commands of a run whose branches and customers are processes of this very program.
type spawn struct {
	c        *console
	program  string
	scenario string // file
	trace    string // folder
	data     string // folder of what the processes keep while they run
	flags    runFlags
}

// runProcesses runs a scenario in processes, which write their logs into the folder themselves. What they keep beside is
// removed when they have ended.
func runProcesses(ctx context.Context, c *console, s *scenario.Scenario, path, dir string, cfg cluster.Config, f runFlags) (_ *cluster.Result, err error) {
	sp := spawn{c: c, scenario: path, trace: dir, flags: f}
	if sp.program, err = os.Executable(); err != nil {
		return nil, err
	}
	if sp.data, err = os.MkdirTemp("", "bank-trace-data-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(sp.data)) }()
	text, err := yaml.Marshal(bank{Mode: s.Mode, Opening: s.Opening()})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(sp.bankFile(), text, 0o600); err != nil {
		return nil, err
	}
	conns := client.NewConns()
	defer func() { err = errors.Join(err, conns.Close()) }()
	how := cluster.Processes{
		Branch: sp.branch, Customer: sp.customer, Serves: servesAt,
		Open: func(address string) (cluster.Branch, error) { return newRemote(conns, address) },
	}
	if c.verbose {
		var one sync.Mutex
		how.Output = func(process, line string) {
			one.Lock()
			defer one.Unlock()
			fmt.Fprintf(c.err, "%s: %s\n", process, line)
		}
	}
	return cluster.RunProcesses(ctx, cfg, how)
}

// bankFile is what the branches agree on.
func (s *spawn) bankFile() string { return filepath.Join(s.data, "bank.yaml") }

func (s *spawn) branch(id int, peers map[int]string) *exec.Cmd {
	args := []string{"branch", "--id", strconv.Itoa(id), "--cluster", s.bankFile()}
	if len(peers) > 0 {
		args = append(args, "--listen", "127.0.0.1:0", "--peers", pairs(peers))
	} else {
		args = append(args, "--branches", pairs(map[int]string{id: "127.0.0.1:0"}))
	}
	return s.command(append(args, "--data", filepath.Join(s.data, branchName(id)), "--trace", s.trace,
		"--request-timeout", s.flags.timeout.String()))
}

func (s *spawn) customer(name string, branches map[int]string) *exec.Cmd {
	return s.command([]string{"customer", "run", "--scenario", s.scenario, "--name", name, "--branches", pairs(branches),
		"--session", filepath.Join(s.data, name+".session"), "--trace", s.trace,
		"--timeout", s.flags.timeout.String(), "--attempts", "1"})
}

// command is this program with other arguments. Its name stays what this process was called.
func (s *spawn) command(args []string) *exec.Cmd {
	args = append(args, "--stop-with-input")
	if s.c.verbose {
		args = append(args, "--verbose")
	}
	cmd := exec.Command(s.program)
	cmd.Args = append([]string{os.Args[0]}, args...)
	return cmd
}

// pairs writes branches as the flags --branches and --peers take them.
func pairs(branches map[int]string) string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(branches)) {
		all = append(all, strings.TrimSuffix(strconv.Itoa(id)+"="+branches[id], "="))
	}
	return strings.Join(all, ",")
}

// processNames returns the names of all processes of a scenario: branches first.
func processNames(s *scenario.Scenario) []string {
	var all []string
	for _, b := range s.Branches {
		all = append(all, b.Name())
	}
	for _, c := range s.Customers {
		all = append(all, c.Name())
	}
	return all
}
