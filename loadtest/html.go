package main

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

//go:embed report.html
var pageText string

// page is what report.html shows.
type page struct {
	*report
	Lines  []line
	Charts []chart
	Groups []group
	Sets   []line
}

// group is a line of the table of latencies.
type group struct {
	Name string
	quantiles
}

// writeHTML writes the report with charts. The file needs no other.
func (r *report) writeHTML(name string) error {
	t, err := template.New("report").Parse(pageText)
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(t.Execute(f, r.page()), f.Close())
}

func (r *report) page() page {
	p := page{report: r, Lines: r.lines(), Charts: r.charts()}
	for _, name := range slices.Sorted(maps.Keys(r.Latency)) {
		p.Groups = append(p.Groups, group{strings.ReplaceAll(name, "_", " "), r.Latency[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Config)) {
		if text := fmt.Sprint(r.Config[name]); text != "" {
			p.Sets = append(p.Sets, line{strings.ReplaceAll(name, "_", " "), text})
		}
	}
	return p
}

func (r *report) charts() []chart {
	all := []chart{{Title: "Connections", series: []series{{"held", r.over(func(s sample) float64 { return float64(s.held) })}}}}
	if r.Server.BaseRSS != nil {
		all = append(all,
			chart{Title: "Memory of the edge", Unit: "MB resident", series: []series{{"RSS", r.over(func(s sample) float64 { return float64(s.rss) / 1e6 })}}},
			chart{Title: "CPU of the edge", Unit: "cores", series: []series{{"cores", r.cores()}}})
	}
	return append(all, r.latencyChart())
}

// over is something of every sample, over time.
func (r *report) over(what func(sample) float64) (points []point) {
	for _, s := range r.samples {
		points = append(points, point{s.at.Seconds(), what(s)})
	}
	return points
}

// cores is how many of them the edge used between two samples.
func (r *report) cores() (points []point) {
	for i := 1; i < len(r.samples); i++ {
		a, b := r.samples[i-1], r.samples[i]
		points = append(points, point{b.at.Seconds(), max(0, (b.cpu-a.cpu)/(b.at-a.at).Seconds())})
	}
	return points
}

// latencyChart has a line a group; to the right stand ever rarer cases. Every
// line up is ten times slower.
func (r *report) latencyChart() chart {
	c := chart{Title: "Latency by percentile", Unit: "ms", ticks: []tick{
		{0, "0"}, {rarity(90), "90 %"}, {rarity(99), "99 %"}, {rarity(99.9), "99.9 %"}, {rarity(99.99), "99.99 %"},
	}}
	for power := range 8 {
		ms := leastMS * math.Pow10(power)
		c.levels = append(c.levels, tick{magnitude(ms), fmt.Sprintf("%g", ms)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Latency)) {
		s := series{name: strings.ReplaceAll(name, "_", " ")}
		if r.Latency[name].Count == 0 {
			continue
		}
		for _, p := range r.latencies.of(name).distribution() {
			if p.at < 100 {
				s.points = append(s.points, point{rarity(p.at), magnitude(p.ms)})
			}
		}
		c.series = append(c.series, s)
	}
	return c
}

// rarity is how many times ten times rarer than all a percentile is.
func rarity(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// leastMS is the time at the bottom of the chart; shorter ones are drawn there.
const leastMS = 0.1

// magnitude is how many times ten times above leastMS a time is.
func magnitude(ms float64) float64 { return math.Log10(max(ms, leastMS) / leastMS) }
