package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func TestHello(t *testing.T) {
	virtual(t, func(c *client.Config) {
		c.Platform, c.App, c.AppVersion, c.PushToken = client.PlatformIOS, "com.example", "1.2", "push"
		c.Background = true
		c.Network = client.Network{Radio: client.RadioWiFi, IDHash: []byte("hash")}
		c.Store = &store{saved: map[string]int64{"messages": 7, "contacts": 0}}
	}, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{ResumeTicket: []byte("ticket"), IntervalMs: 60_000})
		h := p.hello
		if h.Token != "token-1" || h.Platform != client.PlatformIOS || h.App != "com.example" || h.AppVersion != "1.2" ||
			h.PushToken != "push" || !h.Background || h.Network.GetRadio() != client.RadioWiFi {
			t.Errorf("Hello %v", h)
		}
		if len(h.Versions) != 1 || h.Versions[0].Kind != "messages" || h.Versions[0].Version != 7 {
			t.Errorf("versions %v", h.Versions)
		}
		if h.Last != nil || h.ResumeTicket != nil {
			t.Errorf("the first Hello has last %v and ticket %q", h.Last, h.ResumeTicket)
		}
		expect[*wire.Ping](p)
		p.send(&wire.Pong{})
		expect[*wire.Ping](p) // not answered
		p = e.welcomed(nil)
		last := p.hello.Last
		if last.GetEnd() != wirepb.LastConnection_END_TIMEOUT || last.LastGoodGapMs != 60_000 || last.FirstMissGapMs != 60_000 {
			t.Errorf("last connection %v", last)
		}
		if string(p.hello.ResumeTicket) != "ticket" {
			t.Errorf("ticket %q", p.hello.ResumeTicket)
		}
	})
}

func TestHeartbeat(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 30_000})
		p.quiet(29 * time.Second)
		expect[*wire.Ping](p)
		p.send(&wire.Pong{Interval: 90 * time.Second})
		p.quiet(89 * time.Second)
		expect[*wire.Ping](p)
		p.send(&wire.Pong{}) // the interval stays
		// What the device sends starts the interval anew.
		time.Sleep(60 * time.Second)
		e.client.SetBackground(true)
		expect[*wire.State](p)
		p.quiet(89 * time.Second)
		expect[*wire.Ping](p)
		// Any frame answers a Ping.
		time.Sleep(time.Second)
		p.send(notify(1, 1))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(1), Head: 1})
		p.expectAck(1)
		// What it receives starts the interval anew, too.
		time.Sleep(60 * time.Second)
		p.send(&wire.GoAway{Body: &wirepb.GoAway{SpreadMs: time.Hour.Milliseconds()}})
		p.quiet(89 * time.Second)
		expect[*wire.Ping](p)
	})
}

// With a scale a device's patience shrinks as its intervals do.
func TestHeartbeatScale(t *testing.T) {
	virtual(t, func(cfg *client.Config) { cfg.HeartbeatScale = 10 }, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 500})
		p.quiet(450 * time.Millisecond)
		expect[*wire.Ping](p)
		p.send(&wire.Pong{})
		start := time.Now()
		p.conn.(*memtransport.Conn).Vanish()
		e.welcomed(nil)
		// The interval, 1.5 s for the answer, and the parting.
		if waited := time.Since(start); waited < 1500*time.Millisecond || waited > 4*time.Second {
			t.Errorf("reconnected after %s", waited)
		}
	})
}

// A device that sleeps does not beat, says so, and looks at its connection when
// it wakes.
func TestAsleep(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 30_000})
		e.client.SetAsleep(true)
		if s := expect[*wire.State](p); !s.Asleep || s.Background {
			t.Errorf("said %+v", s)
		}
		p.quiet(20 * time.Minute)
		p.send(&wire.Probe{})
		expect[*wire.Ping](p)
		p.send(&wire.Pong{})
		p.quiet(20 * time.Minute)
		e.client.SetAsleep(false)
		if s := expect[*wire.State](p); s.Asleep {
			t.Errorf("said %+v", s)
		}
		expect[*wire.Ping](p)
		p.send(&wire.Pong{})
		p.quiet(29 * time.Second)
		expect[*wire.Ping](p)
		p.send(&wire.Pong{})
		e.client.SetAsleep(true)
		expect[*wire.State](p)
		p.closeWith(wire.CloseShutdown)
		if p = e.welcomed(nil); !p.hello.Asleep {
			t.Error("the next Hello does not say that the device sleeps")
		}
	})
}

