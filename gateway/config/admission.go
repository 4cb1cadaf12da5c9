package config

import (
	"net/netip"
	"time"
)

// Admission is how many devices come in a second, and from where. Those above
// PerSecond are told when to come back.
//
// The other fields bound the connections of a source. An address is one of IPv4, or
// a /64 of IPv6; a network is a /24 of IPv4, or a /48 of IPv6. Behind one
// address of a carrier there may be thousands of devices. A connection above a
// bound is reset before TLS.
type Admission struct {
	// PerSecond is how many devices are let in a second at most; a quarter of
	// it while the process is busy. 0: 500 for each processor.
	PerSecond int `yaml:"per_second"`
	// MaxWait is how long a device is sent away for at most. 0: 10m.
	MaxWait time.Duration `yaml:"max_wait"`
	// MaxUnidentified is how many connections may not have said Hello yet;
	// from half of it on they have a fifth of hello_timeout. 0: 4096.
	MaxUnidentified int `yaml:"max_unidentified"`
	// UnfinishedPerAddress is how many connections of an address may be on
	// their way to Welcome. 0: 128.
	UnfinishedPerAddress int `yaml:"unfinished_per_address"`
	// UnfinishedPerNetwork is the same for a network. 0: 512.
	UnfinishedPerNetwork int `yaml:"unfinished_per_network"`
	// PerAddress is how many connections an address may have. 0: 20000.
	PerAddress int `yaml:"per_address"`
	// PerNetwork is the same for a network. 0: 100000.
	PerNetwork int `yaml:"per_network"`
	// ExemptSources are networks, as 192.0.2.0/24 or 2001:db8::/32, to which
	// these bounds do not apply, such as load balancers and probes of one's
	// own. Left out: the loopback, 127.0.0.0/8 and ::1/128.
	ExemptSources []string `yaml:"exempt_sources"`
}

// Exempt returns ExemptSources parsed. It must have been validated.
func (a *Admission) Exempt() (all []netip.Prefix) {
	for _, text := range a.ExemptSources {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}

func (a *Admission) setDefaults() {
	orDefault(&a.MaxWait, 10*time.Minute)
	orDefault(&a.MaxUnidentified, 4096)
	orDefault(&a.UnfinishedPerAddress, 128)
	orDefault(&a.UnfinishedPerNetwork, 512)
	orDefault(&a.PerAddress, 20_000)
	orDefault(&a.PerNetwork, 100_000)
	if a.ExemptSources == nil {
		a.ExemptSources = []string{"127.0.0.0/8", "::1/128"}
	}
}

func (a *Admission) check(k *checker) {
	const most = 10_000_000
	k.between("edge.admission.per_second", a.PerSecond, 0, 1_000_000)
	k.duration("edge.admission.max_wait", a.MaxWait, 10*time.Second, 24*time.Hour)
	k.between("edge.admission.max_unidentified", a.MaxUnidentified, 1, 1_000_000)
	k.between("edge.admission.unfinished_per_address", a.UnfinishedPerAddress, 1, most)
	k.between("edge.admission.unfinished_per_network", a.UnfinishedPerNetwork, 1, most)
	k.between("edge.admission.per_address", a.PerAddress, 1, most)
	k.between("edge.admission.per_network", a.PerNetwork, 1, most)
	for i, text := range a.ExemptSources {
		k.network(index("edge.admission.exempt_sources", i), text)
	}
}
