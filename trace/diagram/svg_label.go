package diagram

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// tell places the words: clocks beside the events, what local events did, what messages carry. Clocks come first; of the
// rest what finds no room is left to the titles of the shapes.
func (d *drawing) tell() {
	d.badges()
	for i := range d.Nodes {
		d.clock(i)
	}
	order := make([]int, len(d.Arrows))
	for i := range order {
		order[i] = i
	}
	weight := func(a *Arrow) int {
		w := 0
		if len(a.Marks) > 0 {
			w -= 4
		}
		if a.Lit {
			w -= 2
		}
		if a.Minor {
			w++
		}
		return w
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weight(&d.Arrows[a]), weight(&d.Arrows[b])) })
	for _, strict := range []bool{true, false} {
		for _, i := range order {
			if d.Arrows[i].Label != "" && (strict || !d.Arrows[i].Minor) {
				d.along(i, strict)
			}
		}
	}
}

// free reports whether a label may stand there.
func (d *drawing) free(b box) bool {
	if b.x0 < 2 || b.x1 > d.width-2 || b.y0 < d.plot.y0-6 || b.y1 > d.plot.y1+6 {
		return false
	}
	return !slices.ContainsFunc(d.taken, b.meets)
}

func (d *drawing) take(b box) {
	d.taken = append(d.taken, b)
	d.labels = append(d.labels, b)
}

// badges numbers the events that findings name.
func (d *drawing) badges() {
	for i := range d.Nodes {
		n := &d.Nodes[i]
		name := n.Name
		if len(n.Marks) > 0 {
			name = strings.TrimSpace(name + " " + numbers(n.Marks))
		}
		if name == "" {
			continue
		}
		w := textWidth(name, 9.5) + 8
		p := d.node(i)
		class := "badge"
		if len(n.Marks) == 0 {
			class = "s"
		}
		for _, q := range []point{p.plus(-radius-7-w/2, -4), p.plus(radius+7+w/2, -4), p.plus(-radius-7-w/2, 6), p.plus(radius+7+w/2, 6), p.plus(0, -radius-12)} {
			b := around(q, w, badgeHeight)
			if !d.free(b) && !(q.y < p.y-10) {
				continue
			}
			d.take(b)
			d.printf("<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"3\"/>\n", class, num(b.x0), num(b.y0), num(w), num(badgeHeight))
			d.text(point{q.x, q.y + 3.5}, "badgetext", "middle", name)
			break
		}
	}
}

// numbers writes the numbers of findings, three at most.
func numbers(marks []int) string {
	var words []string
	for i, n := range marks {
		if i == 3 {
			words = append(words, "…")
			break
		}
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

// clock writes the clock of an event beside it, on the side where fewer arrows are, and what a local event did.
func (d *drawing) clock(i int) {
	n := &d.Nodes[i]
	number := strconv.FormatUint(n.Clock, 10)
	var words []string
	if n.Kind != trace.Send && n.Kind != trace.Receive {
		words = []string{n.Label, clean(brief(&n.Event)), clip(n.Label, 10)}
	}
	for _, s := range append(words, "") {
		if d.beside(i, number, s) {
			return
		}
	}
}

// beside writes number and words beside an event, if there is room.
func (d *drawing) beside(i int, number, words string) bool {
	p := d.node(i)
	w := textWidth(number, textSize) * 1.08
	if words != "" {
		w += textWidth(" "+words, textSize)
	}
	gap := radius + 4
	sides := []float64{1, -1}
	if d.load(i) > 0 {
		sides = []float64{-1, 1}
	}
	if words != "" { // to the right, if at all possible: so they stand in a column
		sides = []float64{1, -1}
	}
	var places []point // of the left end of the base line
	for _, side := range sides {
		x := p.x + gap
		if side < 0 {
			x = p.x - gap - w
		}
		places = append(places, point{x, p.y + 4}, point{x, p.y - 5}, point{x, p.y + 12})
	}
	if d.dir == Right {
		places = []point{{p.x - w/2, p.y - radius - 5}, {p.x - w/2, p.y + radius + 13}, {p.x + 4, p.y - radius - 4}, {p.x - w - 4, p.y - radius - 4}, {p.x + 4, p.y + radius + 12}}
	}
	for _, q := range places {
		b := box{q.x, q.y - textSize + 1, q.x + w, q.y + 2.5}
		if !d.free(b) {
			continue
		}
		d.take(b)
		class := ""
		if d.Lit && !d.Nodes[i].Lit {
			class = " dim"
		}
		if words == "" {
			d.text(q, "num"+class, "", number)
			return true
		}
		d.printf("<text x=\"%s\" y=\"%s\" class=\"word%s\"><tspan class=\"num\">%s</tspan> %s</text>\n", num(q.x), num(q.y), class, number, escape(words))
		return true
	}
	return false
}

// load is above 0 where more arrows meet an event from its right than from its left.
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
		switch {
		case other.x > p.x:
			load++
		case other.x < p.x:
			load--
		}
	}
	return load
}

