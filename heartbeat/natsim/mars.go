package natsim

import (
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

// mars is the smart heartbeat of Tencent Mars, written from its description:
// each device searches alone, for each network it knows, and takes an answered
// beat for proof.
type mars struct {
	deaf
	devices []marsDevice
}

const (
	marsMin    = 210 * time.Second
	marsMax    = 580 * time.Second
	marsStep   = 60 * time.Second
	marsSmall  = 20 * time.Second
	marsBack   = 80 * time.Second
	marsLinger = 10 * time.Minute // active, after the foreground
	marsStable = 7 * 24 * time.Hour

	marsFirst    = 3 // beats at the least interval
	marsSuccess  = 5 // to climb
	marsFailures = 2
)

type marsDevice struct {
	networks map[heartbeat.Path]*marsNetwork
	at       *marsNetwork
	inFront  bool
	left     time.Time // the foreground
	last     time.Duration
	streak   int // successes since the connection began
}

type marsNetwork struct {
	cur       time.Duration
	stable    bool
	since     time.Time
	successes int
	failures  int
}

func newMars(devices int) *mars {
	m := &mars{devices: make([]marsDevice, devices)}
	for i := range m.devices {
		m.devices[i].networks = map[heartbeat.Path]*marsNetwork{}
	}
	return m
}

// open begins with the least interval anew: so does every reconnect.
func (m *mars) open(now time.Time, d int, a heartbeat.Arrival) heartbeat.Plan {
	m.devices[d].inFront = !a.State.Background
	return m.move(now, d, a.Path)
}

func (m *mars) move(now time.Time, d int, p heartbeat.Path) heartbeat.Plan {
	dev := &m.devices[d]
	dev.streak, dev.last = 0, 0
	// WiFi is told apart by its name, mobile by the provider.
	if dev.networks[p] == nil {
		dev.networks[p] = &marsNetwork{cur: marsMin}
	}
	dev.at = dev.networks[p]
	return m.next(now, d)
}

func (m *mars) shift(now time.Time, d int, s heartbeat.State) {
	dev := &m.devices[d]
	if dev.inFront && s.Background {
		dev.left = now
	}
	dev.inFront = !s.Background
}

func (dev *marsDevice) active(now time.Time) bool {
	return dev.inFront || now.Sub(dev.left) < marsLinger
}

func (m *mars) next(now time.Time, d int) heartbeat.Plan {
	dev := &m.devices[d]
	interval := dev.at.cur
	if dev.active(now) || dev.streak < marsFirst {
		interval = marsMin
	}
	return heartbeat.Plan{Interval: interval}
}

// beat is how it learns.
func (m *mars) beat(now time.Time, d int, silence time.Duration, answered bool) {
	dev := &m.devices[d]
	n := dev.at
	interval := m.next(now, d).Interval
	equal := dev.last == interval
	dev.last = interval
	if answered {
		dev.streak++
		if dev.streak > marsFirst && equal && !dev.active(now) {
			n.success(now)
		}
		return
	}
	if dev.streak >= marsFirst && equal {
		n.failure(now)
	}
}

func (n *marsNetwork) success(now time.Time) {
	n.failures = 0
	if n.stable {
		if now.Sub(n.since) >= marsStable && n.cur+marsSmall <= marsMax {
			n.cur, n.since = n.cur+marsSmall, now
		}
		return
	}
	if n.successes++; n.successes < marsSuccess {
		return
	}
	n.successes = 0
	n.cur = min(n.cur+marsStep, marsMax)
	if n.cur == marsMax {
		n.stable, n.since = true, now
	}
}

func (n *marsNetwork) failure(now time.Time) {
	n.successes = 0
	if n.failures++; n.failures < marsFailures {
		return
	}
	n.failures = 0
	if n.stable {
		n.cur, n.stable = marsMin, false
		return
	}
	n.cur = max(n.cur-marsBack, marsMin)
	n.stable, n.since = true, now
}
