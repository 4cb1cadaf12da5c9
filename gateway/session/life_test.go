package session

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// A device that beats as it is told stays; one that stops is closed after the
// interval and its grace.
func TestIdle(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(func(h *wirepb.Hello) { h.Network = &wirepb.Network{Radio: wirepb.Radio_RADIO_WIFI} })
		interval := time.Duration(d.welcome.IntervalMs) * time.Millisecond
		if interval < 291*time.Second || interval > 300*time.Second {
			t.Errorf("interval %v on Wi-Fi, want 5m less up to 3 %%", interval)
		}
		for range 20 {
			time.Sleep(interval + 15*time.Second)
			d.send(&wire.Ping{})
			pong, ok := d.next().(*wire.Pong)
			if !ok {
				t.Fatal("not a Pong")
			}
			interval = pong.Interval
		}
		last := time.Now()
		d.closed(wire.CloseIdle)
		if got, want := time.Since(last), heartbeat.Deadline(interval); got < want || got > want+time.Millisecond {
			t.Errorf("closed after %v, want %v", got, want)
		}
	})
}

// A move to another network changes the interval of the next Pong.
func TestNetwork(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(func(h *wirepb.Hello) { h.Network = &wirepb.Network{Radio: wirepb.Radio_RADIO_4G} })
		d.send(&wire.Network{Body: &wirepb.Network{Radio: wirepb.Radio_RADIO_WIFI}}, &wire.Ping{})
		if pong := d.next().(*wire.Pong); pong.Interval < 291*time.Second {
			t.Errorf("interval %v after the move to Wi-Fi", pong.Interval)
		}
	})
}

// What the edge writes starts the device's interval anew, and the deadline with
// it.
func TestWritesMoveTheDeadline(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		interval := time.Duration(d.welcome.IntervalMs) * time.Millisecond
		time.Sleep(interval - time.Second)
		e.srv.Hub().Notify(1, "r1", "messages", 1, 0)
		d.expectNotify("messages")
		d.silent(interval)
		d.send(&wire.Ping{})
		if _, ok := d.next().(*wire.Pong); !ok {
			t.Error("not a Pong")
		}
	})
}

// Writing to a connection whose network is gone does not keep it for ever.
func TestWritesDoNotKeepADeadConnection(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		d.conn.Vanish()
		for v := int64(1); e.srv.Hub().Count() > 0; v++ {
			e.srv.Hub().Notify(1, "r1", "messages", v, 0)
			time.Sleep(10 * time.Second)
			if v > 100 {
				t.Fatal("still there after 1000 s")
			}
		}
		if e.counter("closed_total", "idle") != 1 {
			t.Error("not closed as idle")
		}
	})
}

func TestTokenExpiry(t *testing.T) {
	tests := map[string]struct{ life, warned time.Duration }{
		"long":  {time.Hour, time.Hour - 30*time.Second},
		"short": {10 * time.Second, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(e *edge) {
				start := time.Now()
				d := e.connect(func(h *wirepb.Hello) { h.Token = testToken("phone", tt.life) })
				g := d.beatUntil(wire.TypeGoAway).(*wire.GoAway).Body
				if g.Cause != wirepb.GoAway_CAUSE_TOKEN_EXPIRED || g.GraceMs != 30_000 {
					t.Errorf("GoAway %v", g)
				}
				if got := time.Since(start); got != tt.warned {
					t.Errorf("warned after %v, want %v", got, tt.warned)
				}
				d.closed(wire.CloseTokenExpired)
				if got := time.Since(start); got != tt.warned+30*time.Second {
					t.Errorf("closed after %v, want %v", got, tt.warned+30*time.Second)
				}
			})
		})
	}
}

// beatUntil sends a Ping a minute until a frame of type t comes.
func (d *device) beatUntil(want wire.Type) wire.Frame {
	d.t.Helper()
	defer func() { _ = d.conn.SetReadDeadline(time.Time{}) }()
	for {
		_ = d.conn.SetReadDeadline(time.Now().Add(time.Minute))
		f, err := d.reader.Next()
		switch {
		case err != nil:
			d.send(&wire.Ping{})
		case f.Type() == want:
			return f
		case f.Type() != wire.TypePong:
			d.t.Fatalf("unexpected %s", f.Type())
		}
	}
}

// A Token in time keeps the connection, again and again.
func TestTokenRenewal(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(func(h *wirepb.Hello) { h.Token = testToken("phone", time.Hour) })
		start := time.Now()
		for range 3 {
			d.beatUntil(wire.TypeGoAway)
			d.send(&wire.Token{Body: &wirepb.Token{Token: testToken("phone", time.Hour)}})
		}
		if got := time.Since(start); got < 2*time.Hour+58*time.Minute {
			t.Errorf("three warnings after %v", got)
		}
		d.beatUntil(wire.TypeGoAway)
		d.closed(wire.CloseTokenExpired)
	})
}

