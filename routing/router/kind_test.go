package router

import (
	"testing"

	"github.com/hawser-edge/hawser/routing"
)

// TestANewKindWaitsForARouterThatKnowsIt is a fleet in the middle of a
// deployment: the router that does not know the kind must not decide that its
// events are not to be pushed.
func TestANewKindWaitsForARouterThatKnowsIt(t *testing.T) {
	e := newEnv(t)
	known := e.cat
	old, err := routing.NewCatalog([]routing.Tenant{{Name: tenant, Kinds: map[string]routing.Kind{"contacts": {}}}})
	if err != nil {
		t.Fatal(err)
	}
	e.cat = old
	r1 := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.put("u1", "d1", "token-1", r1)
	v := e.publish("u1", "messages")
	// The consumer counts a moment after the publication was answered. An event
	// that the router settled is not pushed below.
	eventually(t, "the event of a kind that the router does not know waits", func() bool { return e.open() == 1 })
	e.cat = known
	e.readyRouter("r2", Hooks{})
	eventually(t, "the device is pushed", func() bool { return e.job("u1", "d1", "messages") == v })
	e.settled()
}
