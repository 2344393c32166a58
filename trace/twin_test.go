package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// twinParse does what parseLine does, slowly and plainly, by means of encoding/json.
func twinParse(line []byte) (Record, error) {
	if !utf8.Valid(line) || !json.Valid(line) {
		return nil, errors.New("not JSON")
	}
	members, err := twinMembers(line)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, m := range members {
		has[m.name] = true
	}
	switch {
	case has["format"] && has["end"]:
		return nil, errors.New("both")
	case has["format"]:
		return twinHeader(members)
	case has["end"]:
		return twinEnd(members)
	}
	return twinEvent(members)
}

type twinMember struct {
	name string
	raw  json.RawMessage
}

func twinMembers(text []byte) ([]twinMember, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("no object")
	}
	var members []twinMember
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := twinMember{name: t.(string)}
		if err := d.Decode(&m.raw); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// twinFields decodes the members that are known and says which were there.
func twinFields(members []twinMember, known map[string]func(json.RawMessage) error) (map[string]bool, error) {
	seen := map[string]bool{}
	for _, m := range members {
		decode, ok := known[m.name]
		if !ok {
			continue
		}
		if seen[m.name] {
			return nil, fmt.Errorf("%s twice", m.name)
		}
		seen[m.name] = true
		if err := decode(m.raw); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return seen, nil
}

func need(seen map[string]bool, names ...string) error {
	for _, n := range names {
		if !seen[n] {
			return fmt.Errorf("%s missing", n)
		}
	}
	return nil
}

func twinString(raw json.RawMessage) (string, error) {
	if raw[0] != '"' {
		return "", errors.New("no string")
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func twinName(into *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) (err error) {
		*into, err = twinString(raw)
		if err == nil && (*into == "" || len(*into) > 255) {
			return errors.New("no name")
		}
		return err
	}
}

func twinCount(into *uint64, lo uint64) func(json.RawMessage) error {
	return func(raw json.RawMessage) (err error) {
		*into, err = strconv.ParseUint(string(raw), 10, 64)
		if err == nil && (*into < lo || *into > 9007199254740992) {
			return errors.New("out of range")
		}
		return err
	}
}

func twinInt(into *int64) func(json.RawMessage) error {
	return func(raw json.RawMessage) (err error) {
		*into, err = strconv.ParseInt(string(raw), 10, 64)
		return err
	}
}

func twinWord[T any](into *T, parse func(string) (T, error)) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		s, err := twinString(raw)
		if err != nil {
			return err
		}
		*into, err = parse(s)
		return err
	}
}

func twinOneOf(into *string, words ...string) func(json.RawMessage) error {
	return func(raw json.RawMessage) (err error) {
		*into, err = twinString(raw)
		if err == nil && !slices.Contains(words, *into) {
			return errors.New("other word")
		}
		return err
	}
}

func twinID(into *ID) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		s, err := twinString(raw)
		if err != nil {
			return err
		}
		*into, err = ParseID(s)
		if len(into.Process) > 255 {
			return errors.New("long process")
		}
		return err
	}
}

func twinBalance(into *Balance) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		into.Known = true
		return twinInt(&into.Amount)(raw)
	}
}

// twinObject calls each for the members of an object with names that are names and differ.
func twinObject(raw json.RawMessage, each func(name string, raw json.RawMessage) error) error {
	members, err := twinMembers(raw)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, m := range members {
		if m.name == "" || len(m.name) > 255 || seen[m.name] {
			return errors.New("bad name")
		}
		seen[m.name] = true
		if err := each(m.name, m.raw); err != nil {
			return err
		}
	}
	return nil
}

func twinVector(into *clock.Vector) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		return twinObject(raw, func(name string, raw json.RawMessage) error {
			var n uint64
			if err := twinCount(&n, 0)(raw); err != nil {
				return err
			}
			*into = into.Set(name, n)
			return nil
		})
	}
}

