package diagram

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// minor reports whether an event belongs to the upkeep of the protocol rather than to a request.
func minor(e *trace.Event) bool { return e.Step == trace.StepAcknowledge || e.Step == trace.StepSync }

// label says in a few words what an event did.
func label(e *trace.Event) string {
	switch e.Step {
	case trace.StepNone:
		return clip(e.Note, 40)
	case trace.StepRequest:
		return operation(e)
	case trace.StepOrder:
		return "order " + e.Write.String()
	case trace.StepPropagate:
		return "write " + e.Write.String()
	case trace.StepAcknowledge:
		return "ack"
	case trace.StepExecute:
		return execution(e)
	case trace.StepRespond:
		return result(e, ", ")
	}
	return e.Step.String()
}

func operation(e *trace.Event) string {
	switch e.Op {
	case trace.OpNone:
		return "request"
	case trace.OpQuery:
		return "query " + e.Account
	}
	return fmt.Sprintf("%s %d", e.Op, e.Amount)
}

func execution(e *trace.Event) string {
	if e.Write.IsZero() {
		return strings.TrimSuffix("look: "+result(e, " "), ": ")
	}
	return "execute " + e.Write.String() + strings.TrimSuffix(": "+result(e, " "), ": ")
}

// brief is a shorter label of a local event.
func brief(e *trace.Event) string {
	switch {
	case e.Step == trace.StepOrder:
		return "order"
	case e.Step == trace.StepExecute && e.Result != trace.OK && e.Result != trace.ResultNone:
		return e.Result.String()
	case e.Step == trace.StepExecute && !e.Write.IsZero():
		return strings.TrimSuffix("execute: "+result(e, " "), ": ")
	case e.Step == trace.StepExecute:
		return result(e, " ")
	}
	return clip(label(e), 16)
}

// result is "ok", which goes without saying where there is a balance, the balance, or another result and the balance.
func result(e *trace.Event, between string) string {
	var words []string
	if e.Result != trace.ResultNone && (e.Result != trace.OK || !e.Balance.Known || between != " ") {
		words = append(words, e.Result.String())
	}
	if e.Balance.Known {
		words = append(words, strconv.FormatInt(e.Balance.Amount, 10))
	}
	return strings.Join(words, between)
}

// clip cuts a text to so many runes.
func clip(s string, most int) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:max(0, most-1)]) + "…"
}

// natural compares names as people count: branch-2 is before branch-10.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if digit(x[0]) && digit(y[0]) {
			m, n := digits(x), digits(y)
			u, v := strings.TrimLeft(x[:m], "0"), strings.TrimLeft(y[:n], "0")
			if c := cmp.Or(cmp.Compare(len(u), len(v)), cmp.Compare(u, v)); c != 0 {
				return c
			}
			x, y = x[m:], y[n:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits is the number of digits that a string begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}

// shorts returns an abbreviation for each name: the first letter and the number it ends with (b1 for branch-1) where that
// tells all apart and is short, else a letter of the alphabet, else a number.
func shorts(names []string) []string {
	short := make([]string, len(names))
	seen := map[string]bool{}
	apart := true
	for i, name := range names {
		n := len(name)
		for n > 0 && digit(name[n-1]) {
			n--
		}
		first := ""
		for _, r := range name {
			first = string(r)
			break
		}
		if n == 0 {
			first = ""
		}
		short[i] = first + name[n:]
		if n == len(name) || seen[short[i]] || len([]rune(short[i])) > 3 || !printable(short[i]) {
			apart = false
		}
		seen[short[i]] = true
	}
	if apart {
		return short
	}
	for i := range names {
		short[i] = strconv.Itoa(i + 1)
		if len(names) <= 26 {
			short[i] = string(rune('A' + i))
		}
	}
	return short
}

func printable(s string) bool {
	for _, r := range s {
		if r < 0x21 || r > 0x7e {
			return false
		}
	}
	return s != ""
}

// counted writes a number of things.
func counted[N ~int | ~int64 | ~uint64](n N, thing string) string {
	return humanize.Comma(int64(n)) + " " + english.PluralWord(int(n), thing, "")
}

// clean replaces what cannot be printed, so that a log cannot steer a terminal or break a document.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}
