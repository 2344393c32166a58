package trace

import (
	"cmp"
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
	dst = strconv.AppendUint(dst, e.Seq, 10)
	dst = append(dst, `,"clock":`...)
	dst = strconv.AppendUint(dst, e.Clock, 10)
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
	dst = strconv.AppendUint(dst, e.Events, 10)
	dst = append(dst, `,"clock":`...)
	dst = strconv.AppendUint(dst, e.Clock, 10)
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
	return strconv.AppendUint(append(dst, key...), n, 10)
}

func appendNumber(dst []byte, key string, n int64, present bool) []byte {
	if !present {
		return dst
	}
	return strconv.AppendInt(append(dst, key...), n, 10)
}

func appendID(dst []byte, key string, id ID) []byte {
	if id.IsZero() {
		return dst
	}
	dst = append(dst, key...)
	dst = appendString(dst, id.Process)
	dst[len(dst)-1] = '/'
	dst = strconv.AppendUint(dst, id.N, 10)
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
		dst = strconv.AppendUint(dst, e.N, 10)
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
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(append(dst, s[:i]...), s[i:])
		}
	}
	dst = append(dst, s...)
	return append(dst, '"')
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
