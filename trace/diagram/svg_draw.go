package diagram

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

// rows draws the scale: a line and a number for each value of the clock, a band for what is folded.
func (d *drawing) rows() {
	for i, line := range d.title() {
		d.text(point{margin, margin + headingSize + float64(i)*headingLine}, "head", "", line)
	}
	d.text(point{d.plot.x0 - 8, d.plot.y0 - 8}, "axis", "end", "clock")
	for _, r := range d.Rows {
		switch r.Kind {
		case RowClock:
			d.tick(r)
		case RowFold:
			d.fold(r)
		}
	}
}

func (d *drawing) tick(r Row) {
	p := d.at(0, float64(r.Line))
	if d.dir == Right {
		d.printf("<path class=\"grid\" d=\"M%s %sV%s\"/>\n", num(p.x), num(d.plot.y0), num(d.plot.y1))
		d.text(point{p.x, d.plot.y0 - 8}, "axis", "middle", strconv.FormatUint(r.Clock, 10))
		return
	}
	d.printf("<path class=\"grid\" d=\"M%s %sH%s\"/>\n", num(d.plot.x0), num(p.y), num(d.plot.x1))
	d.text(point{d.plot.x0 - 8, p.y + 3.5}, "axis", "end", strconv.FormatUint(r.Clock, 10))
}

// foldText says what is folded.
func foldText(r Row) string {
	text := counted(r.Values, "clock value") + " without an event"
	if r.Hidden > 0 {
		text = fmt.Sprintf("%s folded, %s not shown", counted(r.Values, "value"), counted(r.Hidden, "event"))
	}
	return text
}

func (d *drawing) fold(r Row) {
	p := d.at(0, float64(r.Line))
	if d.dir == Right {
		d.blank("fold", box{p.x - d.step/2 + 3, d.plot.y0, p.x + d.step/2 - 3, d.plot.y1})
		return
	}
	d.blank("fold", box{d.plot.x0, p.y - d.step/2 + 3, d.plot.x1, p.y + d.step/2 - 3})
}

// folds says what is folded, above the lifelines.
func (d *drawing) folds() {
	for _, r := range d.Rows {
		p := d.at(0, float64(r.Line))
		switch {
		case r.Kind != RowFold:
		case d.dir == Right:
			d.text(point{p.x, d.plot.y0 - 8}, "axis", "middle", "…")
		default:
			d.text(point{d.plot.x0 - 8, p.y + 3.5}, "axis", "end", "⋮")
			q := point{d.left + 12, p.y + 3.5}
			b := box{q.x - 4, p.y - d.step/2 + 4, q.x + textWidth(foldText(r), smallSize) + 4, p.y + d.step/2 - 4}
			d.blank("fold", b)
			d.text(q, "axis", "", foldText(r))
			d.take(b)
		}
	}
}

// lanes draws the lifelines.
func (d *drawing) lanes() {
	for i, l := range d.Lanes {
		from, to := -0.5, float64(l.Last)
		if l.Last >= d.Lines {
			to = float64(d.Lines) - 0.5
		}
		class := "life"
		if !l.Logged {
			class += " nolog"
		}
		d.path(class, "", d.at(i, from), d.at(i, to))
		for _, r := range d.Rows {
			if r.Kind == RowFold && float64(r.Line) > from && float64(r.Line) < to {
				d.path("hide", "", d.at(i, float64(r.Line)-0.3), d.at(i, float64(r.Line)+0.3))
				d.path("life gap", "", d.at(i, float64(r.Line)-0.3), d.at(i, float64(r.Line)+0.3))
			}
		}
		if l.Last < d.Lines {
			d.bar(d.at(i, to+0.5))
			d.path(class, "", d.at(i, to), d.at(i, to+0.5))
		}
	}
	for _, w := range d.Ways {
		d.path("m lit", "", d.node(w.From), d.node(w.To))
	}
}

// bar closes a lifeline.
func (d *drawing) bar(p point) {
	if d.dir == Right {
		d.path("end", "", p.plus(0, -6), p.plus(0, 6))
		return
	}
	d.path("end", "", p.plus(-6, 0), p.plus(6, 0))
}

