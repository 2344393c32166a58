package trace

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// extra is a field of the latest record that the format does not know.
type extra struct {
	at   int    // 1 and the place of its name in a line of JSON, 0 where there is none
	name string // of one of protobuf
}

// unknown returns the name of a field that the latest record has and the format does not know, "" where there is none.
func (r *record) unknown() string {
	if r.extra.at == 0 {
		return r.extra.name
	}
	name := scanner{line: r.line, pos: r.extra.at - 1}
	return string(name.text())
}

// sortVector puts entries into the order of a vector, and returns a process that has two. Entries of 0 say nothing and
// are left out.
func sortVector(v clock.Vector) (sorted clock.Vector, twice string) {
	byProcess := func(a, b clock.Entry) int { return cmp.Compare(a.Process, b.Process) }
	if !slices.IsSortedFunc(v, byProcess) {
		slices.SortFunc(v, byProcess)
	}
	for i := 1; i < len(v); i++ {
		if v[i].Process == v[i-1].Process {
			return v, v[i].Process
		}
	}
	return slices.DeleteFunc(v, func(e clock.Entry) bool { return e.N == 0 }), ""
}

// sortAccounts sorts by account, and returns one that is there twice.
func sortAccounts(list []AccountBalance) (twice string) {
	if !slices.IsSortedFunc(list, byAccount) {
		slices.SortFunc(list, byAccount)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Account == list[i-1].Account {
			return list[i].Account
		}
	}
	return ""
}

// appendText appends the latest record as a line of JSON without line end, or what there is of one that is none.
func (r *record) appendText(dst []byte, current Record, raw []byte) []byte {
	switch rec := current.(type) {
	case *Header:
		dst = AppendHeader(dst, rec)
	case *Event:
		dst = AppendEvent(dst, rec)
	case *End:
		dst = AppendEnd(dst, rec)
	default:
		const most = 32
		dst = fmt.Appendf(dst, "%d bytes: % x", len(raw), raw[:min(len(raw), most)])
		if len(raw) > most {
			dst = append(dst, "..."...)
		}
	}
	return bytes.TrimSuffix(dst, []byte("\n"))
}
