package router

import (
	"fmt"
	"testing"
)

// While push jobs cannot be stored a tenant fills its part of the room: what
// comes on top is put off, and publishers are told. It is settled in the end.
func TestCrowdedTenant(t *testing.T) {
	const users = 30
	e := newEnv(t)
	e.maxPending = 20
	stores := make(chan struct{})
	r := e.readyRouter("r1", Hooks{BeforeStore: func(Away) { <-stores }})
	h := e.edge("e1")
	for i := range users {
		h.put(fmt.Sprintf("u%d", i), "d1", fmt.Sprintf("token-%d", i))
	}
	eventually(t, "the records are known", func() bool { return r.metrics.totals.Load().records == users })
	versions := map[string]int64{}
	for i := range users {
		u := fmt.Sprintf("u%d", i)
		versions[u] = e.publish(u, "messages")
	}
	eventually(t, "events are put off", func() bool { return r.metrics.totals.Load().PutOff >= users/3 })
	if held := r.metrics.totals.Load().Held; held > 10 {
		t.Errorf("one tenant holds %d of 20", held)
	}
	if !r.Crowded(tenant) || r.Crowded("other") {
		t.Errorf("crowded: %v, another tenant: %v", r.Crowded(tenant), r.Crowded("other"))
	}
	close(stores)
	e.settled()
	for u, v := range versions {
		if got := e.job(u, "d1", "messages"); got != v {
			t.Errorf("%s has a job for %d, want %d", u, got, v)
		}
	}
	eventually(t, "the tenant is not crowded any more", func() bool { return !r.Crowded(tenant) })
}
