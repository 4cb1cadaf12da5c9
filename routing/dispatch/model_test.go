package dispatch

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// The model runs whole fleets of routers, edges and devices in virtual time,
// over a network that loses, doubles and reorders, with a push store that
// fails, while routers and edges are killed. Each seed is one history.
//
// What must hold: an event that the log was told is done with has been heard
// by, is in flight to, or is stored as a push job for each device of its
// user, except those with neither a token nor a session. When all is quiet
// the same holds without any "in flight" for devices with a token, no event
// is open, and the routers remember nothing.
//
// Devices get their first push token as they go. Its record reaches the
// routers late; what was published since then must be pushed all the same,
// unless a router died that was to remember it.
func TestModel(t *testing.T) {
	seeds := 120
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			runModel(t, uint64(seed))
		})
	}
}

func runModel(t *testing.T, seed uint64) {
	w := newWorld(t, seed)
	w.at(0, w.step)
	for range 4 {
		w.quiet, w.loss = false, []float64{0, 0.02, 0.1, 0.25}[w.rng.IntN(4)]
		w.run(15 * time.Second)
		w.quiet, w.loss = true, 0
		w.run(150 * time.Second)
		w.checkEnd()
	}
}

const modelAckWait = 4 * time.Second

// world is one history.
type world struct {
	t       testing.TB
	cfg     Config
	rng     *rand.Rand
	now     time.Time
	events  eventHeap
	n       uint64
	loss    float64
	quiet   bool
	log     []*logged
	heads   map[string]int64
	past    map[string][]logged
	jobs    map[string]int64
	routers []*mRouter
	edges   []*mEdge
	devices []*mDevice
	lastInc int64
	// killed is when routers were.
	killed []time.Time
	// onJob, where set, is called for each job that is stored.
	onJob func(Job)
}

type mEvent struct {
	at time.Time
	n  uint64
	f  func()
}

type eventHeap []mEvent

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].n < h[j].n
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(mEvent)) }
func (h *eventHeap) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{
		cfg: Config{AckWait: modelAckWait}, t: t, rng: newRand(seed), now: time.UnixMilli(1_700_000_000_000),
		heads: map[string]int64{}, past: map[string][]logged{}, jobs: map[string]int64{},
	}
	if w.rng.IntN(3) == 0 {
		w.cfg.MaxPending = 3 + w.rng.IntN(6) // few enough that tenants are relieved and put off
	}
	if w.rng.IntN(2) == 0 {
		w.cfg.LostWait, w.cfg.LostRate = w.ms(500, 6000), 1
	}
	for i := range 1 + w.rng.IntN(3) {
		w.routers = append(w.routers, newMRouter(w, fmt.Sprintf("r%d", i)))
	}
	for i := range 1 + w.rng.IntN(3) {
		w.edges = append(w.edges, newMEdge(w, fmt.Sprintf("e%d", i)))
	}
	for u := range 4 {
		for d := range 1 + w.rng.IntN(2) {
			dev := &mDevice{w: w, id: table.ID("t", fmt.Sprintf("u%d", u), fmt.Sprintf("d%d", d)), token: w.rng.IntN(2) == 0, versions: map[string]int64{}}
			dev.recorded = dev.token
			w.devices = append(w.devices, dev)
			for _, r := range w.routers {
				r.table.SetRecord(dev.id, dev.recorded)
			}
		}
	}
	return w
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func (w *world) at(d time.Duration, f func()) {
	w.n++
	heap.Push(&w.events, mEvent{w.now.Add(d), w.n, f})
}

// send is the network: 1 to 50 ms, in no order, sometimes twice or never.
func (w *world) send(f func()) {
	if w.rng.Float64() < w.loss {
		return
	}
	w.at(w.ms(1, 50), f)
	if w.loss > 0 && w.rng.IntN(30) == 0 {
		w.at(w.ms(1, 500), f)
	}
}

