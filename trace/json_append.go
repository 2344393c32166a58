package trace

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// AppendHeader appends the header as one line of JSON, '\n' included. An empty Format is written as [Format].
func AppendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, `{"format":`...)
	dst = appendString(dst, cmp.Or(h.Format, Format))
	dst = append(dst, `,"process":`...)
	dst = appendString(dst, h.Process)
	dst = appendText(dst, `,"role":`, h.Role)
	dst = appendCount(dst, `,"incarnation":`, h.Incarnation)
	dst = appendText(dst, `,"mode":`, h.Mode)
	if len(h.Peers) > 0 {
		dst = append(dst, `,"peers":[`...)
		for i, p := range h.Peers {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, p)
		}
		dst = append(dst, ']')
	}
	dst = appendAccounts(dst, `,"opening":`, h.Opening)
	dst = appendCount(dst, `,"first":`, h.First)
	if h.Ends {
		dst = append(dst, `,"ends":true`...)
	}
	return append(dst, "}\n"...)
}

// AppendEvent appends the event as one line of JSON, '\n' included. Process, seq, clock and kind are always written, of
// the others only those that are not zero.
func AppendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, `{"process":`...)
	dst = appendString(dst, e.Process)
	dst = append(dst, `,"seq":`...)
	dst = appendUint(dst, e.Seq)
	dst = append(dst, `,"clock":`...)
	dst = appendUint(dst, e.Clock)
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, e.Kind.String()...)
	dst = append(dst, '"')
	dst = appendText(dst, `,"peer":`, e.Peer)
	dst = appendCount(dst, `,"cause":`, e.Cause)
	dst = appendCount(dst, `,"stamp":`, e.Stamp)
	dst = appendID(dst, `,"request":`, e.Request)
	if e.Step != StepNone {
		dst = appendWord(dst, `,"step":"`, e.Step.String())
	}
	dst = appendID(dst, `,"write":`, e.Write)
	dst = appendCount(dst, `,"at":`, e.At)
	dst = appendVector(dst, `,"deps":`, e.Deps)
	if e.Op != OpNone {
		dst = appendWord(dst, `,"op":"`, e.Op.String())
	}
	dst = appendText(dst, `,"account":`, e.Account)
	dst = appendText(dst, `,"to_account":`, e.ToAccount)
	dst = appendText(dst, `,"to_branch":`, e.ToBranch)
	dst = appendNumber(dst, `,"amount":`, e.Amount, e.Amount != 0)
	dst = appendNumber(dst, `,"balance":`, e.Balance.Amount, e.Balance.Known)
	dst = appendNumber(dst, `,"to_balance":`, e.ToBalance.Amount, e.ToBalance.Known)
	if e.Result != ResultNone {
		dst = appendWord(dst, `,"result":"`, e.Result.String())
	}
	dst = appendVector(dst, `,"sees":`, e.Sees)
	dst = appendCount(dst, `,"answers":`, e.Answers)
	dst = appendVector(dst, `,"has":`, e.Has)
	dst = appendAccounts(dst, `,"balances":`, e.Balances)
	dst = appendNumber(dst, `,"wall":`, e.Wall, e.Wall != 0)
	dst = appendText(dst, `,"note":`, e.Note)
	return append(dst, "}\n"...)
}

// AppendEnd appends the end record as one line of JSON, '\n' included.
func AppendEnd(dst []byte, e *End) []byte {
	dst = append(dst, `{"end":true,"process":`...)
	dst = appendString(dst, e.Process)
	dst = append(dst, `,"events":`...)
	dst = appendUint(dst, e.Events)
	dst = append(dst, `,"clock":`...)
	dst = appendUint(dst, e.Clock)
	return append(dst, "}\n"...)
}

func appendText(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(append(dst, key...), s)
}

// appendWord appends a name that needs no escaping; key ends with its opening quote.
func appendWord(dst []byte, key, word string) []byte {
	dst = append(dst, key...)
	dst = append(dst, word...)
	return append(dst, '"')
}

func appendCount(dst []byte, key string, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return appendUint(append(dst, key...), n)
}

func appendNumber(dst []byte, key string, n int64, present bool) []byte {
	if !present {
		return dst
	}
	dst = append(dst, key...)
	if n < 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	return appendUint(dst, uint64(n))
}

// appendUint appends n in decimal. Half of writing an event is writing its numbers, so those below 10^8 get their eight
// digits at once, as the bytes of one word: halves, quarters, then digits are split off in lanes of 32, 16 and 8 bits
// (P. Khuong, "How to print integers really fast", 2017). Leading zeros are shifted out.
func appendUint(dst []byte, n uint64) []byte {
	if n >= 1e8 {
		return strconv.AppendUint(dst, n, 10)
	}
	const lanes32, lanes16 = 1<<32 | 1, 1<<48 | 1<<32 | 1<<16 | 1
	fours := n/1e4 | n%1e4<<32
	hundreds := fours * 10486 >> 20 & (0x7f * lanes32) // by 100: exact below 10^4
	twos := hundreds | (fours-100*hundreds)<<16
	tens := twos * 103 >> 10 & (0xf * lanes16) // by 10: exact below 100
	digits := tens | (twos-10*tens)<<8
	zeros := bits.TrailingZeros64(digits|1<<56) / 8 // the last digit always stands
	dst = binary.LittleEndian.AppendUint64(dst, (digits|'0'*0x0101010101010101)>>(8*zeros))
	return dst[:len(dst)-zeros]
}

func appendID(dst []byte, key string, id ID) []byte {
	if id.IsZero() {
		return dst
	}
	dst = append(dst, key...)
	dst = appendString(dst, id.Process)
	dst[len(dst)-1] = '/'
	dst = appendUint(dst, id.N)
	return append(dst, '"')
}

func appendVector(dst []byte, key string, v clock.Vector) []byte {
	if len(v) == 0 {
		return dst
	}
	dst = append(dst, key...)
	for i, e := range v {
		dst = append(dst, separator(i))
		dst = appendString(dst, e.Process)
		dst = append(dst, ':')
		dst = appendUint(dst, e.N)
	}
	return append(dst, '}')
}

func appendAccounts(dst []byte, key string, accounts []AccountBalance) []byte {
	if len(accounts) == 0 {
		return dst
	}
	if !slices.IsSortedFunc(accounts, byAccount) {
		accounts = slices.SortedFunc(slices.Values(accounts), byAccount)
	}
	dst = append(dst, key...)
	for i, a := range accounts {
		dst = append(dst, separator(i))
		dst = appendString(dst, a.Account)
		dst = append(dst, ':')
		dst = strconv.AppendInt(dst, a.Amount, 10)
	}
	return append(dst, '}')
}

func byAccount(a, b AccountBalance) int { return cmp.Compare(a.Account, b.Account) }

func separator(i int) byte {
	if i == 0 {
		return '{'
	}
	return ','
}

// appendString appends s as a JSON string. Bytes that are no UTF-8 become the replacement character.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := len(dst)
	dst = append(dst, s...)
	if !isPlain(dst[start:]) {
		return appendEscaped(dst[:start], s)
	}
	return append(dst, '"')
}

// isPlain reports whether b is ASCII that stands for itself in a JSON string. It looks at eight bytes at a time: a
// subtraction sets the top bit of a byte that is less than what is taken away.
func isPlain(b []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		control, quote, backslash := x-' '*ones, (x^'"'*ones)-ones, (x^'\\'*ones)-ones
		if (x|control|quote|backslash)&tops != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, '"')
}
