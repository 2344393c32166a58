package main

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/seed-8ff1fc32/bank-trace/branch"
)

// bankFlags say where a bank is: the flags that `branch` and `customer` share.
type bankFlags struct {
	file     string
	branches []string // ID=ADDRESS
}

// bank is where the branches of a bank are and what they agree on.
type bank struct {
	Mode     string           `yaml:"mode"`
	Opening  map[string]int64 `yaml:"opening"`
	Branches map[int]string   `yaml:"branches"` // id -> host:port
}

func (f *bankFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.file, "cluster", "", "YAML file with the bank's branches (id: host:port), mode and opening balances")
	fl.StringSliceVar(&f.branches, "branches", nil, "all branches as ID=HOST:PORT, instead of --cluster")
}

// read reads the cluster file and the flags. A bank without branches is not refused.
func (f *bankFlags) read() (*bank, error) {
	b := &bank{}
	if f.file != "" {
		data, err := os.ReadFile(f.file)
		if err != nil {
			return nil, err
		}
		if err := yaml.UnmarshalWithOptions(data, b, yaml.DisallowUnknownField()); err != nil {
			return nil, fmt.Errorf("%s: %s", f.file, yaml.FormatError(err, false, true))
		}
		for id, address := range b.Branches {
			if id < 1 || !strings.Contains(address, ":") {
				return nil, fmt.Errorf("%s: branch %d: %q: ids are from 1, and addresses host:port", f.file, id, address)
			}
		}
	}
	named, err := parseBranches("--branches", f.branches)
	if err != nil {
		return nil, err
	}
	if b.Branches == nil {
		b.Branches = map[int]string{}
	}
	maps.Copy(b.Branches, named)
	return b, nil
}

// errNoBranches says how to name branches.
func errNoBranches(ways string) error {
	return fmt.Errorf("no branches given; name them with %s", ways)
}

// parseBranches reads the pairs ID=HOST:PORT that a flag was given.
func parseBranches(flag string, pairs []string) (map[int]string, error) {
	all := map[int]string{}
	for _, pair := range pairs {
		name, address, ok := strings.Cut(pair, "=")
		id, err := strconv.Atoi(name)
		if !ok || err != nil || id < 1 || !strings.Contains(address, ":") {
			return nil, fmt.Errorf("%s %q: give ID=HOST:PORT with an id from 1, as in 2=127.0.0.1:7002", flag, pair)
		}
		if all[id] != "" && all[id] != address {
			return nil, fmt.Errorf("%s: branch %d is said to be at %s and at %s; give each branch one address", flag, id, all[id], address)
		}
		all[id] = address
	}
	return all, nil
}

// addresses returns the branches' addresses by process name.
func (b *bank) addresses() map[string]string {
	all := map[string]string{}
	for id, address := range b.Branches {
		all[branchName(id)] = address
	}
	return all
}

// config returns the configuration of one branch.
func (b *bank) config(id int) (branch.Config, error) {
	cfg := branch.Config{Name: branchName(id), Mode: b.Mode, Opening: b.Opening}
	if b.Branches[id] == "" {
		return cfg, fmt.Errorf("--id %d: the bank has no such branch", id)
	}
	for id := range b.Branches {
		cfg.Branches = append(cfg.Branches, branchName(id))
	}
	return cfg, nil
}

func branchName(id int) string { return fmt.Sprintf("branch-%d", id) }
