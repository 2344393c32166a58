package diagram

import (
	"math"
	"strconv"
)

// point is a place on the page, in units of the drawing.
type point struct{ x, y float64 }

func (p point) plus(dx, dy float64) point { return point{p.x + dx, p.y + dy} }

func (p point) to(q point) float64 { return math.Hypot(q.x-p.x, q.y-p.y) }

// toward returns the point that lies so far from p in the direction of q.
func (p point) toward(q point, far float64) point {
	d := p.to(q)
	if d == 0 {
		return p
	}
	return point{p.x + (q.x-p.x)*far/d, p.y + (q.y-p.y)*far/d}
}

// box is a place that is taken.
type box struct{ x0, y0, x1, y1 float64 }

func around(p point, w, h float64) box { return box{p.x - w/2, p.y - h/2, p.x + w/2, p.y + h/2} }

func (b box) meets(c box) bool { return b.x0 < c.x1 && c.x0 < b.x1 && b.y0 < c.y1 && c.y0 < b.y1 }

func (b box) within(c box) bool { return b.x0 >= c.x0 && b.x1 <= c.x1 && b.y0 >= c.y0 && b.y1 <= c.y1 }

// curve is a quadratic Bézier curve; a straight line where mid is the middle.
type curve struct{ from, mid, to point }

func line(from, to point) curve { return bent(from, to, 0) }

// bent returns a curve that leaves the straight line by so much at its middle.
func bent(from, to point, by float64) curve {
	mid := point{(from.x + to.x) / 2, (from.y + to.y) / 2}
	if d := from.to(to); d > 0 {
		mid = mid.plus(-(to.y-from.y)/d*2*by, (to.x-from.x)/d*2*by)
	}
	return curve{from, mid, to}
}

func (c curve) straight() bool {
	return math.Abs(c.mid.x-(c.from.x+c.to.x)/2) < 0.1 && math.Abs(c.mid.y-(c.from.y+c.to.y)/2) < 0.1
}

// at returns the point at t, from 0 to 1.
func (c curve) at(t float64) point {
	u := 1 - t
	return point{u*u*c.from.x + 2*u*t*c.mid.x + t*t*c.to.x, u*u*c.from.y + 2*u*t*c.mid.y + t*t*c.to.y}
}

// slope returns the direction at t, as an angle.
func (c curve) slope(t float64) float64 {
	u := 1 - t
	return math.Atan2(2*u*(c.mid.y-c.from.y)+2*t*(c.to.y-c.mid.y), 2*u*(c.mid.x-c.from.x)+2*t*(c.to.x-c.mid.x))
}

// near returns how near the curve comes to a point.
func (c curve) near(p point) float64 {
	least := math.Inf(1)
	for i := range 65 {
		least = math.Min(least, c.at(float64(i)/64).to(p))
	}
	return least
}

// cuts reports whether the curve runs through a box.
func (c curve) cuts(b box) bool {
	n := max(8, int(c.from.to(c.to)/4))
	for i := range n + 1 {
		p := c.at(float64(i) / float64(n))
		if p.x > b.x0 && p.x < b.x1 && p.y > b.y0 && p.y < b.y1 {
			return true
		}
	}
	return false
}

// num writes a coordinate.
func num(v float64) string {
	s := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	return s
}

// textWidth returns how wide a text is at a size, in a typeface that is wider than most: DejaVu Sans.
func textWidth(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case r >= 0x1100:
			w += 1
		case r == 'i' || r == 'l' || r == 'j' || r == '·':
			w += 0.28
		case r == ' ' || r == '.' || r == ',' || r == ':' || r == '/' || r == '-' || r == '\'' || r == '|' || r == ';':
			w += 0.36
		case r == 'm' || r == 'w' || r == 'M' || r == 'W':
			w += 0.97
		case r == 'f' || r == 't' || r == 'r' || r == '(' || r == ')':
			w += 0.42
		case r >= 'A' && r <= 'Z' || r > 0x7e:
			w += 0.72
		default:
			w += 0.635
		}
	}
	return w * size
}
