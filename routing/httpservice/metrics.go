package httpservice

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// metrics of a Bridge.
type metrics struct {
	calls   *prometheus.CounterVec
	seconds prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, b *Bridge) *metrics {
	p := metric.For(reg, "httpservice")
	p.GaugeFunc("calls_open", "Calls of services over HTTP that are under way.", func() float64 { return float64(b.open()) })
	p.GaugeFunc("services_down", "URLs of services that do not answer and that calls are kept away from.", func() float64 { return float64(b.down()) })
	return &metrics{
		calls: p.CounterVec("calls_total", "Calls of services over HTTP, by the status that the device is told.",
			metric.By("status", metric.Names(wire.Statuses())...)),
		seconds: p.Histogram("call_seconds", "How long a service over HTTP took.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}),
	}
}

func (b *Bridge) open() (n int) {
	for _, t := range b.tenants {
		n += len(t.slots)
	}
	return n
}

func (b *Bridge) down() (n int) {
	for _, t := range b.tenants {
		for _, to := range t.targets {
			if to.breaker.Open() {
				n++
			}
		}
	}
	return n
}
