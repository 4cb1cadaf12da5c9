package session

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func TestNotifyAndAck(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		hub := e.srv.Hub()
		d := e.connect(nil)
		if got, want := hub.Notify(1, "r1", "messages", 7, 6), (Answer{1, "messages", InFlight, 0, 7, false, 0}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if v := d.expectNotify("messages"); v != 7 {
			t.Errorf("version %d", v)
		}
		// The same again: an answer, no second frame.
		if got := hub.Notify(1, "r2", "messages", 7, 6); got.State != InFlight {
			t.Errorf("repeated: %+v", got)
		}
		d.silent(time.Second)
		d.ack("messages", 7)
		want := []reply{{"r1", Answer{1, "messages", Acked, 7, 7, false, 0}}, {"r2", Answer{1, "messages", Acked, 7, 7, false, 0}}}
		if got := e.registry.takeAnswers(); !slices.Equal(got, want) {
			t.Errorf("answers %+v, want %+v", got, want)
		}
		if got, want := hub.Notify(1, "r1", "messages", 5, 0), (Answer{1, "messages", Acked, 7, 5, false, 0}); got != want {
			t.Errorf("after the ack: %+v, want %+v", got, want)
		}
		if got, want := hub.Notify(99, "r1", "messages", 5, 0), (Answer{99, "messages", Gone, 0, 5, false, 0}); got != want {
			t.Errorf("no session: %+v, want %+v", got, want)
		}
	})
}

// An ack below the newest notify tells how far the device is and keeps the
// router waiting.
func TestPartialAck(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		e.srv.Hub().Notify(1, "r1", "messages", 5, 0)
		e.srv.Hub().Notify(1, "r1", "messages", 9, 8)
		synctest.Wait()
		d.ack("messages", 6)
		d.ack("messages", 9)
		want := []reply{{"r1", Answer{1, "messages", InFlight, 6, 9, false, 0}}, {"r1", Answer{1, "messages", Acked, 9, 9, false, 0}}}
		if got := e.registry.takeAnswers(); !slices.Equal(got, want) {
			t.Errorf("answers %+v, want %+v", got, want)
		}
	})
}

// A session that ends tells whoever waits for it.
func TestGoneIsAnswered(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		e.srv.Hub().Notify(1, "r1", "messages", 5, 0)
		synctest.Wait()
		_ = d.conn.CloseWithCode(0, "")
		synctest.Wait()
		want := []reply{{"r1", Answer{1, "messages", Gone, 0, 5, false, 0}}}
		if got := e.registry.takeAnswers(); !slices.Equal(got, want) {
			t.Errorf("answers %+v, want %+v", got, want)
		}
		if got := e.srv.Hub().Notify(1, "r1", "messages", 6, 5); got.State != Gone {
			t.Errorf("after the end: %+v", got)
		}
	})
}

// A device that does not read gets, once it does, the newest version of each
// kind and never an older one after it; routers are answered at once all the
// while.
func TestSlowReaderCollapses(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		e.block(d)
		start := time.Now()
		for v := int64(1); v <= 1000; v++ {
			if a := e.srv.Hub().Notify(1, "r1", "messages", v, v-1); a.State != InFlight {
				t.Fatalf("notify %d: %+v", v, a)
			}
			synctest.Wait()
		}
		if time.Since(start) != 0 {
			t.Error("Notify waited for the device")
		}
		d.conn.BlockReads(false)
		var seen []int64
		for last := int64(0); last != 1000; {
			v := d.expectNotifyAfterFiller("messages")
			if v <= last {
				t.Fatalf("%d after %d", v, last)
			}
			last = v
			seen = append(seen, v)
		}
		if len(seen) > 3 {
			t.Errorf("%d notifies were written to a blocked device: %v", len(seen), seen)
		}
		if e.counter("notifies_collapsed_total") < 990 {
			t.Errorf("collapsed %v", e.counter("notifies_collapsed_total"))
		}
	})
}

// block fills the way to the device: by responses that it does not read, until
// the writer hangs.
func (e *edge) block(d *device) {
	e.t.Helper()
	d.conn.BlockReads(true)
	d.send(&wire.Request{ID: 1, Service: "a", Method: "b", Body: make([]byte, 60_000)})
	synctest.Wait()
}

func (d *device) expectNotifyAfterFiller(kind string) int64 {
	d.t.Helper()
	for {
		switch f := d.next().(type) {
		case *wire.Response:
		case *wire.Notify:
			if name, err := wire.Kinds(d.welcome.Kinds).Name(f.Kind); err != nil || name != kind {
				d.t.Fatalf("a Notify of %q, %v", name, err)
			}
			return f.Version
		default:
			d.t.Fatalf("unexpected %s", f.Type())
		}
	}
}