func twinBalances(into *[]AccountBalance) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		err := twinObject(raw, func(name string, raw json.RawMessage) error {
			a := AccountBalance{Account: name}
			err := twinInt(&a.Amount)(raw)
			*into = append(*into, a)
			return err
		})
		slices.SortFunc(*into, func(a, b AccountBalance) int { return strings.Compare(a.Account, b.Account) })
		return err
	}
}

func twinEvent(members []twinMember) (Record, error) {
	e := new(Event)
	var amount uint64
	seen, err := twinFields(members, map[string]func(json.RawMessage) error{
		"process": twinName(&e.Process), "seq": twinCount(&e.Seq, 1), "clock": twinCount(&e.Clock, 1),
		"kind": twinWord(&e.Kind, ParseKind), "peer": twinName(&e.Peer), "cause": twinCount(&e.Cause, 1),
		"stamp": twinCount(&e.Stamp, 1), "request": twinID(&e.Request), "step": twinWord(&e.Step, ParseStep),
		"write": twinID(&e.Write), "at": twinCount(&e.At, 1), "deps": twinVector(&e.Deps), "op": twinWord(&e.Op, ParseOp),
		"account": twinName(&e.Account), "to_account": twinName(&e.ToAccount), "to_branch": twinName(&e.ToBranch),
		"amount": twinCount(&amount, 1), "balance": twinBalance(&e.Balance), "to_balance": twinBalance(&e.ToBalance),
		"result": twinWord(&e.Result, ParseResult), "sees": twinVector(&e.Sees), "answers": twinCount(&e.Answers, 1),
		"has": twinVector(&e.Has), "balances": twinBalances(&e.Balances), "wall": twinInt(&e.Wall),
		"note": func(raw json.RawMessage) (err error) { e.Note, err = twinString(raw); return err },
	})
	e.Amount = int64(amount)
	if err != nil {
		return nil, err
	}
	if e.Kind != Receive && (seen["cause"] || seen["stamp"]) {
		return nil, errors.New("no receive")
	}
	if e.Kind == Receive {
		err = need(seen, "peer", "cause")
	}
	return e, errors.Join(err, need(seen, "process", "seq", "clock", "kind"))
}

func twinHeader(members []twinMember) (Record, error) {
	h := &Header{Incarnation: 1}
	seen, err := twinFields(members, map[string]func(json.RawMessage) error{
		"format": func(raw json.RawMessage) (err error) {
			h.Format, err = twinString(raw)
			if h.Format != "bank-trace/1" && !strings.HasPrefix(h.Format, "bank-trace/1.") {
				return errors.New("other format")
			}
			return err
		},
		"process": twinName(&h.Process), "role": twinOneOf(&h.Role, "branch", "customer"),
		"incarnation": twinCount(&h.Incarnation, 1), "mode": twinOneOf(&h.Mode, "total", "causal"),
		"peers": func(raw json.RawMessage) error {
			var list []json.RawMessage
			if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
				return errors.New("no list")
			}
			h.Peers = make([]string, len(list))
			for i, raw := range list {
				if err := twinName(&h.Peers[i])(raw); err != nil {
					return err
				}
			}
			return nil
		},
		"opening": twinBalances(&h.Opening), "first": twinCount(&h.First, 1),
		"ends": func(raw json.RawMessage) error {
			h.Ends = string(raw) == "true"
			if !h.Ends && string(raw) != "false" {
				return errors.New("no boolean")
			}
			return nil
		},
	})
	return h, errors.Join(err, need(seen, "format", "process"))
}

func twinEnd(members []twinMember) (Record, error) {
	e := new(End)
	seen, err := twinFields(members, map[string]func(json.RawMessage) error{
		"end": func(raw json.RawMessage) error {
			if string(raw) != "true" {
				return errors.New("not true")
			}
			return nil
		},
		"process": twinName(&e.Process), "events": twinCount(&e.Events, 0), "clock": twinCount(&e.Clock, 0),
	})
	return e, errors.Join(err, need(seen, "end", "process", "events", "clock"))
}