func (w *world) ms(from, to int) time.Duration {
	return time.Duration(from+w.rng.IntN(to-from+1)) * time.Millisecond
}

func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(mEvent)
		w.now = e.at
		e.f()
	}
	w.now = end
}

// incarnation is a process's start: later for each one.
func (w *world) incarnation() int64 {
	w.lastInc = max(w.lastInc+1, w.now.UnixMilli())
	return w.lastInc
}

// step is what happens every 20 ms: publishing and mischief.
func (w *world) step() {
	w.at(20*time.Millisecond, w.step)
	for _, m := range w.log {
		if m.owner != nil && !m.done && w.now.After(m.deadline) {
			m.owner = nil
		}
	}
	for _, r := range w.routers {
		r.step()
	}
	for _, e := range w.edges {
		e.step()
	}
	if w.quiet {
		return
	}
	if w.chance(15) {
		w.publish()
	}
	for _, d := range w.devices {
		d.mischief()
	}
	if w.chance(400) {
		w.routers[w.rng.IntN(len(w.routers))].restart(w.chance(2))
	}
	if w.chance(400) {
		w.routers[w.rng.IntN(len(w.routers))].freeze(w.ms(2100, 20000))
	}
	if w.chance(500) {
		w.edges[w.rng.IntN(len(w.edges))].restart()
	}
	if w.chance(200) {
		r := w.routers[w.rng.IntN(len(w.routers))]
		r.deafTo, r.deafUntil = w.edges[w.rng.IntN(len(w.edges))], w.now.Add(w.ms(1000, 8000))
	}
}

// logged is an event in the log.
type logged struct {
	user, kind string
	version    int64
	at         time.Time
	push       bool
	urgency    routing.Urgency
	owner      *mRouter
	deliveries int
	deadline   time.Time
	done       bool
}

func (w *world) publish() {
	w.append(fmt.Sprintf("u%d", w.rng.IntN(4)), []string{"k", "l"}[w.rng.IntN(2)], w.rng.IntN(3) > 0, routing.Urgency(1+w.rng.IntN(3)))
}

func (w *world) append(user, kind string, push bool, u routing.Urgency) {
	m := &logged{user: user, kind: kind, version: int64(len(w.log) + 1), at: w.now, push: push, urgency: u}
	w.log = append(w.log, m)
	w.heads[m.user+m.kind] = m.version
	w.past[m.user+m.kind] = append(w.past[m.user+m.kind], *m)
	if door := w.routers[w.rng.IntN(len(w.routers))]; !w.chance(4) {
		w.at(w.ms(0, 100), func() { door.hint(m) })
	}
}

// head is what a replica that lags a little answers, but never older than
// minimum.
func (w *world) head(user, kind string, minimum int64) int64 {
	lag := time.Duration(0)
	if !w.quiet && w.chance(4) {
		lag = w.ms(1, 200)
	}
	var v int64
	for _, m := range w.past[user+kind] {
		if m.version <= minimum || w.now.Sub(m.at) >= lag {
			v = m.version
		}
	}
	return v
}

func (w *world) ack(m *logged) {
	if m.done {
		return
	}
	m.done = true
	for _, d := range w.devices {
		if d.id.User == m.user && !w.fine(d, m) {
			w.t.Fatalf("%v: event %d of %s/%s (push %v) acknowledged, but %s (token %v) neither heard nor will: at %d, job %d, session %+v",
				w.now.Sub(time.UnixMilli(1_700_000_000_000)), m.version, m.user, m.kind, m.push, d.id.Device, d.token,
				d.versions[m.kind], w.jobs[d.id.User+d.id.Device+m.kind], d.session)
		}
	}
}

