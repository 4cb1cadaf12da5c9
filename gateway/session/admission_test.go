package session

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// paced is an edge that lets ten devices in a second.
func paced(t *testing.T) func(*Config) {
	return func(c *Config) {
		gate, err := admission.NewGate(admission.GateConfig{FleetKey: c.TicketKey, PerSecond: 10})
		if err != nil {
			t.Fatal(err)
		}
		c.Admission = gate
	}
}

// say says Hello and returns the edge's answer.
func (e *edge) say(hello *wirepb.Hello) wire.Frame {
	e.t.Helper()
	d := e.dial()
	d.send(&wire.Hello{Body: hello})
	return d.next()
}

// Many devices come at once: those for whom there is no room are told when to
// come back, before their token is looked at, and are let in then, also by an
// edge at which others crowd.
func TestSlots(t *testing.T) {
	inBubble(t, paced(t), func(e *edge) {
		hellos, waits := map[string]*wirepb.Hello{}, map[string]time.Duration{}
		for i := range 50 {
			name := fmt.Sprint("phone-", i)
			hello := &wirepb.Hello{Token: testToken(name, time.Hour)}
			switch f := e.say(hello).(type) {
			case *wire.Welcome:
			case *wire.Close:
				if f.Code != wire.CloseBusy || f.ComeBack == nil {
					t.Fatalf("closed with %v", f)
				}
				hello.Slot = f.ComeBack.Slot
				hellos[name], waits[name] = hello, time.Duration(f.ComeBack.WaitMs)*time.Millisecond
			}
		}
		if len(hellos) != 45 {
			t.Fatalf("%d were sent away", len(hellos))
		}
		if forged, ok := e.say(&wirepb.Hello{Token: testToken("forged", time.Hour) + "/forged"}).(*wire.Close); !ok || forged.Code != wire.CloseBusy {
			t.Errorf("a forged token was looked at: %v", forged)
		}
		start := time.Now()
		for i := range 50 {
			name := fmt.Sprint("phone-", i)
			hello := hellos[name]
			if hello == nil {
				continue
			}
			time.Sleep(waits[name] - time.Since(start))
			if w, ok := e.say(hello).(*wire.Welcome); !ok {
				t.Errorf("%s came at its slot after %v and got %v", name, waits[name], w)
			}
			// A crowd takes nobody's place.
			e.say(&wirepb.Hello{Token: testToken(name+"-twin", time.Hour)})
		}
		if n := e.counter("refused_total", "busy"); n < 45+1+30 {
			t.Errorf("%v were refused", n)
		}
		stolen := hellos["phone-7"].Slot
		if c, ok := e.say(&wirepb.Hello{Token: testToken("thief", time.Hour), Slot: stolen}).(*wire.Close); !ok || bytes.Equal(c.ComeBack.GetSlot(), stolen) {
			t.Errorf("with another's slot one gets %v", c)
		}
	})
}

// A token that has expired lets nobody in, and costs nobody his slot: a device
// that waits for its slot while its token ends is told to get another one, and
// comes in with that.
func TestSlotOutlivesToken(t *testing.T) {
	inBubble(t, paced(t), func(e *edge) {
		crowd := func() (last *wire.Close) {
			for i := range 10 {
				last, _ = e.say(&wirepb.Hello{Token: testToken(fmt.Sprint("crowd-", i), time.Hour)}).(*wire.Close)
			}
			return last
		}
		if crowd() == nil {
			t.Fatal("there is room for all")
		}
		hello := &wirepb.Hello{Token: testToken("phone", time.Second)}
		sent, ok := e.say(hello).(*wire.Close)
		if !ok || sent.ComeBack == nil {
			t.Fatalf("got %v", sent)
		}
		hello.Slot = sent.ComeBack.Slot
		time.Sleep(time.Duration(sent.ComeBack.WaitMs)*time.Millisecond + time.Minute)
		crowd()
		if c, ok := e.say(hello).(*wire.Close); !ok || c.Code != wire.CloseTokenExpired {
			t.Fatalf("with a token that has expired one gets %v", c)
		}
		hello.Token = testToken("phone", time.Hour)
		if f := e.say(hello); f.Type() != wire.TypeWelcome {
			t.Errorf("with a new token and the slot one gets %v", f)
		}
	})
}

// An edge without room says so whatever the rate.
func TestNoRoom(t *testing.T) {
	full := func(kind transport.Kind) bool { return kind == transport.Mem }
	inBubble(t, func(c *Config) { paced(t)(c); c.Full = full }, func(e *edge) {
		c, ok := e.say(&wirepb.Hello{Token: testToken("phone", time.Hour)}).(*wire.Close)
		if !ok || c.Code != wire.CloseBusy || c.ComeBack.GetWaitMs() < 10_000 {
			t.Errorf("got %v", c)
		}
	})
	inBubble(t, func(c *Config) { c.Full = full }, func(e *edge) {
		if c, ok := e.say(&wirepb.Hello{Token: testToken("phone", time.Hour)}).(*wire.Close); !ok || c.Code != wire.CloseBusy || c.ComeBack != nil {
			t.Errorf("got %v", c)
		}
	})
}

// Where many do not say Hello, each has less time for it.
func TestLessTimeInACrowd(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.MaxUnidentified = 4 }, func(e *edge) {
		start := time.Now()
		for _, want := range []time.Duration{10 * time.Second, 10 * time.Second, 2 * time.Second} {
			d := e.dial()
			synctest.Wait()
			if want == 2*time.Second {
				d.closed(wire.CloseHelloTimeout)
				if took := time.Since(start); took != want {
					t.Errorf("closed after %v", took)
				}
			}
		}
	})
}
