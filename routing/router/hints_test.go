package router

import (
	"testing"

	"github.com/hawser-edge/hawser/routing"
)

func stored(kind string, version int64) routing.Event {
	return routing.Event{Tenant: tenant, User: "u1", Kind: kind, Version: version, Sequence: uint64(version)}
}

// What the door tells of reaches sessions though the log delivers nothing, and
// whoever hears of it is answered from a log that has it.
func TestStoredEventIsHeardBeforeItsDelivery(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	c := h.connect("u1", "d1", false)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	const version = 1 << 50 // of no event in the log
	r.Stored(stored("messages", version))
	eventually(t, "the device hears", func() bool { return h.heard(c, "messages") == version })
	if log, own := r.Dispatched(tenant, "u1", "messages"); log != version || own != version {
		t.Errorf("the log is read from %d on, the user's from %d", log, own)
	}
}

// A hint that nobody takes in holds nobody up.
func TestHintsBeyondTheirQueueAreDropped(t *testing.T) {
	e := newEnv(t)
	r, err := New(Config{Name: "r1", Conn: e.nc, JS: e.js, Catalog: e.cat, Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	r.Stored(stored("messages", 1)) // not ready: nobody's table would tell
	if len(r.hints) != 0 {
		t.Error("a router that is not ready keeps hints")
	}
	r.ready.Store(true)
	r.Stored(stored("calls", 1)) // are pushed before devices are told
	low := stored("messages", 1)
	low.Urgency = routing.UrgencyLow
	r.Stored(low)
	r.Stored(stored("unknown", 1))
	if len(r.hints) != 0 {
		t.Error("hints of what is not to be told at once")
	}
	for range hintQueue + 10 {
		r.Stored(stored("messages", 1))
	}
	if len(r.hints) != hintQueue {
		t.Errorf("%d hints wait", len(r.hints))
	}
	l := &loop{r: r}
	l.forgetHints() // as after a stop
	if len(r.hints) != 0 {
		t.Errorf("%d hints are left", len(r.hints))
	}
}