func TestTokenForEver(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(func(h *wirepb.Hello) { h.Token = "acme/anna/phone/274877906943" })
		d.silent(time.Minute)
	})
}

// A newer session of a device takes over at once and in order.
func TestSupersedeOnThisEdge(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		old := e.connect(nil)
		other := e.connect(func(h *wirepb.Hello) { h.Token = testToken("tablet", time.Hour) })
		fresh := e.connect(nil)
		old.closed(wire.CloseSuperseded)
		synctest.Wait()
		if fresh.welcome.Epoch <= old.welcome.Epoch {
			t.Errorf("epoch %d after %d", fresh.welcome.Epoch, old.welcome.Epoch)
		}
		if want := []string{"register 1", "register 2", "register 3", "unregister 1"}; !slices.Equal(e.registry.calls(), want) {
			t.Errorf("the registry heard %v, want %v", e.registry.calls(), want)
		}
		for _, d := range []*device{other, fresh} {
			d.send(&wire.Ping{})
			if _, ok := d.next().(*wire.Pong); !ok {
				t.Error("a session that should live does not answer")
			}
		}
		// The old one's end left the device to the new one.
		key := deviceKey{"acme", "anna", "phone"}
		d := e.srv.hub.deviceOf(key)
		if s := d.takeLocked(key); s == nil || s.number != 3 || d.takeLocked(key) != nil {
			t.Error("the device's session is not the newest, or not the only one")
		} else {
			d.putLocked(s)
		}
	})
}

func TestClosedByRouters(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		a, b := e.connect(nil), e.connect(func(h *wirepb.Hello) { h.Token = testToken("tablet", time.Hour) })
		e.srv.Hub().Supersede(1)
		e.srv.Hub().RefuseEpoch(2)
		e.srv.Hub().Supersede(77)
		a.closed(wire.CloseSuperseded)
		b.closed(wire.CloseClock)
	})
}

// The ticket carries the order of sessions from edge to edge.
func TestResumeTicket(t *testing.T) {
	inBubble(t, nil, func(ahead *edge) {
		first := ahead.connect(nil).welcome
		behind := newEdge(t, nil)
		defer behind.stop()
		next := behind.connect(func(h *wirepb.Hello) { h.ResumeTicket = first.ResumeTicket }).welcome
		if next.Epoch != first.Epoch+1 {
			t.Errorf("epoch %d after %d in the same millisecond", next.Epoch, first.Epoch)
		}
		for name, ticket := range map[string][]byte{"none": nil, "changed": append([]byte{1, 99}, first.ResumeTicket[2:]...), "rubbish": []byte("x")} {
			got := behind.connect(func(h *wirepb.Hello) {
				h.Token, h.ResumeTicket = testToken(name, time.Hour), ticket
			}).welcome
			if got.Epoch != time.Now().UnixMilli() {
				t.Errorf("%s ticket: epoch %d is not the clock's", name, got.Epoch)
			}
		}
	})
}

// Only iOS sleeps with its sockets: only its claim is registered.
func TestBackground(t *testing.T) {
	for platform, want := range map[wirepb.Platform][]string{
		wirepb.Platform_PLATFORM_IOS:     {"register 1 background", "register 1", "register 1 background"},
		wirepb.Platform_PLATFORM_ANDROID: {"register 1"},
	} {
		inBubble(t, nil, func(e *edge) {
			d := e.connect(func(h *wirepb.Hello) { h.Platform, h.Background = platform, true })
			d.send(&wire.State{Background: true}, &wire.State{}, &wire.State{}, &wire.State{Background: true})
			synctest.Wait()
			if !slices.Equal(e.registry.calls(), want) {
				t.Errorf("%v: %v, want %v", platform, e.registry.calls(), want)
			}
		})
	}
}

