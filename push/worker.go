package push

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/reminder"
)

// Worker turns stored jobs into pushes. Handle feeds it, Run does the work.
type Worker struct {
	// Static after construction.
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	memory  *memory
	apps    map[AppKey]*appQueue
	guards  map[AppKey]*guard
	wake    chan struct{} // capacity 1: the next due time may have changed
	lookups chan struct{} // capacity MaxExamined: lookups under way

	// noApp is of the log about applications without a provider.
	noApp reminder.Reminder

	// stopped counts the applications whose breakers are not closed.
	stopped atomic.Int64

	// Owned by Run: goroutines it waits for.
	work sync.WaitGroup

	// Guarded by mu.
	mu                sync.Mutex
	gather            *gatherer
	closed            bool
	unconfiguredSlots slots
}

// NewWorker checks the configuration. The worker does nothing before Run.
func NewWorker(cfg Config) (*Worker, error) {
	cfg = cfg.withDefaults()
	switch {
	case cfg.Presence == nil, cfg.Records == nil, cfg.Heads == nil, cfg.Events == nil, cfg.Policy == nil:
		return nil, fmt.Errorf("%w: Presence, Records, Heads, Events and Policy must be set", ErrConfig)
	case cfg.Log == nil:
		return nil, fmt.Errorf("%w: Log must be set", ErrConfig)
	}
	w := &Worker{
		cfg:     cfg,
		log:     cfg.Log,
		memory:  newMemory(cfg.MaxRemembered),
		apps:    make(map[AppKey]*appQueue, len(cfg.Apps)),
		guards:  make(map[AppKey]*guard, len(cfg.Apps)),
		wake:    make(chan struct{}, 1),
		lookups: make(chan struct{}, cfg.MaxExamined),
		gather:  newGatherer(),
	}
	for k, p := range cfg.Apps {
		if p == nil {
			return nil, fmt.Errorf("%w: the provider of application %q is nil", ErrConfig, k.App)
		}
		w.guards[k] = newGuard(cfg.Removals[k])
		w.apps[k] = newAppQueue(k, p, cfg, w.work.Go, &w.stopped)
	}
	w.metrics = newMetrics(cfg.Registerer, w.platforms(), w.pausedApps, func() float64 { return float64(len(w.Frozen())) })
	for _, q := range w.apps {
		showApp(cfg.Registerer, q)
	}
	return w, nil
}

// Handle takes a job and returns at once. The delivery is resolved later; if
// the worker is full or has ended, it comes back.
func (w *Worker) Handle(job Job, d Delivery) {
	if w.waitsOn(job, d) {
		return
	}
	replaced, older, refusal := w.gatherJob(job, d, time.Now().Add(w.window(job)))
	switch refusal {
	case outcomeStopped:
		w.resolve(refusal, func() { d.Retry(0) })
		return
	case outcomeRefused:
		w.metrics.refused.WithLabelValues(queueHeld).Inc()
		w.resolve(refusal, func() { d.Retry(spread(w.cfg.AskEvery)) })
		return
	}
	w.nudge()
	if replaced != nil {
		w.supersede(replaced, older)
	}
}

// window is for how long a job is held, for others of its key to join it.
func (w *Worker) window(job Job) time.Duration {
	switch returned, passed := w.memory.returns(job.key(), job.Version); {
	case passed, job.Hold == HoldPaused: // gathered already
		return 0
	case returned, job.Urgency == High:
		return w.cfg.GatherHigh
	}
	return w.cfg.Gather
}

// gatherJob holds a job until due. It returns the delivery whose place it took, and
// whether that is of an older version, or else the outcome of a job that is not
// held.
func (w *Worker) gatherJob(job Job, d Delivery, due time.Time) (replaced Delivery, older bool, refusal string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, false, outcomeStopped
	}
	if w.gather.size() >= w.cfg.MaxHeld && !w.gather.has(job.key()) {
		return nil, false, outcomeRefused
	}
	replaced, older = w.gather.add(job, d, due)
	w.metrics.held.Set(float64(w.gather.size()))
	return replaced, older, ""
}

// supersede resolves a delivery that a later one of the same key replaced. The
// stream keeps one job a key, so that the older version is gone from it. What
// is not older may be this very job delivered once more: removing it would
// remove the one that is held.
func (w *Worker) supersede(d Delivery, older bool) {
	if older {
		w.resolve(outcomeSuperseded, d.Done)
		return
	}
	w.resolve(outcomeSuperseded, d.Drop)
}

// Renewed has an application sent to at once that was refused: its credential
// was replaced.
func (w *Worker) Renewed(k AppKey) {
	if q := w.apps[k]; q != nil {
		q.renewed()
	}
}

// Run works until ctx ends. It then lets attempts under way finish for
// StopGrace, gives every unresolved job back and returns nil.
func (w *Worker) Run(ctx context.Context) error {
	sendCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		w.startDue(ctx, sendCtx)
		w.arm(timer)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
	}
	w.stop(cancel)
	return nil
}

// startDue begins the lookup of every job that is due. It waits while
// MaxExamined are under way: what is held meanwhile is bounded by MaxHeld.
func (w *Worker) startDue(ctx, sendCtx context.Context) {
	for {
		select {
		case w.lookups <- struct{}{}:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		h := w.gather.take(time.Now())
		w.metrics.held.Set(float64(w.gather.size()))
		w.mu.Unlock()
		if h == nil {
			<-w.lookups
			return
		}
		w.work.Go(func() {
			defer func() { <-w.lookups }()
			w.examine(sendCtx, h)
		})
	}
}

// arm sets the timer to the next due time, or far away if nothing waits.
func (w *Worker) arm(timer *time.Timer) {
	w.mu.Lock()
	due, ok := w.gather.next()
	w.mu.Unlock()
	if !ok {
		timer.Reset(time.Hour)
		return
	}
	timer.Reset(max(time.Until(due), atOnce))
}

// ending reports whether the worker takes and begins nothing any more.
func (w *Worker) ending() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

func (w *Worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Worker) stop(cancel context.CancelFunc) {
	w.mu.Lock()
	w.closed = true
	rest := w.gather.drain()
	w.mu.Unlock()
	for _, h := range rest {
		w.resolve(outcomeStopped, func() { h.delivery.Retry(0) })
	}
	for _, q := range w.apps {
		for _, work := range q.close() {
			work(&turn{}) // it finds that the worker ends
		}
	}
	grace := time.AfterFunc(w.cfg.StopGrace, cancel)
	defer grace.Stop()
	w.work.Wait()
}

// finish ends the work on a job: call it once the delivery is resolved.
func (w *Worker) finish(h *held) {
	w.mu.Lock()
	w.gather.finished(h.key, time.Now())
	w.mu.Unlock()
	w.nudge()
}

func (w *Worker) resolve(outcome string, call func()) {
	w.metrics.jobs.WithLabelValues(outcome).Inc()
	call()
}

// platforms are those that have a provider.
func (w *Worker) platforms() []string {
	var list []string
	for k := range w.cfg.Apps {
		if !slices.Contains(list, k.Platform) {
			list = append(list, k.Platform)
		}
	}
	return list
}

// Stopped returns the applications to which nothing is sent for now, each with the
// push service's word why.
func (w *Worker) Stopped() map[AppKey]string {
	all := map[AppKey]string{}
	for k, q := range w.apps {
		if stopped, reason := q.isStopped(); stopped {
			all[k] = reason
		}
	}
	return all
}

func (w *Worker) pausedApps() float64 {
	n := 0
	for _, q := range w.apps {
		if q.state().refused {
			n++
		}
	}
	return float64(n)
}
