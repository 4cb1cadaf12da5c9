package config

import "time"

// Heartbeat is how the edge keeps the ways to idle devices open. It learns for
// itself what each network bears.
type Heartbeat struct {
	// Probes is On or Off: whether the edge tests with packets of its own how
	// long a network keeps the way to a device open. Without, NATs that forget
	// sooner than their kind mostly does lose notifies, and longer intervals are
	// never tried. Empty: On.
	Probes string `yaml:"probes"`
	// TimeScale has heartbeats' time pass that many times as fast, for tests
	// against NATs that forget within seconds. Devices need the same. 0: 1.
	TimeScale int `yaml:"time_scale"`
	// ShareEvery is how often the edge tells the others, give or take a third,
	// what it learned of networks, and hears what they did. 1s to 1h. 0: 1m.
	ShareEvery time.Duration `yaml:"share_every"`
}

func (h *Heartbeat) setDefaults() {
	orDefault(&h.Probes, On)
	orDefault(&h.TimeScale, 1)
	orDefault(&h.ShareEvery, time.Minute)
}

func (h *Heartbeat) check(k *checker) {
	k.oneOf("edge.heartbeat.probes", h.Probes, On, Off)
	k.between("edge.heartbeat.time_scale", h.TimeScale, 1, 1000)
	k.duration("edge.heartbeat.share_every", h.ShareEvery, time.Second, time.Hour)
}
