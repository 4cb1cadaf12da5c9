package router

import (
	"testing"
)

// What the door tells of reaches sessions though the log delivers nothing, and
// whoever hears of it is answered from a log that has it.
func TestStoredEventIsHeardBeforeItsDelivery(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	c := h.connect("u1", "d1", false)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	const version = 1 << 50 // of no event in the log
	r.Stored(tenant, "u1", "messages", version, version)
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
	r.Stored(tenant, "u1", "messages", 1, 1) // not ready: nobody's table would tell
	if len(r.hints) != 0 {
		t.Error("a router that is not ready keeps hints")
	}
	r.ready.Store(true)
	for range hintQueue + 10 {
		r.Stored(tenant, "u1", "messages", 1, 1)
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
