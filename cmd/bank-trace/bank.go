package main

import (
	"fmt"
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
	opening  []string // ACCOUNT=AMOUNT
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

// read reads the cluster file or the flags.
func (f *bankFlags) read() (*bank, error) {
	b := &bank{Branches: map[int]string{}, Opening: map[string]int64{}}
	if f.file != "" {
		data, err := os.ReadFile(f.file)
		if err != nil {
			return nil, err
		}
		if err := yaml.UnmarshalWithOptions(data, b, yaml.DisallowUnknownField()); err != nil {
			return nil, fmt.Errorf("%s: %s", f.file, yaml.FormatError(err, false, true))
		}
	}
	for _, pair := range f.branches {
		name, address, ok := strings.Cut(pair, "=")
		id, err := strconv.Atoi(name)
		if !ok || err != nil || address == "" {
			return nil, fmt.Errorf("--branches %q: give ID=HOST:PORT, as in 2=127.0.0.1:7002", pair)
		}
		b.Branches[id] = address
	}
	for _, pair := range f.opening {
		account, text, ok := strings.Cut(pair, "=")
		amount, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("--opening %q: give ACCOUNT=AMOUNT, as in main=400", pair)
		}
		b.Opening[account] = amount
	}
	if len(b.Branches) == 0 {
		return nil, fmt.Errorf("no branches given; name them with --branches 1=127.0.0.1:7001,2=127.0.0.1:7002 or --cluster FILE")
	}
	for id, address := range b.Branches {
		if id < 1 || !strings.Contains(address, ":") {
			return nil, fmt.Errorf("branch %d=%s: ids are from 1, and addresses host:port", id, address)
		}
	}
	return b, nil
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
	if len(b.Opening) == 0 {
		return cfg, fmt.Errorf("no accounts given; name them with their opening balances, as in --opening main=400")
	}
	for id := range b.Branches {
		cfg.Branches = append(cfg.Branches, branchName(id))
	}
	return cfg, nil
}

func branchName(id int) string { return fmt.Sprintf("branch-%d", id) }
