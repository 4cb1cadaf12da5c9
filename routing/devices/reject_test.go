package devices_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/devices"
)

// revision of the device's record as the push worker reads it.
func (e *env) revision(id devices.ID) uint64 {
	e.t.Helper()
	r, err := e.push.Record(e.ctx, id.Tenant, id.User, id.Device)
	if err != nil {
		e.t.Fatal(err)
	}
	return r.Revision
}

func (e *env) mark(id devices.ID, revision uint64, want bool) uint64 {
	e.t.Helper()
	got, err := e.push.MarkRejected(e.ctx, id.Tenant, id.User, id.Device, revision, time.Now())
	if err != nil || got != want {
		e.t.Fatalf("marked %v, %v, want %v", got, err, want)
	}
	return e.revision(id)
}

func (e *env) drop(id devices.ID, revision uint64, want bool) {
	e.t.Helper()
	got, err := e.push.DropToken(e.ctx, id.Tenant, id.User, id.Device, revision)
	if err != nil || got != want {
		e.t.Fatalf("dropped %v, %v, want %v", got, err, want)
	}
}

func TestDropTokenIsOfOneStateOfTheRecord(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(*env)
		want bool
	}{
		{"nothing happened", func(*env) {}, true},
		{"same token anew", func(e *env) { e.put(phone1, record("A", began.Add(time.Minute)), devices.Stored) }, false},
		{"same token anew, by a slow clock", func(e *env) { e.put(phone1, record("A", began.Add(-time.Hour)), devices.Stored) }, false},
		{"another token", func(e *env) { e.put(phone1, record("B", began.Add(time.Minute)), devices.Stored) }, false},
		{"logged out", func(e *env) {
			if err := e.router.Remove(e.ctx, phone1); err != nil {
				e.t.Fatal(err)
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := start(t)
			e.put(phone1, record("A", began), devices.Stored)
			marked := e.mark(phone1, e.revision(phone1), true)
			c.then(e)
			before := e.token(phone1)
			e.drop(phone1, marked, c.want)
			if c.want {
				e.want(phone1, "none")
				e.wantOwner("A", "none")
				return
			}
			e.want(phone1, before)
		})
	}
}

func TestMarkIsOfOneStateOfTheRecord(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	old := e.revision(phone1)
	e.put(phone1, record("B", began.Add(time.Minute)), devices.Stored)
	e.mark(phone1, old, false)
	e.mark(phone1, e.revision(phone1), true)
	r, err := e.push.Record(e.ctx, phone1.Tenant, phone1.User, phone1.Device)
	if err != nil || r.RejectedAt.IsZero() || r.Token != "B" {
		t.Fatalf("the record is not marked: %v, %v", r, err)
	}
	// A registration of the same token clears the mark, whatever its time.
	e.put(phone1, record("B", began), devices.Stored)
	if r, _ = e.push.Record(e.ctx, phone1.Tenant, phone1.User, phone1.Device); !r.RejectedAt.IsZero() {
		t.Error("the mark stayed")
	}
	if r.RegisteredAt.Before(began.Add(time.Minute)) {
		t.Errorf("the time of registration went back to %v", r.RegisteredAt)
	}
	e.put(phone1, record("B", began.Add(2*time.Minute)), devices.Unchanged)
}

// A device whose token was dropped registers whenever it likes: an edge's clock
// that is behind must not make it look late.
func TestRegisteringAfterADropByASlowClock(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	e.drop(phone1, e.revision(phone1), true)
	e.put(phone1, record("A", began.Add(-time.Hour)), devices.Stored)
	e.want(phone1, "A")
	e.wantOwner("A", phone1.String())
}

func TestDropWithoutRecordLeavesNothing(t *testing.T) {
	e := start(t)
	e.drop(phone1, 1, false)
	e.put(phone1, record("A", began), devices.Stored)
}

// The removal of a rejected token and a registration race, of another token
// and of the same one, by clocks that are right or behind: what was registered
// is there in the end.
func TestDropRacesRegistering(t *testing.T) {
	e := start(t)
	for i := range 120 {
		old, next := fmt.Sprintf("old%d", i), fmt.Sprintf("new%d", i)
		if i%2 == 0 {
			next = old
		}
		at := time.Now().Add(time.Second)
		if i%4 == 0 {
			at = began.Add(-time.Hour)
		}
		id := devices.ID{Tenant: "acme", User: "u1", Device: fmt.Sprintf("d%d", i)}
		e.put(id, record(old, began), devices.Stored)
		marked := e.mark(id, e.revision(id), true)
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(rand.N(2 * time.Millisecond))
			if _, err := e.push.DropToken(e.ctx, id.Tenant, id.User, id.Device, marked); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			time.Sleep(rand.N(2 * time.Millisecond))
			if _, err := e.router.Put(e.ctx, id, record(next, at)); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		e.want(id, next)
		e.wantOwner(next, id.String())
		if old != next {
			e.wantOwner(old, "none")
		}
	}
}

func TestARecordIsPrintedWithoutItsToken(t *testing.T) {
	r := devices.Record{Found: true, Token: "ab01cd"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, r); strings.Contains(s, r.Token) {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}
