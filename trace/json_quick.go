package trace

import (
	"encoding/binary"
	"math/bits"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// quick reads the events that AppendEvent writes, and reports false on everything else: a line with spaces, escapes,
// fields in another order or of another kind, and on every wrong value. What it says no to, parse decides; what it says yes
// to, parse gives the same of. An event that it says no to is spoilt.
//
// It never looks at a byte twice: where a known word, name or key should stand it compares instead of searching for its
// end, and digits and names are read eight bytes at a time.
func (r *record) quick(line []byte) bool {
	r.is, r.extra = isEvent, extra{}
	e := r.fresh()
	q := quick{b: line[:min(len(line)+7, cap(line))], names: &r.names, memos: &r.memos, has: r.has()}
	if !q.begins(e) {
		return false
	}
	for latest := fKind; q.i < len(line) && q.b[q.i] == ','; {
		f := q.key()
		if f <= latest || !q.value(f, e) { // fields rise, so none comes twice
			return false
		}
		latest = f
	}
	return q.i == len(line)-1 && line[q.i] == '}' && e.complete()
}

// quick is how far a line is read. Behind the line b may hold some bytes more, so that eight can be loaded at its end.
type quick struct {
	b     []byte
	i     int
	names *names
	memos *memos
	has   *clock.Vector
}

// literal steps over a text that must stand here.
func (q *quick) literal(s string) bool {
	end := q.i + len(s)
	if end > len(q.b) || string(q.b[q.i:end]) != s {
		return false
	}
	q.i = end
	return true
}

// begins reads what every event begins with.
func (q *quick) begins(e *Event) (ok bool) {
	if !q.literal(`{"process":"`) {
		return false
	}
	if e.Process, ok = q.name(fProcess); !ok || !q.literal(`,"seq":`) {
		return false
	}
	if e.Seq = q.count(); e.Seq == 0 || !q.literal(`,"clock":`) {
		return false
	}
	if e.Clock = q.count(); e.Clock == 0 || !q.literal(`,"kind":"`) {
		return false
	}
	switch {
	case q.literal(`send"`):
		e.Kind = Send
	case q.literal(`receive"`):
		e.Kind = Receive
	case q.literal(`local"`):
		e.Kind = Local
	default:
		return false
	}
	return true
}

// The first four bytes of a key, as a word of the machine.
const (
	keyPeer    = 'p' | 'e'<<8 | 'e'<<16 | 'r'<<24
	keyCause   = 'c' | 'a'<<8 | 'u'<<16 | 's'<<24
	keyStamp   = 's' | 't'<<8 | 'a'<<16 | 'm'<<24
	keyRequest = 'r' | 'e'<<8 | 'q'<<16 | 'u'<<24
	keyStep    = 's' | 't'<<8 | 'e'<<16 | 'p'<<24
	keyWrite   = 'w' | 'r'<<8 | 'i'<<16 | 't'<<24
	keyAt      = 'a' | 't'<<8 | '"'<<16 | ':'<<24
	keyDeps    = 'd' | 'e'<<8 | 'p'<<16 | 's'<<24
	keyOp      = 'o' | 'p'<<8 | '"'<<16 | ':'<<24
	keyAccount = 'a' | 'c'<<8 | 'c'<<16 | 'o'<<24
	keyToA     = 't' | 'o'<<8 | '_'<<16 | 'a'<<24
	keyToB     = 't' | 'o'<<8 | '_'<<16 | 'b'<<24
	keyAmount  = 'a' | 'm'<<8 | 'o'<<16 | 'u'<<24
	keyBalance = 'b' | 'a'<<8 | 'l'<<16 | 'a'<<24
	keyResult  = 'r' | 'e'<<8 | 's'<<16 | 'u'<<24
	keySees    = 's' | 'e'<<8 | 'e'<<16 | 's'<<24
	keyAnswers = 'a' | 'n'<<8 | 's'<<16 | 'w'<<24
	keyHas     = 'h' | 'a'<<8 | 's'<<16 | '"'<<24
	keyWall    = 'w' | 'a'<<8 | 'l'<<16 | 'l'<<24
	keyNote    = 'n' | 'o'<<8 | 't'<<16 | 'e'<<24
)

// key steps over a comma and the key behind it, and the quote of a value that is a string. It returns fNone for a key
// that it does not know.
func (q *quick) key() field {
	if q.i+6 > len(q.b) {
		return fNone
	}
	is := func(key string, f field) field {
		if q.literal(key) {
			return f
		}
		return fNone
	}
	switch binary.LittleEndian.Uint32(q.b[q.i+2:]) {
	case keyPeer:
		return is(`,"peer":"`, fPeer)
	case keyCause:
		return is(`,"cause":`, fCause)
	case keyStamp:
		return is(`,"stamp":`, fStamp)
	case keyRequest:
		return is(`,"request":"`, fRequest)
	case keyStep:
		return is(`,"step":"`, fStep)
	case keyWrite:
		return is(`,"write":"`, fWrite)
	case keyAt:
		return is(`,"at":`, fAt)
	case keyDeps:
		return is(`,"deps":{`, fDeps)
	case keyOp:
		return is(`,"op":"`, fOp)
	case keyAccount:
		return is(`,"account":"`, fAccount)
	case keyToA:
		return is(`,"to_account":"`, fToAccount)
	case keyToB:
		if q.literal(`,"to_branch":"`) {
			return fToBranch
		}
		return is(`,"to_balance":`, fToBalance)
	case keyAmount:
		return is(`,"amount":`, fAmount)
	case keyBalance:
		return is(`,"balance":`, fBalance)
	case keyResult:
		return is(`,"result":"`, fResult)
	case keySees:
		return is(`,"sees":{`, fSees)
	case keyAnswers:
		return is(`,"answers":`, fAnswers)
	case keyHas:
		return is(`,"has":{`, fHas)
	case keyWall:
		return is(`,"wall":`, fWall)
	case keyNote:
		return is(`,"note":"`, fNote)
	}
	return fNone
}

func (q *quick) value(f field, e *Event) (ok bool) {
	switch f {
	case fPeer:
		e.Peer, ok = q.name(f)
	case fCause:
		e.Cause = q.count()
		return e.Cause > 0
	case fStamp:
		e.Stamp = q.count()
		return e.Stamp > 0
	case fRequest:
		e.Request, ok = q.id(f)
	case fStep:
		return q.word(stepNames[:], (*uint8)(&e.Step))
	case fWrite:
		e.Write, ok = q.id(f)
	case fAt:
		e.At = q.count()
		return e.At > 0
	case fDeps:
		e.Deps, ok = q.vector(f, e.Deps)
	case fOp:
		return q.word(opNames[:], (*uint8)(&e.Op))
	case fAccount:
		e.Account, ok = q.name(f)
	case fToAccount:
		e.ToAccount, ok = q.name(f)
	case fToBranch:
		e.ToBranch, ok = q.name(f)
	case fAmount:
		e.Amount = int64(q.count())
		return e.Amount > 0
	case fBalance:
		e.Balance.Known = true
		e.Balance.Amount, ok = q.integer()
	case fToBalance:
		e.ToBalance.Known = true
		e.ToBalance.Amount, ok = q.integer()
	case fResult:
		return q.word(resultNames[:], (*uint8)(&e.Result))
	case fSees:
		e.Sees, ok = q.vector(f, e.Sees)
	case fAnswers:
		e.Answers = q.count()
		return e.Answers > 0
	case fHas:
		*q.has, ok = q.vector(f, *q.has)
	case fWall:
		e.Wall, ok = q.integer()
	case fNote:
		var text []byte
		text, ok = q.text()
		e.Note = string(text)
	}
	return ok
}

// text reads a string of plain ASCII up to its closing quote.
func (q *quick) text() ([]byte, bool) {
	end := plainEnd(q.b, q.i)
	if end < 0 {
		return nil, false
	}
	text := q.b[q.i:end]
	q.i = end + 1
	return text, true
}

// name reads the name of a process or an account: most often that which stood in the field before.
func (q *quick) name(f field) (string, bool) {
	last := q.names.last[f]
	if end := q.i + len(last); last != "" && end < len(q.b) && q.b[end] == '"' && string(q.b[q.i:end]) == last {
		q.i = end + 1
		return last, true
	}
	text, ok := q.text()
	if !ok || len(text) == 0 || len(text) > maxName {
		return "", false
	}
	return q.names.get(text, f), true
}

// id reads process/n.
func (q *quick) id(f field) (ID, bool) {
	start := q.i
	text, ok := q.text()
	if !ok {
		return ID{}, false
	}
	i := len(text) - 1
	for i > 0 && text[i] != '/' {
		i--
	}
	if i <= 0 || i > maxName {
		return ID{}, false
	}
	n, end := number(q.b, start+i+1)
	if end != start+len(text) || n-1 >= clock.Max {
		return ID{}, false
	}
	return ID{q.names.get(text[:i], f), n}, true
}

// word reads one of the names.
func (q *quick) word(names []string, into *uint8) bool {
	text, ok := q.text()
	if !ok || len(text) == 0 {
		return false
	}
	for i := 1; i < len(names); i++ {
		if names[i] == string(text) {
			*into = uint8(i)
			return true
		}
	}
	return false
}

// count reads a number from 1 to 2^53; 0 stands for everything else.
func (q *quick) count() uint64 {
	n, end := number(q.b, q.i)
	if n > clock.Max || end < 0 {
		return 0
	}
	q.i = end
	return n
}

// integer reads a number of 63 bits and a sign.
func (q *quick) integer() (int64, bool) {
	negative := q.i < len(q.b) && q.b[q.i] == '-'
	if negative {
		q.i++
	}
	n, end := number(q.b, q.i)
	if end < 0 || n >= 1<<63 {
		return 0, false
	}
	q.i = end
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// vector reads counts of processes in rising order: most often those that stood there before.
func (q *quick) vector(f field, into clock.Vector) (_ clock.Vector, ok bool) {
	memo := q.memos.of(f)
	if end := q.i + len(memo.text); len(memo.text) > 0 && end <= len(q.b) && string(q.b[q.i:end]) == string(memo.text) {
		q.i = end
		return append(into[:0], memo.vector...), true
	}
	start := q.i
	if into, ok = q.entries(into[:0], memo.vector); ok {
		memo.keep(q.b[start:q.i], into)
	}
	return into, ok
}

// entries reads a vector. Most often it has the processes of the one before, and other counts.
func (q *quick) entries(into, before clock.Vector) (clock.Vector, bool) {
	alike := true
	for q.i < len(q.b) && q.b[q.i] == '"' {
		q.i++
		k := len(into)
		var name string
		if alike = alike && k < len(before) && q.member(before[k].Process); alike {
			name = before[k].Process
		} else {
			text, ok := q.text()
			if !ok || len(text) == 0 || len(text) > maxName || !q.literal(`:`) {
				return into, false
			}
			if name = q.names.get(text, fNone); k > 0 && into[k-1].Process >= name {
				return into, false
			}
		}
		n := q.count()
		if n == 0 || q.i >= len(q.b) {
			return into, false
		}
		into = append(into, clock.Entry{Process: name, N: n})
		q.i++
		switch q.b[q.i-1] {
		case ',':
		case '}':
			return into, true
		default:
			return into, false
		}
	}
	return into, false
}

// member steps over a name, its quote and the colon, if they stand here.
func (q *quick) member(name string) bool {
	end := q.i + len(name)
	if end+1 >= len(q.b) || q.b[end] != '"' || q.b[end+1] != ':' || string(q.b[q.i:end]) != name {
		return false
	}
	q.i = end + 2
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainEnd returns the place of the quote that ends a string, or -1 where a byte comes before it that is no plain ASCII.
// Eight bytes are tested at once, as in H. Warren, "Hacker's Delight", section 6-1: a carry may only spoil what stands
// behind the first byte found.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		found := ((quote-ones)&^quote | (slash-ones)&^slash | (w-' '*ones)&^w | w) & highs
		if found != 0 {
			i += bits.TrailingZeros64(found) / 8
			if b[i] == '"' {
				return i
			}
			return -1
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i
		case c == '\\' || c < ' ' || c >= 0x80:
			return -1
		}
	}
	return -1
}

// number reads a plain number of up to 19 digits and returns where it ends, or -1. The first eight digits are one word of
// the machine: they are put together in lanes of 16, 32 and 64 bits (as in D. Lemire, "Number parsing at a gigabyte per
// second", 2021, section 7).
func number(b []byte, i int) (n uint64, end int) {
	start := i
	if i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:]) ^ '0'*ones
		digits := bits.TrailingZeros64(((w+0x76*ones)|w)&highs) / 8 // a digit is at most 9, and 9+0x76 has no high bit
		if digits > 0 {
			w <<= 64 - 8*digits
			w = w * (10<<8 + 1) >> 8
			w = w & 0x00ff00ff00ff00ff * (100<<16 + 1) >> 16
			n = w & 0x0000ffff0000ffff * (10000<<32 + 1) >> 32
		}
		if i += digits; digits < 8 {
			return checked(b, start, i, n)
		}
	}
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		n = n*10 + uint64(b[i]-'0')
	}
	return checked(b, start, i, n)
}

// checked makes sure that digits are a number as JSON has them, and no beginning of one.
func checked(b []byte, start, end int, n uint64) (uint64, int) {
	if end == start || end-start > 19 || end-start > 1 && b[start] == '0' {
		return 0, -1
	}
	return n, end
}