func TestDrain(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		const n = 200
		start := time.Now()
		var told []time.Duration
		var devices []*device
		for i := range n {
			devices = append(devices, e.connect(func(h *wirepb.Hello) { h.Token = testToken(fmt.Sprint("d", i), time.Hour) }))
		}
		synctest.Wait()
		done := make(chan time.Duration, 1)
		go func() {
			e.srv.Drain(context.Background(), time.Second)
			done <- time.Since(start)
		}()
		seen := make(chan time.Duration, n)
		for i, d := range devices {
			go func() {
				g := d.next().(*wire.GoAway).Body
				if g.Cause != wirepb.GoAway_CAUSE_UNSPECIFIED || g.GraceMs < 5000 || g.GraceMs > 6000 {
					t.Errorf("GoAway %v", g)
				}
				seen <- time.Since(start)
				if i%2 == 0 {
					_ = d.conn.CloseWithCode(0, "") // moves
				} else {
					d.closed(wire.CloseShutdown) // stays until the end
				}
			}()
		}
		for range n {
			told = append(told, <-seen)
		}
		if first, last := told[0], told[n-1]; first > 100*time.Millisecond || last < 900*time.Millisecond || last > time.Second {
			t.Errorf("told from %v to %v, want it spread over 1 s", first, last)
		}
		late := e.connect(func(h *wirepb.Hello) { h.Token = testToken("late", time.Hour) })
		if g, ok := late.next().(*wire.GoAway); !ok || g.Body.GraceMs > 6000 {
			t.Errorf("a device that came while draining was not asked to move: %v", g)
		}
		if took := <-done; took < 6*time.Second || took > 7*time.Second {
			t.Errorf("drained in %v, want 6 s for those that stay", took)
		}
		if e.srv.Hub().Count() != 0 {
			t.Error("sessions are left")
		}
		late.closed(wire.CloseShutdown)
		later := e.dial()
		later.send(&wire.Hello{Body: &wirepb.Hello{Token: testToken("later", time.Hour)}})
		later.closed(wire.CloseShutdown)
		synctest.Wait()
		if e.counter("refused_total", "shutdown") != 1 {
			t.Error("a device became a session once the edge was drained")
		}
	})
}

// A few devices are moved at once, however long the spread is.
func TestDrainFew(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		go func() {
			if _, ok := d.next().(*wire.GoAway); !ok {
				t.Error("not a GoAway")
			}
			_ = d.conn.CloseWithCode(0, "") // moves
		}()
		start := time.Now()
		e.srv.Drain(context.Background(), time.Hour)
		if took := time.Since(start); took > time.Second {
			t.Errorf("one device took %v", took)
		}
	})
}

// A device that comes when time is up, and before the edge has seen that, is
// told in a frame that it can read.
func TestDrainLast(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		for i := range 7 {
			e.connect(func(h *wirepb.Hello) { h.Token = testToken(fmt.Sprint("d", i), time.Hour) })
		}
		done := make(chan struct{})
		go func() {
			e.srv.Drain(context.Background(), time.Hour)
			close(done)
		}()
		time.Sleep(7*drainPace + drainGrace + drainPace) // between two of Drain's looks
		if _, ok := e.connect(nil).next().(*wire.GoAway); !ok {
			t.Error("not a GoAway")
		}
		<-done
	})
}

func TestDrainCutShort(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e.srv.Drain(ctx, time.Minute)
		d.closed(wire.CloseShutdown)
	})
}

// The end of Serve closes sessions and those that have not said Hello.
func TestServeEnds(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		silent, live := e.dial(), e.connect(nil)
		start := time.Now()
		e.stop()
		silent.closed(wire.CloseShutdown)
		live.closed(wire.CloseShutdown)
		if time.Since(start) > closeTimeout {
			t.Errorf("took %v", time.Since(start))
		}
	})
}

// A closed listener takes nobody new and leaves the sessions alone.
func TestListenerCloses(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		_ = e.listener.Close()
		d.silent(time.Minute)
		d.send(&wire.Ping{})
		if _, ok := d.next().(*wire.Pong); !ok {
			t.Error("not a Pong")
		}
	})
}

func TestReset(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.connect(nil).conn.Reset()
		synctest.Wait()
		if e.counter("closed_total", "transport_error") != 1 || e.srv.Hub().Count() != 0 {
			t.Error("a reset connection is still there")
		}
	})
}

// No secret reaches the log, whatever happens to a session.
func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	quiet := func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Relay = relayFunc(func(context.Context, Call) ([]byte, error) { return nil, context.Canceled })
	}
	inBubble(t, quiet, func(e *edge) {
		e.registry.putErr = fmt.Errorf("router away")
		jwt := testToken("phone", time.Hour)
		d := e.connect(func(h *wirepb.Hello) { h.Token, h.PushToken = jwt, "PUSHTOKEN" })
		d.send(&wire.Request{ID: 1, Service: "a", Method: "b", Body: []byte("BODY")})
		time.Sleep(time.Minute)
		e.registry.set(func() { e.registry.rmErr = fmt.Errorf("router away") })
		d.send(&wire.Bye{Logout: true})
		d.closed(wire.CloseInternal)
		synctest.Wait()
		for _, secret := range []string{jwt, "PUSHTOKEN", "BODY"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log shows %q:\n%s", secret, &log)
			}
		}
		if !strings.Contains(log.String(), "record not written") {
			t.Error("the log says nothing of the record, so this test proves nothing")
		}
	})
}
