package plot

import (
	"fmt"
	"strconv"
	"strings"
)

// series is one curve.
type series struct {
	name   string
	color  int
	values []float64 // times, one for each place on the horizontal axis
}

// lines draws curves over places, with times on the left.
func (c *canvas) lines(x, y axis, places []float64, all []series, unit string) {
	for _, mark := range y.marks() {
		c.line("grid", x.from, y.at(mark), x.to, y.at(mark))
		c.label("small end", x.from-6, y.at(mark)+4, milliseconds(mark))
	}
	for _, place := range places {
		c.label("small mid", x.at(place), bottom+16, strconv.FormatFloat(place, 'f', 0, 64))
	}
	c.label("small end", x.to, bottom+30, "→ "+unit)
	var names []string
	for _, s := range all {
		var points []string
		for i, v := range s.values {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(places[i]), y.at(v)))
		}
		c.put(`<polyline class="line c%d" points="%s"/>`, s.color, strings.Join(points, " "))
		for i, v := range s.values {
			c.dot(s.color, x.at(places[i]), y.at(v), s.name+": "+milliseconds(v))
		}
		names = append(names, s.name)
	}
	c.key(names)
}

// upright draws the vertical lines of an axis of times below.
func (c *canvas) upright(x axis) {
	for _, mark := range x.marks() {
		c.line("grid", x.at(mark), top, x.at(mark), bottom)
		c.label("small mid", x.at(mark), bottom+16, milliseconds(mark))
	}
}

// legend names colours in a row below the panel.
func (c *canvas) legend(names []string) {
	at := float64(c.left)
	for i, name := range names {
		c.put(`<circle class="dot c%d" cx="%.1f" cy="%d" r="3"/>`, i%6, at+4, bottom+31)
		c.label("small", at+9, bottom+35, name)
		at += 15 + 5.6*float64(len(name))
	}
}

// key names the curves below the panel, one below the other.
func (c *canvas) key(names []string) {
	for i, name := range names {
		y := float64(bottom + 35 + 14*i)
		c.put(`<circle class="dot c%d" cx="%d" cy="%.1f" r="3"/>`, i, c.left+4, y-4)
		c.label("small", float64(c.left+11), y, name)
	}
}
