package diagram

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// names writes the names of the lanes at their heads.
func (d *drawing) names() {
	for i, l := range d.Lanes {
		name := laneName(l)
		p := d.at(i, 0)
		if d.dir == Right {
			d.text(point{d.plot.x0 - 10, p.y + 4}, "lane", "end", clip(l.Process, longestName))
			if !l.Logged {
				d.text(point{d.plot.x0 - 10, p.y + 17}, "axis", "end", "no log")
			}
			continue
		}
		if d.slant {
			d.printf("<text transform=\"translate(%s %s) rotate(%s)\" class=\"lane\">%s</text>\n", num(p.x+4), num(d.plot.y0-5),
				num(-slant*180/math.Pi), escape(name))
			continue
		}
		d.text(point{p.x, d.plot.y0 - 9}, "lane", "middle", name)
	}
}

// longestName is how many letters of a name are written.
const longestName = 24

// laneName is what stands at the head of a lane.
func laneName(l Lane) string {
	name := clip(l.Process, longestName)
	if !l.Logged {
		name += " (no log)"
	}
	return name
}

// sign is an entry of the legend: something drawn, and what it means.
type sign struct {
	width float64
	draw  func(point)
	text  string
}

// foot draws the legend, the findings and the notes.
func (d *drawing) foot() {
	y := d.plot.y1 + 26
	x := margin
	for _, s := range d.legend() {
		w := s.width + 6 + textWidth(s.text, smallSize) + 18
		if x > margin && x+w > d.width {
			x, y = margin, y+footLine+2
		}
		s.draw(point{x, y - 3.5})
		d.text(point{x + s.width + 6, y}, "foot", "", s.text)
		x += w
	}
	y += footLine + 4
	scale := "A row is one value of the Lamport clock: distance is not duration."
	if d.dir == Right {
		scale = "A column is one value of the Lamport clock: distance is not duration."
	}
	lines := []string{scale}
	if d.What != "" {
		lines = append(lines, "Lit: "+d.What+".")
	}
	lines = append(lines, d.Notes...)
	for _, m := range d.shownMarks() {
		text := fmt.Sprintf("%s: %s", m.Finding.Rule, m.Finding.Message)
		number := fmt.Sprint(m.N)
		w := d.badge(point{margin, y - 3.5}, "badge", number)
		for _, line := range wrapText(text, d.width-2*margin-w-8, textSize) {
			d.text(point{margin + w + 8, y}, "", "", line)
			y += footLine
		}
	}
	if more := len(d.Marks) - len(d.shownMarks()); more > 0 {
		lines = append([]string{"And " + counted(more, "finding") + " more here; bank-trace check lists them."}, lines...)
	}
	for _, text := range lines {
		for _, line := range wrapText(text, d.width-2*margin, smallSize) {
			d.text(point{margin, y}, "foot", "", line)
			y += footLine - 2
		}
	}
	d.height = y + 2
}

// legend returns the signs that occur in the picture.
func (d *drawing) legend() []sign {
	var signs []sign
	shape := func(kind trace.Kind, class, text string) {
		signs = append(signs, sign{2 * radius, func(p point) { d.symbol(kind, p.plus(radius, 0), class, "") }, text})
	}
	shape(trace.Local, "n l", "local event")
	shape(trace.Send, "n s", "send")
	shape(trace.Receive, "n r", "receive")
	arrow := func(class, text string, end func(point)) {
		signs = append(signs, sign{26, func(p point) {
			d.path(class, "", p, p.plus(24, 0))
			if end != nil {
				end(p.plus(24, 0))
			}
		}, text})
	}
	has := func(kind ArrowKind) bool {
		return slices.ContainsFunc(d.Arrows, func(a Arrow) bool { return a.Kind == kind })
	}
	tip := func(p point) { d.path("m", "", head(p, 0, 6)...) }
	arrow("m", "message", tip)
	if slices.ContainsFunc(d.Arrows, func(a Arrow) bool { return a.Minor }) {
		arrow("m minor", "acknowledgement", func(p point) { d.path("m minor", "", head(p, 0, 6)...) })
	}
	if d.Lit {
		arrow("m lit", "lit", func(p point) { d.path("m lit", "", head(p, 0, 8)...) })
	}
	for _, s := range []struct {
		kind        ArrowKind
		class, text string
		end         func(point)
	}{
		{Again, "m dash", "received again", tip},
		{Lost, "m", " lost", func(p point) { d.cross("m", p) }},
		{InFlight, "m dash", "in flight", func(p point) { d.printf("<circle class=\"m\" cx=\"%s\" cy=\"%s\" r=\"2.5\"/>\n", num(p.x), num(p.y)) }},
		{Out, "m dot", "to or from an event outside", tip},
		{Unlogged, "m dash", "its send is in no log", tip},
	} {
		if has(s.kind) || s.kind == Out && has(In) {
			arrow(s.class, s.text, s.end)
		}
	}
	if has(Orphan) {
		signs = append(signs, sign{8, func(p point) { d.text(p.plus(4, 3.5), "num", "middle", "?") }, "receive without a send"})
	}
	if len(d.Marks) > 0 {
		signs = append(signs, sign{14, func(p point) {
			d.printf("<circle class=\"ring\" cx=\"%s\" cy=\"%s\" r=\"6\"/>\n", num(p.x+7), num(p.y))
		}, "named by a finding"})
	}
	return signs
}

// wrapText breaks a text into lines of at most that width.
func wrapText(text string, width, size float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(clean(text)) {
		switch {
		case line == "":
			line = word
		case textWidth(line+" "+word, size) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
