package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// arriveWithin is how long a round waits at its end for what is under way.
const arriveWithin = 20 * time.Second

// publication is one event on its way.
type publication struct {
	user   int
	at     time.Time
	future jetstream.PubAckFuture
}

// round is one way under load for a while.
type round struct {
	// Static.
	m    *meter
	way  string
	rate int // 0: as many as arrive
	// gaps makes the times between events, the same in both ways.
	gaps *rand.Rand

	sent []publication
	took time.Duration
}

// result of a round.
type result struct {
	published, missing int
	took               time.Duration
	// delays from publication to arrival, sorted.
	delays []time.Duration
	// notifies are the arrivals; fewer than events where newer ones took the
	// place of older ones.
	notifies int
	cpu      cpuUse
}

func (r result) perSecond(n int) float64 { return float64(n) / r.took.Seconds() }

// quantile of the delays.
func (r result) quantile(q float64) time.Duration {
	if len(r.delays) == 0 {
		return 0
	}
	return r.delays[min(int(q*float64(len(r.delays))), len(r.delays)-1)]
}

// run publishes for a while and waits for the arrivals.
func (r *round) run(ctx context.Context, d time.Duration) (result, error) {
	r.m.ears[r.way].reset(r.m.opts.users)
	before := r.m.cpu()
	began := time.Now()
	if err := r.publish(ctx, began.Add(d)); err != nil {
		return result{}, err
	}
	r.took = time.Since(began)
	use := r.m.cpu().since(before, r.took)
	res, err := r.gather(ctx)
	res.cpu = use
	return res, err
}

func (r *round) publish(ctx context.Context, end time.Time) error {
	due := time.Now()
	for n := 0; ; n++ {
		due = due.Add(r.gap())
		user, ok := r.next(ctx, n, due, end)
		if !ok {
			return ctx.Err()
		}
		m := message(r.way, user, r.m.number(), r.m.opts.size)
		at := time.Now()
		future, err := r.m.js.PublishMsgAsync(m)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		r.sent = append(r.sent, publication{user, at, future})
	}
}

// next waits until an event is due and returns whose. In turns, where there is
// a rate; else one who has none under way.
func (r *round) next(ctx context.Context, n int, due, end time.Time) (user int, ok bool) {
	if r.rate > 0 {
		if due.After(end) || !sleepUntil(ctx, due) {
			return 0, false
		}
		return n % r.m.opts.users, true
	}
	timeout := time.NewTimer(time.Until(end))
	defer timeout.Stop()
	select {
	case user = <-r.m.ears[r.way].free:
		r.m.ears[r.way].begin(user)
		return user, time.Now().Before(end)
	case <-timeout.C:
	case <-ctx.Done():
	}
	return 0, false
}

// gap is the time to the next event: many backends publish, and none waits for
// another.
func (r *round) gap() time.Duration {
	if r.rate == 0 {
		return 0
	}
	return time.Duration(r.gaps.ExpFloat64() * float64(time.Second) / float64(r.rate))
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	if d := time.Until(at); d > 0 {
		sleep(d)
	}
	return ctx.Err() == nil
}

// gather waits for the acknowledgements and the arrivals and pairs them: an
// event has arrived when its version, or a newer one, has.
func (r *round) gather(ctx context.Context) (result, error) {
	res := result{published: len(r.sent), took: r.took}
	deadline := time.NewTimer(arriveWithin)
	defer deadline.Stop()
	for _, p := range r.sent {
		var version int64
		select {
		case ack := <-p.future.Ok():
			version = int64(ack.Sequence)
		case err := <-p.future.Err():
			return res, fmt.Errorf("an event was not stored: %w", err)
		case <-deadline.C:
			return res, errors.New("the log does not acknowledge events: is the machine too busy?")
		case <-ctx.Done():
			return res, ctx.Err()
		}
		at, ok := r.arrived(ctx, p.user, version, time.Now().Add(arriveWithin))
		if !ok {
			res.missing++
			continue
		}
		res.delays = append(res.delays, at.Sub(p.at))
	}
	slices.Sort(res.delays)
	for u := range r.m.opts.users {
		res.notifies += len(r.m.ears[r.way].heard(u))
	}
	return res, nil
}

func (r *round) arrived(ctx context.Context, user int, version int64, deadline time.Time) (time.Time, bool) {
	for {
		heard := r.m.ears[r.way].heard(user)
		i := sort.Search(len(heard), func(i int) bool { return heard[i].version >= version })
		if i < len(heard) {
			return heard[i].at, true
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return time.Time{}, false
		}
		time.Sleep(5 * time.Millisecond)
	}
}
