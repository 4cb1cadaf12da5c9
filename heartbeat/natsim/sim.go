package natsim

import (
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

// lies is how often, in seconds, a hostile device comes with a lie.
const lies = 1200

// sim is one run of a world under one policy.
type sim struct {
	w        *World
	policy   policy
	devices  []device
	queue    *heap
	start    time.Time
	now, end float64
	sampled  float64 // when the intervals are looked at next
	result   *Result
}

// newSim builds the world of a seed. The same seed and scale give the same
// people and networks, whatever the policy.
func newSim(w *World, seed uint64, scale float64) *sim {
	s := &sim{w: w, devices: make([]device, w.Devices), queue: newHeap(w.Devices), start: time.Unix(1_800_000_000, 0), end: float64(w.Days) * day}
	rng := rand.New(rand.NewPCG(seed, 1))
	number := seed << 20
	homes, homeShares := build(w, w.Home, scale, rng, &number)
	aways, awayShares := build(w, w.Away, scale, rng, &number)
	for i := range s.devices {
		d := &s.devices[i]
		d.id = uint64(i) + 1
		d.world, d.link = rand.New(rand.NewPCG(seed, 1000+d.id)), rand.New(rand.NewPCG(seed^0xabcdef, 1000+d.id))
		d.hostile = d.world.Float64() < w.Hostile
		d.home, d.away = choose(homes, homeShares, d.world), choose(aways, awayShares, d.world)
		d.begin(w)
	}
	return s
}

func build(w *World, groups []Group, scale float64, rng *rand.Rand, number *uint64) (nats [][]*nat, shares []float64) {
	for i := range groups {
		nats = append(nats, groups[i].build(w, scale, w.Devices, rng, number))
		shares = append(shares, groups[i].Share)
	}
	return nats, shares
}

func choose(nats [][]*nat, shares []float64, rng *rand.Rand) *nat {
	all := 0.0
	for _, s := range shares {
		all += s
	}
	x, y := rng.Float64()*all, rng.Float64()
	for i, s := range shares {
		if x -= s; x <= 0 {
			return nats[i][int(y*float64(len(nats[i])))]
		}
	}
	return nil
}

func (s *sim) time(at float64) time.Time { return s.start.Add(span(at)) }

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// run lets the days pass.
func (s *sim) run() {
	s.result = newResult(s)
	for i := range s.devices {
		d := &s.devices[i]
		d.connectAt = d.world.Float64() * 60
		s.queue.set(int32(i), d.dueAt())
	}
	for {
		i := s.queue.dev[0]
		at := s.queue.at[i]
		for s.sampled <= at && s.sampled <= s.end {
			s.result.sample(s, s.sampled)
			s.sampled += samples
		}
		if at >= s.end {
			break
		}
		s.now = at
		s.step(&s.devices[i], int(i), at)
		s.queue.set(i, s.devices[i].dueAt())
	}
	for i := range s.devices {
		s.mourn(&s.devices[i], s.end)
	}
}

// step lets happen what is due.
func (s *sim) step(d *device, i int, at float64) {
	switch at {
	case d.connectAt:
		s.connect(d, i, at)
	case d.probeAt:
		s.probe(d, i, at)
	case d.beatAt:
		s.beat(d, i, at)
	case d.notify:
		d.notify = at + d.wait(s.w.NotifiesPerDay)
		s.notify(d, i, at)
	case d.front:
		d.front = at + d.wait(s.w.ForegroundPerDay)
		d.frontEnds, d.chat, d.inFront = at+s.w.ForegroundS, at, true
		s.shift(d, i, at)
	case d.frontEnds:
		d.frontEnds, d.chat, d.inFront = never, never, false
		s.shift(d, i, at)
	case d.chat:
		d.chat = at + chatty
		s.packet(d, i, at, false)
	case d.lost:
		d.lost = never
		d.found = at + d.world.ExpFloat64()*s.w.LossS
		s.mourn(d, at)
		d.covered = false
	case d.found:
		d.found, d.lost = never, at+d.wait(s.w.LossesPerDay)
		d.covered, d.deadFrom, d.back = true, at, at
		s.back(d, i, at)
	case d.hop, d.commute:
		s.travel(d, i, at)
	case d.lie:
		s.lie(d, i, at)
	}
}

func (s *sim) shift(d *device, i int, at float64) {
	if d.connected && !d.gone {
		s.policy.shift(s.time(at), i, heartbeat.State{Background: !d.inFront})
	}
}

// back is the moment when there is coverage again: what waited for it goes
// out.
func (s *sim) back(d *device, i int, at float64) {
	if d.due {
		d.due = false
		if d.connected {
			s.packet(d, i, at, true)
		} else {
			d.connectAt = at + connecting
		}
	}
}

// travel takes the device to another network.
func (s *sim) travel(d *device, i int, at float64) {
	if at == d.hop {
		d.hop = at + d.wait(s.w.HopsPerDay)
	} else if d.isHome {
		d.commute = at + (9+2*d.world.Float64())*hour
	} else {
		d.commute = at + (13+2*d.world.Float64())*hour
	}
	d.isHome = !d.isHome
	before := d.at
	d.pick()
	if d.at == before {
		return
	}
	s.mourn(d, at)
	d.report = heartbeat.Report{}
	if d.at.path.Transport == heartbeat.QUIC && d.connected && d.covered && !d.gone {
		d.conn++
		s.replan(d, at, s.policy.move(s.time(at), i, d.at.path))
		s.touch(d, at)
		return
	}
	s.close(d, i, at, heartbeat.EndOther)
	d.connected = false
	s.reconnect(d, at+connecting)
}

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
	plan := s.policy.open(s.time(at), i, heartbeat.Arrival{
		Path: d.at.path, State: heartbeat.State{Background: !d.inFront}, Last: d.report,
		Peer: heartbeat.Peer{Device: hash(d.id, 3), Subscriber: hash(d.id/4, 4), Block: hash(d.id/64, 5)},
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
	if d.at.after == drops && !d.gone {
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
	if d.covered && d.connected && !d.gone && d.at.after == resets && d.at.path.Transport == heartbeat.TCP {
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
