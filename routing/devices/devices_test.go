package devices_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

var (
	phone1 = devices.ID{Tenant: "acme", User: "u1", Device: "d1"}
	phone2 = devices.ID{Tenant: "acme", User: "u2", Device: "d1"}
	began  = time.Now().Add(-48 * time.Hour).Truncate(time.Millisecond)
)

func TestRegistering(t *testing.T) {
	e := start(t)
	e.want(phone1, "none")
	e.put(phone1, record("A", began), devices.Stored)
	r, err := e.push.Record(e.ctx, "acme", "u1", "d1")
	if err != nil {
		t.Fatal(err)
	}
	want := devices.Record{
		Found: true, Platform: "ios", App: "com.example.app", Token: "A",
		RegisteredAt: began, Epoch: began.UnixMilli(),
	}
	if !r.RegisteredAt.Equal(want.RegisteredAt) {
		t.Errorf("registered at %v, want %v", r.RegisteredAt, want.RegisteredAt)
	}
	if r.Revision == 0 {
		t.Error("the record has no revision")
	}
	r.RegisteredAt, r.Revision = want.RegisteredAt, 0
	if r != want {
		t.Errorf("record %v with token %q since %v, want %v", r, r.Token, r.RegisteredAt, want)
	}
	e.wantOwner("A", "acme.u1.d1")
}

func TestRegisteringAgain(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	e.put(phone1, record("A", began.Add(time.Hour)), devices.Unchanged)
	e.put(phone1, record("", began.Add(time.Hour)), devices.Unchanged)
	e.want(phone1, "A")
	// A provider's "dead since" must not hit a token that came back since.
	e.put(phone1, record("A", began.Add(24*time.Hour)), devices.Stored)
	e.put(phone1, record("old", began.Add(23*time.Hour)), devices.Stale)
	e.want(phone1, "A")
	e.put(phone1, record("B", began.Add(25*time.Hour)), devices.Stored)
	e.want(phone1, "B")
	e.wantOwner("A", "none")
	e.wantOwner("B", "acme.u1.d1")
	e.wantOwner("old", "none")
}

// A phone that changed hands is not pushed for its former user.
func TestTokenChangesHands(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	e.put(phone2, record("A", began.Add(time.Minute)), devices.Stored)
	e.want(phone1, "none")
	e.want(phone2, "A")
	e.wantOwner("A", "acme.u2.d1")
	// The former user's registration arrives again, late.
	e.put(phone1, record("A", began), devices.Stale)
	e.want(phone1, "none")
	e.want(phone2, "A")
}

// A tenant vouches for whatever devices it likes: one that knows a token of
// another tenant's device must not take the device's record away with it.
func TestTokenOfAnotherTenant(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	thief := devices.ID{Tenant: "globex", User: "u1", Device: "d1"}
	e.put(thief, record("A", began.Add(time.Minute)), devices.Stored)
	e.want(phone1, "A")
	e.wantOwner("A", "acme.u1.d1")
	if err := e.router.Remove(e.ctx, thief); err != nil {
		t.Fatal(err)
	}
	e.want(phone1, "A")
	e.wantOwner("A", "acme.u1.d1")
}

