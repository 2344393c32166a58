package trace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/seed-8ff1fc32/bank-trace/clock"
	tracev1 "github.com/seed-8ff1fc32/bank-trace/pb/trace/v1"
)

// outcome is what a binary record is to a Reader.
type outcome uint8

const (
	isRecord  outcome = iota // a header, event or end, or a SyntaxError
	isBetween                // a mark, or names alone
	isNoise                  // no protobuf: where the next record begins is not known either
)

// decodeRecord reads a record by the generated code: any that protobuf allows, in any order of fields. It is the judge of
// what decodeEvent does not know.
func (r *record) decodeRecord(p []byte) (outcome, *SyntaxError) {
	r.line, r.extra = p, extra{}
	r.refs.fresh = r.refs.fresh[:0]
	m := new(tracev1.Record)
	if err := proto.Unmarshal(p, m); err != nil {
		wrong := &SyntaxError{Problem: "the record is no protobuf", Remedy: "write records as trace.proto has them"}
		if !wellFormed(p) {
			return isNoise, wrong
		}
		wrong.Problem = "the record is no protobuf of a trace: " + strings.TrimPrefix(err.Error(), "proto: ")
		return isRecord, wrong
	}
	if len(m.Block) > 0 {
		if string(m.Block) != blockText {
			return isNoise, &SyntaxError{
				Problem: fmt.Sprintf("the mark of a block is %q, which this version does not read", excerpt(m.Block)),
				Remedy:  "logs of a later format need a later version of this program",
			}
		}
		r.forget()
	}
	d := decoder{record: r, m: m}
	for _, name := range m.Names {
		d.define(name)
	}
	r.extra.name = unknownField(m)
	return d.kind(), d.err
}

// unknownField names a field of a record that trace.proto has not, "" where there is none.
func unknownField(m *tracev1.Record) string {
	all := []proto.Message{m, m.Header, m.End}
	for _, a := range m.Balances {
		all = append(all, a)
	}
	for _, a := range m.Header.GetOpening() {
		all = append(all, a)
	}
	for _, part := range all {
		if unknown := part.ProtoReflect().GetUnknown(); len(unknown) > 0 {
			number, _, _ := protowire.ConsumeTag(unknown)
			return "field " + strconv.Itoa(int(number)) + " of " + string(part.ProtoReflect().Descriptor().Name())
		}
	}
	return ""
}

// wellFormed reports whether p is a sequence of fields.
func wellFormed(p []byte) bool {
	for len(p) > 0 {
		_, _, n := protowire.ConsumeField(p)
		if n < 0 {
			return false
		}
		p = p[n:]
	}
	return true
}

// decoder takes over the values of a message and keeps the first that is wrong.
type decoder struct {
	*record
	m   *tracev1.Record
	err *SyntaxError
}

func (d *decoder) wrong(f field, value, problem string) {
	if d.err == nil {
		d.err = &SyntaxError{Field: fields[f].name, Value: value, Problem: problem, Remedy: fields[f].remedy}
	}
}

func (d *decoder) define(n *tracev1.Name) {
	const remedy = "give each name of a block a number of its own, from 1 to 2^18"
	bad := func(problem string) {
		if d.err == nil {
			d.err = &SyntaxError{Field: "names", Value: fmt.Sprintf("%d %q", n.Number, excerpt([]byte(n.Text))), Problem: problem, Remedy: remedy}
		}
	}
	switch {
	case n.Number < 1 || n.Number > mostNumber:
		bad("has a number that is not from 1 to 2^18")
	case len(n.Text) == 0 || len(n.Text) > maxName:
		bad("is not a name of 1 to 255 bytes")
	case !d.refs.define(uint64(n.Number), d.names.get([]byte(n.Text), fNone)):
		bad("has a number that stands for " + strconv.Quote(d.refs.names[n.Number]) + " in this block")
	}
}

