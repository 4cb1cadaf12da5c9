package config

import "time"

// Island is what an edge does that is cut off: NATS is away, or no router is
// heard of. Its devices stay connected and hear nothing new.
type Island struct {
	// Max is how long the edge waits before it asks its devices to move to
	// another site. It varies by a quarter, so that edges do not all begin at
	// once. 0: 60s.
	Max time.Duration `yaml:"max"`
	// Spread is over which time the devices are asked. 0: 60s.
	Spread time.Duration `yaml:"spread"`
	// OtherSites are edges elsewhere, host:port of their device ports, to which
	// this site's devices would come. They are asked whether they are better
	// off; while none is, or where none is named, devices stay for as long as
	// it lasts.
	OtherSites []string `yaml:"other_sites,omitempty"`
	// CAFile holds the authorities of the other sites' certificates, in PEM.
	// Empty: those of the system.
	CAFile File `yaml:"ca_file,omitempty"`
}

func (i *Island) setDefaults() {
	orDefault(&i.Max, time.Minute)
	orDefault(&i.Spread, time.Minute)
}

func (i *Island) check(k *checker) {
	k.duration("edge.island.max", i.Max, time.Second, 24*time.Hour)
	k.duration("edge.island.spread", i.Spread, time.Millisecond, time.Hour)
	for n, addr := range i.OtherSites {
		k.dial(index("edge.island.other_sites", n), addr)
	}
	k.optionalCA("edge.island.ca_file", i.CAFile)
}
