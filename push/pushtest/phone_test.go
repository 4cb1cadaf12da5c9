package pushtest

import (
	"fmt"
	"testing"
	"time"
)

// told is a notification of a version, under an id and with what it replaces.
func told(id, replaces string, version int) Notification {
	return Notification{
		Token: "t", App: "a", ID: id, Collapse: replaces, Tag: replaces, replaces: replaces, Title: "New message",
		Hawser: fmt.Appendf(nil, `{"v":1,"user":"u","kind":"k","version":"%d"}`, version),
	}
}

func TestWhatAUserSees(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(*phones)
		want Seen
		show int
	}{
		{"a newer one takes its place", func(ps *phones) {
			ps.deliver(told("1", "c", 1))
			ps.deliver(told("2", "c", 2))
		}, Seen{Alerts: 2}, 1},
		{"the same one in its place", func(ps *phones) {
			ps.deliver(told("1", "c", 1))
			ps.deliver(told("1", "c", 1))
		}, Seen{Alerts: 2, Replaced: 1}, 1},
		{"the same one beside it", func(ps *phones) {
			ps.deliver(told("1", "", 1))
			ps.deliver(told("1", "", 1))
		}, Seen{Alerts: 2, Stacked: 1}, 2},
		{"the same content under another id", func(ps *phones) {
			ps.deliver(told("1", "", 1))
			ps.deliver(told("2", "", 1))
		}, Seen{Alerts: 2, Stacked: 1}, 2},
		{"the same one after it was cleared away", func(ps *phones) {
			ps.deliver(told("1", "c", 1))
			ps.Clear("t")
			ps.deliver(told("1", "c", 1))
		}, Seen{Alerts: 2, Reappeared: 1}, 1},
		{"the same one after a newer one took its place", func(ps *phones) {
			ps.deliver(told("1", "c", 1))
			ps.deliver(told("2", "c", 2))
			ps.deliver(told("1", "c", 1))
		}, Seen{Alerts: 3, Reappeared: 1, Backwards: 1}, 1},
		{"one that shows nothing", func(ps *phones) {
			n := told("1", "", 1)
			n.Background = true
			ps.deliver(n)
		}, Seen{Background: 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ps := newPhones(apnsStore)
			c.play(ps)
			if got := ps.Seen("t"); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if n := len(ps.Shown("t")); n != c.show {
				t.Errorf("shows %d, want %d", n, c.show)
			}
		})
	}
}

func TestAPNsStoresOneForAnOfflineDevice(t *testing.T) {
	ps := newPhones(apnsStore)
	ps.SetOnline("t", false)
	old, once := told("3", "", 3), told("4", "", 4)
	once.Expiration = "0"
	ps.deliver(told("1", "", 1))
	ps.deliver(told("2", "", 2))
	ps.deliver(once)
	if n := len(ps.Shown("t")); n != 0 {
		t.Errorf("shows %d while it is offline", n)
	}
	ps.SetOnline("t", true)
	if got, want := ps.Seen(""), (Seen{Alerts: 1, Superseded: 1, Discarded: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	ps.SetOnline("t", false)
	old.expires = time.Now().Add(-time.Second)
	ps.deliver(old)
	ps.SetOnline("t", true)
	if got := ps.Seen("t"); got.Expired != 1 || got.Alerts != 1 {
		t.Errorf("%+v", got)
	}
}

func TestFCMStoresForAnOfflineDevice(t *testing.T) {
	data := func(i int) Notification {
		n := told(fmt.Sprint(i), "", i+1)
		n.Background = true
		return n
	}
	ps := newPhones(fcmStore)
	ps.SetOnline("t", false)
	for i := range fcmStored {
		ps.deliver(data(i))
	}
	once := data(1000)
	once.Expiration = "0s"
	ps.deliver(once)
	for i := range 6 { // four keys are kept
		ps.deliver(told(fmt.Sprint("c", i), fmt.Sprint("key", i%5), 1000+i))
	}
	ps.SetOnline("t", true)
	if got, want := ps.Seen("t"), (Seen{Alerts: 4, Background: fcmStored, Discarded: 1, Overflowed: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	ps.SetOnline("t", false)
	for i := range fcmStored + 1 { // one more discards them all
		ps.deliver(data(i))
	}
	ps.SetOnline("t", true)
	if got := ps.Seen("t"); got.Background != fcmStored+1 || got.Overflowed != fcmStored+2 {
		t.Errorf("%+v", got)
	}
}

// The devices behind both services are reached over the wire.
func TestNotificationsReachThePhones(t *testing.T) {
	a := newAPNs(t, APNsOptions{})
	c := httpClient(t, a.server)
	a.SetOnline("aabb", false)
	do(t, c, a.request(t, "aabb", goodBody))
	if n := len(a.Shown("aabb")); n != 0 || a.Count() != 1 {
		t.Errorf("shows %d of %d", n, a.Count())
	}
	a.SetOnline("aabb", true)
	do(t, c, a.request(t, "aabb", goodBody))
	if got, want := a.Seen("aabb"), (Seen{Alerts: 2, Replaced: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
