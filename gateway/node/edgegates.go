package node

import (
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/transport"
)

const (
	// spareFiles are the descriptors that a process needs for other things than
	// devices.
	spareFiles = 512
	// roomShare is the part of the sockets that is kept for those who are told
	// that the edge is busy: it takes a connection to be told.
	roomShare = 10
)

// openGates makes what bounds the connections.
func (e *edgeRole) openGates(p parts, fleetKey []byte) (err error) {
	a := &p.cfg.Edge.Admission
	e.memory = admission.NewMemory(p.short)
	e.sources = admission.NewSources(admission.Limits{
		UnfinishedPerAddress: a.UnfinishedPerAddress, UnfinishedPerNetwork: a.UnfinishedPerNetwork,
		PerAddress: a.PerAddress, PerNetwork: a.PerNetwork,
		Exempt: a.Exempt(),
	})
	if files := maxFiles(); files > 0 {
		e.sockets = max(files-spareFiles, files/2)
	}
	if most := e.sockets - e.sockets/roomShare; e.sockets > 0 && most < p.cfg.Edge.MaxConnections {
		p.log.Warn("file descriptors end before edge.max_connections: raise the limit of the process (LimitNOFILE, ulimit -n)",
			"max_connections", p.cfg.Edge.MaxConnections, "tcp_connections", most)
	}
	e.gate, err = admission.NewGate(admission.GateConfig{
		FleetKey: fleetKey, PerSecond: a.PerSecond, MaxWait: a.MaxWait,
		Delay: e.delay,
	})
	if err != nil {
		return err
	}
	e.showGates(metric.For(p.registry, "admission"))
	return nil
}

func (e *edgeRole) showGates(m metric.Part) {
	e.showGate(m)
	m.GaugeFunc("unfinished", "Connections that are not welcomed yet.", func() float64 { return float64(e.sources.Unfinished()) })
	m.GaugeFunc("sockets", "Connections of TCP, unfinished ones too.", func() float64 { return float64(e.connections()) })
	m.GaugeFunc("queued", "Connections of TCP that the system holds until they are accepted; 0 elsewhere than on Linux.", func() float64 { return float64(e.queued()) })
	m.GaugeFunc("sockets_limit", "Connections of TCP that the limit of file descriptors allows; 0: unknown.", func() float64 { return float64(e.sockets) })
	m.GaugeFunc("memory_full", "1 while devices are refused for lack of memory.", func() float64 { return metric.Bool(e.memory.Full()) })
}

// delay is how long a client takes now to come through its handshake.
func (e *edgeRole) delay() (d time.Duration) {
	for _, l := range e.doors {
		d = max(d, transport.Delay(l))
	}
	return d
}

// connections are those of TCP, unfinished ones too.
func (e *edgeRole) connections() (n int) {
	for _, l := range e.doors {
		n += transport.Sockets(l)
	}
	return n
}

// queued are those of TCP that are not accepted yet.
func (e *edgeRole) queued() (n int) {
	for _, l := range e.doors {
		n += transport.Waiting(l)
	}
	return n
}

// showGate shows what gate 2 does.
func (e *edgeRole) showGate(m metric.Part) {
	gauge := func(name, help string, read func(admission.GateCounts) float64) {
		m.GaugeFunc(name, help, func() float64 { return read(e.gate.Counts(time.Now())) })
	}
	counter := func(name, help string, read func(admission.GateCounts) uint64) {
		m.CounterFunc(name, help, func() float64 { return float64(read(e.gate.Counts(time.Now()))) })
	}
	gauge("rate", "Devices that are let in a second at most, now.", func(c admission.GateCounts) float64 { return c.Rate })
	gauge("horizon_seconds", "How far ahead the next slot is that a device is given.", func(c admission.GateCounts) float64 { return c.Horizon.Seconds() })
	counter("newcomers_total", "Devices let in without a slot.", func(c admission.GateCounts) uint64 { return c.Newcomers })
	counter("slots_honoured_total", "Devices let in at their slot.", func(c admission.GateCounts) uint64 { return c.Honoured })
	counter("slots_given_total", "Devices told when to come back.", func(c admission.GateCounts) uint64 { return c.Given })
	counter("slots_repeated_total", "Devices that came too early and were told again.", func(c admission.GateCounts) uint64 { return c.Told })
	counter("slots_crowded_total", "Slots given that are shared, because there was no instant left before edge.admission.max_wait.",
		func(c admission.GateCounts) uint64 { return c.Beyond })
	counter("slots_missed_total", "Devices that came at their slot and were not let in all the same: the edge was full, or far behind.",
		func(c admission.GateCounts) uint64 { return c.Missed })
	counter("slots_bad_total", "Slots presented that are forged, of another device or fleet, or too old.", func(c admission.GateCounts) uint64 { return c.Bad })
	counter("slots_used_total", "Slots presented a second time.", func(c admission.GateCounts) uint64 { return c.Used })
	counter("slots_forgotten_total", "Used slots that are not remembered, for lack of room.", func(c admission.GateCounts) uint64 { return c.Forgotten })
}

// full tells whether there is no room for one more session.
func (e *edgeRole) full(kind transport.Kind) bool {
	if kind == transport.TCP && e.sockets > 0 && e.connections() > e.sockets-e.sockets/roomShare {
		e.tellFull("file descriptors")
		return true
	}
	if e.memory.Full() {
		e.tellFull("memory")
		return true
	}
	return false
}

// tellFull logs why nobody is let in, for each device: few of many alike come
// through, see logLimit.
func (e *edgeRole) tellFull(lacks string) {
	e.log.Warn("no room for more devices, they are told to come back later", "lacks", lacks)
}