// A device that never reads is closed, and its blocked socket holds up nobody
// else.
func TestTooSlow(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		slow := e.connect(nil)
		e.block(slow)
		other := e.connect(func(h *wirepb.Hello) { h.Token = testToken("tablet", time.Hour) })
		start := time.Now()
		e.srv.Hub().Notify(1, "r1", "messages", 1, 0)
		e.srv.Hub().Notify(2, "r1", "messages", 1, 0)
		if other.expectNotify("messages") != 1 || time.Since(start) != 0 {
			t.Error("a blocked session held up another")
		}
		time.Sleep(20*time.Second + time.Millisecond)
		synctest.Wait()
		if e.counter("closed_total", "too_slow") != 1 || e.srv.Hub().Count() != 1 {
			t.Error("the device that does not read is still there")
		}
	})
}

// Notifies that nobody acknowledges are answered all the same, and take no
// more memory for it.
func TestNeverAcks(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		go func() {
			for {
				if _, err := d.reader.Next(); err != nil {
					return
				}
			}
		}()
		for i := range 100 {
			router := fmt.Sprint("r", i)
			if a := e.srv.Hub().Notify(1, router, "messages", int64(i+1), 0); a.State != InFlight || a.Acked != 0 {
				t.Fatalf("%+v", a)
			}
		}
		s := e.srv.hub.find(1)
		s.lock()
		asks, states := len(s.states[0].asks), len(s.states)
		s.unlock()
		if asks != maxAsks || states != 1 {
			t.Errorf("%d routers remembered in %d kinds", asks, states)
		}
		if got := e.counter("asks_dropped_total"); got != 100-maxAsks {
			t.Errorf("%v dropped, want %d", got, 100-maxAsks)
		}
	})
}

// The kinds that routers and devices name take bounded memory.
func TestKindsAreBounded(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.connect(nil)
		gone := 0
		for i := range 1000 {
			if e.srv.Hub().Notify(1, "r1", fmt.Sprint("kind", i), 1, 0).State == Gone {
				gone++
			}
		}
		if gone != 1000-2*wire.MaxKinds {
			t.Errorf("%d of 1000 refused", gone)
		}
		for _, version := range []int64{0, -1, wire.MaxVersion + 1} {
			if got := e.srv.Hub().Notify(1, "r1", "messages", version, 0).State; got != Gone {
				t.Errorf("version %d: %v", version, got)
			}
		}
	})
}

func TestHeads(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(func(h *wirepb.Hello) {
			h.Versions = []*wirepb.KindVersion{{Kind: "messages", Version: 10}, {Kind: "made_up", Version: 3}}
		})
		hub := e.srv.Hub()
		hub.Heads(1, []Head{{"messages", 10}, {"contacts", 4}})
		if v := d.expectNotify("contacts"); v != 4 {
			t.Errorf("contacts %d", v)
		}
		d.silent(time.Second)
		hub.Heads(1, []Head{{"messages", 10}, {"contacts", 4}})
		d.silent(time.Second)
		if a := hub.Notify(1, "r1", "messages", 10, 9); a.State != Acked || a.Acked != 10 {
			t.Errorf("what Hello said does not count: %+v", a)
		}
		hub.Heads(1, []Head{{"messages", 12}})
		if v := d.expectNotify("messages"); v != 12 {
			t.Errorf("messages %d", v)
		}
		hub.Heads(99, []Head{{"messages", 12}})
	})
}

// A router that waits hears from heads that prove what the device claimed.
func TestHeadsAnswerRouters(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		e.connect(func(h *wirepb.Hello) {
			h.Versions = []*wirepb.KindVersion{{Kind: "messages", Version: 10}}
		})
		if a := e.srv.Hub().Notify(1, "r1", "messages", 9, 0); a.State != InFlight {
			t.Errorf("what Hello said counts before the heads: %+v", a)
		}
		e.srv.Hub().Heads(1, []Head{{"messages", 10}})
		want := []reply{{"r1", Answer{1, "messages", Acked, 10, 9, false, 0}}}
		if got := e.registry.takeAnswers(); !slices.Equal(got, want) {
			t.Errorf("answers %+v, want %+v", got, want)
		}
	})
}

