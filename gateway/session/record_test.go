package session

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func withPushToken(h *wirepb.Hello) {
	h.Platform, h.App, h.PushToken = wirepb.Platform_PLATFORM_IOS, "com.example", "one"
}

func TestRecordIsWritten(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.connect(func(h *wirepb.Hello) { h.Token = testToken("mute", time.Hour) })
		time.Sleep(time.Second) // what is written in the server's first nanosecond counts as never written
		jwt, renewed := testToken("phone", time.Hour), testToken("phone", 2*time.Hour)
		d := e.connect(func(h *wirepb.Hello) { withPushToken(h); h.Token = jwt })
		synctest.Wait()
		d.send(&wire.Token{Body: &wirepb.Token{PushToken: "two"}}, &wire.Token{Body: &wirepb.Token{Token: renewed}})
		time.Sleep(recordEvery)
		synctest.Wait()
		want := Device{"acme", "anna", "phone", "ios", "com.example", "one", d.welcome.Epoch, jwt, 0}
		then := want
		then.PushToken, then.JWT = "two", renewed
		if !slices.Equal(e.registry.written(), []Device{want, then}) {
			t.Errorf("written %+v", e.registry.written())
		}
	})
}

// A record that cannot be written is tried again, less and less often, while
// the session lives; a newer token takes the place of one that waits.
func TestRecordIsRetried(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.registry.putErr = errors.New("away")
		d := e.connect(withPushToken)
		for range 10 {
			time.Sleep(time.Minute)
			d.send(&wire.Ping{})
			d.next()
		}
		e.registry.set(func() {
			if n := len(e.registry.puts); n < 8 || n > 30 {
				t.Errorf("%d attempts in ten minutes", n)
			}
			e.registry.putErr, e.registry.puts = nil, nil
		})
		d.send(&wire.Token{Body: &wirepb.Token{PushToken: "two"}})
		time.Sleep(2 * time.Minute)
		if got := e.registry.written(); len(got) == 0 || got[len(got)-1].PushToken != "two" {
			t.Errorf("written %+v", got)
		}
		before := len(e.registry.written())
		time.Sleep(2 * time.Minute)
		if len(e.registry.written()) != before {
			t.Error("written again though it had succeeded")
		}
	})
}

// A device that makes up one token after the other is held to a slow pace, and
// the last one counts.
func TestRecordsOfOneSessionArePaced(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(withPushToken)
		const seconds = 60
		for i := range seconds {
			time.Sleep(time.Second)
			for j := range 50 {
				d.send(&wire.Token{Body: &wirepb.Token{PushToken: fmt.Sprint(i, "-", j)}})
			}
		}
		time.Sleep(recordEvery)
		got := e.registry.written()
		if most := int(seconds*time.Second/recordEvery) + 2; len(got) < 2 || len(got) > most {
			t.Fatalf("%d written, want 2 to %d", len(got), most)
		}
		if last := got[len(got)-1].PushToken; last != "59-49" {
			t.Errorf("the last one written is %s", last)
		}
	})
}

// A device that is gone before its record is written wants pushes all the same.
// What is written then counts from its going: a logout since then stands.
func TestRecordOutlivesTheSession(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.registry.putErr = errors.New("away")
		d := e.connect(withPushToken)
		synctest.Wait()
		time.Sleep(recordEvery)
		d.send(&wire.Token{Body: &wirepb.Token{PushToken: "two"}})
		synctest.Wait()
		gone := time.Now().UnixMilli()
		_ = d.conn.CloseWithCode(0, "")
		time.Sleep(time.Minute)
		e.registry.set(func() { e.registry.putErr, e.registry.puts = nil, nil })
		time.Sleep(2 * time.Minute)
		got := e.registry.written()
		if len(got) != 1 || got[0].PushToken != "two" || got[0].RegisteredMs != gone || got[0].JWT == "" {
			t.Errorf("written %+v, want once, as of %d", got, gone)
		}
	})
}

// It is given up in the end, for devices that came again at once, and beyond a
// bound.
func TestRecordsThatOutliveAreBounded(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.registry.putErr = errors.New("away")
		for i := range maxOutliving + 10 {
			d := e.connect(func(h *wirepb.Hello) {
				h.Token, h.PushToken = testToken(fmt.Sprint("d", i), time.Hour), "x"
			})
			synctest.Wait()
			_ = d.conn.CloseWithCode(0, "")
			synctest.Wait()
		}
		outliving := func() int {
			e.srv.records.mu.Lock()
			defer e.srv.records.mu.Unlock()
			return len(e.srv.records.outliving)
		}
		if n := outliving(); n != maxOutliving {
			t.Errorf("%d records outlive their sessions", n)
		}
		time.Sleep(outliveFor + 2*e.srv.cfg.Limits.DeviceTimeout)
		if n := outliving(); n != 0 || e.counter("device_records_lost_total") != maxOutliving+10 {
			t.Errorf("%d still outlive, %v are lost", n, e.counter("device_records_lost_total"))
		}
	})
}

