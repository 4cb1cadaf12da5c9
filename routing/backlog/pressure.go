package backlog

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// Bounds say where publishers begin to be held back. From there on they are
// held back the harder the more there is, and wholly at the end.
type Bounds struct {
	// MaxWaiting is how many events may wait to be taken by a router before
	// publishers are held back; at twice as many nothing is stored. 0: 200,000.
	MaxWaiting int
}

const defaultMaxWaiting = 200_000

// Where pressure begins and where it is whole, as parts of a bound of NATS.
const (
	// The routers' open events: what is put off is among them, and at the
	// bound no router is given anything.
	openFrom, openTo = 0.8, 1
	// The push queue: while it is full, events of devices that are away stay
	// open. The rest is left to jobs that wait already: see PushLow.
	pushFrom, pushTo = 0.8, 0.95
	// The log refuses by itself when it is full, whoever comes. A log may
	// well be nearly full for years: its oldest items of each user go.
	logFrom, logTo = 0.98, 1
)

func (b Bounds) withDefaults() Bounds {
	if b.MaxWaiting <= 0 {
		b.MaxWaiting = defaultMaxWaiting
	}
	return b
}

// cause is one reason to hold publishers back.
type cause struct {
	// name is the metric's label, words are for a backend's developer.
	name, words string
	level       func(*numbers, Bounds) float64
}

func causes() []cause {
	return []cause{
		{"waiting", "too many events wait for a router", func(n *numbers, b Bounds) float64 {
			return between(n.queues[routing.StreamInbox].waiting, float64(b.MaxWaiting), 2*float64(b.MaxWaiting))
		}},
		{"open", "too many events wait for their devices", func(n *numbers, _ Bounds) float64 {
			q := n.queues[routing.StreamInbox]
			return between(q.open, openFrom*q.most, openTo*q.most)
		}},
		{"push", "the queue of pushes is nearly full", func(n *numbers, _ Bounds) float64 {
			s := n.streams[routing.StreamPush]
			return between(s.bytes, pushFrom*s.limit, pushTo*s.limit)
		}},
		{"log", "the log is nearly full", func(n *numbers, _ Bounds) float64 {
			s := n.streams[routing.StreamInbox]
			return between(s.bytes, logFrom*s.limit, logTo*s.limit)
		}},
	}
}

// between is how far v is on the way between two bounds, 0 to 1. Where NATS
// has no bound it is 0.
func between(v, from, to float64) float64 {
	if to <= 0 || to <= from {
		return 0
	}
	return min(1, max(0, (v-from)/(to-from)))
}

// Pressure returns how hard publishers are to be held back, 0 to 1, and why. It
// is 0 where nothing was read lately.
func (w *Watch) Pressure() (level float64, why string) {
	if n := w.fresh(); n != nil {
		return n.level, n.why
	}
	return 0, ""
}

// judge notes the greatest pressure.
func (n *numbers) judge(b Bounds) {
	for _, c := range causes() {
		if l := c.level(n, b); l > n.level {
			n.level, n.why = l, c.words
		}
	}
}

// Room returns how many more events the routers' consumer hands out before it
// waits for acknowledgements; known is false where nothing was read lately.
func (w *Watch) Room() (room int, known bool) {
	n := w.fresh()
	if n == nil {
		return 0, false
	}
	q := n.queues[routing.StreamInbox]
	return int(max(0, q.most-q.open)), q.most > 0
}

// PushLow reports whether what room the push queue has is to be left to jobs that
// wait already; false where nothing was read lately.
func (w *Watch) PushLow() bool {
	n := w.fresh()
	if n == nil {
		return false
	}
	s := n.streams[routing.StreamPush]
	return s.limit > 0 && s.bytes >= pushTo*s.limit
}

// fresh returns the last numbers, or nil where they are of the past.
func (w *Watch) fresh() *numbers {
	n := w.last.Load()
	if n == nil || time.Since(n.at) > freshFor {
		return nil
	}
	return n
}