// A device that is ahead of the head is told the head, so that its sync can
// set it back, and hears everything after that.
func TestAheadOfTheHead(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(func(h *wirepb.Hello) {
			h.Versions = []*wirepb.KindVersion{{Kind: "messages", Version: 1000}}
		})
		hub := e.srv.Hub()
		// The log was restored to an older state; its next event comes before
		// the heads do. Were it taken for known, a device that goes now would
		// neither have heard of it nor be pushed.
		if a := hub.Notify(1, "r1", "messages", 5, 4); a.State != InFlight || a.Acked != 0 {
			t.Errorf("acknowledged by what Hello said: %+v", a)
		}
		hub.Heads(1, []Head{{"messages", 5}})
		if v := d.expectNotify("messages"); v != 5 {
			t.Errorf("told %d", v)
		}
		if a := hub.Notify(1, "r1", "messages", 6, 5); a.State != InFlight {
			t.Errorf("swallowed: %+v", a)
		}
		if v := d.expectNotify("messages"); v != 6 {
			t.Errorf("told %d", v)
		}
	})
}

// Whatever a device says it has, no router hears a number that no router
// named, and after claimFor the device hears of news again.
func TestHostileAck(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		hub := e.srv.Hub()
		hub.Notify(1, "r1", "messages", 5, 4)
		synctest.Wait()
		for range 10 {
			d.ack("messages", wire.MaxVersion)
		}
		for _, r := range e.registry.takeAnswers() {
			if r.answer.Acked > 5 {
				t.Errorf("a made-up version reached a router: %+v", r)
			}
		}
		for range 5 { // saying it again does not prolong it
			time.Sleep(claimFor / 5)
			d.send(&wire.Ping{Versions: []wire.KindVersion{{Kind: wire.Kind{Name: "messages"}, Version: wire.MaxVersion}}})
			synctest.Wait()
		}
		if a := hub.Notify(1, "r1", "messages", 6, 5); a.State != InFlight || a.Acked != 5 {
			t.Errorf("%+v, want in flight with 5 acknowledged", a)
		}
	})
}

// An ack that overtakes the notify, as after a sync that brought more, spares
// the frame.
func TestAckAheadOfNotify(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		e.srv.Hub().Notify(1, "r1", "messages", 5, 4)
		d.expectNotify("messages")
		d.ack("messages", 7)
		if a := e.srv.Hub().Notify(1, "r1", "messages", 6, 5); a.State != Acked || a.Acked != 6 {
			t.Errorf("%+v", a)
		}
		d.silent(time.Second)
		if a := e.srv.Hub().Notify(1, "r1", "messages", 8, 7); a.State != InFlight || a.Acked != 7 {
			t.Errorf("%+v", a)
		}
	})
}

// What the device has by the time its socket takes more is not written.
func TestAckBeforeTheWrite(t *testing.T) {
	k := kindState{name: "messages"}
	k.notify(time.Hour, 5, 4)
	if !k.pending {
		t.Fatal("nothing to write")
	}
	if k.ack(time.Hour, 4); !k.pending {
		t.Error("dropped though the device lacks it")
	}
	if k.ack(time.Hour, 5); k.pending {
		t.Error("written though the device has it")
	}
}

// A device whose sync failed while the edge was cut off is told once more after
// that, with the first repeat of a router or the heads, and only once, whoever
// told it first: of heads no router asks, and a session is quiet behind them.
func TestToldAgainAfterAnOutage(t *testing.T) {
	failing := func(c *Config) {
		c.Relay = relayFunc(func(context.Context, Call) ([]byte, error) { return nil, context.DeadlineExceeded })
	}
	byRouter := func(h *Hub) { h.Notify(1, "r1", "messages", 5, 4) }
	byHeads := func(h *Hub) { h.Heads(1, []Head{{Kind: "messages", Version: 5}}) }
	for name, c := range map[string]struct{ first, again func(*Hub) }{
		"by a router": {byRouter, byRouter},
		"by heads":    {byRouter, byHeads},
		"heads first": {byHeads, byHeads},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, failing, func(e *edge) {
				d, hub, again := e.connect(nil), e.srv.Hub(), c.again
				c.first(hub)
				d.expectNotify("messages")
				hub.Back() // one before the failure does not count
				d.send(&wire.Request{ID: 1, Service: "sync", Method: "messages"})
				if r := d.response(); r.Status != wire.StatusDeadline {
					t.Fatalf("%+v", r)
				}
				again(hub)
				d.silent(2 * recordEvery) // by then the session is quiet
				again(hub)
				hub.Back()
				again(hub)
				if v := d.expectNotify("messages"); v != 5 {
					t.Errorf("told %d", v)
				}
				again(hub)
				d.silent(time.Second)
			})
		})
	}
}
