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
	// given counts the reconnects before the job was handed out.
	given uint64
	// later is set for a job that came from where the held ones wait.
	later bool

	// placeless: it has no place among the open ones. Guarded by open.mu.
	placeless bool

	// claimed is set by the first call that settles the job.
	claimed atomic.Bool
	// replaced is set once a newer one was seen.
	replaced atomic.Bool
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
	seq, err := d.open.newest(ctx, d.Job.slot())
	if seq > d.seq {
		d.replaced.Store(true)
	}
	return seq == d.seq && d.ours(), err
}

func (d *Delivery) ours() bool { return !d.lapsed() && d.open.mine(d.Job) }

// Drop forgets the job. The queue is told only where it would else wait for
// this worker while another one has the device, or where a newer job stands for
// this one, which may have to wait elsewhere.
func (d *Delivery) Drop() {
	if d.replaced.Load() {
		d.remove(settledDropped)
		return
	}
	if !d.open.mine(d.Job) {
		d.settle(settledHandedBack, d.back)
		return
	}
	d.settle(settledDropped, noAnswer)
}

// lapsed reports whether the job may be in another worker's hands.
func (d *Delivery) lapsed() bool { return d.open.since()-d.kept() > d.open.lease }

func (d *Delivery) kept() time.Duration { return time.Duration(d.keptAt.Load()) }

// Done removes the job. If a newer one has taken its place, that one stays.
func (d *Delivery) Done() { d.remove(settledDone) }

func (d *Delivery) remove(how string) {
	if d.claim() {
		d.end(how, d.msg.Ack)
	}
}

// Retry hands the job out again, not before the given time has passed; a
// newer one takes its place at once.
func (d *Delivery) Retry(after time.Duration) {
	d.settle(settledRetry, func() error { return d.again(after) })
}

// settle answers the queue, once. An answer that is lost is as good as none:
// the job comes again, and the worker asks before it sends.
func (d *Delivery) settle(how string, answer func() error) {
	if d.claim() {
		d.finish(how, answer)
	}
}

// claim reports whether this is the first call that settles the job.
func (d *Delivery) claim() bool { return d.claimed.CompareAndSwap(false, true) }

// finish ends what a claim began.
func (d *Delivery) finish(how string, answer func() error) {
	if !d.open.remove(d) {
		return
	}
	if how != settledDone && how != settledHeld && !d.replaced.Load() && d.lapsed() {
		// To push it twice is done with twice; but it must not be taken away
		// from who has it now.
		how, answer = settledDropped, noAnswer
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
	// worker's, newest reads the sequence of a device's job of a kind, 0 for none,
	// line is the connection now, and mine says whether a job's device is this
	// worker's.
	lease  time.Duration
	newest func(ctx context.Context, slot string) (uint64, error)
	line   func() line
	mine   func(Job) bool
	// stands says whether a job is still where it was handed out from.
	stands func(d *Delivery) bool
	// hold writes a job down that is to be handed out later, in the place of
	// the delivery's; unheld is told of a failure.
	hold   func(d *Delivery, j Job) error
	unheld func(error)
	// message is the one that is answered at a subject.
	message func(reply string) message
	// bury keeps a dead letter.
	bury func(l Letter) error
	// writes are the calls of hold, bury and stands that are under way, each for an
	// open delivery.
	writes sync.WaitGroup
	// room has a place when a delivery was settled. Never closed.
	room chan struct{}

	// answering is held while the queue is told of what is parked or called back.
	// It is taken before mu.
	answering sync.Mutex

	mu sync.Mutex
	// Guarded by mu.
	all map[*Delivery]struct{}
	// due and later count them, and the places of jobs that the queue was asked
	// for.
	due, later places
	// parked are those of all that were settled and that the queue is not told
	// of yet, by where it is answered.
	parked map[string]*parked
}

func newOpenSet(limit int, m *metrics) *openSet {
	return &openSet{
		metrics: m, max: limit, began: time.Now(), room: make(chan struct{}, 1), all: map[*Delivery]struct{}{},
		parked: map[string]*parked{},
	}
}

// reserve keeps places for jobs that the queue will be asked for, and returns
// how many. The jobs take their places with addReserved; the rest is released.
//
// Jobs that come from where the held ones wait have a quarter of the places and
// no more, whether or not they use it: who asks for them, and is given none for
// a while, keeps nobody from being given what is due. Of what is left half is
// asked for at most, so that jobs that are passed find room too.
func (o *openSet) reserve(later bool, limit int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	quarter := o.max / 4
	n := min(limit, quarter-o.later.taken())
	if !later {
		n = min(limit, o.max/2, o.max-quarter-o.due.taken())
	}
	n = max(0, n)
	o.placesLocked(later).reserved += n
	return n
}

func (o *openSet) release(later bool, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.placesLocked(later).reserved -= n
}

// places are those of the jobs that are due, or of those that were held.
type places struct{ open, reserved int }

func (p places) taken() int { return p.open + p.reserved }

func (o *openSet) placesLocked(later bool) *places {
	if later {
		return &o.later
	}
	return &o.due
}

// addReserved adds a delivery in a reserved place.
func (o *openSet) addReserved(d *Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.placesLocked(d.later).reserved--
	o.addLocked(d)
}

func (o *openSet) addLocked(d *Delivery) {
	o.placesLocked(d.later).open++
	o.all[d] = struct{}{}
}

// add adds a delivery and reports whether there was room.
func (o *openSet) add(d *Delivery) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.due.taken()+o.later.taken() >= o.max {
		return false
	}
	o.addLocked(d)
	return true
}

func (o *openSet) remove(d *Delivery) bool {
	o.mu.Lock()
	_, ok := o.all[d]
	if ok {
		o.leavePlaceLocked(d)
		delete(o.all, d)
	}
	o.mu.Unlock()
	o.tellRoom()
	return ok
}

func (o *openSet) leavePlaceLocked(d *Delivery) {
	if d.placeless {
		return
	}
	d.placeless = true
	o.placesLocked(d.later).open--
}

// tellRoom wakes one that waits for a place.
func (o *openSet) tellRoom() {
	select {
	case o.room <- struct{}{}:
	default:
	}
}

// awaitRoom waits until a delivery was settled, or a moment: several wait, and
// room has one place.
func (o *openSet) awaitRoom(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-o.room:
	}
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

// placed are those that have a place. The others are settled before they lapse.
func (o *openSet) placed() []*Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]*Delivery, 0, len(o.all))
	for d := range o.all {
		if !d.placeless {
			all = append(all, d)
		}
	}
	return all
}

// since is the time since the set began.
func (o *openSet) since() time.Duration { return time.Since(o.began) }

// keep tells the queue that the open deliveries are still being worked on. A
// process that was stopped for a while does not keep what others have by now.
func (o *openSet) keep() {
	for _, d := range o.placed() {
		now := o.since()
		if d.lapsed() || !o.line().up {
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
		d.claimed.Store(true)
		d.finish(settledHandedBack, d.back)
	}
}
