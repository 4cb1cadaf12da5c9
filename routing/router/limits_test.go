package router

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
)

func TestSurplus(t *testing.T) {
	device := func(name, platform string, epoch int64) held {
		return held{name: name, platform: platform, epoch: epoch}
	}
	all := []held{device("a", "ios", 1), device("b", "android", 4), device("c", "other", 2), device("d", "", 3), device("e", "ios", 4)}
	for _, tt := range []struct {
		tenant routing.Tenant
		over   string
	}{
		{routing.Tenant{}, "[]"},
		{routing.Tenant{MaxDevices: 5}, "[]"},
		{routing.Tenant{MaxDevicesPerClass: 2}, "[a]"},
		{routing.Tenant{MaxDevices: 3}, "[c a]"},
		{routing.Tenant{MaxDevices: 1}, "[b d c a]"}, // of one epoch the greater name
		{routing.Tenant{MaxDevicesPerClass: 1}, "[b c a]"},
		{routing.Tenant{MaxDevices: 1, MaxDevicesPerClass: 1}, "[b d c a]"},
	} {
		names := []string{}
		for _, h := range surplus(tt.tenant, all) {
			names = append(names, h.name)
		}
		if fmt.Sprint(names) != tt.over {
			t.Errorf("%d devices, %d a class: %v are too many, want %s", tt.tenant.MaxDevices, tt.tenant.MaxDevicesPerClass, names, tt.over)
		}
		slices.Reverse(all) // the order in which they are heard of does not matter
	}
}

// limiting is an env whose tenant allows that many devices.
func limiting(t *testing.T, change func(*routing.Tenant)) *env {
	e := newEnv(t)
	one := routing.Tenant{Name: tenant, Kinds: map[string]routing.Kind{"messages": {}}}
	change(&one)
	var err error
	if e.cat, err = routing.NewCatalog([]routing.Tenant{one}); err != nil {
		t.Fatal(err)
	}
	return e
}

// The device that connected longest ago goes, with its record, whatever edge
// it is on; so does one that is away.
func TestMaxDevices(t *testing.T) {
	e := limiting(t, func(t *routing.Tenant) { t.MaxDevices = 2 })
	r1 := e.readyRouter("r1", Hooks{})
	r2 := e.readyRouter("r2", Hooks{})
	one, two := e.edge("e1"), e.edge("e2")
	phone := one.connect("u1", "phone", false)
	one.put("u1", "phone", "token-1", r1, r2)
	tablet := two.connect("u1", "tablet", false)
	two.put("u1", "tablet", "token-2", r1, r2)
	other := one.connect("u2", "phone", false)
	one.connect("u1", "watch", false)
	eventually(t, "the first one's session ends", func() bool { return one.wasCut(phone) })
	eventually(t, "and its record goes", func() bool { return !e.present("u1", "phone") })
	if two.wasCut(tablet) || one.wasCut(other) || !e.present("u1", "tablet") {
		t.Error("others went too")
	}
	two.disconnect(tablet)
	one.connect("u1", "phone", false)
	eventually(t, "the record of the one that is away goes", func() bool { return !e.present("u1", "tablet") })
}

// A record tells when its push token was stored, which may be long ago. Its
// device is not the one to go while it is connected.
func TestConnectedDeviceKeepsItsOldRecord(t *testing.T) {
	e := limiting(t, func(t *routing.Tenant) { t.MaxDevices = 2 })
	r1 := e.readyRouter("r1", Hooks{})
	r2 := e.readyRouter("r2", Hooks{})
	one := e.edge("e1")
	one.put("u1", "phone", "token-1", r1, r2)
	one.put("u1", "tablet", "token-2", r1, r2)
	phone := one.connect("u1", "phone", false)
	for _, r := range []*running{r1, r2} {
		eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	}
	one.put("u1", "watch", "token-3")
	eventually(t, "the record of the one that is away goes", func() bool { return !e.present("u1", "tablet") })
	if one.wasCut(phone) || !e.present("u1", "phone") || !e.present("u1", "watch") {
		t.Error("others went too")
	}
}

// connectOf connects a device that says its platform.
func (h *hub) connectOf(user, device, platform string) uint64 {
	h.mu.Lock()
	h.next++
	s := &session{Session: edgelink.Session{Conn: h.next, Tenant: tenant, User: user, Device: device, Epoch: time.Now().UnixMilli(), Platform: platform},
		acked: map[string]int64{}, notified: map[string]int64{}}
	h.sessions[s.Conn] = s
	h.mu.Unlock()
	h.Register(s.Session)
	time.Sleep(5 * time.Millisecond) // an epoch of its own
	return s.Conn
}

func TestOneDevicePerClass(t *testing.T) {
	e := limiting(t, func(t *routing.Tenant) { t.MaxDevicesPerClass = 1 })
	e.readyRouter("r1", Hooks{})
	e.readyRouter("r2", Hooks{})
	one, two := e.edge("e1"), e.edge("e2")
	connect := func(h *hub, device, platform string) uint64 { return h.connectOf("u1", device, platform) }
	ios := connect(one, "iphone", "ios")
	desktop := connect(one, "desktop", "other")
	android := connect(two, "android", "android")
	eventually(t, "the older phone goes", func() bool { return one.wasCut(ios) })
	if one.wasCut(desktop) || two.wasCut(android) {
		t.Error("others went too")
	}
	connect(two, "browser", "other")
	eventually(t, "the older desktop goes", func() bool { return one.wasCut(desktop) })
}

// A router that starts learns of sessions from dumps, and of records from the
// bucket.
func TestLimitsOfARouterThatStarts(t *testing.T) {
	e := limiting(t, func(t *routing.Tenant) { t.MaxDevicesPerClass = 1 })
	r1 := e.readyRouter("r1", Hooks{})
	one := e.edge("e1")
	phone := one.connectOf("u1", "phone", "ios")
	desktop := one.connectOf("u1", "desktop", "other")
	one.put("u1", "phone", "token-1", r1)
	e.readyRouter("r2", Hooks{})
	time.Sleep(300 * time.Millisecond) // what it asks for reaches the edge by then
	if one.wasCut(phone) || one.wasCut(desktop) || !e.present("u1", "phone") {
		t.Error("devices of two classes were taken for too many of one")
	}
}
