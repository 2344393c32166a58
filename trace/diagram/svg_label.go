package diagram

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
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
	for _, avoid := range []crossing{lifelines, arrows, nothing} {
		for _, i := range order {
			a := &d.Arrows[i]
			important := len(a.Marks) > 0 || a.Lit && d.Lit
			if a.Label != "" && (avoid == lifelines || avoid == arrows && !a.Minor || important) {
				d.along(i, avoid)
			}
		}
	}
}

// crossing says what a label at an arrow must not cross, beside events and other labels.
type crossing uint8

const (
	nothing   crossing = iota
	arrows             // no other arrow
	lifelines          // no other arrow and no lifeline
)

// free reports whether a label may stand there.
func (d *drawing) free(b box) bool {
	if b.x0 < 2 || b.x1 > d.width-2 || b.y0 < d.plot.y0-6 || b.y1 > d.plot.y1+6 {
		return false
	}
	return !slices.ContainsFunc(d.taken, b.meets)
}

// take notes that a label stands there, in one box or more.
func (d *drawing) take(boxes ...box) {
	d.taken = append(d.taken, boxes...)
	d.labels = append(d.labels, boxes)
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
		w := badgeWidth(name)
		p := d.node(i)
		class := "badge"
		if len(n.Marks) == 0 {
			class = "s"
		}
		side := radius + 7 + w/2
		if d.load(i) >= 0 {
			side = -side
		}
		for _, q := range []point{p.plus(side, -4), p.plus(side, 6), p.plus(-side, -4), p.plus(-side, 6), p.plus(side, -10), p.plus(-side, -10), p.plus(side, 12),
			p.plus(-side, 12), p.plus(0, -radius-12), p.plus(0, radius+12)} {
			if b := around(q, w, badgeHeight); d.free(b) {
				d.take(b)
				d.badge(point{b.x0, q.y}, class, name)
				break
			}
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

// arrowWords is what is written at an arrow.
func (p *Picture) arrowWords(a *Arrow) string {
	words := a.Label
	if a.Astray {
		words += ", for " + clean(p.Nodes[a.From].Peer)
	}
	switch a.Kind {
	case Again:
		return words + ", again"
	case Lost:
		return words + p.addressee(a) + ", lost"
	case InFlight:
		return words + p.addressee(a) + ", in flight"
	case Out:
		return words + " to " + a.Far.String()
	case In:
		return words + " from " + a.Far.String()
	}
	return words
}

// addressee says where a message without a receive was going, where that is not the lane beside its sender's.
func (p *Picture) addressee(a *Arrow) string {
	if from := p.Nodes[a.From].Lane; a.FarLane == from-1 || a.FarLane == from+1 {
		return ""
	}
	return " to " + a.Far.Process
}

// along writes what a message carries along its arrow, if there is room.
func (d *drawing) along(i int, avoid crossing) {
	a := &d.Arrows[i]
	c := d.curves[i]
	if d.labelled(i) {
		return
	}
	words := d.arrowWords(a)
	if a.From < 0 || a.To < 0 {
		if !d.stubWords(i, words) && a.Kind == Lost {
			d.stubWords(i, "lost")
		}
		return
	}
	class := "say"
	if a.Minor {
		class = "soft"
	}
	if d.Lit && !a.Lit && len(a.Marks) == 0 {
		class += " dim"
	}
	w := textWidth(words, smallSize)
	if w > c.from.to(c.to)-10 {
		return
	}
	for _, t := range []float64{0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73} {
		slope := c.slope(t)
		if math.Cos(slope) < 0 { // read from left to right
			slope += math.Pi
		}
		if math.Abs(math.Remainder(slope, 2*math.Pi)) > d.steepest() {
			continue
		}
		for _, up := range []float64{3, -9.5} {
			p := c.at(t).plus(up*math.Sin(slope), -up*math.Cos(slope))
			chunks := chunksOf(p, slope, w)
			if !d.clear(chunks, i, avoid) {
				continue
			}
			d.take(chunks...)
			d.told(i)
			d.printf("<text transform=\"translate(%s %s) rotate(%s)\" class=\"%s\" text-anchor=\"middle\">%s</text>\n",
				num(p.x), num(p.y), num(math.Remainder(slope, 2*math.Pi)*180/math.Pi), class, escape(words))
			return
		}
	}
}

// steepest is the angle up to which words may stand along an arrow; where time goes to the right most arrows are steep.
func (d *drawing) steepest() float64 {
	if d.dir == Right {
		return 1.4
	}
	return 1
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

func (d *drawing) clear(chunks []box, own int, avoid crossing) bool {
	for _, b := range chunks {
		if !d.free(b) {
			return false
		}
		if avoid == nothing {
			continue
		}
		for k := range d.curves {
			if k != own && d.curves[k].cuts(b) {
				return false
			}
		}
		if avoid == arrows {
			continue
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

// stubWords writes words at the loose end of an arrow, if there is room.
func (d *drawing) stubWords(i int, words string) bool {
	a := &d.Arrows[i]
	class := "soft"
	if d.Lit && !a.Lit && len(a.Marks) == 0 {
		class += " dim"
	}
	w := textWidth(words, smallSize)
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
		d.clearing(b, i)
		d.text(q, class, "", words)
		return true
	}
	return false
}

func (d *drawing) told(i int) { d.done = append(d.done, i) }

func (d *drawing) labelled(i int) bool { return slices.Contains(d.done, i) }
