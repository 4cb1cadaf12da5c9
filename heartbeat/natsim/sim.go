package natsim

import (
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

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