// tear draws a break: a zigzag across a gap in the lifeline, and a word beside it.
func (d *drawing) tear(b Break) {
	p := d.at(b.Lane, float64(b.Line))
	title := d.Lanes[b.Lane].Process + ": " + b.Text
	w, marks := textWidth(b.Text, smallSize), 0.0
	if len(b.Marks) > 0 {
		marks = badgeWidth(numbers(b.Marks))
	}
	if d.dir == Right {
		d.path("hide", "", p.plus(-4, 0), p.plus(4, 0))
		d.path("tear", title, p.plus(-5, -9), p.plus(-1, -3), p.plus(-7, 3), p.plus(-3, 9))
		d.path("tear", title, p.plus(3, -9), p.plus(7, -3), p.plus(1, 3), p.plus(5, 9))
		d.taken = append(d.taken, around(p, 16, 20))
		d.put(box{p.x - w/2, p.y + 12, p.x + w/2, p.y + 25}, b.Text)
		d.flag(point{p.x - marks/2, p.y - 18}, b.Marks, marks)
		return
	}
	d.path("hide", "", p.plus(0, -4), p.plus(0, 4))
	d.path("tear", title, p.plus(-9, -5), p.plus(-3, -1), p.plus(3, -7), p.plus(9, -3))
	d.path("tear", title, p.plus(-9, 3), p.plus(-3, 7), p.plus(3, 1), p.plus(9, 5))
	d.taken = append(d.taken, around(p, 20, 16))
	d.flag(point{p.x + 14, p.y}, b.Marks, marks)
	if marks > 0 {
		marks += 4
	}
	d.put(box{p.x + 14 + marks, p.y - 7, p.x + 14 + marks + w, p.y + 7}, b.Text)
}

// flag numbers a break.
func (d *drawing) flag(p point, marks []int, w float64) {
	if b := (box{p.x, p.y - badgeHeight/2, p.x + w, p.y + badgeHeight/2}); w > 0 && d.free(b) {
		d.take(b)
		d.badge(p, "badge", numbers(marks))
	}
}

// put writes a text above whatever lines are there, if no other text is.
func (d *drawing) put(b box, s string) {
	if d.free(b) {
		d.blank("paper", b)
		d.text(point{b.x0, b.y1 - 3.5}, "say", "", s)
		d.take(b)
	}
}

// badge draws a number or a letter in a box whose left side is at p, and returns its width.
func (d *drawing) badge(p point, class, name string) float64 {
	w := badgeWidth(name)
	d.printf("<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"3\"/>\n", class, num(p.x), num(p.y-badgeHeight/2), num(w), num(badgeHeight))
	d.text(point{p.x + w/2, p.y + 3.5}, "badgetext", "middle", name)
	return w
}

func badgeWidth(name string) float64 { return textWidth(name, 9.5) + 8 }

// path draws straight lines. Title is what a pointer that rests there is told.
func (d *drawing) path(class, title string, points ...point) {
	var b strings.Builder
	for i, p := range points {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + num(p.x) + " " + num(p.y))
	}
	d.shape(class, b.String(), title)
}

func (d *drawing) shape(class, path, title string) {
	if title == "" {
		d.printf("<path class=\"%s\" d=\"%s\"/>\n", class, path)
		return
	}
	d.printf("<path class=\"%s\" d=\"%s\"><title>%s</title></path>\n", class, path, escape(title))
}

// nodes draws the events: a circle, a triangle that points up, one that points down.
func (d *drawing) nodes() {
	for i := range d.Nodes {
		n := &d.Nodes[i]
		p := d.node(i)
		class := "n " + map[trace.Kind]string{trace.Local: "l", trace.Send: "s", trace.Receive: "r"}[n.Kind]
		if d.Lit && !n.Lit {
			class += " hollow"
		}
		if n.Name != "" {
			d.printf("<circle class=\"halo\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>\n", num(p.x), num(p.y), num(radius+4))
		}
		if len(n.Marks) > 0 {
			d.printf("<circle class=\"ring\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>\n", num(p.x), num(p.y), num(radius+4))
		}
		d.symbol(n.Kind, p, class, nodeTitle(n))
		d.taken = append(d.taken, around(p, 2*radius+4, 2*radius+4))
	}
}

// nodeTitle says what an event is.
func nodeTitle(n *Node) string {
	return clean(fmt.Sprintf("%s, clock %d: %s", n.Ref(), n.Clock, causal.Words(&n.Event)))
}

func (d *drawing) symbol(kind trace.Kind, p point, class, title string) {
	const r = radius
	switch kind {
	case trace.Send:
		d.shape(class, fmt.Sprintf("M%s %sL%s %sL%s %sZ", num(p.x), num(p.y-r-0.5), num(p.x+r), num(p.y+r-1), num(p.x-r), num(p.y+r-1)), title)
	case trace.Receive:
		d.shape(class, fmt.Sprintf("M%s %sL%s %sL%s %sZ", num(p.x), num(p.y+r+0.5), num(p.x+r), num(p.y-r+1), num(p.x-r), num(p.y-r+1)), title)
	default:
		if title != "" {
			title = "<title>" + escape(title) + "</title>"
		}
		d.printf("<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\">%s</circle>\n", class, num(p.x), num(p.y), num(r-0.5), title)
	}
}

// head returns the two ends of an arrowhead, and its tip between them.
func head(tip point, slope, size float64) []point {
	const spread = 0.42
	return []point{
		tip.plus(-size*math.Cos(slope-spread), -size*math.Sin(slope-spread)), tip,
		tip.plus(-size*math.Cos(slope+spread), -size*math.Sin(slope+spread)),
	}
}
