package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func TestNotifyFetchAck(t *testing.T) {
	s := &store{}
	virtual(t, func(c *client.Config) { c.Store = s }, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(5, 7), Head: 7})
		p.expectAck(7)
		ev := e.event()
		if ev.Kind != "messages" || ev.Version != 7 || len(ev.Items) != 2 || ev.Items[1].Version != 7 || ev.HeardAt.IsZero() {
			t.Errorf("event %+v", ev)
		}
		if s.saved["messages"] != 7 || e.client.Versions()["messages"] != 7 {
			t.Errorf("saved %v, versions %v", s.saved, e.client.Versions())
		}
	})
}

func TestPages(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 9))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(3, 4), Head: 9, More: true, SnapshotNeeded: true})
		p.expectAck(4)
		p.sync("messages", 4, &wirepb.SyncResponse{Items: items(8), Head: 9})
		p.expectAck(9)
		if ev := e.event(); ev.Version != 4 || !ev.SnapshotNeeded {
			t.Errorf("first page: %+v", ev)
		}
		if ev := e.event(); ev.Version != 9 || ev.SnapshotNeeded {
			t.Errorf("second page: %+v", ev)
		}
		p.quiet(time.Minute)
	})
}

func TestKnownVersionIsAcknowledgedAgain(t *testing.T) {
	s := &store{saved: map[string]int64{"messages": 7}}
	virtual(t, func(c *client.Config) { c.Store = s }, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		p.expectAck(7)
		p.send(notify(1, 5)) // late, and covered by 7
		p.expectAck(7)
		p.quiet(time.Minute)
	})
}

func TestResetToHead(t *testing.T) {
	s := &store{saved: map[string]int64{"messages": 100}}
	virtual(t, func(c *client.Config) { c.Store = s }, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 40))
		p.sync("messages", 100, &wirepb.SyncResponse{Head: 40, ResetToHead: true})
		p.expectAck(40)
		if ev := e.event(); !ev.ResetToHead || ev.Version != 40 {
			t.Errorf("event %+v", ev)
		}
		if s.saved["messages"] != 40 {
			t.Errorf("saved %v", s.saved)
		}
		p.quiet(time.Minute)
	})
}

// The whole log is gone: there is no word for version 0.
func TestResetToNothing(t *testing.T) {
	s := &store{saved: map[string]int64{"messages": 100}}
	virtual(t, func(c *client.Config) { c.Store = s }, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 40))
		p.sync("messages", 100, &wirepb.SyncResponse{ResetToHead: true})
		p.quiet(time.Minute)
		if v := e.client.Versions()["messages"]; v != 0 {
			t.Errorf("version %d", v)
		}
	})
}

func TestHandlerErrorIsNotAcknowledged(t *testing.T) {
	calls := 0
	virtual(t, func(c *client.Config) {
		c.OnEvent = func(_ context.Context, ev client.Event) error {
			if calls++; calls < 4 {
				return errors.New("disk full")
			}
			if ev.Version != 7 || len(ev.Items) != 1 {
				t.Errorf("event %+v", ev)
			}
			return nil
		}
	}, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		start := time.Now()
		p.expectAck(7)
		// Three waits, each at least half of 1, 2 and 4 s.
		if waited := time.Since(start); calls != 4 || waited < 3500*time.Millisecond || waited > 7*time.Second {
			t.Errorf("acknowledged after %d calls and %s", calls, waited)
		}
	})
}

func TestStoreErrorIsNotAcknowledged(t *testing.T) {
	s := &store{failed: errors.New("disk full")}
	virtual(t, func(c *client.Config) { c.Store = s }, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.quiet(10 * time.Second)
		if len(e.client.Versions()) != 0 {
			t.Errorf("versions %v", e.client.Versions())
		}
		s.mu.Lock()
		s.failed = nil
		s.mu.Unlock()
		p.expectAck(7)
	})
}

