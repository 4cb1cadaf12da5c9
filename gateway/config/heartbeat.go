package config

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
}

func (h *Heartbeat) setDefaults() {
	orDefault(&h.Probes, On)
	orDefault(&h.TimeScale, 1)
}

func (h *Heartbeat) check(k *checker) {
	k.oneOf("edge.heartbeat.probes", h.Probes, On, Off)
	k.between("edge.heartbeat.time_scale", h.TimeScale, 1, 1000)
}
