// Package wire translates between the values of package branch and their protobuf messages, and does nothing else.
//
// It is strict on the way in: what it returns has every name, number, stamp and vector within the bounds that the core,
// the log format and every reader of a trace rely on. Whether a sound message makes sense at this moment is for the core.
// The error of a malformed message is a *FieldError that names the field by its path.
package wire

import (
	"errors"
	"fmt"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/clock"
	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

const (
	// MaxName is the length in bytes of the longest process or account name that is taken. It keeps every line of a log
	// far below the length that readers take.
	MaxName = 1024
	// MaxCount is the largest clock, seq, number of a request or write, and amount in minor units either way: 2^53.
	MaxCount = clock.Max
)

// FieldError says which field of a message is malformed.
type FieldError struct {
	Field   string // its path in the message, such as batch.messages[3].stamp.clock
	Problem string // what is wrong with it, with the value
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

func malformed(field, format string, args ...any) error {
	return &FieldError{field, fmt.Sprintf(format, args...)}
}

// within puts the name of the enclosing field before the path of a FieldError.
func within(field string, err error) error {
	if err == nil {
		return nil
	}
	var f *FieldError
	if errors.As(err, &f) {
		f.Field = field + "." + f.Field
	}
	return err
}

// count checks a number that lies from least to 2^53.
func count(field string, n, least uint64) error {
	if n < least || n > MaxCount {
		return malformed(field, "%d is not from %d to 2^53", n, least)
	}
	return nil
}

// name checks a process or account name.
func name(field, s string) error {
	if s == "" {
		return malformed(field, "is empty")
	}
	return short(field, s)
}

func short(field, s string) error {
	if len(s) > MaxName {
		return malformed(field, "has %d bytes, and a name has at most %d", len(s), MaxName)
	}
	return nil
}

// EncodeStamp returns the message of a stamp.
func EncodeStamp(s clock.Stamp) *bankv1.Stamp {
	return &bankv1.Stamp{Process: s.Process, Seq: s.Seq, Clock: s.Clock}
}

// DecodeStamp reads a stamp. The error is a *FieldError; its field is relative to the stamp, or "stamp" if there is none.
func DecodeStamp(m *bankv1.Stamp) (clock.Stamp, error) {
	if m == nil {
		return clock.Stamp{}, malformed("stamp", "is missing")
	}
	err := name("stamp.process", m.Process)
	if err == nil {
		err = count("stamp.seq", m.Seq, 1)
	}
	if err == nil {
		err = count("stamp.clock", m.Clock, 1)
	}
	if err != nil {
		return clock.Stamp{}, err
	}
	return clock.Stamp{Process: m.Process, Seq: m.Seq, Clock: m.Clock}, nil
}

// EncodeVector returns the message of a version vector, nil for an empty one.
func EncodeVector(v clock.Vector) *bankv1.Vector {
	if len(v) == 0 {
		return nil
	}
	entries := make([]bankv1.VectorEntry, len(v))
	m := &bankv1.Vector{Entries: make([]*bankv1.VectorEntry, len(v))}
	for i, e := range v {
		entries[i].Origin, entries[i].N = e.Process, e.N
		m.Entries[i] = &entries[i]
	}
	return m
}

// DecodeVector reads a version vector; a missing one is empty. The error is a *FieldError relative to the vector.
func DecodeVector(m *bankv1.Vector) (clock.Vector, error) {
	entries := m.GetEntries()
	if len(entries) == 0 {
		return nil, nil
	}
	if len(entries) > branch.MaxBranches {
		return nil, malformed("entries", "has %d, and a bank has at most %d branches", len(entries), branch.MaxBranches)
	}
	v := make(clock.Vector, len(entries))
	for i, e := range entries {
		err := name("origin", e.GetOrigin())
		if err == nil {
			err = count("n", e.GetN(), 1)
		}
		if err == nil && i > 0 && e.Origin <= v[i-1].Process {
			err = malformed("origin", "%q comes after %q, and origins rise", e.Origin, v[i-1].Process)
		}
		if err != nil {
			return nil, within(fmt.Sprintf("entries[%d]", i), err)
		}
		v[i] = clock.Entry{Process: e.Origin, N: e.N}
	}
	return v, nil
}
