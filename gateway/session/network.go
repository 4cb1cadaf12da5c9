package session

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// peer is who a device is, for the caps of the engine.
func (srv *Server) peer(device deviceKey, addr netip.Addr) heartbeat.Peer {
	return heartbeat.Peer{
		Device:     maphash.Comparable(srv.seed, device),
		Subscriber: srv.hash(prefix(addr, 32, 64)),
		Block:      srv.hash(blockOf(addr)),
	}
}

// hash is 0 for no network.
func (srv *Server) hash(p netip.Prefix) uint64 {
	if !p.IsValid() {
		return 0
	}
	return maphash.Comparable(srv.seed, p)
}

func blockOf(a netip.Addr) netip.Prefix { return prefix(a, 24, 48) }

func prefix(a netip.Addr, bits4, bits6 int) netip.Prefix {
	a = a.Unmap()
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	p, _ := a.WithZone("").Prefix(bits) // no address has no network
	return p
}

// path is what the engine is told of the network.
func path(kind transport.Kind, addr netip.Addr, n *wirepb.Network) heartbeat.Path {
	p := heartbeat.Path{Transport: heartbeat.TCP, Radio: radioOf(n.GetRadio())}
	if kind == transport.QUIC {
		p.Transport = heartbeat.QUIC
	}
	p.Network = heartbeat.NetworkOf(addr, 0, p.Radio, n.GetIdHash())
	return p
}

func radioOf(r wirepb.Radio) heartbeat.Radio {
	switch r {
	case wirepb.Radio_RADIO_WIFI:
		return heartbeat.WiFi
	case wirepb.Radio_RADIO_2G:
		return heartbeat.Cell2G
	case wirepb.Radio_RADIO_3G:
		return heartbeat.Cell3G
	case wirepb.Radio_RADIO_4G:
		return heartbeat.Cell4G
	case wirepb.Radio_RADIO_5G:
		return heartbeat.Cell5G
	case wirepb.Radio_RADIO_WIRED:
		return heartbeat.Wired
	}
	return heartbeat.Unknown
}

// report is what a device says of its last connection.
func report(l *wirepb.LastConnection) heartbeat.Report {
	r := heartbeat.Report{
		LastGood:  millisToTime(l.GetLastGoodGapMs()),
		FirstMiss: millisToTime(l.GetFirstMissGapMs()),
		Reconnect: millisToTime(l.GetReconnectDelayMs()),
	}
	switch l.GetEnd() {
	case wirepb.LastConnection_END_RESET:
		r.How = heartbeat.HowReset
	case wirepb.LastConnection_END_TIMEOUT:
		r.How = heartbeat.HowTimeout
	}
	return r
}

// millisToTime is bounded: a phone may lie in a drawer for a year, or say that
// it lay for a million. What is negative stays so, for the engine to count.
func millisToTime(ms int64) time.Duration {
	return time.Duration(min(max(ms, -1), maxLease.Milliseconds())) * time.Millisecond
}
