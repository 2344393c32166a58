package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/branch/server"
)

// config makes a server's configuration of the flags, and decides where the branch listens.
func (f *branchFlags) config() (server.Config, error) {
	b, err := f.readBank()
	if err != nil {
		return server.Config{}, err
	}
	if f.timeout <= 0 {
		return server.Config{}, fmt.Errorf("--request-timeout %v: give a time above 0", f.timeout)
	}
	if f.trace != "" && f.data == "" {
		return server.Config{}, errors.New("branch: --trace needs --data: a log can only be brought up to a state that was kept")
	}
	if f.rejoin && f.data == "" {
		return server.Config{}, errors.New("branch: --rejoin needs --data: an empty folder for the branch's new data")
	}
	cfg := server.Config{Peers: b.addresses(), Insecure: f.insecure, RequestTimeout: f.timeout}
	if cfg.Branch, err = b.config(f.id); err != nil {
		return cfg, err
	}
	if f.listen == "" {
		f.listen = b.Branches[f.id]
	}
	return cfg, nil
}

// readBank reads where the branches are, in whichever of the ways it is said, and what they agree on.
func (f *branchFlags) readBank() (*bank, error) {
	b, err := f.bank.read()
	if err != nil {
		return nil, err
	}
	if f.id < 1 {
		return nil, fmt.Errorf("--id %d: branches are numbered from 1", f.id)
	}
	if len(f.peers) > 0 {
		if err := f.readPeers(b); err != nil {
			return nil, err
		}
	}
	if len(b.Branches) == 0 {
		return nil, errNoBranches("--listen 127.0.0.1:7001 --peers 2=127.0.0.1:7002,3=127.0.0.1:7003, with --branches, or with --cluster FILE")
	}
	if f.mode != "" {
		b.Mode = f.mode
	}
	if b.Opening == nil {
		b.Opening = map[string]int64{}
	}
	for _, pair := range f.opening {
		account, text, ok := strings.Cut(pair, "=")
		amount, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("--opening %q: give ACCOUNT=AMOUNT, as in main=400", pair)
		}
		b.Opening[account] = amount
	}
	if len(b.Opening) == 0 {
		b.Opening["main"] = 0
	}
	return b, nil
}

// readPeers makes the list of all branches of the others and this one.
func (f *branchFlags) readPeers(b *bank) error {
	switch {
	case len(f.bank.branches) > 0:
		return errors.New("--peers and --branches both say where the branches are; give one of them")
	case len(b.Branches) > 0:
		return fmt.Errorf("--peers and --cluster %s both say where the branches are; give one of them", f.bank.file)
	case f.listen == "":
		return errors.New("--peers names the other branches only; say where this one listens, as in --listen 127.0.0.1:7001")
	}
	// A peer that dials needs no address.
	var placed []string
	for _, peer := range f.peers {
		id, err := strconv.Atoi(peer)
		if err != nil {
			placed = append(placed, peer)
			continue
		}
		if id < 1 || branchName(id) > branchName(f.id) {
			return fmt.Errorf("--peers %q: %s dials it, so give its address, as in %s=127.0.0.1:7002", peer, branchName(f.id), peer)
		}
		b.Branches[id] = ""
	}
	others, err := parseBranches("--peers", placed)
	if err != nil {
		return err
	}
	for id, address := range others {
		if _, twice := b.Branches[id]; twice {
			return fmt.Errorf("--peers names branch %d twice", id)
		}
		b.Branches[id] = address
	}
	if _, self := b.Branches[f.id]; self {
		return fmt.Errorf("--peers names branch %d, which is this branch (--id %d); name the others only", f.id, f.id)
	}
	if !strings.Contains(f.listen, ":") {
		return fmt.Errorf("--listen %q: give HOST:PORT, as in 127.0.0.1:7001", f.listen)
	}
	b.Branches[f.id] = f.listen
	for id, address := range b.Branches {
		if id != f.id && address == f.listen && !strings.HasSuffix(address, ":0") {
			return fmt.Errorf("--peers %d=%s: that is where this branch listens", id, address)
		}
	}
	return nil
}
