package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
)

// ConsumeConfig says how a push worker consumes. Zero values get the
// defaults.
type ConsumeConfig struct {
	// Name is the worker's NATS user's: no two workers have the same.
	Name string
	// MaxOpen bounds the deliveries in the worker's hands: a quarter of them for
	// held jobs whose time has come, half for what the queue gives besides, so at
	// least 4. Default 4096.
	MaxOpen int
	// Grace is how long deliveries may be settled after the end; what is
	// open then is handed back. Default 3 s.
	Grace time.Duration
	// Ready is told when the worker begins to take part in the queue, when it no
	// longer hears the others, and when they have not agreed for 15 s. It must
	// not block; nil: nobody is told.
	Ready func(bool)
	// Log; nil: none.
	Log *slog.Logger
	// Registerer for the metrics; nil: none.
	Registerer prometheus.Registerer
}

const (
	// fetchMax and fetchWait bound one request for jobs.
	fetchMax  = 256
	fetchWait = 5 * time.Second
	// findWait bounds one question for a consumer: what was sent over a connection
	// that had ended is never answered.
	findWait = 5 * time.Second
)

func (c ConsumeConfig) withDefaults() ConsumeConfig {
	if c.MaxOpen <= 0 {
		c.MaxOpen = 4096
	}
	c.MaxOpen = max(c.MaxOpen, 4)
	if c.Grace <= 0 {
		c.Grace = 3 * time.Second
	}
	if c.Ready == nil {
		c.Ready = func(bool) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}

// Consume gives jobs to handle until ctx ends, then waits for the open
// deliveries for Grace and returns nil. handle is called by one goroutine at a
// time; it must return within a fraction of the consumer's AckWait, for up to
// 255 fetched jobs wait behind it unkept. While the stream or NATS is away it
// tries again. The stream and its consumer are routing.EnsureStreams' to create.
//
// Several workers share the devices: whichever the queue gives a job to passes
// it to the one that has its device. An error means that the connection is
// closed.
func Consume(ctx context.Context, js jetstream.JetStream, cfg ConsumeConfig, handle func(*Delivery)) error {
	cfg = cfg.withDefaults()
	m := newMetrics(cfg.Registerer)
	c := &consumption{cfg: cfg, log: cfg.Log, metrics: m, js: js, handle: handle, open: newOpenSet(cfg.MaxOpen, m)}
	watch(cfg.Registerer, c.open)
	return c.run(ctx)
}

// consumption is one call of Consume.
type consumption struct {
	// Static after construction.
	cfg     ConsumeConfig
	log     *slog.Logger
	metrics *metrics
	js      jetstream.JetStream
	handle  func(*Delivery)
	open    *openSet
	share   *sharing // from run on

	handing sync.Mutex // held while handle is called
	holds   reminder.Reminder
}

func (c *consumption) run(ctx context.Context) (err error) {
	cons := c.find(ctx, routing.ConsumerPush)
	if cons == nil {
		return nil
	}
	if c.share, err = newSharing(c, rand.Uint64()); err != nil {
		return fmt.Errorf("share push jobs: %w", err)
	}
	watchWorkers(c.cfg.Registerer, c.open, c.share.roster)
	ackWait := cons.CachedInfo().Config.AckWait
	if ackWait <= 0 {
		ackWait = 30 * time.Second
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.connectOpen(keeping, ackWait)
	var wg sync.WaitGroup
	wg.Go(func() { c.keepAll(keeping, ackWait) })
	wg.Go(func() { c.open.answerAll(keeping) })
	wg.Go(func() { c.share.run(keeping) })
	var fetching sync.WaitGroup
	fetching.Go(func() {
		if later := c.find(ctx, routing.ConsumerPushLater); later != nil {
			c.fetchAll(ctx, later, true)
		}
	})
	c.fetchAll(ctx, cons, false)
	fetching.Wait()
	c.share.leave()
	c.drain()
	stop()
	wg.Wait()
	c.open.writes.Wait()
	return nil
}

// connectOpen gives the open deliveries what they settle themselves with. What
// they write ends with ctx.
func (c *consumption) connectOpen(ctx context.Context, ackWait time.Duration) {
	o, conn := c.open, c.js.Conn()
	// Before NATS hands a job to another worker this one no longer has it.
	o.lease = ackWait * 9 / 10
	o.newest, o.mine, o.unheld = c.newest, c.share.mine, c.unheld
	o.line = func() line { return lineOf(conn) }
	o.stands = func(d *Delivery) bool { return stands(ctx, conn, d) }
	o.hold = func(d *Delivery, j Job) error { return publish(ctx, c.js, j, j.subject(time.Now()), d.seq) }
	o.bury = func(l Letter) error { return bury(ctx, c.js, l) }
	o.message = func(reply string) message { return passedMessage{conn, reply} }
}

// unheld tells the operator that jobs that are to wait cannot be written down.
func (c *consumption) unheld(err error) {
	c.metrics.unheld.Inc()
	if c.holds.Due(time.Now()) {
		c.log.Error("a push that is to wait could not be written down; it comes again and takes the place of one that is due: is the stream full, or NATS short of disk?",
			"stream", routing.StreamPush, "error", err)
	}
}

// newest is the sequence of the job of a device and kind, 0 if there is none.
func (c *consumption) newest(ctx context.Context, slot string) (uint64, error) {
	m, err := newest(ctx, c.js.Conn(), slot)
	return m.Sequence, err
}

// find waits for a consumer: on a new installation a router creates it.
func (c *consumption) find(ctx context.Context, name string) jetstream.Consumer {
	var said reminder.Reminder
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		cons, err := c.ask(ctx, name)
		if err == nil {
			return cons
		}
		if said.Due(time.Now()) {
			c.log.Warn("no push jobs: waiting for the consumer, which a router creates",
				"stream", routing.StreamPush, "consumer", name, "error", err)
		}
		if !sleep.For(ctx, wait) {
			return nil
		}
	}
}

func (c *consumption) ask(ctx context.Context, name string) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, findWait)
	defer cancel()
	return c.js.Consumer(ctx, routing.StreamPush, name)
}

