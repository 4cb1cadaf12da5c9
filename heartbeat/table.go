package heartbeat

import "time"

// Transport is what carries the connection.
type Transport uint8

// The transports. Networks forget UDP far sooner than TCP.
const (
	TCP Transport = iota
	QUIC
)

// Radio is the device's claim about its access network.
type Radio uint8

// The radios. Unknown is what a device that says nothing has.
const (
	Unknown Radio = iota
	WiFi
	Cell2G
	Cell3G
	Cell4G
	Cell5G
	Wired
)

// Path is the kind of network between a device and the edge.
type Path struct {
	Transport Transport
	Radio     Radio
}

// Table is the engine of a cold start: it knows the kinds of network and
// learns nothing. The zero value is ready.
type Table struct{}

var _ Engine = Table{}

// Where a kind of network has to start. The values lie below what most
// networks of the kind were measured to keep.
const (
	tcpCellular = 240 * time.Second // some operators forget at 300 s
	tcpFixed    = 300 * time.Second // home gateways keep at least 239 s, the median an hour, carrier-grade NAT 300 s: WiFi pays little for the ones that do not
	udpCellular = 35 * time.Second  // the median is 65 s, strict ones 30 to 40 s
	udpFixed    = 30 * time.Second  // Linux keeps 30 s until it has seen both ways
)

// ColdStart is the interval of a path that nothing is known of, without
// jitter.
func ColdStart(p Path) time.Duration {
	fixed := p.Radio == WiFi || p.Radio == Wired
	switch {
	case p.Transport == QUIC && !fixed && p.Radio != Unknown:
		return udpCellular
	case p.Transport == QUIC:
		return udpFixed
	case fixed:
		return tcpFixed
	}
	return tcpCellular
}

// Open begins the view of a connection.
func (Table) Open(_ time.Time, p Path) View { return View{Path: p} }

// Move takes the new path over.
func (Table) Move(_ time.Time, v *View, p Path) { v.Path = p }

// Heard does nothing: a table does not learn.
func (Table) Heard(time.Time, *View, time.Duration) {}

// Interval is the path's cold start with its jitter.
func (Table) Interval(_ time.Time, v *View, r float64) time.Duration {
	return Clamp(Jitter(ColdStart(v.Path), r))
}

// Closed does nothing: a table does not learn.
func (Table) Closed(time.Time, *View, Ending) {}
