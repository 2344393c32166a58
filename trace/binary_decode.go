package trace

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// refs are the names of a block by their numbers; "" where a number has none.
type refs struct {
	names []string
	fresh []uint64 // numbers that the latest record has given
}

func (r *refs) forget() {
	clear(r.names)
	r.names = r.names[:0]
}

// forget is for the end of a block.
func (r *record) forget() {
	r.refs.forget()
	r.memos.forget()
}

// undo takes back what the latest record has given.
func (r *refs) undo() {
	for _, number := range r.fresh {
		r.names[number] = ""
	}
}

// define gives a number a name. It reports false where the number stands for another.
func (r *refs) define(number uint64, name string) bool {
	for uint64(len(r.names)) <= number {
		r.names = append(r.names, "")
	}
	if known := r.names[number]; known != "" {
		return known == name
	}
	r.names[number] = name
	r.fresh = append(r.fresh, number)
	return true
}

// decodeEvent reads the events that binaryWriter writes, and reports false on everything else: a record with any other
// field, type or value, a wrong one included. What it says no to, decodeRecord decides, by the generated code; what it
// says yes to, that gives the same of. An event that it says no to is spoilt, and its names are not taken.
func (r *record) decodeEvent(p []byte) bool {
	r.refs.fresh = r.refs.fresh[:0]
	if r.decodeFields(p) && r.event.complete() {
		return true
	}
	r.refs.undo()
	r.memos.forget()
	return false
}

func (r *record) decodeFields(p []byte) bool {
	r.is, r.extra = isEvent, extra{}
	e := r.fresh()
	names := r.refs.names
	for len(p) > 0 {
		tag := uint64(p[0])
		if tag < 0x80 {
			p = p[1:]
		} else if len(p) > 1 && p[1] < 0x80 {
			tag = tag&0x7f | uint64(p[1])<<7
			p = p[2:]
		} else {
			return false
		}
		if len(p) == 0 {
			return false
		}
		v := uint64(p[0])
		switch {
		case v < 0x80:
			p = p[1:]
		case len(p) > 1 && p[1] < 0x80:
			v = v&0x7f | uint64(p[1])<<7
			p = p[2:]
		case len(p) > 2 && p[2] < 0x80:
			v = v&0x7f | uint64(p[1]&0x7f)<<7 | uint64(p[2])<<14
			p = p[3:]
		default:
			n := 0
			if v, n = protowire.ConsumeVarint(p); n < 0 {
				return false
			}
			p = p[n:]
		}
		if tag&7 == bytesType {
			if v > uint64(len(p)) || !r.decodeBytes(tag, p[:v]) {
				return false
			}
			p = p[v:]
			names = r.refs.names
			continue
		}
		ok := v-1 < clock.Max
		switch tag {
		case tagProcess:
			e.Process, ok = lookup(names, v)
		case tagSeq:
			e.Seq = v
		case tagClock:
			e.Clock = v
		case tagKind:
			e.Kind, ok = Kind(v), v-1 < uint64(len(kindNames)-1)
		case tagPeer:
			e.Peer, ok = lookup(names, v)
		case tagCause:
			e.Cause = v
		case tagStamp:
			e.Stamp = v
		case tagCustomer:
			e.Request.Process, ok = lookup(names, v)
		case tagRequest:
			e.Request.N = v
		case tagStep:
			e.Step, ok = Step(v), v-1 < uint64(len(stepNames)-1)
		case tagOrigin:
			e.Write.Process, ok = lookup(names, v)
		case tagWrite:
			e.Write.N = v
		case tagAt:
			e.At = v
		case tagOp:
			e.Op, ok = Op(v), v-1 < uint64(len(opNames)-1)
		case tagAccount:
			e.Account, ok = lookup(names, v)
		case tagAmount:
			e.Amount = int64(v)
		case tagBalance:
			e.Balance, ok = KnownBalance(protowire.DecodeZigZag(v)), true
		case tagResult:
			e.Result, ok = Result(v), v-1 < uint64(len(resultNames)-1)
		case tagAnswers:
			e.Answers = v
		case tagToAccount:
			e.ToAccount, ok = lookup(names, v)
		case tagToBalance:
			e.ToBalance, ok = KnownBalance(protowire.DecodeZigZag(v)), true
		case tagToBranch:
			e.ToBranch, ok = lookup(names, v)
		case tagWall:
			e.Wall, ok = protowire.DecodeZigZag(v), true
		default:
			return false
		}
		if !ok {
			return false
		}
	}
	return true
}