// Notifies during a fetch merge into one more fetch of the newest.
func TestNewestWins(t *testing.T) {
	virtual(t, func(c *client.Config) {
		c.OnEvent = func(ctx context.Context, ev client.Event) error {
			if ev.Version == 1 {
				time.Sleep(10 * time.Second)
			}
			return nil
		}
	}, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 1))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(1), Head: 1})
		for v := int64(2); v <= 50; v++ {
			p.send(notify(1, v))
		}
		// Another kind does not wait for this one.
		p.send(notify(2, 3))
		p.sync("contacts", 0, &wirepb.SyncResponse{Items: items(3), Head: 3})
		p.expectAck(3)
		p.expectAck(1)
		p.sync("messages", 1, &wirepb.SyncResponse{Items: items(50), Head: 50})
		p.expectAck(50)
		p.quiet(time.Minute)
	})
}

// A late Notify of an older version takes nothing back, and a sync that lags
// behind the Notify is asked again.
func TestLateNotify(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 5))
		r := p.expectSync("messages", 0)
		p.send(notify(1, 9), notify(1, 6))
		synctest.Wait()
		p.answer(r, &wirepb.SyncResponse{Items: items(5, 6), Head: 6})
		p.expectAck(6)
		p.sync("messages", 6, &wirepb.SyncResponse{Head: 6})
		p.expectAck(6)
		p.sync("messages", 6, &wirepb.SyncResponse{Items: items(9), Head: 9})
		p.expectAck(9)
		p.quiet(time.Minute)
	})
}

// What a broken connection left unfetched is fetched on the next one.
func TestFetchSurvivesTheConnection(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		p.expectSync("messages", 0)
		p.conn.(interface{ Reset() }).Reset()
		p = e.welcomed(nil)
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.expectAck(7)
	})
}

func TestUnavailableSyncIsTriedAgain(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		for range 3 {
			r := p.expectSync("messages", 0)
			p.send(&wire.Response{ID: r.ID, Status: wire.StatusUnavailable, Message: "no responder"})
		}
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.expectAck(7)
	})
}

// A backend that is away for long: the edge does not repeat its Notify on a
// connection that lives, so that nothing but the device itself asks again.
func TestSyncOutlastsAnOutage(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		asked := 0
		for back := time.Now().Add(2 * time.Hour); time.Now().Before(back); asked++ {
			p.refuse(p.awaitSync())
		}
		if asked > 60 {
			t.Errorf("asked %d times", asked)
		}
		p.answer(p.awaitSync(), &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.expectAck(7)
	})
}

// A sync that was refused for minutes is asked for within a minute of their end.
func TestSyncIsSoonAfterAShortOutage(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		back := time.Now().Add(5 * time.Minute)
		r := p.awaitSync()
		for time.Now().Before(back) {
			p.refuse(r)
			r = p.awaitSync()
		}
		if late := time.Since(back); late > time.Minute {
			t.Errorf("asked %v after the outage", late)
		}
		p.answer(r, &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.expectAck(7)
	})
}

// An edge that was cut off refuses syncs for as long; what it tells then says that
// it is back.
func TestNewsShortensTheWait(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		for range 7 { // the next one is half a minute later
			p.refuse(p.awaitSync())
		}
		time.Sleep(100 * time.Millisecond)
		told := time.Now()
		p.send(notify(1, 8))
		r := p.awaitSync()
		if took := time.Since(told); took < 400*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("asked %v after it was told", took)
		}
		p.answer(r, &wirepb.SyncResponse{Items: items(8), Head: 8})
		p.expectAck(8)
	})
}

// News makes the device try again soon, however often it has failed.
func TestNewsEndsTheWait(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		for range 20 {
			p.refuse(p.awaitSync())
		}
		synctest.Wait()
		start := time.Now()
		p.send(notify(1, 8))
		p.answer(p.awaitSync(), &wirepb.SyncResponse{Items: items(7, 8), Head: 8})
		p.expectAck(8)
		if waited := time.Since(start); waited > time.Minute {
			t.Errorf("waited %s", waited)
		}
		p.quiet(time.Minute)
	})
}

