package outagetest

import (
	"testing"
	"time"
)

// The design's times. They are printed: a machine that others use too is
// judged by the outcome alone.
const (
	// soon is what the return of NATS may take beyond one beat.
	soon = 5 * time.Second
	// beat is what an edge spreads the verification of its sessions over.
	beat = 30 * time.Second
)

// NATS dies and stays away. No device notices: its beats are answered, and
// what it acknowledges meanwhile is told afterwards. Once NATS is back every
// head is true again.
func TestNATSGone(t *testing.T) {
	f := startFleet(t)
	n := devicesNow(t)
	began := time.Now()
	devices := f.connect(n)
	t.Logf("%d devices connected in %v", n, time.Since(began).Round(time.Millisecond))
	late := devices[:n/20]
	for _, d := range late {
		d.holds.Store(true)
	}
	f.publish(devices, "before", 0)
	f.waitTruth(devices)

	f.nats.Kill()
	gone := time.Now()
	beatOnce(devices, outageNow(t)/2)
	for _, d := range late {
		d.holds.Store(false)
		d.ack()
	}
	time.Sleep(time.Until(gone.Add(outageNow(t))))
	for _, d := range devices {
		if d.pongs.Load() != 1 {
			t.Errorf("%s got %d pongs for one ping", d.user, d.pongs.Load())
			break
		}
	}
	nobodyLost(t, devices)

	heads := f.metric(f.edge, "hawser_edgelink_heads_total")
	f.startNATS()
	back := time.Now()
	router, edge, server := f.cpu()
	f.eventually("the edge hears a complete router", func() bool { return f.metric(f.edge, "hawser_edgelink_degraded") == 0 })
	t.Logf("a router is heard %v after NATS is back", time.Since(back).Round(time.Millisecond))
	f.eventually("every session is verified", func() bool {
		return f.metric(f.edge, "hawser_edgelink_sessions_unverified") == 0
	})
	t.Logf("all sessions are verified %v after NATS is back, by design within %v", time.Since(back).Round(time.Millisecond), soon+beat)
	f.logCost(n, heads, router, edge, server)
	f.publish(devices, "after", 0)
	f.waitTruth(devices)
	// What was acknowledged meanwhile is settled, and nothing waits.
	f.eventually("nothing is left to settle", func() bool { return f.metric(f.router, "hawser_router_events_pending") == 0 })
	nobodyLost(t, devices)
}

// The edge alone is cut off from NATS, without a sign, while publishing goes
// on. Once it is back every device hears the true head.
func TestEdgeCutOff(t *testing.T) {
	f := startFleet(t)
	n := devicesNow(t)
	devices := f.connect(n)
	f.publish(devices, "before", 0)
	f.waitTruth(devices)

	f.line.Cut()
	cut := time.Now()
	time.Sleep(time.Second)
	f.publish(devices, "during", outageNow(t)*8/10/time.Duration(n))
	for _, d := range devices {
		if _, ok := d.truth(); ok {
			t.Fatal("a device hears over a line that is cut")
		}
	}
	beatOnce(devices, max(time.Until(cut.Add(outageNow(t)-time.Second)), time.Second))
	time.Sleep(time.Until(cut.Add(outageNow(t))))
	nobodyLost(t, devices)

	heads := f.metric(f.edge, "hawser_edgelink_heads_total")
	router, edge, server := f.cpu()
	f.line.Mend()
	mended := time.Now()
	f.waitTruth(devices)
	late := lateness(devices, mended)
	t.Logf("true heads after the line was mended: first %v, half %v, 99 %% %v, last %v; by design within %v",
		late[0].Round(time.Millisecond), quantile(late, 0.5).Round(time.Millisecond),
		quantile(late, 0.99).Round(time.Millisecond), late[len(late)-1].Round(time.Millisecond), soon+beat)
	f.eventually("every session is verified", func() bool {
		return f.metric(f.edge, "hawser_edgelink_sessions_unverified") == 0
	})
	f.logCost(n, heads, router, edge, server)
	nobodyLost(t, devices)
}

// logCost says what verifying all sessions anew took.
func (f *fleet) logCost(n int, heads float64, router, edge, server time.Duration) {
	router1, edge1, server1 := f.cpu()
	asked := f.metric(f.edge, "hawser_edgelink_heads_total") - heads
	micros := func(from, to time.Duration) float64 { return float64((to - from).Microseconds()) / float64(n) }
	f.t.Logf("%d sessions, %.0f heads asked for (%.0f retries): us a session: router %.1f, edge %.1f, NATS %.1f",
		n, asked, f.metric(f.edge, "hawser_edgelink_heads_retries_total"), micros(router, router1), micros(edge, edge1), micros(server, server1))
}