// keepAll keeps open deliveries from being handed out to others.
func (c *consumption) keepAll(ctx context.Context, ackWait time.Duration) {
	tick := time.NewTicker(ackWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.open.keep()
		}
	}
}

// fetchAll asks for as many jobs as there is room for. None waits in a
// buffer, where nobody would keep it from being handed out again.
func (c *consumption) fetchAll(ctx context.Context, cons jetstream.Consumer, later bool) {
	wait := 100 * time.Millisecond
	var said reminder.Reminder
	for c.mayTake(ctx) {
		places := c.open.reserve(later, fetchMax)
		if places == 0 {
			c.open.awaitRoom(ctx)
			continue
		}
		err := c.fetch(ctx, cons, later, places)
		if err == nil {
			wait = 100 * time.Millisecond
			if said.Over() {
				c.log.Info("push jobs are fetched again")
			}
			continue
		}
		if ctx.Err() == nil {
			c.metrics.fetchErrors.Inc()
			if said.Due(time.Now()) {
				c.log.Warn("push jobs could not be fetched, trying again", "error", err)
			}
		}
		sleep.For(ctx, wait)
		wait = min(2*wait, 2*time.Second)
	}
}

// fetch asks for jobs, one a reserved place.
func (c *consumption) fetch(ctx context.Context, cons jetstream.Consumer, later bool, places int) error {
	defer func() { c.open.release(later, places) }()
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	// A job may have come at any time since the one before was taken: of a
	// process that is stopped meanwhile that is long ago.
	given, line := c.open.since(), c.open.line()
	batch, err := cons.Fetch(places, jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(time.Second))
	if err != nil {
		return fmt.Errorf("fetch push jobs: %w", err)
	}
	for msg := range batch.Messages() {
		if c.take(ctx, msg, later, given, line.reconnects) {
			places--
		}
		given = c.open.since()
	}
	switch err := batch.Error(); {
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil
	default:
		return fmt.Errorf("fetch push jobs: %w", err)
	}
}

// mayTake waits until jobs may be taken, and reports whether that came before
// the end of ctx.
func (c *consumption) mayTake(ctx context.Context) bool {
	for !c.share.takesJobs() {
		if !sleep.For(ctx, 20*time.Millisecond) {
			return false
		}
	}
	return ctx.Err() == nil
}

// take hands on a job that was given to this worker no earlier than given, and
// after no fewer reconnects. It reports whether the job took its reserved place.
func (c *consumption) take(ctx context.Context, msg jetstream.Msg, later bool, given time.Duration, reconnects uint64) bool {
	meta, err := msg.Metadata()
	if err != nil {
		c.metrics.malformed.Inc()
		return false
	}
	j, err := Parse(msg.Subject(), msg.Data())
	if err != nil {
		c.metrics.malformed.Inc()
		c.log.Error("push job removed as malformed", "sequence", meta.Sequence.Stream, "error", err)
		if err := msg.TermWithReason("malformed"); err != nil {
			c.metrics.lost.Inc()
		}
		return false
	}
	d := &Delivery{Job: j, Deliveries: meta.NumDelivered, msg: msg, seq: meta.Sequence.Stream, open: c.open, given: reconnects, later: later}
	d.keptAt.Store(int64(given))
	c.open.addReserved(d)
	if !early(d) {
		c.place(ctx, d)
	}
	return true
}

// place hands a job to this worker, or passes it to the one that has its device.
func (c *consumption) place(ctx context.Context, d *Delivery) {
	if !c.mayTake(ctx) {
		d.settle(settledHandedBack, d.back)
		return
	}
	switch owner := c.share.roster.owner(d.Job, c.share.now()); owner {
	case c.cfg.Name:
		c.hand(d)
	case "": // it was known a moment ago
		d.Retry(beatEvery)
	default:
		c.share.pass(d, owner)
	}
}

func (c *consumption) hand(d *Delivery) {
	c.metrics.deliveries.Inc()
	if d.Deliveries > 1 {
		c.metrics.redeliveries.Inc()
	}
	c.handing.Lock()
	defer c.handing.Unlock()
	c.handle(d)
}

// drain gives the worker time to settle what it holds.
func (c *consumption) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Grace)
	defer cancel()
	for c.open.answerParked() {
	}
	for c.open.size() > 0 {
		select {
		case <-c.open.room:
			continue
		case <-ctx.Done():
		}
		break
	}
	c.open.handBack()
	_ = c.js.Conn().FlushWithContext(ctx) // what is not flushed is handed out again after AckWait
}
