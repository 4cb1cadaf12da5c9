package natsim

import (
	"fmt"
	"strings"
)

// split tells a day's dead time apart by who could have prevented it. Evictions
// and losses of coverage come whatever the interval is; the rest is of silences
// that were longer than the network keeps.
func (d *Day) split() {
	d.FloorS = d.EvictedS + d.AwayS
	d.AvoidableS = max(d.DeadS-d.FloorS, 0)
}

// writeBlame prints the last day's dead time by who could have prevented it,
// each sort a row of its own, a column for each policy.
func (r *Report) writeBlame(b *strings.Builder) {
	fmt.Fprint(b, "\n| dead s, last day |")
	for _, result := range r.Results {
		fmt.Fprintf(b, " %s |", result.Policy)
	}
	fmt.Fprintf(b, "\n|%s\n", strings.Repeat("---|", len(r.Results)+1))
	for _, row := range []struct {
		name string
		of   func(Day) float64
	}{
		{"in all", func(d Day) float64 { return d.DeadS }},
		{"no interval prevents: evicted, away", func(d Day) float64 { return d.FloorS }},
		{"avoidable: silences beyond the timeout", func(d Day) float64 { return d.AvoidableS }},
	} {
		fmt.Fprintf(b, "| %s |", row.name)
		for _, result := range r.Results {
			fmt.Fprintf(b, " %.1f |", row.of(result.Last()))
		}
		fmt.Fprintln(b)
	}
}