// fine reports whether nothing is lost for a device when an event is done.
func (w *world) fine(d *mDevice, m *logged) bool {
	if d.versions[m.kind] >= m.version || d.token && w.jobs[d.id.User+d.id.Device+m.kind] >= m.version {
		return true
	}
	for _, o := range w.log {
		if o.user == m.user && o.kind == m.kind && o.version > m.version && !o.done && (o.push || !m.push) {
			return true // a later one stands for it
		}
	}
	if d.token && m.push {
		return m.at.Before(d.recordedAt) // for now: see checkEnd
	}
	// Sessions are followed by other means: see checkEnd.
	return true
}

// checkEnd is the same without any hope.
func (w *world) checkEnd() {
	for _, m := range w.log {
		if !m.done {
			w.t.Fatalf("event %d is still open (owner %v)", m.version, m.owner != nil)
		}
		for _, d := range w.devices {
			heard := d.versions[m.kind] >= m.version
			job := d.token && w.jobs[d.id.User+d.id.Device+m.kind] >= m.version
			inFlight := d.session != nil && d.session.notified[m.kind] >= m.version
			excused := d.session == nil || inFlight
			if d.token && m.push && !w.mayMiss(d, m) {
				excused = false
			}
			if d.id.User == m.user && !heard && !job && !excused {
				w.t.Errorf("event %d of %s/%s (push %v): %s (token %v) never heard: at %d, session %+v",
					m.version, m.user, m.kind, m.push, d.id.Device, d.token, d.versions[m.kind], d.session)
			}
		}
	}
	for _, r := range w.routers {
		c := r.d.Counts()
		if c.Held != 0 || c.Deliveries != 0 || c.Recent != 0 || len(r.d.users) != 0 || len(r.d.timers.heap) != 0 || len(r.d.loads) != 0 {
			w.t.Errorf("router %s still holds %+v, %d users, %d timers", r.name, c, len(r.d.users), len(r.d.timers.heap))
		}
		if r.table.Sessions() != w.sessions() {
			w.t.Errorf("router %s knows %d sessions of %d", r.name, r.table.Sessions(), w.sessions())
		}
	}
}

// mayMiss reports whether the device's token came after an event, or a router
// died that knew of the event when the record was on its way.
func (w *world) mayMiss(d *mDevice, m *logged) bool {
	if m.at.Before(d.tokenAt) {
		return true
	}
	return m.at.Before(d.recordedAt) && slices.ContainsFunc(w.killed, func(at time.Time) bool {
		return at.After(m.at) && at.Before(d.recordedAt.Add(20*time.Second))
	})
}

func (w *world) sessions() (n int) {
	for _, e := range w.edges {
		n += len(e.sessions)
	}
	return n
}

// mRouter is a router around the real table and dispatcher.
type mRouter struct {
	w       *world
	name    string
	inc     int64
	up      bool
	table   *table.Table
	d       *Dispatcher
	started time.Time
	beatAt  time.Time
	// As the router's loop has them: an edge that comes back soon does not
	// make the table incomplete, so it verifies nothing anew.
	complete, settled, recheck bool
	lost                       map[string]time.Time
	// deafUntil is before when this edge's batches and beats do not arrive,
	// though everything else does.
	deafTo    *mEdge
	deafUntil time.Time
	// dispatched is the greatest version taken.
	dispatched int64
	// frozenUntil is until when the process is stopped, thawed says that it
	// was, epoch counts how often.
	frozenUntil time.Time
	thawed      bool
	epoch       int
}

func newMRouter(w *world, name string) *mRouter {
	r := &mRouter{w: w, name: name}
	r.boot()
	return r
}

func (r *mRouter) boot() {
	r.inc, r.up, r.complete, r.dispatched = r.w.incarnation(), true, false, 0
	r.frozenUntil, r.thawed = time.Time{}, false
	r.started, r.beatAt, r.recheck, r.lost = r.w.now, time.Time{}, false, map[string]time.Time{}
	r.table = table.New()
	r.d = New(r.w.cfg, r.table, &mEffects{r, r.inc})
	for _, d := range r.w.devices {
		r.table.SetRecord(d.id, d.recorded)
	}
}

