package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

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