// A Ping that is not answered is followed by one that carries the versions,
// and a device that never beats again by none.
func TestSecondPing(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 30_000})
		p.send(notify(1, 7))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.expectAck(7)
		p.quiet(29 * time.Second)
		if first := expect[*wire.Ping](p); len(first.Versions) != 0 {
			t.Errorf("the first Ping carries %v", first.Versions)
		}
		p.quiet(2900 * time.Millisecond)
		second := expect[*wire.Ping](p)
		if len(second.Versions) == 0 || second.Versions[0].Version != 7 {
			t.Errorf("the second Ping carries %v, want version 7", second.Versions)
		}
		p.quiet(11 * time.Second)
		p.send(&wire.Pong{})
		p.quiet(14 * time.Second)
		if again := expect[*wire.Ping](p); len(again.Versions) != 0 {
			t.Errorf("the Ping after an answer carries %v", again.Versions)
		}
	})
}

func TestProbe(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(&wire.Probe{})
		if !expect[*wire.Ping](p).Answer {
			t.Error("the Ping does not say that it answers a Probe")
		}
		p.send(&wire.Pong{Interval: time.Minute})
		p.quiet(59 * time.Second)
		if expect[*wire.Ping](p).Answer {
			t.Error("the device's own Ping says that it answers a Probe")
		}
	})
}

func TestSilentConnectionIsReplaced(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 120_000})
		start := time.Now()
		p.conn.(*memtransport.Conn).Vanish()
		p = e.welcomed(nil)
		// The interval, 15 s for the answer, and the parting.
		if waited := time.Since(start); waited < 135*time.Second || waited > 137*time.Second {
			t.Errorf("reconnected after %s", waited)
		}
		if end := p.hello.Last.GetEnd(); end != wirepb.LastConnection_END_TIMEOUT {
			t.Errorf("reported %s", end)
		}
	})
}

func TestEdgeThatDoesNotRead(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		_, err := e.client.Request(ctx, "echo", "big", make([]byte, wire.MaxBody))
		if !errors.Is(err, client.ErrConnectionLost) {
			t.Errorf("Request = %v", err)
		}
		_ = p
		e.welcomed(nil)
	})
}

func TestChangesAreTold(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.accept()
		expect[*wire.Hello](p)
		// Between Hello and Welcome.
		e.client.SetBackground(true)
		if err := e.client.SetPushToken("new"); err != nil {
			t.Fatal(err)
		}
		p.welcome(nil)
		if s := expect[*wire.State](p); !s.Background {
			t.Error("foreground")
		}
		if tok := expect[*wire.Token](p); tok.Body.PushToken != "new" || tok.Body.Token != "" {
			t.Errorf("Token %v", tok.Body)
		}
		e.client.SetBackground(false)
		if s := expect[*wire.State](p); s.Background {
			t.Error("background")
		}
	})
}

func TestNetworkChange(t *testing.T) {
	lte := client.Network{Radio: client.Radio4G}
	t.Run("survived", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(nil)
			synctest.Wait()
			_ = e.client.SetNetwork(lte)
			if n := expect[*wire.Network](p); n.Body.Radio != client.Radio4G {
				t.Errorf("Network %v", n.Body)
			}
			expect[*wire.Ping](p)
			p.send(&wire.Pong{})
			p.quiet(time.Minute)
		})
	})
	t.Run("not survived", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(&wirepb.Welcome{ReconnectSpreadMs: 3_600_000})
			synctest.Wait()
			p.conn.(*memtransport.Conn).Vanish()
			start := time.Now()
			_ = e.client.SetNetwork(lte)
			p = e.welcomed(nil)
			if waited := time.Since(start); waited > 7*time.Second {
				t.Errorf("reconnected after %s", waited)
			}
			if p.hello.Last.End != wirepb.LastConnection_END_NETWORK_CHANGED || p.hello.Network.Radio != client.Radio4G {
				t.Errorf("Hello %v", p.hello)
			}
		})
	})
	t.Run("while waiting", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(&wirepb.Welcome{ReconnectSpreadMs: 3_600_000})
			time.Sleep(2 * time.Minute)
			p.conn.(*memtransport.Conn).Reset()
			synctest.Wait()
			_ = e.client.SetNetwork(lte)
			start := time.Now()
			e.welcomed(nil)
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("reconnected after %s", waited)
			}
		})
	})
}

