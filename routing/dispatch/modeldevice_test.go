package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// mDevice connects, moves, sleeps and leaves as it likes.
type mDevice struct {
	w     *world
	id    table.DeviceID
	token bool
	bg    bool
	// recorded: routers have been told of the token, which the device has had
	// since tokenAt; before recordedAt not every one knew.
	recorded            bool
	tokenAt, recordedAt time.Time
	sleepy              bool
	epoch               int64
	versions            map[string]int64
	session             *mSession
}

func (d *mDevice) nextEpoch() int64 {
	d.epoch = max(d.epoch+1, d.w.now.UnixMilli())
	return d.epoch
}

func (d *mDevice) lost(s *mSession) {
	if d.session == s {
		d.session = nil
	}
}

func (d *mDevice) mischief() {
	w := d.w
	if !d.token && w.chance(1500) {
		d.register()
	}
	if d.session == nil {
		if w.chance(100) {
			d.connect()
		}
		return
	}
	switch w.rng.IntN(600) {
	case 0:
		s := d.session
		d.session = nil
		s.edge.unregister(s)
	case 1:
		d.connect() // and the old edge does not notice
	case 2, 3:
		d.sleepy = !d.sleepy
		d.wake()
	case 4:
		s := d.session
		s.bg = !s.bg
		if s.edge.up && s.edge.knows(s) {
			s.edge.batch(s, nil)
		}
	}
}

// register has the device's first token recorded, which takes a while.
func (d *mDevice) register() {
	const spread = 300
	w := d.w
	lag := w.ms(5, 3000)
	d.token, d.tokenAt, d.recordedAt = true, w.now, w.now.Add(lag+spread*time.Millisecond)
	w.at(lag, func() {
		d.recorded = true
		for _, r := range w.routers {
			w.at(w.ms(0, spread), func() {
				r.when(r.inc, func() {
					if r.table.SetRecord(d.id, true) {
						r.d.RecordChanged(d.id, w.now)
					}
				})
			})
		}
	})
}

func (d *mDevice) connect() {
	e := d.w.edges[d.w.rng.IntN(len(d.w.edges))]
	if !e.up {
		return
	}
	old := d.session
	if old != nil && old.edge == e {
		e.unregister(old)
	}
	d.session = e.register(d)
}

// hear is a notify on its way to the device, which fetches and acknowledges.
func (d *mDevice) hear(s *mSession, kind string) {
	d.w.at(d.w.ms(5, 60), func() {
		if !d.sleepy {
			d.fetch(s, kind)
		}
	})
}

func (d *mDevice) fetch(s *mSession, kind string) {
	if d.session != s || s.notified[kind] <= d.versions[kind] {
		return
	}
	d.versions[kind] = max(d.versions[kind], d.w.heads[d.id.User+kind])
	v := d.versions[kind]
	d.w.at(d.w.ms(5, 60), func() { s.edge.onAck(s, kind, v) })
}

func (d *mDevice) wake() {
	if s := d.session; s != nil && !d.sleepy {
		for _, kind := range []string{"k", "l"} {
			d.hear(s, kind)
		}
	}
}
