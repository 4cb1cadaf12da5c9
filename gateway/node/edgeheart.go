package node

import (
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/heartbeat"
)

// openHeart returns what learns the networks' heartbeats, and shows its counts.
func openHeart(p parts) *heartbeat.Learner {
	cfg := p.cfg.Edge.Heartbeat
	l := heartbeat.NewLearner(time.Now(), heartbeat.Options{
		TimeScale: float64(cfg.TimeScale),
		NoProbes:  cfg.Probes == config.Off,
	})
	m := metric.For(p.registry, "heartbeat")
	m.GaugeFunc("networks", "Networks whose timeouts are remembered.", func() float64 { return float64(l.Stats().Cells) })
	count := func(name, help string, of func(heartbeat.Stats) int64) {
		m.CounterFunc(name, help, func() float64 { return float64(of(l.Stats())) })
	}
	count("networks_evicted_total", "Networks that were forgotten for want of room.", func(s heartbeat.Stats) int64 { return s.Evicted })
	count("probes_planned_total", "Probes that were planned.", func(s heartbeat.Stats) int64 { return s.Planned })
	count("silences_safe_total", "Silences that the edge tested and that a connection survived.", func(s heartbeat.Stats) int64 { return s.Answered })
	count("silences_deadly_total", "Silences behind which a connection was dead.", func(s heartbeat.Stats) int64 { return s.Deaths })
	count("silences_unclear_total", "Silences of devices that were away, which say nothing of the network.", func(s heartbeat.Stats) int64 { return s.Coverage })
	count("alarms_total", "Networks that were found to have become stricter.", func(s heartbeat.Stats) int64 { return s.Alarms })
	count("raises_total", "Networks that were found to keep connections for longer than before.", func(s heartbeat.Stats) int64 { return s.Raises })
	count("claims_capped_total", "Deaths beyond what one device or network may claim.", func(s heartbeat.Stats) int64 { return s.Capped })
	count("absurd_total", "Silences and reports out of all bounds.", func(s heartbeat.Stats) int64 { return s.Absurd })
	count("garbage_total", "Shared knowledge that could not be read.", func(s heartbeat.Stats) int64 { return s.Garbage })
	return l
}
