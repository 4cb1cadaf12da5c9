package heartbeat

import "time"

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
	p = p.tidy()
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
func (Table) Open(_ time.Time, a Arrival) View {
	v := View{}
	v.setPath(a.Path)
	v.setState(a.State)
	return v
}

// Move takes the new path over.
func (Table) Move(_ time.Time, v *View, p Path) { v.setPath(p) }

// Shift takes the new state over.
func (Table) Shift(_ time.Time, v *View, s State) { v.setState(s) }

// Probed does nothing: a table does not learn.
func (Table) Probed(time.Time, *View, time.Duration) {}

// Notified does nothing: a table does not learn.
func (Table) Notified(time.Time, *View, time.Duration) {}

// Heard does nothing: a table does not learn.
func (Table) Heard(time.Time, *View, time.Duration) {}

// Rebound does nothing: a table does not learn.
func (Table) Rebound(time.Time, *View, time.Duration) {}

// Next is the path's cold start with its jitter.
func (Table) Next(_ time.Time, v *View, r float64) Plan {
	if v.mute() {
		return Plan{Interval: Max}
	}
	return Plan{Interval: Clamp(Jitter(ColdStart(v.path()), r))}
}

// Closed does nothing: a table does not learn.
func (Table) Closed(time.Time, *View, Ending, time.Duration) {}