// restart kills the router, or drains it first.
func (r *mRouter) restart(graceful bool) {
	if !r.up {
		return
	}
	if graceful && !r.w.now.Before(r.frozenUntil) {
		r.d.Leave()
	}
	r.up, r.complete = false, false
	r.w.killed = append(r.w.killed, r.w.now)
	r.w.at(r.w.ms(10, 5000), r.boot)
}

// to delivers a message to this very process.
func (r *mRouter) to(f func()) {
	inc := r.inc
	r.w.send(func() { r.when(inc, f) })
}

// when has a process do something as soon as it runs.
func (r *mRouter) when(inc int64, f func()) {
	switch {
	case !r.up || r.inc != inc:
	case r.w.now.Before(r.frozenUntil):
		r.w.at(r.frozenUntil.Sub(r.w.now)+time.Millisecond, func() { r.when(inc, f) })
	default:
		f()
	}
}

// freeze stops the process for a while. What it is sent meanwhile waits.
func (r *mRouter) freeze(d time.Duration) {
	if !r.up || r.w.now.Before(r.frozenUntil) {
		return
	}
	inc := r.inc
	r.frozenUntil = r.w.now.Add(d)
	r.w.killed = append(r.w.killed, r.w.now, r.frozenUntil)
	r.w.at(d, func() {
		if r.up && r.inc == inc {
			r.thaw()
		}
	})
}

// thaw is what a router does when it finds that it stood still.
func (r *mRouter) thaw() {
	r.epoch++
	r.d.Abandon()
	r.started, r.complete, r.thawed = r.w.now, false, true
	r.table.Tick(r.w.now)
}

func (r *mRouter) step() {
	if !r.up || r.w.now.Before(r.frozenUntil) {
		return
	}
	w := r.w
	for _, edge := range r.table.Tick(w.now) {
		r.lost[edge] = w.now
	}
	r.d.Tick(w.now)
	was := r.complete
	r.judge()
	if r.complete != was || w.now.Sub(r.beatAt) >= time.Second {
		r.beatAt = w.now
		inc, complete := r.inc, r.complete
		for _, e := range w.edges {
			w.send(func() { e.onBeat(r, inc, complete) })
		}
	}
	for _, n := range r.table.DumpNeeds(w.now) {
		for _, e := range w.edges {
			if e.name == n.Edge {
				inc := r.inc
				w.send(func() { e.onDumpRequest(r, inc, n.ID) })
			}
		}
	}
	for _, m := range w.log {
		if r.complete && r.settled && !m.done && m.owner == nil && w.rng.IntN(len(w.routers)) == 0 {
			r.take(m)
		}
	}
}

// hint is what the router's door tells it of what it stored. In the loop's queue
// it may wait for longer than the message takes.
func (r *mRouter) hint(m *logged) {
	if !r.complete {
		return
	}
	epoch := r.epoch
	if m.urgency == routing.UrgencyLow || m.version%4 == 0 {
		return
	}
	r.to(func() {
		if r.epoch == epoch && r.complete && r.settled {
			r.dispatched = max(r.dispatched, m.version)
			r.d.Hint(Hint{Tenant: "t", User: m.user, Kind: m.kind, Version: m.version, Urgency: m.urgency}, r.w.now)
		}
	})
}

func (r *mRouter) take(m *logged) {
	m.owner, m.deadline = r, r.w.now.Add(modelAckWait)
	m.deliveries++
	again, epoch := m.deliveries > 1, r.epoch
	r.to(func() {
		if r.epoch != epoch {
			return
		}
		r.dispatched = max(r.dispatched, m.version)
		r.d.Message(Message{
			Tenant: "t", User: m.user, Kind: m.kind, Version: m.version, At: m.at, Urgency: m.urgency,
			Push: m.push, Strict: m.version%4 == 0, Redelivered: again, Receipt: m,
		}, r.w.now)
	})
}

