package main

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// chart is a line chart in SVG. Its colours are the page's.
type chart struct {
	Title, Unit string
	series      []series
	// ticks are the marks below; none: seconds.
	ticks []tick
	// levels are the marks at the side; none: four, at round numbers.
	levels []tick
}

type series struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

type tick struct {
	at   float64
	text string
}

// The picture's measures, in its own units.
const (
	chartWidth, chartHeight = 640, 260
	left, right, top, below = 64, 16, 16, 34
	gridLines               = 4
	xTicks                  = 6
)

// scale maps values to the picture.
type scale struct{ maxX, maxY float64 }

func (s scale) x(v float64) float64 { return left + v/s.maxX*(chartWidth-left-right) }
func (s scale) y(v float64) float64 { return chartHeight - below - v/s.maxY*(chartHeight-top-below) }

// SVG draws the chart.
func (c chart) SVG() template.HTML {
	s := scale{1e-9, 0}
	for _, line := range c.series {
		for _, p := range line.points {
			s.maxX, s.maxY = max(s.maxX, p.x), max(s.maxY, p.y)
		}
	}
	levels := c.sides(&s)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(c.Title))
	c.grid(&b, s, levels)
	for i, line := range c.series {
		fmt.Fprintf(&b, `<polyline class="s%d" points="%s"/>`, i, path(line.points, s))
	}
	b.WriteString(`</svg>`)
	// Everything in it is a number, or was escaped.
	return template.HTML(b.String())
}

// sides are the marks at the side. It raises the scale to the uppermost.
func (c chart) sides(s *scale) (levels []tick) {
	if len(c.levels) == 0 {
		s.maxY = roundUp(s.maxY)
		for i := range gridLines + 1 {
			v := s.maxY * float64(i) / gridLines
			levels = append(levels, tick{v, short(v)})
		}
		return levels
	}
	for _, l := range c.levels {
		levels = append(levels, l)
		if l.at >= s.maxY {
			s.maxY = l.at
			break
		}
	}
	return levels
}

func (c chart) grid(b *strings.Builder, s scale, levels []tick) {
	for _, l := range levels {
		y := s.y(l.at)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, chartWidth-right, y, y)
		fmt.Fprintf(b, `<text class="tick" x="%d" y="%.1f" text-anchor="end">%s</text>`, left-8, y+4, template.HTMLEscapeString(l.text))
	}
	for _, t := range c.marks(s) {
		fmt.Fprintf(b, `<text class="tick" x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			s.x(t.at), chartHeight-below+20, template.HTMLEscapeString(t.text))
	}
}

func (c chart) marks(s scale) []tick {
	if len(c.ticks) > 0 {
		var inside []tick
		for _, t := range c.ticks {
			if t.at <= s.maxX {
				inside = append(inside, t)
			}
		}
		return inside
	}
	step := roundUp(s.maxX/xTicks + 1e-9)
	var marks []tick
	for x := 0.0; x <= s.maxX; x += step {
		marks = append(marks, tick{x, short(x) + " s"})
	}
	return marks
}

// Legend names the lines, where there are several.
func (c chart) Legend() []string {
	if len(c.series) < 2 {
		return nil
	}
	var names []string
	for _, s := range c.series {
		names = append(names, s.name)
	}
	return names
}

func path(points []point, s scale) string {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%.1f,%.1f ", s.x(p.x), s.y(p.y))
	}
	return b.String()
}

// roundUp returns the next number that reads well in quarters: 1, 2, 4 or 8
// times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 4, 8, 10} {
		if v <= f*power {
			return f * power
		}
	}
	return 10 * power
}

// short is a number in a few letters.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return trim(v/1e6) + "M"
	case v >= 1e4:
		return trim(v/1e3) + "k"
	}
	return trim(v)
}

func trim(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}
