// Package metric builds the Prometheus metrics of every part of the program
// in one way, so that they are all called hawser_<part>_<name>, and so that a
// closed set of label values is there with zeros from the start: a rate over a
// series that begins with its first count misses that count.
//
// A name ends in its unit (_seconds, _bytes) or, for a counter, in _total.
package metric

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const namespace = "hawser"

// A Part builds the metrics of one part of the program. Its methods panic on
// a name that is taken or no name: a mistake in the program.
type Part struct {
	// Static after construction.
	name     string
	reg      prometheus.Registerer
	register promauto.Factory
}

// For returns what builds the metrics of a part and registers them with reg.
// With a nil reg they count and are shown to nobody.
func For(reg prometheus.Registerer, part string) Part {
	return Part{name: part, reg: reg, register: promauto.With(reg)}
}

// With returns a Part whose metrics carry a label with one value.
func (p Part) With(label, value string) Part {
	if p.reg == nil {
		return p
	}
	return For(prometheus.WrapRegistererWith(prometheus.Labels{label: value}, p.reg), p.name)
}

// Counter builds a counter.
func (p Part) Counter(name, help string) prometheus.Counter {
	return p.register.NewCounter(prometheus.CounterOpts(p.opts(name, help)))
}

// CounterFunc builds a counter that read is asked for at each scrape, by any
// goroutine.
func (p Part) CounterFunc(name, help string, read func() float64) {
	p.register.NewCounterFunc(prometheus.CounterOpts(p.opts(name, help)), read)
}

// CounterVec builds counters by label. Where the values of every label are
// known, all the combinations are there from the start.
func (p Part) CounterVec(name, help string, labels ...Label) *prometheus.CounterVec {
	v := p.register.NewCounterVec(prometheus.CounterOpts(p.opts(name, help)), names(labels))
	each(labels, nil, func(values []string) { v.WithLabelValues(values...) })
	return v
}

// Gauge builds a gauge.
func (p Part) Gauge(name, help string) prometheus.Gauge {
	return p.register.NewGauge(prometheus.GaugeOpts(p.opts(name, help)))
}

// GaugeFunc builds a gauge that read is asked for at each scrape, by any
// goroutine.
func (p Part) GaugeFunc(name, help string, read func() float64) {
	p.register.NewGaugeFunc(prometheus.GaugeOpts(p.opts(name, help)), read)
}

// Histogram builds a histogram with the buckets' upper bounds.
func (p Part) Histogram(name, help string, buckets []float64) prometheus.Histogram {
	return p.register.NewHistogram(p.histogram(name, help, buckets))
}

// HistogramVec builds histograms by label, as CounterVec does counters.
func (p Part) HistogramVec(name, help string, buckets []float64, labels ...Label) *prometheus.HistogramVec {
	v := p.register.NewHistogramVec(p.histogram(name, help, buckets), names(labels))
	each(labels, nil, func(values []string) { v.WithLabelValues(values...) })
	return v
}

func (p Part) opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: namespace, Subsystem: p.name, Name: name, Help: help}
}

func (p Part) histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Subsystem: p.name, Name: name, Help: help, Buckets: buckets}
}

// A Label is a label's name and the values that are known to begin with.
// Values that come later must be few, too.
type Label struct {
	Name   string
	Values []string
}

// By returns a label with its values.
func By(name string, values ...string) Label { return Label{name, values} }

// Names returns what a set of values is called, to be those of a label.
func Names[T fmt.Stringer](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}

// Bool is 1 for true and 0 for false.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func names(labels []Label) []string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = l.Name
	}
	return out
}

// each calls f with every combination of the labels' values, with chosen
// before them.
func each(labels []Label, chosen []string, f func(values []string)) {
	if len(labels) == 0 {
		f(chosen)
		return
	}
	for _, v := range labels[0].Values {
		each(labels[1:], append(chosen, v), f)
	}
}