// judge is the router's own rule.
func (r *mRouter) judge() {
	r.settled = r.table.Settled(r.w.now)
	r.recheck = r.recheck && !r.settled
	listened := r.w.now.Sub(r.started) > 2500*time.Millisecond
	_, behind := r.table.Edges()
	caughtUp := !r.thawed || behind == 0 || r.w.now.Sub(r.started) > 12*time.Second
	r.complete = listened && (r.settled && caughtUp || r.complete && !r.recheck)
}

func (r *mRouter) onBatch(e *mEdge, b *linkpb.SessionBatch) {
	if e == r.deafTo && r.w.now.Before(r.deafUntil) {
		return
	}
	result, changes := r.table.Apply(b, r.w.now, nil)
	if at, ok := r.lost[e.name]; ok && result == table.Unknown {
		delete(r.lost, e.name)
		r.recheck = r.recheck || r.w.now.Sub(at) > 20*time.Second
		r.judge()
	}
	r.changed(e, changes)
}

func (r *mRouter) changed(e *mEdge, changes []table.Change) {
	for _, c := range changes {
		r.d.Changed(c, r.w.now)
	}
	echo, ok := r.table.Echo(e.name)
	if !ok {
		return
	}
	inc := r.inc
	r.w.send(func() { e.onEcho(r, inc, echo) })
}

// mEffects is one process's connection to its surroundings.
type mEffects struct {
	r   *mRouter
	inc int64
}

func (x *mEffects) Notify(s table.Session, kind string, version int64, _ routing.Urgency) {
	name, inc := s.Edge()
	for _, e := range x.r.w.edges {
		if e.name == name {
			x.r.w.send(func() { e.onNotify(x.r, inc, s.Conn, kind, version) })
		}
	}
}

func (x *mEffects) Away(table.DeviceID, string, int64) {}

var errStore = errors.New("not stored")

func (x *mEffects) Store(j Job) {
	w := x.r.w
	fails, silent := !w.quiet && w.chance(5), w.chance(2)
	w.at(w.ms(1, 400), func() {
		var err error
		if fails {
			err = errStore
		}
		if key := j.Device.User + j.Device.Device + j.Kind; !fails || silent {
			w.jobs[key] = max(w.jobs[key], j.Version)
			if w.onJob != nil {
				w.onJob(j)
			}
		}
		x.r.when(x.inc, func() {
			x.r.d.Stored(j, err, w.now)
			if err == nil && j.Urgency == routing.UrgencyLow && j.NotBefore.IsZero() {
				x.r.d.Waits(j, w.now.Add(w.ms(1000, 60000)))
			}
		})
	})
}

// Remove takes a job out that its device is said not to need.
func (x *mEffects) Remove(d table.DeviceID, kind string, version int64) {
	w := x.r.w
	w.at(w.ms(1, 400), func() {
		if key := d.User + d.Device + kind; w.jobs[key] <= version {
			delete(w.jobs, key)
		}
	})
}

func (x *mEffects) Ack(receipt any) {
	m := receipt.(*logged)
	x.r.w.send(func() { x.r.w.ack(m) })
}

func (x *mEffects) Nak(receipt any) {
	m := receipt.(*logged)
	x.r.w.send(func() {
		if m.owner == x.r {
			m.owner = nil
		}
	})
}

func (x *mEffects) Defer(receipt any) {
	m := receipt.(*logged)
	x.r.w.at(x.r.w.ms(1000, 2000), func() {
		if m.owner == x.r {
			m.owner = nil
		}
	})
}

func (x *mEffects) Progress(receipt any) {
	m := receipt.(*logged)
	x.r.w.send(func() {
		if m.owner == x.r {
			m.deadline = x.r.w.now.Add(modelAckWait)
		}
	})
}

func (x *mEffects) Checked(uint64, linkpb.CheckResponse_State) {}
