package node_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// repairWithin is how long the loss of a core message may be felt. The slowest
// are those that three missed beats show: seconds, on a machine that has time for
// the tests.
const repairWithin = 90 * time.Second

// lossy is a fleet whose second edge loses messages.
type lossy struct {
	*fleet
	line *natstest.Line
}

// lose loses the next n messages of each of these subjects, in which E stands
// for the second edge and * for anything, and returns how many it lost.
func (l *lossy) lose(n int64, subjects ...string) (lost *atomic.Int64) {
	lost = new(atomic.Int64)
	left := make([]atomic.Int64, len(subjects))
	for i := range left {
		left[i].Store(n)
	}
	l.line.Lose(func(_ bool, subject string) bool {
		for i, pattern := range subjects {
			if matches(strings.ReplaceAll(pattern, "E", secondEdge), subject) && left[i].Add(-1) >= 0 {
				lost.Add(1)
				return true
			}
		}
		return false
	})
	return lost
}

func matches(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	if len(p) > 0 && p[len(p)-1] == ">" && len(s) >= len(p) {
		p, s = p[:len(p)-1], s[:len(p)-1]
	}
	if len(p) != len(s) {
		return false
	}
	for i := range p {
		if p[i] != "*" && p[i] != s[i] {
			return false
		}
	}
	return true
}

// repairs are the losses: the next n messages of each of the subjects, and what
// has to happen all the same.
var repairs = []struct {
	name     string
	n        int64
	subjects []string
	// test returns what has to happen; what it does before is not disturbed.
	test func(l *lossy, user string) (then func())
}{
	{"session batch", 1, []string{"hw.s.E"}, arrives},
	{"session batch and beat", 2, []string{"hw.s.E"}, arrives},
	{"session batch and dump request", 1, []string{"hw.s.E", "hw.g.E.d"}, arrives},
	{"session batch and dump", 1, []string{"hw.s.E", "hw.r.*.d.E"}, arrives},
	{"echo", 2, []string{"hw.g.E.e"}, arrives},
	{"heads request", 1, []string{"hw.r.*.q.heads.E", "hw.q.heads.E"}, arrives},
	{"heads response", 1, []string{"_INBOX.edge.E.>"}, arrives},
	{"device request", 1, []string{"hw.r.*.q.device.E", "hw.q.device.E"}, registers},
	{"end of a session", 1, []string{"hw.s.E"}, leaves},
	{"notify", 2, []string{"hw.g.E.n"}, hears},
	{"answer", 2, []string{"hw.r.*.a.E"}, acknowledges},
	{"beats of routers", 5, []string{"hw.b.*"}, hearsAfterSilence},
	{"beats of the edge", 5, []string{"hw.s.E"}, hearsOfWhatItMissed},
}

// Each core message between an edge and a router is lost once or more, in
// silence, and what it was for happens all the same, within the time that the
// table of package edgelink says.
func TestLostMessagesAreRepaired(t *testing.T) {
	const fleets = 4
	for g := range fleets {
		t.Run(fmt.Sprint("fleet ", g), func(t *testing.T) {
			t.Parallel()
			f, line := behind(t, natstest.NewLossyLine)
			for i := g; i < len(repairs); i += fleets {
				t.Run(repairs[i].name, func(t *testing.T) { repair(&lossy{f.in(t), line}, i) })
			}
		})
	}
}

func repair(l *lossy, i int) {
	l.waitMetric(whole, "hawser_router_sessions", 0) // of the test before
	then := repairs[i].test(l, fmt.Sprint("user", i))
	lost := l.lose(repairs[i].n, repairs[i].subjects...)
	defer l.line.Lose(nil)
	began := time.Now()
	then()
	l.waitMetric(secondEdge, "hawser_edgelink_degraded", 0)
	l.waitMetric(secondEdge, "hawser_edgelink_sessions_unverified", 0)
	took := time.Since(began)
	if lost.Load() == 0 {
		l.t.Error("nothing was lost: the test shows nothing")
	}
	if took > repairWithin {
		l.t.Errorf("repaired after %v, want %v", took, repairWithin)
	}
	l.t.Logf("lost %d, repaired after %v", lost.Load(), took.Round(time.Millisecond))
}

