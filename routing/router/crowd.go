package router

import (
	"math"
	"strings"
	"time"
)

// Crowded reports whether the tenant's events were put off just now: its
// devices settle them more slowly than they come. It may be called by any
// goroutine.
func (r *Router) Crowded(tenant string) bool {
	crowded := r.crowded.Load()
	return crowded != nil && (*crowded)[tenant]
}

// crowding keeps what Crowded answers, and tells the dispatcher what room the
// other routers leave it.
func (l *loop) crowding(now time.Time) {
	room := math.MaxInt
	if l.r.cfg.Shared != nil {
		if n, known := l.r.cfg.Shared(); known {
			room = n
		}
	}
	l.d.SetShared(room)
	names := l.d.Crowded(nil, now)
	if len(names) == 0 {
		l.r.crowded.Store(nil)
		return
	}
	crowded := make(map[string]bool, len(names))
	for _, name := range names {
		crowded[name] = true
	}
	l.r.crowded.Store(&crowded)
	if l.crowdSaid.Due(now) {
		l.r.cfg.Log.Warn("events are put off: these tenants' devices do not settle them as fast as they come, or push jobs are not stored as fast",
			"tenants", strings.Join(names, " "))
	}
}
