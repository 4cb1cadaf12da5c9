package natsim

import "github.com/hawser-edge/hawser/heartbeat"

// reconnect has the device connect at a time.
func (s *sim) reconnect(d *device, at float64) {
	d.connected, d.beatAt, d.probeAt = false, never, never
	d.connectAt = at
}

// close is the edge's end of a connection.
func (s *sim) close(d *device, i int, at float64, how heartbeat.Ending) {
	if d.gone || d.conn == 0 {
		return
	}
	d.gone = true
	d.probeAt = never
	s.policy.closed(s.time(at), i, how, span(at-d.edgeLast))
}

func (s *sim) connect(d *device, i int, at float64) {
	d.connectAt = never
	if !d.covered {
		d.due = true
		return
	}
	s.close(d, i, at, heartbeat.EndReplaced)
	s.mourn(d, at)
	d.conn++
	d.connected, d.gone = true, false
	s.result.reconnected(d, at)
	address, block := s.w.sharing()
	plan := s.policy.open(s.time(at), i, heartbeat.Arrival{
		Path: d.at.path, State: heartbeat.State{Background: !d.inFront}, Last: d.report,
		Peer: heartbeat.Peer{Device: hash(d.id, 3), Subscriber: hash(d.id/address, 4), Block: hash(d.id/block, 5)},
	})
	d.report = heartbeat.Report{}
	s.replan(d, at, plan)
	s.touch(d, at)
}

func (s *sim) replan(d *device, at float64, plan heartbeat.Plan) {
	d.plan, d.interval = plan, plan.Interval.Seconds()
}

// touch is a packet that went through, in both directions.
func (s *sim) touch(d *device, at float64) {
	d.refresh(at)
	d.last, d.edgeLast, d.deadFrom, d.probed = at, at, 0, false
	d.arm(s.w)
}

// mourn counts the time for which the connection could not be used.
func (s *sim) mourn(d *device, at float64) {
	if !d.covered || d.conn == 0 {
		return
	}
	from := max(d.mapped, d.deadFrom)
	if at > from {
		s.result.dead(d, from, at)
	}
	d.deadFrom = max(d.deadFrom, at)
}
