// Package metrictest reads metrics in tests.
package metrictest

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Find returns the sum of those series of a counter or gauge that have all of the
// given label values, and whether there is one.
func Find(t testing.TB, from prometheus.Gatherer, name string, values ...string) (sum float64, found bool) {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var has []string
			for _, l := range m.GetLabel() {
				has = append(has, l.GetValue())
			}
			if !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(has, v) }) {
				sum, found = sum+m.GetCounter().GetValue()+m.GetGauge().GetValue(), true
			}
		}
	}
	return sum, found
}

// Value is Find of a metric that must be there: one that is not would look like
// one that does not move.
func Value(t testing.TB, from prometheus.Gatherer, name string, values ...string) float64 {
	t.Helper()
	sum, found := Find(t, from, name, values...)
	if !found {
		t.Fatalf("there is no metric %s %v", name, values)
	}
	return sum
}
