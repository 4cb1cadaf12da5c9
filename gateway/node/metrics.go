package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/admin"
)

// newBuildInfo is always 1 and says in its labels what runs.
func newBuildInfo(v admin.Version) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "hawser_build_info",
		Help:        "Always 1; the labels say what was built, from what.",
		ConstLabels: prometheus.Labels{"version": v.Version, "commit": v.Commit, "go": v.Go},
	}, func() float64 { return 1 })
}

func newDraining() prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hawser_node_draining", Help: "1 from when the process was told to stop.",
	})
}
