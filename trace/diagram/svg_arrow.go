package diagram

import (
	"fmt"
	"math"
	"strings"
)

// messages draws the arrows: those that are lit or wrong above the others.
func (d *drawing) messages() {
	d.curves = make([]curve, len(d.Arrows))
	for i := range d.Arrows {
		d.curves[i] = d.course(&d.Arrows[i])
	}
	rank := func(a *Arrow) int {
		switch {
		case len(a.Marks) > 0:
			return 3
		case a.Lit && d.Lit:
			return 2
		case a.Minor:
			return 0
		}
		return 1
	}
	for level := range 4 {
		for i := range d.Arrows {
			if rank(&d.Arrows[i]) == level {
				d.arrow(&d.Arrows[i], d.curves[i])
			}
		}
	}
}

// course finds the way of an arrow: straight, unless it would run through an event on the way.
func (d *drawing) course(a *Arrow) curve {
	if a.From < 0 || a.To < 0 {
		return d.stub(a)
	}
	from, to := d.node(a.From), d.node(a.To)
	if d.Nodes[a.From].Lane == d.Nodes[a.To].Lane {
		return trim(bent(from, to, 22))
	}
	best, room := line(from, to), -1.0
	for _, by := range []float64{0, 12, -12, 20, -20, 30, -30, 42, -42} {
		c := bent(from, to, by)
		if top := c.at(0.5); by != 0 && (top.y < d.plot.y0 || top.y > d.plot.y1 || top.x < d.plot.x0 || top.x > d.plot.x1) {
			continue
		}
		clear := math.Inf(1)
		for i := range d.Nodes {
			if i != a.From && i != a.To {
				clear = math.Min(clear, c.near(d.node(i)))
			}
		}
		if clear > radius+2 {
			return trim(c)
		}
		if clear > room {
			best, room = c, clear
		}
	}
	return trim(best)
}

// trim leaves room for the nodes at both ends.
func trim(c curve) curve {
	c.from, c.to = c.from.toward(c.mid, radius+1.5), c.to.toward(c.mid, radius+2.5)
	if d := c.from.to(c.to); d > 0 && c.mid.to(line(c.from, c.to).mid) < 0.5 {
		c.mid = line(c.from, c.to).mid
	}
	return c
}

// stub is the way of an arrow that has one end in the window: toward the lane of the other, if there is one.
func (d *drawing) stub(a *Arrow) curve {
	i, ahead := a.From, 1.0
	if i < 0 {
		i, ahead = a.To, -1
	}
	here, side := d.node(i), 1.0
	long := math.Min(0.62*d.pitch, 70)
	if a.FarLane >= 0 && a.FarLane != d.Nodes[i].Lane {
		side = math.Copysign(1, float64(a.FarLane-d.Nodes[i].Lane))
	} else if d.Nodes[i].Lane == len(d.Lanes)-1 && len(d.Lanes) > 1 {
		side = -1
	}
	if a.Kind == Out || a.Kind == In {
		long = math.Min(0.4*d.pitch, 34)
	}
	there := here.plus(side*long, ahead*0.62*d.step)
	if d.dir == Right {
		there = here.plus(ahead*0.62*d.step, side*math.Min(0.45*d.pitch, long))
	}
	if ahead < 0 {
		return curve{there, line(there, here).mid, here.toward(there, radius+2.5)}
	}
	return curve{here.toward(there, radius+1.5), line(here, there).mid, there}
}

