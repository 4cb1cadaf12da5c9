package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// report is what a run found. Names are added to and never changed.
type report struct {
	Schema   string `json:"schema"`
	Replicas int    `json:"replicas"`
	Users    int    `json:"users"`
	Size     int    `json:"size_bytes"`
	Cores    int    `json:"cores"`
	// Load is the machine's load average at the start: what else it did.
	Load float64 `json:"load_average_before"`

	Most []most `json:"most"`
	// Rate is what was published in each round.
	Rate   int         `json:"rate_per_s"`
	Rounds []roundPair `json:"rounds"`
	// The medians of the rounds' ratios, hawser to raw.
	P50Ratio float64 `json:"p50_ratio"`
	P99Ratio float64 `json:"p99_ratio"`
	// The same of the rounds' last parts, in which both ways carried the same
	// events at the same time.
	SameP50Ratio float64 `json:"same_events_p50_ratio"`
	SameP99Ratio float64 `json:"same_events_p99_ratio"`
	// Missing events did not arrive.
	Missing int `json:"missing"`
}

// most is what a way takes.
type most struct {
	Way      string  `json:"way"`
	Events   float64 `json:"events_per_s"`
	Notifies float64 `json:"notifies_per_s"`
	P50      float64 `json:"p50_ms"`
	CPU      cpuUse  `json:"cpu_cores"`
}

// roundPair is one round of each way.
type roundPair struct {
	Raw    roundLine `json:"raw"`
	Hawser roundLine `json:"hawser"`
	// Both at the same time, of the same events.
	SameRaw    roundLine `json:"same_events_raw"`
	SameHawser roundLine `json:"same_events_hawser"`
}

// compared are the results that make a roundPair.
type compared struct{ raw, hawser, sameRaw, sameHawser result }

type roundLine struct {
	Events   int     `json:"events"`
	Rate     float64 `json:"rate_per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
	Notifies int     `json:"notifies"`
	CPU      cpuUse  `json:"cpu_cores"`
}

func newReport(o options) report {
	return report{
		Schema: "hawser.rates/1", Replicas: o.replicas, Users: o.users, Size: o.size,
		Cores: runtime.NumCPU(), Load: devmode.LoadAverage(),
	}
}

func (r *report) addMost(way string, res result) {
	r.Missing += res.missing
	r.Most = append(r.Most, most{way, res.perSecond(res.published), res.perSecond(res.notifies), ms(res.quantile(0.5)), res.cpu})
}

func (r *report) addRound(c compared) {
	r.Missing += c.raw.missing + c.hawser.missing + c.sameRaw.missing + c.sameHawser.missing
	r.Rounds = append(r.Rounds, roundPair{line(c.raw), line(c.hawser), line(c.sameRaw), line(c.sameHawser)})
}

func line(res result) roundLine {
	return roundLine{
		res.published, res.perSecond(res.published), ms(res.quantile(0.5)), ms(res.quantile(0.99)), ms(res.quantile(1)), res.notifies, res.cpu,
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *report) finish() {
	r.P50Ratio, r.P99Ratio = r.medians(inTurns)
	r.SameP50Ratio, r.SameP99Ratio = r.medians(sameEvents)
}

// The lines of a round that are compared with one another.
func inTurns(p roundPair) (raw, hawser roundLine)    { return p.Raw, p.Hawser }
func sameEvents(p roundPair) (raw, hawser roundLine) { return p.SameRaw, p.SameHawser }

// medians are those of the rounds' ratios.
func (r *report) medians(of func(roundPair) (raw, hawser roundLine)) (p50, p99 float64) {
	var p50s, p99s []float64
	for _, p := range r.Rounds {
		if raw, hawser := of(p); raw.P50 > 0 && raw.P99 > 0 {
			p50s, p99s = append(p50s, hawser.P50/raw.P50), append(p99s, hawser.P99/raw.P99)
		}
	}
	return median(p50s), median(p99s)
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// write prints the report as a table or as JSON.
func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%d NATS servers, replicas %d, %d users, items of %d bytes, %d cores, load average %.1f before\n\n", r.Replicas, r.Replicas, r.Users, r.Size, r.Cores, r.Load)
	fmt.Fprintf(t, "most\tevents/s\tnotifies/s\tp50 ms\tcores: nats\trouter\tedge\tdevices\t\n")
	for _, m := range r.Most {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", m.Way, m.Events, m.Notifies, m.P50, m.CPU.NATS, m.CPU.Router, m.CPU.Edge, m.CPU.Devices)
	}
	r.writeRounds(t, "in turns", r.P50Ratio, r.P99Ratio, inTurns)
	r.writeRounds(t, "same events", r.SameP50Ratio, r.SameP99Ratio, sameEvents)
	if r.Missing > 0 {
		fmt.Fprintf(t, "\nevents that did not arrive: %d\n", r.Missing)
	}
	return t.Flush()
}

func (r *report) writeRounds(w io.Writer, how string, p50, p99 float64, of func(roundPair) (raw, hawser roundLine)) {
	fmt.Fprintf(w, "\n%s, %d/s\traw p50 ms\tp99\thawser p50 ms\tp99\tratio p50\tp99\t\n", how, r.Rate)
	for i, p := range r.Rounds {
		raw, hawser := of(p)
		fmt.Fprintf(w, "round %d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", i+1, raw.P50, raw.P99, hawser.P50, hawser.P99, hawser.P50/raw.P50, hawser.P99/raw.P99)
	}
	fmt.Fprintf(w, "median\t\t\t\t\t%.2f\t%.2f\t\n", p50, p99)
}
