package diagram

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// TextOptions says how a picture is drawn in a terminal.
type TextOptions struct {
	Width int // columns; 0 means 80
	ASCII bool
	Color bool // with terminal escapes
}

// The measures of a picture in a terminal, in columns.
const (
	defaultWidth = 80
	leastWords   = 18 // for what an event did, where names of processes are written whole
	roomForWords = 26 // where they are abbreviated
	widestColumn = 16
)

// LanesIn returns how many lanes find room in a terminal of that many columns.
func LanesIn(width int) int { return max(2, (width-8-leastWords)/2) }

// WriteText writes the picture in characters, one row for each event in the order of their clocks. A message is drawn on the
// row of its receive, from the lane of its sender, with the clock of its send.
func (p *Picture) WriteText(w io.Writer, opt TextOptions) error {
	if opt.Width <= 0 {
		opt.Width = defaultWidth
	}
	t := &textual{Picture: p, opt: opt, signs: unicodeSigns, in: map[int][]int{}, out: map[int][]int{}}
	if opt.ASCII {
		t.signs = asciiSigns
	}
	for i, a := range p.Arrows {
		switch {
		case a.To >= 0:
			t.in[a.To] = append(t.in[a.To], i)
		default:
			t.out[a.From] = append(t.out[a.From], i)
		}
	}
	t.measure()
	b := bufio.NewWriter(w)
	t.w = b
	t.heads()
	t.events()
	t.foot()
	return b.Flush()
}

// textual is a picture on its way to a terminal.
type textual struct {
	*Picture
	opt     TextOptions
	w       *bufio.Writer
	signs   signs
	gutter  int
	column  int           // width of a lane
	whole   bool          // lanes have their names, not abbreviations
	short   bool          // some words have abbreviations
	in, out map[int][]int // node -> its arrows, by where they are drawn
}

// signs are the characters of a picture.
type signs struct {
	node                                            map[trace.Kind]rune
	life, faint, across, cross, fromLeft, fromRight rune
	again, loose, right, left, lost, flying, orphan rune
	tear, lit, fold, cut                            rune
}

var unicodeSigns = signs{
	node: map[trace.Kind]rune{trace.Local: '●', trace.Send: '▲', trace.Receive: '▼'},
	life: '│', faint: '┆', across: '─', cross: '┼', fromLeft: '├', fromRight: '┤',
	again: '═', loose: '┄', right: '▶', left: '◀', lost: '✕', flying: '○', orphan: '?',
	tear: '╳', lit: '*', fold: '⋮', cut: '…',
}

var asciiSigns = signs{
	node: map[trace.Kind]rune{trace.Local: 'o', trace.Send: '^', trace.Receive: 'v'},
	life: '|', faint: ':', across: '-', cross: '+', fromLeft: '+', fromRight: '+',
	again: '=', loose: '.', right: '>', left: '<', lost: 'x', flying: 'O', orphan: '?',
	tear: 'X', lit: '*', fold: ':', cut: '~',
}

// cells is how many columns a text takes in a terminal.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && r != '…' && r < 0x20000 && !(r >= 0x2000 && r < 0x2e80) {
			n++
		}
	}
	return n
}

func (t *textual) measure() {
	digits := 1
	for _, r := range t.Rows {
		digits = max(digits, len(strconv.FormatUint(r.Clock, 10)))
	}
	t.gutter = 1 + max(digits, len("clock")) + 1
	lanes := max(1, len(t.Lanes))
	longest := 0
	for _, l := range t.Lanes {
		longest = max(longest, cells(l.Process))
	}
	if t.gutter+lanes*(longest+1)+leastWords <= t.opt.Width {
		t.whole = true
		t.column = min(max(longest+1, (t.opt.Width-t.gutter-roomForWords)/lanes), max(longest+2, widestColumn))
		return
	}
	t.column = min(max(2, (t.opt.Width-t.gutter-roomForWords)/lanes), widestColumn)
}

// x is the column of a lane.
func (t *textual) x(lane int) int { return t.gutter + lane*t.column + t.column/2 }

// end is the column at which words begin.
func (t *textual) end() int {
	lanes := max(1, len(t.Lanes))
	return min(t.gutter+lanes*t.column+1, t.x(lanes-1)+5)
}

