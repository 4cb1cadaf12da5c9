package metrictest

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

func TestFind(t *testing.T) {
	reg := prometheus.NewRegistry()
	p := metric.For(reg, "test")
	calls := p.CounterVec("calls_total", "Calls.", metric.By("door", "http", "nats"), metric.By("result", "ok", "error"))
	calls.WithLabelValues("http", "ok").Add(1)
	calls.WithLabelValues("nats", "ok").Add(2)
	calls.WithLabelValues("nats", "error").Add(4)
	p.Gauge("open", "Open calls.").Set(8)
	for _, c := range []struct {
		name   string
		values []string
		sum    float64
		found  bool
	}{
		{"hawser_test_calls_total", nil, 7, true},
		{"hawser_test_calls_total", []string{"nats"}, 6, true},
		{"hawser_test_calls_total", []string{"ok", "nats"}, 2, true},
		{"hawser_test_calls_total", []string{"http", "error"}, 0, true},
		{"hawser_test_calls_total", []string{"http", "other"}, 0, false},
		{"hawser_test_open", nil, 8, true},
		{"hawser_test_other", nil, 0, false},
	} {
		if sum, found := Find(t, reg, c.name, c.values...); sum != c.sum || found != c.found {
			t.Errorf("%s %v: %v, %v", c.name, c.values, sum, found)
		}
	}
}
