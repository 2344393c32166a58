package diagram

import (
	"math"
	"strconv"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// clock writes the clock of an event beside it, and what a local event did: as much of that as there is room for.
func (d *drawing) clock(i int) {
	n := &d.Nodes[i]
	number := strconv.FormatUint(n.Clock, 10)
	if d.dir == Down && d.pitch < numbersFrom && !n.Lit && len(n.Marks) == 0 {
		return // the scale says it
	}
	words := []string{""}
	if n.Kind != trace.Send && n.Kind != trace.Receive && n.Label != "" {
		words = []string{n.Label, clean(brief(&n.Event)), ""}
	}
	if d.dir == Right {
		d.beside(i, number, "", d.aboveOrBelow(i))
		if words[0] != "" {
			words = append(words, clean(result(&n.Event, " ")))
		}
		for _, s := range words {
			if s != "" && d.below(i, s) {
				return
			}
		}
		return
	}
	sides := []float64{1, -1}
	if words[0] == "" && d.load(i) > 0 {
		sides = []float64{-1, 1}
	}
	for _, side := range sides {
		for _, s := range words {
			if s == "" && len(words) > 1 && side == sides[0] {
				continue
			}
			if d.beside(i, number, s, d.sideways(i, side)) {
				return
			}
		}
	}
	for _, side := range sides {
		if d.beside(i, number, "", d.sideways(i, side)) {
			return
		}
	}
}

// gap is the distance of words from the middle of an event.
func (d *drawing) gap(i int) float64 {
	if n := &d.Nodes[i]; n.Name != "" || len(n.Marks) > 0 {
		return radius + 8
	}
	return radius + 4
}

// sideways returns where a text of some width may begin, to the right of an event or to its left.
func (d *drawing) sideways(i int, side float64) func(float64) []point {
	p := d.node(i)
	return func(w float64) []point {
		x := p.x + d.gap(i)
		if side < 0 {
			x = p.x - d.gap(i) - w
		}
		return []point{{x, p.y + 4}, {x, p.y - 5}, {x, p.y + 12}}
	}
}

// aboveOrBelow returns where a text may begin above an event, or below it, where fewer arrows are.
func (d *drawing) aboveOrBelow(i int) func(float64) []point {
	p := d.node(i)
	return func(w float64) []point {
		above, below := point{p.x - w/2, p.y - d.gap(i) - 1}, point{p.x - w/2, p.y + d.gap(i) + 9}
		if d.load(i) > 0 {
			above, below = below, above
		}
		return []point{above, below, above.plus(w/2+6, 0), above.plus(-w/2-6, 0)}
	}
}

// below writes words below an event, unless they would stand below another one too.
func (d *drawing) below(i int, words string) bool {
	p := d.node(i)
	w := textWidth(words, smallSize)
	for k := range d.Nodes {
		if k != i && d.Nodes[k].Lane == d.Nodes[i].Lane && math.Abs(d.node(k).x-p.x) < w/2+radius {
			return false
		}
	}
	for _, y := range []float64{d.gap(i) + 9, -d.gap(i) - 1, d.gap(i) + 20} {
		b := box{p.x - w/2, p.y + y - 9, p.x + w/2, p.y + y + 2.5}
		if d.free(b) {
			d.take(b)
			d.clearing(b, -1)
			d.text(point{p.x, p.y + y}, "say"+d.faded(i), "middle", words)
			return true
		}
	}
	return false
}

func (d *drawing) faded(i int) string {
	if d.Lit && !d.Nodes[i].Lit {
		return " dim"
	}
	return ""
}

// cut reports whether an arrow other than its own runs through a place.
func (d *drawing) cut(b box, own int) bool {
	for k := range d.curves {
		if k != own && d.curves[k].cuts(b) {
			return true
		}
	}
	return false
}

// clearing blanks a place for words that an arrow other than its own would run through.
func (d *drawing) clearing(b box, own int) {
	if d.cut(b, own) {
		d.blank("paper", b)
	}
}

// blank paints a place over.
func (d *drawing) blank(class string, b box) {
	d.printf("<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>\n", class, num(b.x0), num(b.y0), num(b.x1-b.x0), num(b.y1-b.y0))
}

// beside writes number and words at one of the places, if there is room: at one that no arrow runs through, if there is.
func (d *drawing) beside(i int, number, words string, places func(float64) []point) bool {
	w := textWidth(number, textSize) * 1.08
	if words != "" {
		w += textWidth(" "+words, textSize)
	}
	for _, uncut := range []bool{true, false} {
		for _, q := range places(w) {
			b := box{q.x, q.y - textSize + 1, q.x + w, q.y + 2.5}
			if !d.free(b) || uncut && d.cut(b, -1) {
				continue
			}
			d.take(b)
			d.clearing(b, -1)
			if words == "" {
				d.text(q, "num"+d.faded(i), "", number)
				return true
			}
			d.printf("<text x=\"%s\" y=\"%s\" class=\"word%s\"><tspan class=\"num\">%s</tspan> %s</text>\n",
				num(q.x), num(q.y), d.faded(i), number, escape(words))
			return true
		}
	}
	return false
}

// load is above 0 where more arrows meet an event from its right than from its left; where time goes to the right, from
// above than from below.
func (d *drawing) load(i int) (load int) {
	p := d.node(i)
	for k := range d.Arrows {
		a := &d.Arrows[k]
		if a.From != i && a.To != i {
			continue
		}
		other := d.curves[k].from
		if a.From == i {
			other = d.curves[k].to
		}
		far := other.x - p.x
		if d.dir == Right {
			far = p.y - other.y
		}
		switch {
		case far > 0:
			load++
		case far < 0:
			load--
		}
	}
	return load
}