// A beat that one network did not answer says nothing of the next one.
func TestLossOnAnotherNetwork(t *testing.T) {
	for _, moved := range []bool{false, true} {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(&wirepb.Welcome{IntervalMs: 60_000, ReconnectSpreadMs: 3_600_000})
			p.conn.(*memtransport.Conn).Vanish()
			if moved {
				e.listener.Refuse(true) // there is no network for a while
			}
			time.Sleep(time.Minute + 16*time.Second) // a beat, and no answer
			if moved {
				e.listener.Refuse(false)
				_ = e.client.SetNetwork(client.Network{Radio: client.Radio4G})
			}
			last, want := e.welcomed(nil).hello.Last, wirepb.LastConnection_END_TIMEOUT
			if moved {
				want = wirepb.LastConnection_END_NETWORK_CHANGED
			}
			if last.End != want || (last.FirstMissGapMs == 0) != moved || last.ReconnectDelayMs > 15_000 {
				t.Errorf("moved: %v: %v", moved, last)
			}
		})
	}
}

func TestRunEndsWithABye(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		if s := e.lastState(); s.Phase != client.PhaseConnected || s.Epoch != 1 {
			t.Errorf("state %+v", s)
		}
		e.cancel()
		if b := expect[*wire.Bye](p); b.Logout {
			t.Error("logged out")
		}
		p.gone()
		if err := e.returned(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		if s := e.lastState(); s.Phase != client.PhaseStopped {
			t.Errorf("state %+v", s)
		}
	})
}

func TestRunTwice(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		e.welcomed(nil)
		if err := e.client.Run(context.Background()); !errors.Is(err, client.ErrRunning) {
			t.Errorf("second Run = %v", err)
		}
		e.cancel()
		_ = e.returned()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { e.ran <- e.client.Run(ctx) }()
		e.welcomed(nil)
		cancel()
		_ = e.returned()
	})
}

func TestLogout(t *testing.T) {
	t.Run("connected", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(nil)
			synctest.Wait()
			done := make(chan error, 1)
			go func() { done <- e.client.Logout(context.Background()) }()
			if b := expect[*wire.Bye](p); !b.Logout {
				t.Error("a plain Bye")
			}
			p.closeWith(wire.CloseLoggedOut)
			if err := <-done; err != nil {
				t.Errorf("Logout = %v", err)
			}
			if err := e.returned(); err != nil {
				t.Errorf("Run = %v", err)
			}
			if err := e.client.Logout(context.Background()); !errors.Is(err, client.ErrNotRunning) {
				t.Errorf("Logout of a stopped client = %v", err)
			}
		})
	})
	t.Run("the connection is lost meanwhile", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(nil)
			synctest.Wait()
			done := make(chan error, 1)
			go func() { done <- e.client.Logout(context.Background()) }()
			expect[*wire.Bye](p)
			p.conn.(*memtransport.Conn).Reset()
			p = e.welcomed(nil)
			if b := expect[*wire.Bye](p); !b.Logout {
				t.Error("a plain Bye")
			}
			p.closeWith(wire.CloseLoggedOut)
			if err := <-done; err != nil {
				t.Errorf("Logout = %v", err)
			}
		})
	})
	t.Run("no answer", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			e.welcomed(nil)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := e.client.Logout(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Logout = %v", err)
			}
		})
	})
	t.Run("not asked for", func(t *testing.T) {
		virtual(t, nil, func(e *edge) {
			e.welcomed(nil).closeWith(wire.CloseLoggedOut)
			var closed *client.CloseError
			if err := e.returned(); !errors.As(err, &closed) || closed.Code != wire.CloseLoggedOut {
				t.Errorf("Run = %v", err)
			}
		})
	})
}