// kind tells what the message is, and reads it.
func (d *decoder) kind() outcome {
	m := d.m
	event := m.Process != 0 || m.Seq != 0 || m.Clock != 0 || m.Kind != 0
	switch {
	case m.Header != nil && m.End != nil, event && (m.Header != nil || m.End != nil):
		if d.err == nil {
			d.err = &SyntaxError{Problem: "a record is two of header, event and end at once", Remedy: "write them as records of their own"}
		}
	case m.Header != nil:
		d.is = isHeader
		d.readHeader(m.Header)
	case m.End != nil:
		d.is = isEnd
		d.record.end = End{d.text(fProcess, m.End.Process), d.count(fEvents, m.End.Events), d.count(fClock, m.End.Clock)}
	case !event && (len(m.Block) > 0 || len(m.Names) > 0):
		if d.err == nil {
			return isBetween
		}
	default:
		d.is = isEvent
		d.readEvent()
	}
	return isRecord
}

// count returns a value from 0 to 2^53; 0 is none.
func (d *decoder) count(f field, n uint64) uint64 {
	if n > clock.Max {
		d.wrong(f, strconv.FormatUint(n, 10), "is not an integer up to 2^53")
	}
	return n
}

// needed is a count of 1 or more.
func (d *decoder) needed(f field, n uint64, on string) uint64 {
	if n == 0 {
		d.wrong(f, "", "is missing from "+on)
	}
	return d.count(f, n)
}

// text returns a name that stands in a header or an end record.
func (d *decoder) text(f field, name string) string {
	if len(name) == 0 || len(name) > maxName {
		d.wrong(f, strconv.Quote(excerpt([]byte(name))), "is not a name of 1 to 255 bytes")
	}
	return d.names.get([]byte(name), f)
}

// ref returns the name of a number; 0 is none.
func (d *decoder) ref(f field, number uint64) string {
	if number == 0 {
		return ""
	}
	name, ok := lookup(d.refs.names, number)
	if !ok {
		d.wrong(f, "name "+strconv.FormatUint(number, 10), "is none that the block has")
	}
	return name
}

// word returns a value that has a name, in range or not.
func word[T, W ~int32 | ~uint8](d *decoder, f field, names []string, v W) T {
	if v < 0 || int(v) >= len(names) {
		d.wrong(f, strconv.Itoa(int(v)), "is none of 1 to "+strconv.Itoa(len(names)-1)+": "+strings.Join(names[1:], ", "))
		return 0
	}
	return T(v)
}

func (d *decoder) id(f field, number uint32, n uint64) ID {
	id := ID{d.ref(f, uint64(number)), d.count(f, n)}
	if (number == 0) != (n == 0) {
		d.wrong(f, fmt.Sprintf("%q and %d", id.Process, n), "is not a process and a number")
	}
	return id
}

func (d *decoder) readEvent() {
	m, e := d.m, d.fresh()
	if m.Process == 0 {
		d.wrong(fProcess, "", "is missing from an event")
	}
	e.Process = d.ref(fProcess, uint64(m.Process))
	e.Seq = d.needed(fSeq, m.Seq, "an event")
	e.Clock = d.needed(fClock, m.Clock, "an event")
	e.Kind = word[Kind](d, fKind, kindNames[:], m.Kind)
	e.Peer = d.ref(fPeer, uint64(m.Peer))
	e.Cause, e.Stamp = d.count(fCause, m.Cause), d.count(fStamp, m.Stamp)
	e.Request = d.id(fRequest, m.RequestCustomer, m.RequestN)
	e.Step = word[Step](d, fStep, stepNames[:], m.Step)
	e.Write = d.id(fWrite, m.WriteOrigin, m.WriteN)
	e.At = d.count(fAt, m.At)
	e.Deps = d.vector(fDeps, e.Deps, m.Deps)
	e.Op = word[Op](d, fOp, opNames[:], m.Op)
	e.Account, e.ToAccount = d.ref(fAccount, uint64(m.Account)), d.ref(fToAccount, uint64(m.ToAccount))
	e.ToBranch = d.ref(fToBranch, uint64(m.ToBranch))
	e.Amount = int64(d.count(fAmount, m.Amount))
	if m.Balance != nil {
		e.Balance = KnownBalance(*m.Balance)
	}
	if m.ToBalance != nil {
		e.ToBalance = KnownBalance(*m.ToBalance)
	}
	e.Result = word[Result](d, fResult, resultNames[:], m.Result)
	e.Sees = d.vector(fSees, e.Sees, m.Sees)
	e.Answers = d.count(fAnswers, m.Answers)
	has := d.has()
	*has = d.vector(fHas, *has, m.Has)
	e.Balances = d.accounts(fBalances, e.Balances, m.Balances)
	e.Wall, e.Note = m.Wall, m.Note
	d.kindOf(e)
}