// A device that changes its token again and again leaves nothing behind for
// good: the bucket is everybody's, and refuses once it is full.
func TestChangedTokensLeaveNothing(t *testing.T) {
	e := startWith(t, routing.StreamOptions{DevicesMarkerTTL: time.Second})
	for i := range 5 {
		e.put(phone1, record(fmt.Sprintf("token-%d", i), began.Add(time.Duration(i)*time.Minute)), devices.Stored)
	}
	if err := e.router.Remove(e.ctx, phone1); err != nil {
		t.Fatal(err)
	}
	for {
		status, err := e.kv.Status(e.ctx)
		if err != nil {
			t.Fatalf("keys of a removed device stay: %v", err)
		}
		if status.Values() == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	// The expired marker is no obstacle.
	e.put(phone1, record("again", time.Now()), devices.Stored)
	e.want(phone1, "again")
}

// A former owner that has another token by now keeps its record.
func TestFormerOwnerWithAnotherToken(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	e.put(phone1, record("B", began.Add(time.Minute)), devices.Stored)
	if _, err := e.kv.Put(e.ctx, routing.TokenOwnerKey("acme", "com.example.app", "A"), []byte("acme.u1.d1")); err != nil {
		t.Fatal(err)
	}
	e.put(phone2, record("A", began.Add(2*time.Minute)), devices.Stored)
	e.want(phone1, "B")
	e.want(phone2, "A")
}

// A call that died after it claimed the token is completed by the next.
func TestHalfDonePutIsCompleted(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	if _, err := e.kv.Put(e.ctx, routing.TokenOwnerKey("acme", "com.example.app", "A"), []byte("acme.u2.d1 acme.u1.d1")); err != nil {
		t.Fatal(err)
	}
	r := record("A", began.Add(time.Minute))
	b, err := proto.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.kv.Put(e.ctx, routing.DeviceKey("acme", "u2", "d1"), b); err != nil {
		t.Fatal(err)
	}
	if _, err := e.router.Put(e.ctx, phone2, r); err != nil {
		t.Fatal(err)
	}
	e.want(phone1, "none")
	e.want(phone2, "A")
	e.wantOwner("A", "acme.u2.d1")
}

func TestRemove(t *testing.T) {
	e := start(t)
	e.put(phone1, record("A", began), devices.Stored)
	if err := e.router.Remove(e.ctx, phone1); err != nil {
		t.Fatal(err)
	}
	e.want(phone1, "none")
	e.wantOwner("A", "none")
	// The registration was under way when the device logged out.
	e.put(phone1, record("A", time.Now().Add(-time.Second)), devices.Stale)
	e.want(phone1, "none")
	// Somebody logs in anew.
	e.put(phone1, record("A", time.Now().Add(time.Second)), devices.Stored)
	e.want(phone1, "A")
}

// The logout may overtake the very first registration.
func TestRemoveBeforePut(t *testing.T) {
	e := start(t)
	if err := e.router.Remove(e.ctx, phone1); err != nil {
		t.Fatal(err)
	}
	e.put(phone1, record("A", time.Now().Add(-time.Second)), devices.Stale)
	e.want(phone1, "none")
	e.wantOwner("A", "none")
}

// However many devices claim one token at once, one has it in the end, and
// the owner's key names that one.
func TestConcurrentClaims(t *testing.T) {
	e := start(t)
	const n = 8
	for round := range 5 {
		token := fmt.Sprintf("T%d", round)
		var wg sync.WaitGroup
		for _, i := range rand.Perm(n) {
			wg.Go(func() {
				id := devices.ID{Tenant: "acme", User: fmt.Sprintf("u%d", i), Device: fmt.Sprintf("r%d", round)}
				if _, err := e.router.Put(e.ctx, id, record(token, began.Add(time.Duration(i)*time.Millisecond))); err != nil && !errors.Is(err, devices.ErrContended) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var holders []string
		for i := range n {
			id := devices.ID{Tenant: "acme", User: fmt.Sprintf("u%d", i), Device: fmt.Sprintf("r%d", round)}
			if e.token(id) == token {
				holders = append(holders, id.String())
			}
		}
		if len(holders) != 1 || e.owner(token) != holders[0] {
			t.Fatalf("token %s is held by %v, its owner is %q", token, holders, e.owner(token))
		}
	}
}

func TestBadInput(t *testing.T) {
	e := start(t)
	good := func() *linkpb.DeviceRecord { return record("A", began) }
	for name, c := range map[string]struct {
		id     devices.ID
		change func(*linkpb.DeviceRecord)
	}{
		"tenant":   {devices.ID{Tenant: "a.b", User: "u", Device: "d"}, nil},
		"user":     {devices.ID{Tenant: "a", User: "*", Device: "d"}, nil},
		"device":   {devices.ID{Tenant: "a", User: "u"}, nil},
		"token":    {phone1, func(r *linkpb.DeviceRecord) { r.PushToken = strings.Repeat("x", devices.MaxToken+1) }},
		"app":      {phone1, func(r *linkpb.DeviceRecord) { r.App = strings.Repeat("x", devices.MaxApp+1) }},
		"platform": {phone1, func(r *linkpb.DeviceRecord) { r.Platform = strings.Repeat("x", 100) }},
		"time":     {phone1, func(r *linkpb.DeviceRecord) { r.RegisteredMs = 0 }},
	} {
		r := good()
		if c.change != nil {
			c.change(r)
		}
		if _, err := e.router.Put(e.ctx, c.id, r); !errors.Is(err, devices.ErrInvalid) {
			t.Errorf("bad %s: %v", name, err)
		} else if strings.Contains(err.Error(), "xxxx") {
			t.Errorf("bad %s: the error quotes it", name)
		}
	}
	if _, err := e.router.Put(e.ctx, phone1, nil); !errors.Is(err, devices.ErrInvalid) {
		t.Errorf("no record: %v", err)
	}
}
