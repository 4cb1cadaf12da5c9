// Package inbox reads the log of users' events: heads of many users at once,
// and what one device lacks of one kind. It never writes, and it makes no
// consumer: both reads are JetStream direct gets, which any replica answers. Of
// the log's end it remembers what it read, which serves most devices (tail.go).
//
// A replica may lag. Whoever knows a sequence that must be visible passes it
// as a minimum; what would take something away from a device, such as "your
// version is ahead of the head", is asked of the stream's leader first.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/replies"
)

// ErrUnavailable means that the log could not be read now: ask again.
var ErrUnavailable = errors.New("the inbox log does not answer: ask again in a second")

// errStale is a replica's answer that is older than the caller's minimum.
var errStale = errors.New("the replica that answered lags behind")

// errIncomplete is an answer of several messages that lacks some.
var errIncomplete = errors.New("the answer lacks messages")

// Config of a Reader.
type Config struct {
	// Conns need a router's or push worker's permissions. A NATS server answers
	// reads where it takes in what their connection brings: what else travels
	// on one that is busy with reads, or reads on one that is busy with other
	// things, wait. Each question goes over the next one that is connected: with
	// connections to several servers these share the work, and what one that
	// lags or stands still does not answer is asked of another.
	Conns   []*nats.Conn
	Catalog *routing.Catalog
	// AttemptTimeout bounds the first request of a read, which makes several
	// until its context ends; those after one that was not answered are given
	// twice the time. 0: 1 s.
	AttemptTimeout time.Duration
	// MaxRequests bounds the requests in flight, which are fewer where the log
	// answers slowly. 0: 4096.
	MaxRequests int
	// Registerer of metrics; nil: none.
	Registerer prometheus.Registerer
}

// Reader reads the log. It may be used by many goroutines.
type Reader struct {
	// Static after construction.
	roads   []*road
	catalog *routing.Catalog
	attempt time.Duration
	gate    *gate
	tail    *tail
	metrics *metrics

	taken atomic.Uint32 // counts through the roads
}

// NewReader subscribes to the reader's replies.
func NewReader(cfg Config) (*Reader, error) {
	if cfg.AttemptTimeout == 0 {
		cfg.AttemptTimeout = time.Second
	}
	if cfg.MaxRequests == 0 {
		cfg.MaxRequests = 4096
	}
	r := &Reader{catalog: cfg.Catalog, attempt: cfg.AttemptTimeout}
	for _, nc := range cfg.Conns {
		mux, err := replies.New(nc, nc.NewInbox(), cfg.MaxRequests)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("inbox reader: %w", err), r.Close())
		}
		r.roads = append(r.roads, &road{nc: nc, mux: mux})
	}
	r.gate = newGate(cfg.MaxRequests, r.dropped)
	r.metrics = newMetrics(cfg.Registerer, r)
	r.tail = newTail(r)
	return r, nil
}

// Forget has all that is asked of a user read from the log for some minutes, whose
// events were removed, or will be within one: none of them is answered from
// memory. It may be called at any time, for any number of users.
func (r *Reader) Forget(u User) { r.tail.forget(u) }

// CatchUp reads what the log has that this reader does not remember, so that
// those who ask next need not wait for it. ErrUnavailable: not all of it could be
// read in some seconds.
func (r *Reader) CatchUp(ctx context.Context) error { return r.tail.catchUp(ctx) }

// Close ends the reader's subscriptions.
func (r *Reader) Close() error {
	var errs []error
	for _, road := range r.roads {
		errs = append(errs, road.mux.Close())
	}
	return errors.Join(errs...)
}

// road is a connection that questions go over.
type road struct {
	// Static after construction.
	nc  *nats.Conn
	mux *replies.Mux

	// doubtUntil is before when, in Unix nanoseconds, other roads are taken.
	doubtUntil atomic.Int64
}

// doubtFor is how long nothing more is asked where an answer did not come. A
// server that stands still is believed for some 6 s, until its pings have gone
// unanswered, and would have a share of all places all the time.
const doubtFor = time.Second

func (r *road) doubt() {
	// A longer doubt stays.
	until := time.Now().Add(doubtFor).UnixNano()
	for old := r.doubtUntil.Load(); old < until && !r.doubtUntil.CompareAndSwap(old, until); {
		old = r.doubtUntil.Load()
	}
}

// outdatedFor is for how long Doubt holds: whoever knows says so every second.
const outdatedFor = 3 * time.Second

// Doubt has other connections asked for the next 3 s, where there are any: the
// server of this one is cut off from the others, so that its replica does not
// hear of what is stored, and does not know that. It may be called at any time.
func (r *Reader) Doubt(nc *nats.Conn) {
	for _, road := range r.roads {
		if road.nc == nc {
			road.doubtUntil.Store(time.Now().Add(outdatedFor).UnixNano())
		}
	}
}

// road takes the next one that is connected and answers, or else one that is
// connected.
func (r *Reader) road() (*road, error) {
	now := time.Now().UnixNano()
	var last *road
	for range r.roads {
		one := r.roads[int(r.taken.Add(1))%len(r.roads)]
		switch {
		case !one.nc.IsConnected():
		case one.doubtUntil.Load() < now:
			return one, nil
		default:
			last = one
		}
	}
	if last == nil {
		return nil, fmt.Errorf("%w: NATS is not connected", ErrUnavailable)
	}
	return last, nil
}

// dropped is how many answers came after their question was given up.
func (r *Reader) dropped() (n uint64) {
	for _, road := range r.roads {
		n += road.mux.Dropped()
	}
	return n
}

// asking is what one caller wants to know, for which it may ask several
// questions. For use by one goroutine.
type asking struct {
	*Reader
	// begun: it had an answer.
	begun bool
}

func (r *Reader) asking() *asking { return &asking{Reader: r} }

// retry calls f, which asks one question, until it succeeds, fails for good or
// ctx ends, which it then reports as ErrUnavailable. A question that was not
// answered may have died with its server; or the log is slow, and must not be
// asked the same all the faster.
func (r *asking) retry(ctx context.Context, f func(context.Context) error) error {
	attempt := r.attempt
	return r.repeat(ctx, func() error {
		seat, err := r.gate.enter(ctx, r.begun)
		if err != nil {
			return err
		}
		began := time.Now()
		actx, cancel := patient(ctx, attempt)
		defer cancel()
		err = f(actx)
		answered := actx.Err() == nil
		seat.leave(time.Now(), time.Since(began), answered)
		r.begun = r.begun || answered
		if !answered {
			attempt = 2 * r.attempt
		}
		return err
	})
}

// patient is ctx with a bound, and goes on for as long as a quick answer may take:
// a device may name any deadline, and what comes after one of a millisecond must
// not be taken for the answer of a slow log, which would hold up everybody.
func patient(ctx context.Context, attempt time.Duration) (context.Context, context.CancelFunc) {
	least := time.Now().Add(lostAfter)
	actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attempt)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Until(least), cancel) })
	return actx, func() { stop(); cancel() }
}

// repeat is retry for what bounds its attempts itself.
func (r *Reader) repeat(ctx context.Context, f func() error) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := f()
		if err == nil || !errors.Is(err, ErrUnavailable) {
			return err
		}
		r.metrics.retries.Inc()
		if !sleep.For(ctx, pause) {
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		}
	}
}