// A session that goes while its record is written, or waits for its turn.
func TestQueuedRecordOfAGoneSession(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.DeviceWriters = 1 }, func(e *edge) {
		e.registry.hangPuts = make(chan struct{})
		first := e.connect(withPushToken)
		synctest.Wait()
		d := e.connect(func(h *wirepb.Hello) { withPushToken(h); h.Token = testToken("tablet", time.Hour) })
		synctest.Wait()
		_ = d.conn.CloseWithCode(0, "")
		_ = first.conn.CloseWithCode(0, "")
		synctest.Wait()
		close(e.registry.hangPuts)
		time.Sleep(time.Minute)
		got := e.registry.written()
		if len(got) != 2 || got[0].Device != "phone" || got[1].Device != "tablet" {
			t.Errorf("written %+v", got)
		}
	})
}

// A hundred devices come at once: no more than the bound are written at once,
// and all in the end.
func TestRecordsAreBounded(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.DeviceWriters = 3 }, func(e *edge) {
		e.registry.hangPuts = make(chan struct{})
		const n = 100
		for i := range n {
			e.connect(func(h *wirepb.Hello) { h.Token, h.PushToken = testToken(fmt.Sprint("d", i), time.Hour), "x" })
		}
		synctest.Wait()
		e.srv.records.mu.Lock()
		workers, queued := e.srv.records.workers, len(e.srv.records.queue)
		e.srv.records.mu.Unlock()
		if workers != 3 || queued != n-3 {
			t.Errorf("%d workers and %d queued", workers, queued)
		}
		close(e.registry.hangPuts)
		synctest.Wait()
		if len(e.registry.written()) != n {
			t.Errorf("%d written", len(e.registry.written()))
		}
	})
}

func TestLogout(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(withPushToken)
		d.send(&wire.Bye{Logout: true}, &wire.Bye{Logout: true})
		d.closed(wire.CloseLoggedOut)
		synctest.Wait()
		if !slices.Equal(e.registry.removed, []string{"acme/anna/phone"}) {
			t.Errorf("removed %v", e.registry.removed)
		}
	})
}

// The device is not told that it is logged out unless it is.
func TestLogoutFails(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.registry.rmErr = errors.New("away")
		d := e.connect(nil)
		d.send(&wire.Bye{Logout: true})
		if c := d.closed(wire.CloseInternal); !c.Code.Reconnect() {
			t.Error("the device would not come back to log out")
		}
	})
}

// A write under way at logout is waited for: behind the removal it would bring
// the record back. One that hangs makes the logout fail, in bounded time.
func TestLogoutWaitsForTheRecord(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.registry.hangPuts = make(chan struct{})
		d := e.connect(withPushToken)
		synctest.Wait()
		d.send(&wire.Bye{Logout: true}, &wire.Token{Body: &wirepb.Token{PushToken: "two"}})
		synctest.Wait()
		e.registry.set(func() {
			if len(e.registry.removed) != 0 {
				t.Error("removed while it was being written")
			}
		})
		close(e.registry.hangPuts)
		d.closed(wire.CloseLoggedOut)
		if len(e.registry.written()) != 1 || len(e.registry.removed) != 1 {
			t.Errorf("%d written, %d removed", len(e.registry.written()), len(e.registry.removed))
		}
	})
	inBubble(t, nil, func(e *edge) {
		e.registry.hangPuts = make(chan struct{})
		d := e.connect(withPushToken)
		synctest.Wait()
		start := time.Now()
		d.send(&wire.Bye{Logout: true})
		d.closedWithin(start, 5*time.Second)
	})
}

// closedWithin expects an ending after which the device comes back, in time.
func (d *device) closedWithin(start time.Time, limit time.Duration) {
	d.t.Helper()
	c, ok := d.next().(*wire.Close)
	if !ok || !c.Code.Reconnect() {
		d.t.Errorf("unexpected %+v", c)
	}
	if took := time.Since(start); took > limit {
		d.t.Errorf("took %v", took)
	}
}
