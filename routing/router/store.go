package router

import (
	"context"
	"errors"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// storedJob is what became of a job.
type storedJob struct {
	job dispatch.Job
	err error
	// until is before when it is not pushed; zero: at once.
	until time.Time
}

// errBusy is given back for a job that finds too many waiting.
var errBusy = errors.New("too many push jobs wait to be stored")

// storeJobs has the loop's push jobs stored, in their order, and tells the
// loop what became of them.
func (r *Router) storeJobs(ctx context.Context, store *pushqueue.Store) {
	places := make(chan struct{}, pushqueue.MaxInFlight)
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-r.jobs:
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			s := storing{r: r, store: store, job: j, done: func() { <-places }}
			if r.cfg.Hooks.BeforeStore == nil {
				s.put(ctx)
			} else {
				go s.hooked(ctx) // for tests: what blocks there ends with the test
			}
		}
	}
}

// storing is one job on its way.
type storing struct {
	r     *Router
	store *pushqueue.Store
	job   dispatch.Job
	done  func()
}

func (s storing) hooked(ctx context.Context) {
	s.r.cfg.Hooks.BeforeStore(away(s.job.Device, s.job.Kind, s.job.Version))
	s.put(ctx)
}

func (s storing) put(ctx context.Context) {
	j := s.job
	until, hold := s.r.holdUntil(j, time.Now())
	s.store.Put(pushqueue.Job{
		Tenant: j.Device.Tenant, User: j.Device.User, Device: j.Device.Device, Kind: j.Kind, Version: j.Version,
		EventAt: j.EventAt, LatestAt: j.LatestAt, Urgency: int(j.Urgency), Push: j.Content,
		NotBefore: until, Hold: hold,
	}, func(err error) {
		s.done()
		if errors.Is(err, pushqueue.ErrJob) {
			// It will be refused for ever; the event must not wait for it.
			s.r.metrics.malformed.WithLabelValues(malformedJob).Inc()
			s.r.cfg.Log.Error("push job cannot be stored and is given up", "tenant", j.Device.Tenant, "kind", j.Kind, "error", err)
			err = nil
		}
		select {
		case s.r.stored <- storedJob{j, err, until}:
		case <-ctx.Done():
		}
	})
}

// full tells the operator that a job found no room in the push queue.
func (l *loop) full(err error, now time.Time) {
	l.r.metrics.full.Inc()
	if !l.fullSaid.Due(now) {
		return
	}
	l.r.cfg.Log.Error("pushes are not stored for want of room: their events wait in the log, and publishers are held back. Is an application paused, a push service away, no push process running? Else raise router.push_max_bytes",
		"stream", routing.StreamPush, "error", err)
}

// Jobs that nobody needs any more are removed by so many at once, and so many
// wait for that.
const (
	unneededWorkers = 4
	unneededQueue   = 1024
)

// removeJobs is one of the workers that remove jobs.
func (r *Router) removeJobs(ctx context.Context, store *pushqueue.Store) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-r.unneeded:
			bounded, cancel := context.WithTimeout(ctx, requestTimeout)
			err := store.Remove(bounded, a.Tenant, a.User, a.Device, a.Kind, a.Version)
			cancel()
			if err != nil {
				r.metrics.dropped.WithLabelValues(dropRemoval).Inc()
				r.cfg.Log.Debug("push job that nobody needs stays", "tenant", a.Tenant, "kind", a.Kind, "error", err)
			}
		}
	}
}