// heads writes the names of the lanes: whole, or abbreviated, from top to bottom where they are wider than a lane.
func (t *textual) heads() {
	for _, line := range wrapCells(t.Title, t.opt.Width) {
		t.print(t.bold(t.ascii(line)))
	}
	if len(t.Lanes) == 0 {
		return
	}
	t.print("")
	tall := 1
	name := func(l Lane) string { return l.Process }
	if !t.whole {
		name = func(l Lane) string { return l.Short }
		for _, l := range t.Lanes {
			if len(l.Short) >= t.column {
				tall = max(tall, len(l.Short))
			}
		}
	}
	for row := range tall {
		line := make([]rune, t.end())
		fill(line, ' ')
		if row == tall-1 {
			copy(line[1:], []rune("clock"))
		}
		text := ""
		for i, l := range t.Lanes {
			s := name(l)
			if tall > 1 {
				s = " "
				if k := row - (tall - len(l.Short)); k >= 0 {
					s = l.Short[k : k+1]
				}
			}
			at := max(cells(text), t.x(i)-(cells(s)-1)/2)
			if i == 0 {
				text = string(line[:at])
			}
			text += strings.Repeat(" ", at-cells(text)) + s
		}
		t.print(strings.TrimRight(t.ascii(text), " "))
	}
}

func abs(n int) int { return max(n, -n) }

func fill(row []rune, r rune) {
	for i := range row {
		row[i] = r
	}
}

func (t *textual) print(line string) {
	t.w.WriteString(line)
	t.w.WriteByte('\n')
}

// ascii replaces what is not ASCII, where that is asked for.
func (t *textual) ascii(s string) string {
	if !t.opt.ASCII {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '…':
			return '~'
		case r == '⋮':
			return ':'
		case r > 0x7e:
			return '?'
		}
		return r
	}, s)
}

func (t *textual) paint(code, s string) string {
	if !t.opt.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *textual) bold(s string) string { return t.paint("1", s) }
func (t *textual) dim(s string) string  { return t.paint("2", s) }
func (t *textual) red(s string) string  { return t.paint("1;31", s) }

// clipCells cuts a text to so many columns.
func clipCells(s string, most int, cut string) string {
	if cells(s) <= most {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && cells(string(runes)) > most-1 {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + cut
}

// foot writes the legend, the findings and the notes.
func (t *textual) foot() {
	t.print("")
	if (!t.whole || t.short) && len(t.Lanes) > 0 {
		var names []string
		for _, l := range t.Lanes {
			names = append(names, l.Short+" "+l.Process)
		}
		t.fold(strings.Join(names, ", "))
	}
	s := t.signs
	legend := []string{string(s.node[trace.Local]) + " local", string(s.node[trace.Send]) + " send", string(s.node[trace.Receive]) + " receive"}
	for _, k := range []struct {
		kind ArrowKind
		text string
	}{
		{Lost, string(s.lost) + " lost"}, {InFlight, string(s.flying) + " in flight"}, {Again, string(s.again) + " received again"},
		{Orphan, string(s.orphan) + " no send"}, {In, string(s.loose) + " from outside"},
	} {
		if slices.ContainsFunc(t.Arrows, func(a Arrow) bool { return a.Kind == k.kind }) {
			legend = append(legend, k.text)
		}
	}
	if t.Lit {
		legend = append(legend, string(s.lit)+" "+t.What)
	}
	t.fold(strings.Join(legend, "  "))
	t.fold("Rows go by the Lamport clock: distance is not duration. A message stands at its receive, with the clock of its send.")
	for _, m := range t.shownMarks() {
		number := fmt.Sprintf("[%d]", m.N)
		for i, line := range wrapCells(m.Finding.Rule+": "+clean(m.Finding.Message), t.opt.Width-len(number)-1) {
			if i > 0 {
				number = strings.Repeat(" ", len(number))
				t.print(number + " " + t.ascii(line))
				continue
			}
			t.print(t.red(number) + " " + t.ascii(line))
		}
	}
	if more := len(t.Marks) - len(t.shownMarks()); more > 0 {
		t.fold("And " + counted(more, "finding") + " more here; bank-trace check lists them.")
	}
	for _, n := range slices.Concat(t.Notes, t.Hints) {
		t.fold(n)
	}
}

// fold writes a text in as many lines as it needs.
func (t *textual) fold(text string) {
	for _, line := range wrapCells(text, t.opt.Width) {
		t.print(t.ascii(line))
	}
}

func wrapCells(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
