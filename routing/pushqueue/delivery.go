package pushqueue

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Delivery is a job in a push worker's hands. Until one of Done, Retry and
// Dead is called the queue is kept from giving it to another worker. Only
// the first call counts; none blocks, and each may come from any goroutine.
type Delivery struct {
	Job Job
	// Deliveries is how often the job was handed out, this time included.
	Deliveries uint64

	// Static after construction.
	msg  message
	seq  uint64
	open *openSet

	// keptAt is when the queue was last told, or gave the job, in nanoseconds
	// since open began.
	keptAt atomic.Int64
}

// Current reports whether the job still is this worker's. It is not once a
// newer one took its place, it was removed, its device is another worker's, or
// the queue was not told for so long that it may have handed the job to another
// worker.
func (d *Delivery) Current(ctx context.Context) (bool, error) {
	if !d.ours() {
		return false, nil
	}
	seq, err := d.open.newest(ctx, d.Job.subject())
	return seq == d.seq && d.ours(), err
}

func (d *Delivery) ours() bool { return !d.lapsed() && d.open.mine(d.Job) }

// Drop forgets the job. The queue is told only where it would else wait for
// this worker while another one has the device.
func (d *Delivery) Drop() {
	if !d.open.mine(d.Job) {
		d.settle(settledHandedBack, d.msg.Nak)
		return
	}
	d.settle(settledDropped, func() error { return nil })
}

// lapsed reports whether the job may be in another worker's hands.
func (d *Delivery) lapsed() bool { return d.open.since()-d.kept() > d.open.lease }

func (d *Delivery) kept() time.Duration { return time.Duration(d.keptAt.Load()) }

// Done removes the job. If a newer one has taken its place, that one stays.
func (d *Delivery) Done() { d.settle(settledDone, d.msg.Ack) }

// Retry hands the job out again, not before the given time has passed; a
// newer one takes its place at once.
func (d *Delivery) Retry(after time.Duration) {
	d.settle(settledRetry, func() error { return d.msg.NakWithDelay(after) })
}

// Hold hands the job out again at the given time.
func (d *Delivery) Hold(until time.Time, _ int, _ string) { d.Retry(time.Until(until)) }

// Dead removes the job unpushed. The reason is for the queue's operator and
// must not tell tokens or content. The event push.dead is the caller's to
// publish, before.
func (d *Delivery) Dead(reason string) {
	d.settle(settledDead, func() error { return d.msg.TermWithReason(reason) })
}

// settle answers the queue, once. An answer that is lost is as good as none:
// the job comes again, and the worker asks before it sends.
func (d *Delivery) settle(how string, answer func() error) {
	if !d.open.remove(d) {
		return
	}
	if how != settledDone && d.lapsed() {
		// To push it twice is done with twice; but it must not be taken away
		// from who has it now.
		how, answer = settledDropped, func() error { return nil }
	}
	d.open.metrics.settled.WithLabelValues(how).Inc()
	if err := answer(); err != nil {
		d.open.metrics.lost.Inc()
	}
}

// openSet is the deliveries in a worker's hands.
type openSet struct {
	// Static after construction.
	metrics *metrics
	max     int
	began   time.Time
	// lease is for how long a job that the queue is not told of stays this
	// worker's, newest reads the sequence of the job of a subject, 0 for none,
	// connected says whether NATS hears what it is told, and mine whether a
	// job's device is this worker's.
	lease     time.Duration
	newest    func(ctx context.Context, subject string) (uint64, error)
	connected func() bool
	mine      func(Job) bool
	// room has a place when a delivery was settled. Never closed.
	room chan struct{}

	mu sync.Mutex
	// Guarded by mu.
	all      map[*Delivery]struct{}
	reserved int // places of jobs that the queue was asked for
}

func newOpenSet(limit int, m *metrics) *openSet {
	return &openSet{metrics: m, max: limit, began: time.Now(), room: make(chan struct{}, 1), all: map[*Delivery]struct{}{}}
}

// reserve keeps places for jobs that the queue will be asked for, and returns
// how many: half of all at most, so that jobs that are passed find room too. The
// jobs take their places with addReserved; the rest is released.
func (o *openSet) reserve(limit int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := max(0, min(limit, o.max/2, o.max-len(o.all)-o.reserved))
	o.reserved += n
	return n
}

func (o *openSet) release(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reserved -= n
}

// addReserved adds a delivery in a reserved place.
func (o *openSet) addReserved(d *Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reserved--
	o.all[d] = struct{}{}
}

// add adds a delivery and reports whether there was room.
func (o *openSet) add(d *Delivery) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all)+o.reserved >= o.max {
		return false
	}
	o.all[d] = struct{}{}
	return true
}

func (o *openSet) remove(d *Delivery) bool {
	o.mu.Lock()
	_, ok := o.all[d]
	delete(o.all, d)
	o.mu.Unlock()
	select {
	case o.room <- struct{}{}:
	default:
	}
	return ok
}

func (o *openSet) size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all)
}

func (o *openSet) list() []*Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]*Delivery, 0, len(o.all))
	for d := range o.all {
		all = append(all, d)
	}
	return all
}

// since is the time since the set began.
func (o *openSet) since() time.Duration { return time.Since(o.began) }

// keep tells the queue that the open deliveries are still being worked on. A
// process that was stopped for a while does not keep what others have by now.
func (o *openSet) keep() {
	for _, d := range o.list() {
		now := o.since()
		if d.lapsed() || !o.connected() {
			continue
		}
		if err := d.msg.InProgress(); err != nil {
			o.metrics.lost.Inc()
			continue
		}
		d.keptAt.Store(int64(now))
	}
}

// handBack returns what is still open to the queue.
func (o *openSet) handBack() {
	for _, d := range o.list() {
		d.settle(settledHandedBack, d.msg.Nak)
	}
}
