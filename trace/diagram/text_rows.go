package diagram

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// events writes the rows.
func (t *textual) events() {
	next, tear := 0, 0
	for _, r := range t.Rows {
		switch r.Kind {
		case RowFold:
			t.print(t.dim(t.ascii(clipCells(fmt.Sprintf("%*c  %s", t.gutter-1, t.signs.fold, foldText(r)), t.opt.Width, string(t.signs.cut)))))
		case RowBreak:
			for ; tear < len(t.Breaks) && t.Breaks[tear].Line < r.Line+r.Lines; tear++ {
				t.tear(t.Breaks[tear])
			}
		case RowClock:
			from := next
			for next < len(t.Nodes) && t.Nodes[next].Clock == r.Clock {
				t.event(next)
				next++
			}
			if next == from {
				t.row(t.lifelines(r.Line), r.Clock, false, "")
			}
		}
	}
}

// lifelines returns a row of nothing but lifelines.
func (t *textual) lifelines(line int) []rune {
	row := make([]rune, t.end())
	fill(row, ' ')
	for i, l := range t.Lanes {
		switch {
		case line > l.Last:
		case !l.Logged:
			row[t.x(i)] = t.signs.faint
		default:
			row[t.x(i)] = t.signs.life
		}
	}
	return row
}

func (t *textual) tear(b Break) {
	row := t.lifelines(b.Line)
	row[t.x(b.Lane)] = t.signs.tear
	t.row(row, 0, false, t.red(t.cut(flagged(b.Marks)+t.name(t.Lanes[b.Lane].Process)+": "+b.Text)))
}

// event writes the row of an event.
func (t *textual) event(i int) {
	n := &t.Nodes[i]
	row := t.lifelines(n.Line)
	words := n.Label
	if n.Kind == trace.Send && n.Peer != "" {
		words = strings.TrimSpace(words + " to " + t.name(n.Peer))
	}
	for _, k := range t.in[i] {
		words = t.arrive(row, i, &t.Arrows[k])
	}
	for _, k := range t.out[i] {
		words = t.leave(row, i, &t.Arrows[k], words)
	}
	row[t.x(n.Lane)] = t.signs.node[n.Kind]
	if n.Kind == trace.KindNone {
		row[t.x(n.Lane)] = t.signs.node[trace.Local]
	}
	flag := flagged(n.Marks)
	name := ""
	if n.Name != "" {
		name = n.Name + ": "
	}
	words = t.cut(flag + name + words)
	if flag != "" && strings.HasPrefix(words, flag) {
		words = t.red(flag[:len(flag)-1]) + words[len(flag)-1:]
	}
	t.row(row, n.Clock, n.Lit, words)
}

// flagged writes the numbers of findings, three at most.
func flagged(marks []int) string {
	if len(marks) == 0 {
		return ""
	}
	return "[" + numbers(marks) + "] "
}

// arrive draws a message that a node receives, and says what it was.
func (t *textual) arrive(row []rune, i int, a *Arrow) string {
	lane := t.Nodes[i].Lane
	words := a.Label
	switch {
	case a.From >= 0:
		send := &t.Nodes[a.From]
		stroke := t.signs.across
		if a.Kind == Again {
			stroke, words = t.signs.again, words+", again"
		}
		if a.Astray {
			words += ", for " + clean(send.Peer)
		}
		if !t.across(row, send.Lane, lane, stroke, strconv.FormatUint(send.Clock, 10)) {
			words += fmt.Sprintf(", sent at %d", send.Clock)
		}
	case a.Kind == Orphan:
		if a.FarLane >= 0 && t.across(row, a.FarLane, lane, t.signs.loose, string(t.signs.orphan)) {
			return words + ", no send: " + a.Far.String()
		}
		return words + ", no send: " + a.Far.String()
	case a.Kind == Unlogged:
		t.across(row, a.FarLane, lane, t.signs.loose, "")
		return words + ", not logged: " + a.Far.String()
	default:
		t.across(row, a.FarLane, lane, t.signs.loose, "")
		return words + " from " + a.Far.String()
	}
	return words
}