// arrowWords is what is written at an arrow.
func arrowWords(a *Arrow) string {
	words := a.Label
	switch a.Kind {
	case Again:
		return words + ", again"
	case Lost:
		return words + ", lost"
	case InFlight:
		return words + ", in flight"
	case Out:
		return words + " to " + a.Far.String()
	case In:
		return words + " from " + a.Far.String()
	}
	return words
}

// along writes what a message carries along its arrow, if there is room. A strict place has no other arrow in it either.
func (d *drawing) along(i int, strict bool) {
	a := &d.Arrows[i]
	c := d.curves[i]
	if d.labelled(i) {
		return
	}
	words := arrowWords(a)
	class := "say"
	if a.Minor || a.Kind == In || a.Kind == Out {
		class = "soft"
	}
	if d.Lit && !a.Lit && len(a.Marks) == 0 {
		class += " dim"
	}
	w := textWidth(words, smallSize)
	if a.From < 0 || a.To < 0 {
		d.stubWords(i, words, class, w)
		return
	}
	if w > c.from.to(c.to)-10 {
		return
	}
	for _, t := range []float64{0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73} {
		slope := c.slope(t)
		if math.Cos(slope) < 0 { // read from left to right
			slope += math.Pi
		}
		if math.Abs(math.Remainder(slope, 2*math.Pi)) > 1.0 {
			continue
		}
		for _, up := range []float64{3, -9.5} {
			p := c.at(t).plus(up*math.Sin(slope), -up*math.Cos(slope))
			chunks := chunksOf(p, slope, w)
			if !d.clear(chunks, i, strict) {
				continue
			}
			for _, b := range chunks {
				d.take(b)
			}
			d.told(i)
			d.printf("<text transform=\"translate(%s %s) rotate(%s)\" class=\"%s\" text-anchor=\"middle\">%s</text>\n",
				num(p.x), num(p.y), num(math.Remainder(slope, 2*math.Pi)*180/math.Pi), class, escape(words))
			return
		}
	}
}

// chunksOf covers a slanted text, whose base line's middle is p, with boxes.
func chunksOf(p point, slope, w float64) []box {
	n := max(1, int(math.Ceil(w/9)))
	var boxes []box
	for k := range n {
		along := (float64(k)+0.5)*w/float64(n) - w/2
		mid := point{p.x + along*math.Cos(slope) + 3.5*math.Sin(slope), p.y + along*math.Sin(slope) - 3.5*math.Cos(slope)}
		boxes = append(boxes, around(mid, w/float64(n)*math.Abs(math.Cos(slope))+3, 9+3*math.Abs(math.Sin(slope))))
	}
	return boxes
}

func (d *drawing) clear(chunks []box, own int, strict bool) bool {
	for _, b := range chunks {
		if !d.free(b) {
			return false
		}
		if !strict {
			continue
		}
		for k := range d.curves {
			if k != own && d.curves[k].cuts(b) {
				return false
			}
		}
		for lane := range d.Lanes {
			p := d.at(lane, 0)
			if d.dir == Down && p.x > b.x0-1 && p.x < b.x1+1 || d.dir == Right && p.y > b.y0-1 && p.y < b.y1+1 {
				return false
			}
		}
	}
	return true
}

// stubWords writes what a message carries at the loose end of its arrow.
func (d *drawing) stubWords(i int, words, class string, w float64) {
	a := &d.Arrows[i]
	end, here := d.curves[i].to, d.curves[i].from
	if a.From < 0 {
		end, here = here, end
	}
	right := end.x >= here.x
	for _, dy := range []float64{3.5, 9, -3, 14} {
		q := point{end.x + 8, end.y + dy}
		if !right {
			q.x = end.x - 8 - w
		}
		b := box{q.x, q.y - 8, q.x + w, q.y + 2.5}
		if !d.free(b) {
			continue
		}
		d.take(b)
		d.told(i)
		d.text(q, class, "", words)
		return
	}
}

func (d *drawing) told(i int) { d.done = append(d.done, i) }

func (d *drawing) labelled(i int) bool { return slices.Contains(d.done, i) }
