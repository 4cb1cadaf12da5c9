package node

import (
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
func (e *edgeRole) openGates(p parts) {
	a := &p.cfg.Edge.Admission
	e.memory = admission.NewMemory()
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
	m := metric.For(p.registry, "admission")
	m.GaugeFunc("unfinished", "Connections that are not welcomed yet.", func() float64 { return float64(e.sources.Unfinished()) })
	m.GaugeFunc("sockets", "Connections of TCP, unfinished ones too.", func() float64 { return float64(e.connections()) })
	m.GaugeFunc("sockets_limit", "Connections of TCP that the limit of file descriptors allows; 0: unknown.", func() float64 { return float64(e.sockets) })
	m.GaugeFunc("memory_full", "1 while devices are refused for lack of memory.", func() float64 { return metric.Bool(e.memory.Full()) })
}

// connections are those of TCP, unfinished ones too.
func (e *edgeRole) connections() (n int) {
	for _, l := range e.doors {
		n += transport.Sockets(l)
	}
	return n
}

// full tells whether there is no room for one more session.
func (e *edgeRole) full(kind transport.Kind) bool {
	if kind == transport.TCP && e.sockets > 0 && e.connections() > e.sockets-e.sockets/roomShare {
		return true
	}
	return e.memory.Full()
}
