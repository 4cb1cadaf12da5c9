package natsim

import (
	"math"
	"math/rand/v2"

	"github.com/hawser-edge/hawser/heartbeat"
)

const (
	day  = 86400.0
	hour = 3600.0
	// never is a time that does not come.
	never = math.MaxFloat64
	// answerWait is how long a device waits for an answer.
	answerWait = 15
	// connecting is how long a connection takes to be made.
	connecting = 1.5
	// chatty is how often a device in the foreground sends.
	chatty = 20
)

// device is one of the world's, with the edge's side of its connection. Times
// are seconds since the world began.
type device struct {
	id      uint64
	hostile bool
	world   *rand.Rand // what happens to it, whatever the policy
	link    *rand.Rand // how late its timers are, how slow its radio

	home, away, at *nat
	isHome         bool

	// What happens next, by the world.
	notify, front, chat, frontEnds, lost, found, hop, commute float64
	// Owed by the connection.
	beatAt, probeAt, connectAt, lie float64

	conn      uint64
	connected bool // as the device believes
	gone      bool // the edge has closed the connection
	covered   bool
	inFront   bool
	due       bool // a beat, while there was no coverage
	probed    bool // and nothing was heard since

	plan     heartbeat.Plan
	interval float64
	last     float64 // frame, as the device saw it
	edgeLast float64 // as the edge did
	mapped   float64 // until when the NAT keeps the connection
	evicted  bool    // the NAT forgets it then before any timeout
	back     float64 // when there was coverage again
	deadFrom float64 // from when on dead time counts, if later than mapped
	report   heartbeat.Report
}

// wait draws the time until something that happens so often a day.
func (d *device) wait(perDay float64) float64 {
	if perDay <= 0 {
		return never
	}
	return d.world.ExpFloat64() * day / perDay
}

// begin sets the world's clocks.
func (d *device) begin(w *World) {
	d.covered = true
	d.notify, d.front, d.lost, d.hop = d.wait(w.NotifiesPerDay), d.wait(w.ForegroundPerDay), d.wait(w.LossesPerDay), d.wait(w.HopsPerDay)
	d.chat, d.frontEnds, d.found, d.commute = never, never, never, never
	d.beatAt, d.probeAt, d.connectAt, d.lie = never, never, never, never
	if d.home != nil {
		d.isHome = true
		d.commute = (7 + 3*d.world.Float64()) * hour
	}
	d.pick()
	if d.hostile {
		d.lie = d.world.Float64() * lies
	}
}

// pick is the network that the device is in now.
func (d *device) pick() {
	d.at = d.away
	if d.isHome && d.home != nil {
		d.at = d.home
	}
}

// due is when something happens next.
func (d *device) dueAt() float64 {
	t := min(d.notify, d.front, d.chat, d.frontEnds, d.lost, d.found, d.hop, d.commute, d.connectAt, d.lie)
	return min(t, d.beatAt, d.probeAt)
}

// timeout is that of the connection's mapping.
func (d *device) timeout(at float64) float64 { return d.at.timeout(at, d.id, d.conn) }

// refresh starts the mapping anew: a packet went through.
func (d *device) refresh(at float64) {
	early := 0.0
	if d.at.early > 0 {
		early = d.link.ExpFloat64()
	}
	d.mapped, d.evicted = d.at.dies(at, d.id, d.conn, early)
}

// arm sets the timers by the plan.
func (d *device) arm(w *World) {
	d.beatAt, d.probeAt = never, never
	if !d.connected {
		return
	}
	d.beatAt = d.last + d.interval + d.link.Float64()*w.LateS
	d.armProbe()
}

func (d *device) armProbe() {
	d.probeAt = never
	if d.plan.Probe > 0 && !d.gone {
		d.probeAt = d.edgeLast + d.plan.Probe.Seconds()
	}
}

// open reports whether the edge could reach the device now.
func (d *device) open(at float64) bool {
	return d.connected && !d.gone && d.covered && at < d.mapped
}

// heap keeps the devices by what is due first.
type heap struct {
	at   []float64
	dev  []int32
	slot []int32
}

func newHeap(n int) *heap {
	h := &heap{make([]float64, n), make([]int32, n), make([]int32, n)}
	for i := range n {
		h.dev[i], h.slot[i] = int32(i), int32(i)
	}
	return h
}

func (h *heap) less(i, j int) bool { return h.at[h.dev[i]] < h.at[h.dev[j]] }

func (h *heap) swap(i, j int) {
	h.dev[i], h.dev[j] = h.dev[j], h.dev[i]
	h.slot[h.dev[i]], h.slot[h.dev[j]] = int32(i), int32(j)
}

// set moves a device to its new time.
func (h *heap) set(dev int32, at float64) {
	h.at[dev] = at
	i := int(h.slot[dev])
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		c := 2*i + 1
		if c >= len(h.dev) {
			return
		}
		if c+1 < len(h.dev) && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			return
		}
		h.swap(i, c)
		i = c
	}
}