// kindOf checks what the kind of an event asks for.
func (d *decoder) kindOf(e *Event) {
	switch {
	case e.Kind == KindNone:
		d.wrong(fKind, "", "is missing from an event")
	case e.Kind == Receive && e.Peer == "":
		d.wrong(fPeer, "", "is missing from a receive")
	case e.Kind == Receive && e.Cause == 0:
		d.wrong(fCause, "", "is missing from a receive")
	case e.Kind != Receive && e.Cause != 0:
		d.wrong(fCause, "", "has no meaning on a "+e.Kind.String()+" event")
	case e.Kind != Receive && e.Stamp != 0:
		d.wrong(fStamp, "", "has no meaning on a "+e.Kind.String()+" event")
	}
}

func (d *decoder) readHeader(m *tracev1.Header) {
	h := &d.header
	*h = Header{Peers: h.Peers[:0], Opening: h.Opening[:0]}
	if h.Format = m.Format; m.Format != Format && !isLaterFormat(m.Format) {
		d.wrong(fFormat, strconv.Quote(excerpt([]byte(m.Format))), "is not a format that this version reads")
	}
	h.Process = d.text(fProcess, m.Process)
	h.Role = d.choice(fRole, roleNames[:], m.Role)
	h.Incarnation = max(1, d.count(fIncarnation, m.Incarnation))
	h.Mode = d.choice(fMode, modeNames[:], m.Mode)
	for _, peer := range m.Peers {
		h.Peers = append(h.Peers, d.text(fPeers, peer))
	}
	h.Opening = d.accounts(fOpening, h.Opening, m.Opening)
	h.First, h.Ends = d.count(fFirst, m.First), m.Ends
}

func (d *decoder) choice(f field, names []string, s string) string {
	i := slices.Index(names, s)
	if i < 0 {
		d.wrong(f, strconv.Quote(excerpt([]byte(s))), "is none of "+strings.Join(names[1:], ", "))
		return ""
	}
	return names[i]
}

// vector reads names and counts in turn.
func (d *decoder) vector(f field, into clock.Vector, pairs []uint64) clock.Vector {
	if len(pairs)%2 != 0 {
		d.wrong(f, "", "has a name without a count")
		return into
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == 0 {
			d.wrong(f, "name 0", "is no name")
		}
		into = append(into, clock.Entry{Process: d.ref(f, pairs[i]), N: d.count(f, pairs[i+1])})
	}
	if d.err != nil {
		return into
	}
	into, twice := sortVector(into)
	if twice != "" {
		d.wrong(f, "", fmt.Sprintf("names %q twice", twice))
	}
	return into
}

func (d *decoder) accounts(f field, into []AccountBalance, list []*tracev1.AccountBalance) []AccountBalance {
	for _, a := range list {
		into = append(into, AccountBalance{d.text(f, a.Account), a.Balance})
	}
	if twice := sortAccounts(into); twice != "" {
		d.wrong(f, "", fmt.Sprintf("names %q twice", twice))
	}
	return into
}