func (p *peer) refuse(r *wire.Request) {
	p.send(&wire.Response{ID: r.ID, Status: wire.StatusUnavailable, Message: "no responder"})
}

// awaitSync answers Pings until the device asks for a sync.
func (p *peer) awaitSync() *wire.Request {
	p.t.Helper()
	for start := time.Now(); ; {
		f, err := p.next()
		if err != nil {
			p.t.Fatal(err)
		}
		if time.Since(start) > 3*time.Hour {
			p.t.Fatal("the device asks no more")
		}
		switch f := f.(type) {
		case *wire.Request:
			return f
		case *wire.Ping:
			p.send(&wire.Pong{Interval: 10 * time.Minute})
		default:
			p.t.Fatalf("the device sent %s", f.Type())
		}
	}
}

// Answers that lead nowhere are asked for ever more slowly, and do not reach
// the application.
func TestAnswersWithoutProgress(t *testing.T) {
	for name, answer := range map[string]*wirepb.SyncResponse{
		"more and nothing":    {Head: 9, More: true},
		"more of the old":     {Head: 9, More: true, Items: items(5)},
		"items descend":       {Head: 9, Items: items(8, 7)},
		"item above head":     {Head: 9, Items: items(10)},
		"head below version":  {Head: 3},
		"reset upwards":       {Head: 9, ResetToHead: true},
		"head out of range":   {Head: wire.MaxVersion + 1},
		"negative head":       {Head: -1, ResetToHead: true},
		"negative item":       {Head: 9, Items: items(-1)},
		"head does not move":  {Head: 5},
		"reset and more":      {Head: 3, ResetToHead: true, More: true, Items: items(2)},
		"reset with bad item": {Head: 3, ResetToHead: true, Items: items(4)},
	} {
		t.Run(name, func(t *testing.T) {
			s := &store{saved: map[string]int64{"messages": 5}}
			virtual(t, func(c *client.Config) { c.Store = s }, func(e *edge) {
				p := e.welcomed(nil)
				p.send(notify(1, 9))
				asked := 0
				for end := time.Now().Add(30 * time.Minute); time.Now().Before(end); {
					f, err := p.nextWithin(time.Until(end))
					if err != nil {
						break
					}
					if r, ok := f.(*wire.Request); ok {
						asked++
						p.answer(r, answer)
					}
				}
				if asked < 2 || asked > 30 {
					t.Errorf("asked %d times", asked)
				}
				if v := e.client.Versions()["messages"]; v != 5 || len(e.events) > 0 {
					t.Errorf("version %d, %d events", v, len(e.events))
				}
				// A newer Notify has it asked again.
				p.send(notify(1, 10))
				p.answer(p.awaitSync(), &wirepb.SyncResponse{Items: items(10), Head: 10})
				p.expectAck(10)
			})
		})
	}
}

func (p *peer) nextWithin(d time.Duration) (wire.Frame, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(d))
	return p.r.Next()
}

func TestDecodeOfTheBackendsOwnBody(t *testing.T) {
	virtual(t, func(c *client.Config) {
		c.Decode = func(kind string, body []byte) (client.Page, error) {
			return client.Page{Items: []client.Item{{Version: 7, Data: body}}, Head: 7}, nil
		}
	}, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		r := p.expectSync("messages", 0)
		p.send(&wire.Response{ID: r.ID, Body: []byte("<own/>")})
		p.expectAck(7)
		if ev := e.event(); string(ev.Items[0].Data) != "<own/>" {
			t.Errorf("event %+v", ev)
		}
	})
}

// A handler that outlives its connection acknowledges on the next one.
func TestAckOnTheNextConnection(t *testing.T) {
	virtual(t, func(c *client.Config) {
		c.OnEvent = func(context.Context, client.Event) error { time.Sleep(5 * time.Minute); return nil }
	}, func(e *edge) {
		p := e.welcomed(nil)
		p.send(notify(1, 7))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		synctest.Wait()
		p.conn.(interface{ Reset() }).Reset()
		p = e.welcomed(nil)
		p.expectAck(7)
	})
}
