package diagram

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Direction is that of time.
type Direction uint8

// The directions.
const (
	Down Direction = iota
	Right
)

// SVGOptions says how a picture is drawn on a page.
type SVGOptions struct {
	Direction Direction
}

// The measures of a drawing, in units that are pixels on a screen.
const (
	rowHeight   = 24.0 // between two lines, downward
	columnWidth = 32.0 // between two lines, rightward
	laneHeight  = 84.0 // between two lanes, rightward
	radius      = 5.5  // of a node
	slant       = 0.73 // of the heads of narrow lanes, as an angle
	margin      = 16.0
	axisWidth   = 44.0
	textSize    = 11.0
	smallSize   = 10.0
	leastWidth  = 560.0 // so that the legend has room
	lanesWidth  = 800.0 // of a page, from the first lane to the last
	widestLane  = 220.0
	narrowLane  = 44.0
	edge        = 46.0 // from the scale to the first lane, where lanes are wide
	footLine    = 16.0
	badgeHeight = 13.0
	numbersFrom = 60.0 // the width of a lane from which on every event has its clock beside it
	headingSize = 15.0
	headingLine = 20.0
)

// drawing is a picture on its way to a page.
type drawing struct {
	*Picture
	dir           Direction
	pitch, step   float64 // between lanes, and between lines
	left, top     float64 // of the first lane and line
	width, height float64
	slant         bool // names of lanes do not fit
	body          bytes.Buffer
	curves        []curve // of Arrows, and behind them of links
	taken         []box   // by nodes and labels
	labels        [][]box // of each label
	done          []int   // Arrows whose label is written
	plot          box
}

// WriteSVG writes the picture as an SVG document: the same bytes each time. It needs no script and no other file; text can
// be selected; colours follow the reader's light or dark scheme, and nothing is told by colour alone.
func (p *Picture) WriteSVG(w io.Writer, opt SVGOptions) error {
	_, err := w.Write(p.draw(opt).document())
	return err
}

// draw draws the picture, all but the document around it.
func (p *Picture) draw(opt SVGOptions) *drawing {
	d := &drawing{Picture: p, dir: opt.Direction}
	d.measure()
	d.rows()
	d.lanes()
	d.messages()
	d.links()
	d.folds()
	for _, b := range d.Breaks {
		d.tear(b)
	}
	d.nodes()
	d.names()
	d.tell()
	d.foot()
	return d
}

// measure finds the places of lanes and lines: first across, then down, as the title needs more lines on a narrow page.
func (d *drawing) measure() {
	lanes, lines := float64(max(1, len(d.Lanes))), float64(max(1, d.Lines))
	number := 0.0
	for _, r := range d.Rows {
		number = max(number, textWidth(strconv.FormatUint(r.Clock, 10), smallSize))
	}
	name := 0.0
	for _, l := range d.Lanes {
		name = max(name, textWidth(laneName(l), 12)*1.08)
	}
	if d.dir == Right {
		d.pitch, d.step = laneHeight, max(columnWidth, number+8)
		d.plot.x0 = margin + max(40, name) + 16
		d.plot.x1 = d.plot.x0 + lines*d.step
		d.width = max(leastWidth, d.plot.x1+margin)
		d.plot.y0 = d.heading() + 22
		d.plot.y1 = d.plot.y0 + lanes*laneHeight
		d.left, d.top = d.plot.x0+d.step/2, d.plot.y0+laneHeight/2
		return
	}
	d.step = rowHeight
	d.pitch = min(widestLane, max(narrowLane, lanesWidth/max(1, lanes-1)))
	before, after := min(edge, d.pitch/2), max(40, min(130, d.pitch*0.85)) // after the last lane there is room for words
	if d.slant = name > d.pitch-8; d.slant {
		after = max(after, name*math.Cos(slant)+8-margin)
	}
	d.plot.x0 = margin + max(axisWidth, number+12)
	d.plot.x1 = d.plot.x0 + before + (lanes-1)*d.pitch + after
	d.width = max(leastWidth, d.plot.x1+margin)
	d.plot.y0 = d.heading() + 30
	if d.slant {
		d.plot.y0 = d.heading() + max(30, name*math.Sin(slant)+16)
	}
	d.plot.y1 = d.plot.y0 + lines*rowHeight
	d.left, d.top = d.plot.x0+before, d.plot.y0+rowHeight/2
}

// title returns the lines of the title.
func (d *drawing) title() []string { return wrapText(d.Title, d.width-2*margin, headingSize*1.08) }

// heading returns where the title ends.
func (d *drawing) heading() float64 { return margin + float64(len(d.title()))*headingLine + 6 }

// at returns the place of a lane and a line.
func (d *drawing) at(lane int, line float64) point {
	if d.dir == Right {
		return point{d.left + line*d.step, d.top + float64(lane)*d.pitch}
	}
	return point{d.left + float64(lane)*d.pitch, d.top + line*d.step}
}

func (d *drawing) node(i int) point { return d.at(d.Nodes[i].Lane, float64(d.Nodes[i].Line)) }

// printf adds to the body.
func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.body, format, args...) }

// text adds a text. Class is one of the style's; anchor is "", "middle" or "end".
func (d *drawing) text(at point, class, anchor, s string) {
	if anchor != "" {
		anchor = ` text-anchor="` + anchor + `"`
	}
	d.printf("<text x=\"%s\" y=\"%s\" class=\"%s\"%s>%s</text>\n", num(at.x), num(at.y), class, anchor, escape(s))
}

// document puts the body into a document.
func (d *drawing) document() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="t d">`+"\n",
		num(d.width), num(d.height), num(d.width), num(d.height))
	fmt.Fprintf(&b, "<title id=\"t\">%s</title>\n<desc id=\"d\">%s</desc>\n", escape(d.Title), escape(d.describe()))
	b.WriteString(style)
	fmt.Fprintf(&b, "<rect class=\"paper\" width=\"%s\" height=\"%s\"/>\n", num(d.width), num(d.height))
	d.body.WriteTo(&b)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// describe says in words what the picture shows, for those who cannot see it.
func (d *drawing) describe() string {
	names := make([]string, len(d.Lanes))
	for i, l := range d.Lanes {
		names[i] = l.Process
	}
	text := fmt.Sprintf("%s, %s of the processes %s.", counted(len(d.Nodes), "event"), counted(len(d.Arrows), "message"), strings.Join(names, ", "))
	if len(d.Nodes) > 0 {
		text += fmt.Sprintf(" Clock %d to %d; a row is a value of the clock, and distance is not duration.", d.Nodes[0].Clock, d.Nodes[len(d.Nodes)-1].Clock)
	}
	if d.What != "" {
		text += " Lit: " + d.What + "."
	}
	for _, m := range d.shownMarks() {
		text += fmt.Sprintf(" Finding %d, %s: %s", m.N, m.Finding.Rule, m.Finding.Message)
	}
	return clean(strings.Join(append([]string{text}, d.Notes...), " "))
}

// mostMarks is how many findings are told in words.
const mostMarks = 8

// shownMarks returns the findings that are told in words: the one that was asked for, then the others.
func (p *Picture) shownMarks() []Mark {
	var marks []Mark
	for _, main := range []bool{true, false} {
		for _, m := range p.Marks {
			if m.Main == main && len(marks) < mostMarks {
				marks = append(marks, m)
			}
		}
	}
	return marks
}

// escape writes a text as XML has it.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(clean(s))
}
