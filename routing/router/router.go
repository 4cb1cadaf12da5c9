package router

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/online"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// The bounds of the queues into the loop. What finds a core queue full is
// dropped and counted; the others hold their writers up.
const (
	coreQueue    = 1 << 16
	checkQueue   = 1 << 13
	recordQueue  = 1 << 12
	messageQueue = 256
	jobQueue     = 1 << 13
)

// Router is one router of the fleet.
type Router struct {
	// Static after construction.
	cfg     Config
	serving serving
	metrics *metrics
	reader  *inbox.Reader
	ownRead bool
	cutoffs *cutoffs

	// Into the loop; never closed.
	core     chan *nats.Msg
	checks   chan *nats.Msg
	records  chan recordUpdate
	messages chan dispatch.Message
	hints    chan hint
	stored   chan storedJob
	again    chan againTask
	// Out of the loop; never closed.
	jobs chan dispatch.Job
	// unneeded are stored jobs to be removed.
	unneeded chan Away
	heads    chan *nats.Msg
	devices  chan *nats.Msg
	// changes of presence, out of the loop.
	changes chan online.Change
	// limits are users whose records may be too many, out of the loop.
	limits chan limitTask
	// Questions about presence, of this process and of other routers.
	presence chan presenceQuery
	asked    chan *nats.Msg

	// complete is closed when the table is complete for the first time,
	// leaving when Drain begins, drained when it is done, done when Run ends.
	complete, leaving, drained, done chan struct{}
	leaveOnce                        sync.Once

	ready      atomic.Bool
	wrongClock atomic.Bool
	running    atomic.Bool
	// dispatched is the newest sequence of the log that was handed in, floors
	// are those of users' kinds.
	dispatched atomic.Uint64
	floors     *inbox.Floors
	// epoch counts the consumptions that were recalled; recalled has a place
	// while one is to end. Never closed.
	epoch    atomic.Uint64
	recalled chan struct{}
	// rereads are asked for after a stop.
	rereads *rereads
	// lookBacks has a place for a time since when the log is to be read once more.
	// Never closed.
	lookBacks chan time.Time
	// renewals has a place while push jobs are to be handed out once more. Never
	// closed.
	renewals chan struct{}
	// rewatch has a place while the watch of records is to begin anew. Never
	// closed.
	rewatch chan struct{}
	crowded atomic.Pointer[map[string]bool]
	// loads are the edges' sessions, as of the last beat.
	loads atomic.Pointer[map[string]int]
}

// errRunning is returned by a second Run.
var errRunning = errors.New("router runs already")

// New returns a router that does nothing until Run.
func New(cfg Config) (*Router, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Router{
		cfg: cfg, floors: inbox.NewFloors(), reader: cfg.Inbox, serving: newServing(cfg.EdgeTenants), cutoffs: newCutoffs(),
		core: make(chan *nats.Msg, coreQueue), checks: make(chan *nats.Msg, checkQueue),
		records: make(chan recordUpdate, recordQueue), messages: make(chan dispatch.Message, messageQueue),
		stored: make(chan storedJob, jobQueue), hints: make(chan hint, hintQueue),
		jobs: make(chan dispatch.Job, jobQueue), unneeded: make(chan Away, unneededQueue), heads: make(chan *nats.Msg, headsQueue), devices: make(chan *nats.Msg, deviceQueue),
		changes: make(chan online.Change, changeQueue), limits: make(chan limitTask, limitQueue),
		presence: make(chan presenceQuery, presenceQueue), asked: make(chan *nats.Msg, presenceQueue),
		recalled: make(chan struct{}, 1), rereads: newRereads(), lookBacks: make(chan time.Time, 1), renewals: make(chan struct{}, 1), again: make(chan againTask), rewatch: make(chan struct{}, 1),
		complete: make(chan struct{}), leaving: make(chan struct{}), drained: make(chan struct{}), done: make(chan struct{}),
	}
	if r.reader == nil {
		if r.reader, err = inbox.NewReader(inbox.Config{Conns: []*nats.Conn{cfg.Conn}, Catalog: cfg.Catalog}); err != nil {
			return nil, fmt.Errorf("router: %w", err)
		}
		r.ownRead = true
	}
	r.metrics = newMetrics(cfg.Registerer)
	return r, nil
}

// Run works until ctx ends or Drain is done, and returns nil then. While
// NATS, the streams or the bucket are not there it waits and tries again.
// Without a Drain before, the events that it holds are delivered to another
// router after the consumer's AckWait.
func (r *Router) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer close(r.done)
	defer r.ready.Store(false)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	subs, err := r.subscribe()
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	defer subs.end()

	var wg sync.WaitGroup
	store := pushqueue.NewStore(r.cfg.JS, r.cfg.PushLow)
	defer store.Close()
	r.startWorkers(ctx, &wg, store)
	r.serveRequests(ctx, &wg)
	newLoop(r, subs).run(ctx)
	cancel()
	wg.Wait()
	if r.ownRead {
		_ = r.reader.Close() // fails only where the connection is closed
	}
	return nil
}

// startWorkers starts what goes on beside the loop until ctx ends.
func (r *Router) startWorkers(ctx context.Context, wg *sync.WaitGroup, store *pushqueue.Store) {
	wg.Go(func() { r.watchRecords(ctx) })
	wg.Go(func() { r.consume(ctx) })
	wg.Go(func() { r.storeJobs(ctx, store) })
	wg.Go(func() { r.rereads.run(ctx, r.reader.CatchUp) })
	wg.Go(func() { r.lookBack(ctx) })
	wg.Go(func() { r.renewJobs(ctx, store) })
	for range unneededWorkers {
		wg.Go(func() { r.removeJobs(ctx, store) })
	}
	for range changeWorkers {
		wg.Go(func() { r.storeChanges(ctx) })
	}
	for range limitWorkers {
		wg.Go(func() { r.limitStored(ctx) })
	}
}

// Drain hands everything over to the other routers: it takes no more events,
// returns those that it holds, says to the edges that it leaves, and ends
// Run. It returns when Run has ended, or with ctx's error.
func (r *Router) Drain(ctx context.Context) error {
	if !r.running.Load() {
		return nil
	}
	r.ready.Store(false)
	r.leaveOnce.Do(func() { close(r.leaving) })
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain router: %w", ctx.Err())
	}
}

// Ready reports whether the router's table is complete, so that it takes
// events.
func (r *Router) Ready() bool { return r.ready.Load() }

// SessionsOf is how many sessions an edge has, as of a second ago. It may be
// called by any goroutine.
func (r *Router) SessionsOf(edge string) int {
	loads := r.loads.Load()
	if loads == nil {
		return 0
	}
	return (*loads)[edge]
}

// Dispatched are the newest sequences that this router was handed, of the log
// and of a user's kind: whoever reads the log for a device must not see less.
func (r *Router) Dispatched(tenant, user, kind string) (log, own uint64) {
	own = r.floors.Of(tenant, user, kind)
	return r.dispatched.Load(), own // in this order: own is not above log
}
