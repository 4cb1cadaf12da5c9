package router

import (
	"errors"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// alarmWindow and alarmTakeovers say when an edge draws devices away from
	// other edges that live at a rate that somebody should look at: above what
	// roaming devices do, below what it takes to draw all users in an hour.
	alarmWindow    = 10 * time.Second
	alarmTakeovers = 1000
)

// serving says which tenants an edge may serve. It does not change.
type serving map[string]map[string]bool

func newServing(config map[string][]string) serving {
	s := make(serving, len(config))
	for edge, tenants := range config {
		s[edge] = make(map[string]bool, len(tenants))
		for _, t := range tenants {
			s[edge][t] = true
		}
	}
	return s
}

// by returns what tells whether an edge may serve a tenant, or nil where it
// may serve all.
func (s serving) by(edge string) func(tenant string) bool {
	tenants, named := s[edge]
	if !named {
		return nil
	}
	return func(t string) bool { return tenants[t] }
}

// guard holds edges to what they may say of sessions, and watches for what no
// healthy edge does. Owned by the loop.
type guard struct {
	r        *Router
	refusals uint64
	window   time.Time
	taken    map[string]int
}

func newGuard(r *Router) *guard { return &guard{r: r, taken: make(map[string]int)} }

// batch reports whether a batch may be believed. One that may not is dropped
// as a whole: its edge, which should not have let the device in, is never told
// that the router follows it.
func (g *guard) batch(edge string, b *linkpb.SessionBatch) bool {
	serves := g.r.serving.by(edge)
	if serves == nil {
		return true
	}
	for _, s := range b.GetAdded() {
		if !serves(s.GetTenant()) {
			g.foreign(edge)
			return false
		}
	}
	return true
}

// dump is batch for a part of a dump.
func (g *guard) dump(edge string, p *table.DumpPart) bool {
	if serves := g.r.serving.by(edge); serves != nil && !p.Every(serves) {
		g.foreign(edge)
		return false
	}
	return true
}

func (g *guard) foreign(edge string) {
	g.r.metrics.refused.WithLabelValues(refusedTenant).Inc()
	g.r.cfg.Log.Error("an edge tells of sessions of a tenant that it may not serve: see router.edge_tenants, and who holds its credentials", "edge", edge)
}

// changed notes what came of an edge's word.
func (g *guard) changed(edge string, changes []table.Change, refusals uint64, now time.Time) {
	if n := refusals - g.refusals; n > 0 {
		g.refusals = refusals
		g.r.metrics.refused.WithLabelValues(refusedEpoch).Add(float64(n))
		g.r.cfg.Log.Warn("sessions are refused for an epoch beyond the clock", "edge", edge, "sessions", n)
	}
	n := 0
	for _, c := range changes {
		if c.From != "" {
			n++
		}
	}
	if n == 0 {
		return
	}
	g.r.metrics.takeovers.WithLabelValues(edge).Add(float64(n))
	if now.Sub(g.window) > alarmWindow {
		g.window = now
		clear(g.taken)
	}
	before := g.taken[edge]
	g.taken[edge] = before + n
	if before < alarmTakeovers && before+n >= alarmTakeovers {
		g.r.cfg.Log.Error("an edge takes over the sessions of other edges that live: unless one of them is being drained, see who holds its credentials",
			"edge", edge, "sessions", before+n, "within_s", alarmWindow.Seconds())
	}
}

var errForeign = errors.New("this edge may not serve the tenant")

// mayAsk reports whether an edge may hear of these users.
func (r *Router) mayAsk(subject string, users []inbox.User) error {
	edge, err := routing.Sender(subject)
	if err != nil {
		return err
	}
	serves := r.serving.by(edge)
	if serves == nil {
		return nil
	}
	for _, u := range users {
		if !serves(u.Tenant) {
			r.metrics.refused.WithLabelValues(refusedTenant).Inc()
			return fmt.Errorf("%w %s", errForeign, u.Tenant)
		}
	}
	return nil
}