// arrives: a device that missed an event hears of it once it is connected, and
// of the next one.
func arrives(l *lossy, user string) func() {
	missed := l.publish(tenantA, event(user, "messages", "missed")).Version
	return func() {
		r, _ := l.greeted(secondEdge, user, "phone", nil)
		r.awaitVersion(missed)
		next := l.publish(tenantA, event(user, "messages", "next")).Version
		r.awaitVersion(next)
	}
}

// registers: a device's record is stored.
func registers(l *lossy, user string) func() {
	return func() {
		l.connect(user, "phone", phoneOptions{edge: secondEdge, pushToken: devmode.DeviceToken(user, "phone")})
		eventually(l.t, "the record is stored", func() error {
			if !l.hasRecord(tenantA, user, "phone") {
				return errNotYet
			}
			return nil
		})
	}
}

// leaves: routers know that a session has ended.
func leaves(l *lossy, user string) func() {
	r, _ := l.greeted(secondEdge, user, "phone", nil)
	l.waitMetric(whole, "hawser_router_sessions", 1)
	l.waitMetric(secondEdge, "hawser_edgelink_sessions_unverified", 0)
	return func() {
		r.send(&wire.Bye{})
		l.waitMetric(whole, "hawser_router_sessions", 0)
	}
}

// here is a connected device that hears.
func (l *lossy) here(user string) *raw {
	l.t.Helper()
	r, _ := l.greeted(secondEdge, user, "phone", nil)
	r.awaitVersion(l.publish(tenantA, event(user, "messages", "first")).Version)
	l.waitMetric(secondEdge, "hawser_edgelink_sessions_unverified", 0)
	l.waitMetric(whole, "hawser_router_sessions", 1)
	time.Sleep(200 * time.Millisecond) // the router counts what it settled once a tick
	l.waitMetric(whole, "hawser_router_events_pending", 0)
	return r
}

// hears: a device that is connected hears of an event.
func hears(l *lossy, user string) func() {
	r := l.here(user)
	return func() {
		r.awaitVersion(l.publish(tenantA, event(user, "messages", "news")).Version)
	}
}

// acknowledges: that the device has the event settles it.
func acknowledges(l *lossy, user string) func() {
	r := l.here(user)
	acked := l.metric(whole, `hawser_router_settled_total{reason="acked"}`)
	return func() {
		r.awaitVersion(l.publish(tenantA, event(user, "contacts", "news")).Version)
		l.waitMetric(whole, `hawser_router_settled_total{reason="acked"}`, acked+1)
	}
}

// hearsAfterSilence: the edge takes the routers for gone, and then not.
func hearsAfterSilence(l *lossy, user string) func() {
	r := l.here(user)
	return func() {
		l.waitMetric(secondEdge, "hawser_edgelink_degraded", 1)
		r.awaitVersion(l.publish(tenantA, event(user, "messages", "news")).Version)
	}
}

// hearsOfWhatItMissed: routers take the edge for lost, and what is published
// then reaches the device when the edge is heard again.
func hearsOfWhatItMissed(l *lossy, user string) func() {
	r := l.here(user)
	return func() {
		l.waitMetric(whole, "hawser_router_sessions", 0)
		r.awaitVersion(l.publish(tenantA, event(user, "messages", "missed")).Version)
	}
}

// awaitVersion waits for the notify of a version and acknowledges it.
func (r *raw) awaitVersion(version int64) {
	r.t.Helper()
	for {
		n := await[*wire.Notify](r)
		r.send(&wire.Ack{Kind: n.Kind, Version: n.Version})
		if n.Version == version {
			return
		}
	}
}
