package edgelink

import (
	"time"

	"github.com/hawser-edge/hawser/gateway/reminder"
)

const (
	// twinAfter is longer than a process is still heard of after another one
	// took its place.
	twinAfter = 5 * time.Second
	// twinGone is after what silence a twin has ended.
	twinGone = 3 * time.Second
)

// A twin is another process under a name that is in use. The two take each
// other's messages, so that devices of one of them are taken for away.
type twin struct {
	first, last time.Time
	said        reminder.Reminder
}

// saw notes a sign of the twin and reports whether that is worth a line.
func (t *twin) saw(now time.Time) bool {
	if now.Sub(t.last) > twinGone {
		t.first = now
	}
	t.last = now
	return t.here(now) && t.said.Due(now)
}

func (t *twin) here(now time.Time) bool {
	return now.Sub(t.last) <= twinGone && now.Sub(t.first) >= twinAfter
}

// NameTaken reports whether a newer process runs under this edge's name: the
// routers follow that one, and devices of this one hear of nothing.
func (l *Link) NameTaken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ownTwin.here(time.Now())
}

// sawOwnTwin notes an echo to a newer process of this edge's name.
func (l *Link) sawOwnTwin() {
	l.mu.Lock()
	say := l.ownTwin.saw(time.Now())
	l.mu.Unlock()
	if say {
		l.log.Error("another process runs under this edge's name, devices here hear of nothing: give each process a name of its own",
			"edge", l.cfg.Edge)
	}
}

// twinRouterLocked notes the beat of a router that is older than one of the
// same name which is here too.
func (l *Link) twinRouterLocked(name string, incarnation int64, now time.Time) (say bool) {
	r := l.presence.routers[name]
	return r != nil && incarnation < r.incarnation && l.presence.here(r, now) && l.routerTwin.saw(now)
}
