package memory

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

// policyMetrics show what was decided and why. The runtime's own settings are
// in go_gc_gogc_percent and go_gc_gomemlimit_bytes.
type policyMetrics struct {
	limit, free    prometheus.Gauge
	share, demand  prometheus.Gauge
	storm          prometheus.Gauge
	trims, trimmed prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *policyMetrics {
	p := metric.For(reg, "memory")
	return &policyMetrics{
		limit:   p.Gauge("limit_bytes", "Memory that the cgroup or the machine allows, whichever is less; 0 where neither can be read."),
		free:    p.Gauge("free_bytes", "What is free of the limit that is nearest, whoever uses the rest."),
		share:   p.Gauge("gc_cpu_ratio", "Share of the CPU, of all cores that the process may use, that collections of garbage took in the last half a minute or so."),
		demand:  p.Gauge("gc_cpu_demand_ratio", "The greatest share of the CPU that they would have taken with GOGC at 100 in one of the last 15 s: GOGC follows it."),
		storm:   p.Gauge("storm", "1 while so much is allocated that GOGC is at its highest."),
		trims:   p.Counter("trims_total", "Times that free memory was given back to the system."),
		trimmed: p.Counter("trimmed_bytes_total", "Memory that was given back by trims."),
	}
}

func (m *policyMetrics) setStorm(storm bool) { m.storm.Set(metric.Bool(storm)) }
