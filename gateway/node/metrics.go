package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/metric"
)

// registerBuildInfo shows in labels what runs.
func registerBuildInfo(reg prometheus.Registerer, v admin.Version) {
	metric.For(reg, "build").With("version", v.Version).With("commit", v.Commit).With("go", v.Go).
		GaugeFunc("info", "Always 1; the labels say what was built, from what.", func() float64 { return 1 })
}
