package main

import (
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// cpuUse is how many cores each part used; empty where the system has no /proc.
type cpuUse struct {
	NATS   float64 `json:"nats"`
	Router float64 `json:"router"`
	Edge   float64 `json:"edge"`
	// Devices is what publishes and what hears: the devices, or the consumer.
	Devices float64 `json:"devices_and_publisher"`
	// Publisher is the first part of Devices: this process.
	Publisher float64 `json:"publisher"`
}

// cpu returns the seconds that each part has used so far.
func (m *meter) cpu() (u cpuUse) {
	for _, p := range m.fleet.running {
		s := devmode.CPUSeconds(p.Pid())
		switch {
		case p.Name == routerName:
			u.Router += s
		case p.Name == edgeName:
			u.Edge += s
		default:
			u.NATS += s
		}
	}
	u.Publisher = devmode.CPUSeconds(os.Getpid())
	u.Devices = u.Publisher
	for _, h := range m.hearers {
		u.Devices += devmode.CPUSeconds(h.pid())
	}
	return u
}

// since returns the cores used since an earlier reading.
func (u cpuUse) since(o cpuUse, d time.Duration) cpuUse {
	s := d.Seconds()
	return cpuUse{(u.NATS - o.NATS) / s, (u.Router - o.Router) / s, (u.Edge - o.Edge) / s, (u.Devices - o.Devices) / s, (u.Publisher - o.Publisher) / s}
}