// arrow draws one message.
func (d *drawing) arrow(a *Arrow, c curve) {
	class := "m"
	size := 7.0
	if a.Minor {
		class, size = class+" minor", 6
	}
	switch a.Kind {
	case Again:
		class += " dash"
	case InFlight, Unlogged:
		class += " dash"
	case Out, In:
		class += " dot"
	}
	switch {
	case len(a.Marks) > 0:
		class, size = class+" bad", 9
	case d.Lit && a.Lit:
		class, size = class+" lit", 9
	case d.Lit:
		class += " dim"
	}
	way := "M" + num(c.from.x) + " " + num(c.from.y)
	if c.straight() {
		way += "L"
	} else {
		way += "Q" + num(c.mid.x) + " " + num(c.mid.y) + " "
	}
	way += num(c.to.x) + " " + num(c.to.y)
	solid := strings.NewReplacer(" dash", "", " dot", "").Replace(class)
	switch a.Kind {
	case Lost:
		d.shape(class, way, d.tellArrow(a))
		d.cross(solid, c.to)
	case InFlight:
		d.shape(class, way, d.tellArrow(a))
		d.printf("<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"2.5\"/>\n", solid, num(c.to.x), num(c.to.y))
	default:
		if solid != class { // a dashed line has a whole head
			d.shape(class, way, d.tellArrow(a))
			d.path(solid, "", head(c.to, c.slope(1), size)...)
			break
		}
		for i, p := range head(c.to, c.slope(1), size) {
			way += map[bool]string{true: "M", false: "L"}[i == 0] + num(p.x) + " " + num(p.y)
		}
		d.shape(class, way, d.tellArrow(a))
	}
	if a.Kind == Orphan {
		d.text(c.from.plus(0, 3.5), "num", "middle", "?")
		d.taken = append(d.taken, around(c.from, 12, 14))
	}
}

func (d *drawing) cross(class string, p point) {
	const r = 5
	d.shape(class, fmt.Sprintf("M%s %sL%s %sM%s %sL%s %s", num(p.x-r), num(p.y-r), num(p.x+r), num(p.y+r),
		num(p.x-r), num(p.y+r), num(p.x+r), num(p.y-r)), "")
	d.taken = append(d.taken, around(p, 12, 12))
}

// tellArrow says what an arrow is.
func (p *Picture) tellArrow(a *Arrow) string {
	var from, to string
	if a.From >= 0 {
		n := &p.Nodes[a.From]
		from = fmt.Sprintf("%s (clock %d)", n.Ref(), n.Clock)
	}
	if a.To >= 0 {
		n := &p.Nodes[a.To]
		to = fmt.Sprintf("%s (clock %d)", n.Ref(), n.Clock)
	}
	text := ""
	switch a.Kind {
	case Delivered:
		text = from + " to " + to
		if a.Astray {
			text += ", though sent to " + clean(p.Nodes[a.From].Peer)
		}
	case Again:
		text = from + " to " + to + ", received once more"
	case Lost:
		text = from + " to " + a.Far.Process + ": lost"
	case InFlight:
		text = from + " to " + a.Far.Process + ": not received as far as the logs go"
	case Orphan:
		text = fmt.Sprintf("%s names %s as its send, which is none", to, a.Far)
	case Unlogged:
		text = fmt.Sprintf("%s names %s as its send, which no log shows", to, a.Far)
	case Out:
		text = fmt.Sprintf("%s to %s", from, a.Far)
	case In:
		text = fmt.Sprintf("%s to %s", a.Far, to)
	}
	if a.Label != "" {
		text = a.Label + ": " + text
	}
	return text
}

// links joins the two events of a finding where no message does: with a dotted line.
func (d *drawing) links() {
	for _, m := range d.Marks {
		if m.Event < 0 || m.Other < 0 || m.Event == m.Other || d.joined(m.N) {
			continue
		}
		from, to := d.node(m.Other), d.node(m.Event)
		by := 0.0
		if d.Nodes[m.Event].Lane == d.Nodes[m.Other].Lane {
			by = 26
		}
		c := trim(bent(from, to, by))
		d.curves = append(d.curves, c) // behind those of Arrows, so that no words stand on it
		d.shape("link", fmt.Sprintf("M%s %sQ%s %s %s %s", num(c.from.x), num(c.from.y), num(c.mid.x), num(c.mid.y), num(c.to.x), num(c.to.y)),
			fmt.Sprintf("finding %d", m.N))
	}
}

func (d *drawing) joined(n int) bool {
	for i := range d.Arrows {
		for _, k := range d.Arrows[i].Marks {
			if k == n {
				return true
			}
		}
	}
	return false
}
