package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// sameRecords compares records; an empty list and none are the same.
var sameRecords = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(SyntaxError{}, "Problem", "Remedy", "Value", "Field")}

func genName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"branch-1", "branch-2", "customer-1", "main", "a/b", "ä\"\\\n", "\u2028\x7f\x01", "😀"}),
		rapid.StringN(1, 12, maxName),
		rapid.Just(strings.Repeat("n", maxName)),
	)
}

func genCount() *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.Uint64Range(1, 30), rapid.Uint64Range(1, clock.Max), rapid.Just(clock.Max))
}

func genVector() *rapid.Generator[clock.Vector] {
	return rapid.Custom(func(t *rapid.T) clock.Vector {
		var v clock.Vector
		for process, n := range rapid.MapOfN(genName(), genCount(), 0, 4).Draw(t, "vector") {
			v = v.Set(process, n)
		}
		return v
	})
}

func genBalances() *rapid.Generator[[]AccountBalance] {
	return rapid.Custom(func(t *rapid.T) []AccountBalance {
		var list []AccountBalance
		for account, n := range rapid.MapOfN(genName(), rapid.Int64(), 0, 4).Draw(t, "balances") {
			list = append(list, AccountBalance{account, n})
		}
		slices.SortFunc(list, byAccount)
		return list
	})
}

// maybe draws a value or, as often, none.
func maybe[T any](t *rapid.T, label string, g *rapid.Generator[T]) T {
	var none T
	if rapid.Bool().Draw(t, "has "+label) {
		return g.Draw(t, label)
	}
	return none
}

func genID() *rapid.Generator[ID] {
	return rapid.Custom(func(t *rapid.T) ID { return ID{genName().Draw(t, "process"), genCount().Draw(t, "n")} })
}

func genBalance() *rapid.Generator[Balance] {
	return rapid.Custom(func(t *rapid.T) Balance { return KnownBalance(rapid.Int64().Draw(t, "balance")) })
}

func genEvent() *rapid.Generator[*Event] {
	return rapid.Custom(func(t *rapid.T) *Event {
		e := &Event{
			Process:   genName().Draw(t, "process"),
			Seq:       genCount().Draw(t, "seq"),
			Clock:     genCount().Draw(t, "clock"),
			Kind:      Kind(rapid.IntRange(int(Local), int(Receive)).Draw(t, "kind")),
			Peer:      maybe(t, "peer", genName()),
			Request:   maybe(t, "request", genID()),
			Step:      Step(rapid.IntRange(0, int(StepSnapshot)).Draw(t, "step")),
			Write:     maybe(t, "write", genID()),
			At:        maybe(t, "at", genCount()),
			Deps:      maybe(t, "deps", genVector()),
			Op:        Op(rapid.IntRange(0, int(OpFence)).Draw(t, "op")),
			Account:   maybe(t, "account", genName()),
			ToAccount: maybe(t, "to_account", genName()),
			ToBranch:  maybe(t, "to_branch", genName()),
			Amount:    int64(maybe(t, "amount", genCount())),
			Balance:   maybe(t, "balance", genBalance()),
			ToBalance: maybe(t, "to_balance", genBalance()),
			Result:    Result(rapid.IntRange(0, int(Unknown)).Draw(t, "result")),
			Sees:      maybe(t, "sees", genVector()),
			Answers:   maybe(t, "answers", genCount()),
			Has:       maybe(t, "has", genVector()),
			Balances:  maybe(t, "balances", genBalances()),
			Wall:      maybe(t, "wall", rapid.Int64()),
			Note:      maybe(t, "note", rapid.String()),
		}
		if e.Kind == Receive {
			e.Peer, e.Cause, e.Stamp = genName().Draw(t, "from"), genCount().Draw(t, "cause"), maybe(t, "stamp", genCount())
		}
		return e
	})
}

func genHeader() *rapid.Generator[*Header] {
	return rapid.Custom(func(t *rapid.T) *Header {
		return &Header{
			Format:      rapid.SampledFrom([]string{Format, Format + ".7"}).Draw(t, "format"),
			Process:     genName().Draw(t, "process"),
			Role:        rapid.SampledFrom(roleNames[:]).Draw(t, "role"),
			Incarnation: genCount().Draw(t, "incarnation"),
			Mode:        rapid.SampledFrom(modeNames[:]).Draw(t, "mode"),
			Peers:       rapid.SliceOfN(genName(), 0, 3).Draw(t, "peers"),
			Opening:     genBalances().Draw(t, "opening"),
			First:       maybe(t, "first", genCount()),
			Ends:        rapid.Bool().Draw(t, "ends"),
		}
	})
}

func genEnd() *rapid.Generator[*End] {
	return rapid.Custom(func(t *rapid.T) *End {
		return &End{genName().Draw(t, "process"), maybe(t, "events", genCount()), maybe(t, "clock", genCount())}
	})
}

func genRecord() *rapid.Generator[Record] {
	return rapid.OneOf(
		rapid.Map(genEvent(), func(e *Event) Record { return e }),
		rapid.Map(genHeader(), func(h *Header) Record { return h }),
		rapid.Map(genEnd(), func(e *End) Record { return e }),
	)
}

// appendRecord appends the line of any record.
func appendRecord(dst []byte, rec Record) []byte {
	switch rec := rec.(type) {
	case *Header:
		return AppendHeader(dst, rec)
	case *Event:
		return AppendEvent(dst, rec)
	case *End:
		return AppendEnd(dst, rec)
	}
	return dst
}

// keep copies a record so that it outlives the next Scan.
func keep(rec Record) Record {
	switch rec := rec.(type) {
	case *Header:
		c := rec.Clone()
		return &c
	case *Event:
		c := rec.Clone()
		return &c
	case *End:
		c := *rec
		return &c
	}
	return rec
}

// genVectorEntry is an entry of a process of its own; those of rising i are in the order of a vector.
func genVectorEntry(i int) clock.Entry { return clock.Entry{Process: fmt.Sprintf("%06d", i), N: 1} }