// complete reports whether the event has what it must have, and nothing that its kind cannot.
func (e *Event) complete() bool {
	switch {
	case e.Process == "" || e.Seq == 0 || e.Clock == 0 || e.Kind == KindNone:
		return false
	case e.Kind == Receive:
		if e.Peer == "" || e.Cause == 0 {
			return false
		}
	case e.Cause|e.Stamp != 0:
		return false
	}
	return (e.Request.Process == "") == (e.Request.N == 0) && (e.Write.Process == "") == (e.Write.N == 0)
}

// lookup returns the name of a number.
func lookup(names []string, v uint64) (string, bool) {
	if v >= uint64(len(names)) {
		return "", false
	}
	name := names[v]
	return name, name != ""
}

// decodeBytes reads a field that is a vector, a note or a name; a number is 0 here only where it was not written.
func (r *record) decodeBytes(tag uint64, p []byte) bool {
	e := r.event
	switch tag {
	case tagSees:
		return r.recallVector(r.memos.of(fSees), &e.Sees, p)
	case tagHas:
		return r.recallVector(r.memos.of(fHas), r.has(), p)
	case tagDeps:
		return r.recallVector(r.memos.of(fDeps), &e.Deps, p)
	case tagNames:
		return r.decodeName(p)
	case tagNote:
		e.Note = string(p)
		return utf8.Valid(p)
	}
	return false
}

// recallVector reads a vector that may stand there as it did before.
func (r *record) recallVector(memo *memo, into *clock.Vector, p []byte) bool {
	if len(*into) > 0 {
		return false
	}
	if len(p) > 0 && string(p) == string(memo.text) {
		*into = append(*into, memo.vector...)
		return true
	}
	if !r.decodeVector(into, p, memo) {
		return false
	}
	memo.keep(p, *into)
	return true
}

// decodeVector reads a vector. Most often it has the processes of the one before, and other counts.
func (r *record) decodeVector(into *clock.Vector, p []byte, memo *memo) bool {
	v := *into
	alike := true
	for len(p) > 0 {
		var number, n uint64
		if p[0] < 0x80 {
			number, p = uint64(p[0]), p[1:]
		} else {
			size := 0
			if number, size = protowire.ConsumeVarint(p); size < 0 {
				return false
			}
			p = p[size:]
		}
		n, size := protowire.ConsumeVarint(p)
		if size < 0 || n-1 >= clock.Max {
			return false
		}
		p = p[size:]
		k := len(v)
		if alike = alike && k < len(memo.numbers) && memo.numbers[k] == number; alike {
			v = append(v, clock.Entry{Process: memo.vector[k].Process, N: n})
			continue
		}
		name, ok := lookup(r.refs.names, number)
		if !ok || k > 0 && v[k-1].Process >= name {
			return false
		}
		v = append(v, clock.Entry{Process: name, N: n})
		memo.numbers = append(memo.numbers[:k], number)
	}
	memo.numbers = memo.numbers[:len(v)]
	*into = v
	return true
}

// decodeName reads a Name as we write it: its number, then its text.
func (r *record) decodeName(p []byte) bool {
	if len(p) == 0 || p[0] != 1<<3|varintType {
		return false
	}
	number, n := protowire.ConsumeVarint(p[1:])
	if n < 0 || number < 1 || number > mostNumber {
		return false
	}
	p = p[1+n:]
	if len(p) == 0 || p[0] != 2<<3|bytesType {
		return false
	}
	text, n := protowire.ConsumeBytes(p[1:])
	if n < 0 || 1+n != len(p) || len(text) == 0 || len(text) > maxName || !utf8.Valid(text) {
		return false
	}
	return r.refs.define(number, r.names.get(text, fNone))
}
