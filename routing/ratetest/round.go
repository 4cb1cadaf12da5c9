package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// arriveWithin is how long a round waits at its end for what is under way.
const arriveWithin = 20 * time.Second

// publication is one event on its way.
type publication struct {
	user int
	at   time.Time
	log  storing
	// version is the event's, once the log has acknowledged it.
	version int64
}

// round is one way under load for a while.
type round struct {
	// Static.
	m     *meter
	way   string
	heard []string // the ears that hear of the events, the way's own first
	rate  int      // rateMost: as many as arrive
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

// run publishes for a while and waits for the arrivals. There is a result for
// each of heard.
func (r *round) run(ctx context.Context, d time.Duration) ([]result, error) {
	for _, ear := range r.heard {
		r.m.ears[ear].reset(r.m.opts.users)
	}
	before := r.m.cpu()
	began := time.Now()
	if err := r.publish(ctx, began.Add(d)); err != nil {
		return nil, err
	}
	r.took = time.Since(began)
	use := r.m.cpu().since(before, r.took)
	if err := r.stored(ctx); err != nil {
		return nil, err
	}
	all := make([]result, 0, len(r.heard))
	for _, ear := range r.heard {
		res := r.gather(ctx, r.m.ears[ear])
		res.cpu = use
		all = append(all, res)
	}
	return all, ctx.Err()
}

func (r *round) publish(ctx context.Context, end time.Time) error {
	due := time.Now()
	for n := 0; ; n++ {
		due = due.Add(r.gap())
		user, ok := r.next(ctx, n, due, end)
		if !ok {
			return ctx.Err()
		}
		e := event(r.way, user, r.m.number(), r.m.opts.size)
		at := time.Now()
		log, err := r.store(ctx, e)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		r.sent = append(r.sent, publication{user: user, at: at, log: log})
	}
}

// store publishes an event on the round's way.
func (r *round) store(ctx context.Context, e routing.Event) (storing, error) {
	if r.way == wayHawser {
		return r.m.door.publish(ctx, e)
	}
	future, err := r.m.js.PublishMsgAsync(rawMessage(e))
	return direct{future}, err
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

// stored waits for the log's acknowledgements.
func (r *round) stored(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, arriveWithin, errors.New("the log does not acknowledge events: is the machine too busy?"))
	defer cancel()
	for i := range r.sent {
		p := &r.sent[i]
		version, err := p.log.stored(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("an event was not stored: %w", err)
		}
		p.version = version
	}
	return nil
}

// gather waits for the arrivals and pairs them: an event has arrived when its
// version, or a newer one, has.
func (r *round) gather(ctx context.Context, e *ear) result {
	res := result{published: len(r.sent), took: r.took}
	deadline := time.Now().Add(arriveWithin)
	for _, p := range r.sent {
		at, ok := e.arrived(ctx, p.user, p.version, deadline)
		if !ok {
			res.missing++
			continue
		}
		res.delays = append(res.delays, at.Sub(p.at))
	}
	slices.Sort(res.delays)
	for u := range r.m.opts.users {
		res.notifies += len(e.heard(u))
	}
	return res
}