// leave draws a message that goes nowhere, or out of the window, and says what it was.
func (t *textual) leave(row []rune, i int, a *Arrow, words string) string {
	lane := t.Nodes[i].Lane
	switch a.Kind {
	case Lost:
		t.toward(row, lane, a.FarLane, t.signs.across, t.signs.lost)
		words += ", lost"
	case InFlight:
		t.toward(row, lane, a.FarLane, t.signs.loose, t.signs.flying)
		words += ", in flight"
	case Out:
		return strings.TrimSpace(a.Label + " to " + a.Far.String())
	}
	return words
}

// name is a process as the heads name it.
func (t *textual) name(process string) string {
	for _, l := range t.Lanes {
		if !t.whole && l.Process == clean(process) {
			return l.Short
		}
	}
	return clean(process)
}

// across draws an arrow from lane to lane with a word at its start, and reports whether there was room for that.
func (t *textual) across(row []rune, from, to int, stroke rune, word string) bool {
	if from < 0 || from == to {
		return false
	}
	a, b, step := t.x(from), t.x(to), 1
	start, tip := t.signs.fromLeft, t.signs.right
	if a > b {
		step, start, tip = -1, t.signs.fromRight, t.signs.left
	}
	for x := a + step; x != b; x += step {
		if row[x] == ' ' {
			row[x] = stroke
		} else {
			row[x] = t.signs.cross
		}
	}
	row[a] = start
	row[b-step] = tip
	runes := []rune(word)
	if len(runes) > min(t.column, abs(a-b))-2 {
		return false
	}
	at := a + 1
	if step < 0 {
		at = a - len(runes)
	}
	copy(row[at:], runes)
	return true
}

// toward draws a line that ends before the lane it goes to.
func (t *textual) toward(row []rune, from, to int, stroke, end rune) {
	if to < 0 || to == from {
		to = from + 1
		if to == len(t.Lanes) {
			row[t.x(from)+1] = end
			return
		}
	}
	a, b, step := t.x(from), t.x(to), 1
	if a > b {
		step = -1
	}
	for x := a + step; x != b; x += step {
		if row[x] == ' ' {
			row[x] = stroke
		} else {
			row[x] = t.signs.cross
		}
	}
	row[b-step] = end
}

// cut cuts words to the room that they have; names of processes are abbreviated first.
func (t *textual) cut(words string) string {
	room := max(8, t.opt.Width-t.end())
	if cells(words) > room {
		words = t.abbreviate(words)
	}
	return clipCells(words, room, string(t.signs.cut))
}

// abbreviate abbreviates the processes in words: their names, and those in the names of writes and events.
func (t *textual) abbreviate(words string) string {
	all := strings.Split(words, " ")
	for i, word := range all {
		for _, l := range t.Lanes {
			rest, ok := strings.CutPrefix(word, l.Process)
			if ok && len(l.Short) < len(l.Process) && (rest == "" || strings.ContainsRune("/:,", rune(rest[0]))) {
				all[i] = l.Short + rest
				t.short = true
				break
			}
		}
	}
	return strings.Join(all, " ")
}

// row writes one row. Clock 0 is none.
func (t *textual) row(row []rune, clock uint64, lit bool, words string) {
	number := strconv.FormatUint(clock, 10)
	if clock == 0 {
		number = ""
	}
	mark := " "
	if lit {
		mark = string(t.signs.lit)
	}
	text := fmt.Sprintf("%s%*s ", mark, t.gutter-2, number)
	lanes := string(row[t.gutter:])
	switch {
	case lit:
		text, lanes = t.bold(text), t.bold(lanes)
	case t.Lit:
		lanes, words = t.dim(lanes), t.dim(words)
	}
	t.print(strings.TrimRight(text+lanes+t.ascii(words), " "))
}
