package natsim

import "github.com/hawser-edge/hawser/heartbeat"

// lies is how often, in seconds, a hostile device comes with a lie.
const lies = 1200

// beat is the device's own timer.
func (s *sim) beat(d *device, i int, at float64) {
	d.beatAt = never
	if !d.covered {
		d.due = true
		return
	}
	s.packet(d, i, at, true)
}

// packet is a frame that the device sends by itself.
func (s *sim) packet(d *device, i int, at float64, beat bool) {
	if !d.connected || !d.covered {
		return
	}
	silence := at - d.last
	if beat {
		s.result.beat(d, at)
	}
	alive := at < d.mapped && !d.gone
	s.mourn(d, at)
	quic := d.at.path.Transport == heartbeat.QUIC
	switch {
	case alive || !d.gone && (d.at.after == keeps || d.at.after == resets):
		s.policy.heard(s.time(at), i, span(at-d.edgeLast))
	case quic && !d.gone:
		s.policy.rebound(s.time(at), i, span(at-d.edgeLast))
	default:
		s.failed(d, i, at, silence, beat)
		return
	}
	if beat {
		s.policy.beat(s.time(at), i, span(silence), true)
		s.replan(d, at, s.policy.next(s.time(at), i))
	}
	s.touch(d, at)
}

// failed is a frame that was not answered, or answered by a reset.
func (s *sim) failed(d *device, i int, at, silence float64, beat bool) {
	if beat {
		s.policy.beat(s.time(at), i, span(silence), false)
	}
	d.report = heartbeat.Report{How: heartbeat.HowReset, LastGood: d.plan.Interval, FirstMiss: span(silence), Reconnect: span(connecting)}
	when := at + connecting
	if !d.at.after.tellsDevice() && !d.gone {
		d.report.How = heartbeat.HowTimeout
		when += answerWait
	}
	s.reconnect(d, when)
}

// probe is the edge's test.
func (s *sim) probe(d *device, i int, at float64) {
	d.probeAt, d.plan.Probe = never, 0
	s.policy.probed(s.time(at), i, span(at-d.edgeLast))
	d.probed = true
	s.result.probe(d, at)
	if !s.reaches(d, i, at) {
		return
	}
	s.result.beat(d, at)
	if d.hostile {
		s.policy.heard(s.time(at+8), i, span(8))
		s.replan(d, at+8, s.policy.next(s.time(at+8), i))
		s.touch(d, at+8)
		return
	}
	rtt := 0.1 + 2*d.link.Float64()
	s.policy.heard(s.time(at+rtt), i, span(rtt))
	s.replan(d, at+rtt, s.policy.next(s.time(at+rtt), i))
	s.touch(d, at+rtt)
}

// reaches is a frame that the edge sends. It reports whether it arrives.
func (s *sim) reaches(d *device, i int, at float64) bool {
	if d.open(at) {
		return true
	}
	d.edgeLast = at
	if d.covered && d.connected && !d.gone && d.at.after.tellsEdge() && d.at.path.Transport == heartbeat.TCP {
		s.close(d, i, at+0.1, heartbeat.EndReset)
	}
	return false
}

func (s *sim) notify(d *device, i int, at float64) {
	if !d.covered {
		return
	}
	s.result.notify(d, at, !d.open(at))
	if d.gone || d.conn == 0 {
		return
	}
	before := d.edgeLast
	if !d.probed {
		s.policy.notified(s.time(at), i, span(at-before))
	}
	if !s.reaches(d, i, at) {
		if d.probed { // behind a Probe, nothing else begins a silence
			d.edgeLast = before
		}
		d.armProbe()
		return
	}
	rtt := 0.1 + 2*d.link.Float64()
	s.policy.heard(s.time(at+rtt), i, span(rtt))
	s.touch(d, at+rtt)
}

// lie is a hostile device's report of a death that was none.
func (s *sim) lie(d *device, i int, at float64) {
	d.lie = at + lies
	if !d.connected || !d.covered {
		return
	}
	d.report = heartbeat.Report{How: heartbeat.HowReset, FirstMiss: span(30 + d.link.Float64()*200), Reconnect: span(1)}
	s.reconnect(d, at+connecting)
}
