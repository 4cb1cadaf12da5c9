package node_test

import (
	"testing"
)

// A device that was written from the specification lives its whole life with
// a real node.
func TestDeviceFromTheSpecification(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	before := f.publish(tenantA, event("sue", "messages", "while away"))

	d, err := specDial(f.edgeAddr(whole), f.roots)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.hello(specHello{
		token: f.token(tenantA, "sue", "watch"), platform: 3, appVersion: "1.0", radio: 6,
	}))
	if d.welcome.intervalMs < 25_000 || d.welcome.edge != whole || len(d.welcome.ticket) == 0 {
		t.Errorf("welcomed with %+v", d.welcome)
	}

	n, err := d.heard()
	must(err)
	checkHeard(t, d, n, before.Version, "while away")
	f.counts(whole, `hawser_router_settled_total{reason="acked"}`, 0, func() {
		after := f.publish(tenantA, event("sue", "messages", "while here"))
		n, err := d.heard()
		must(err)
		checkHeard(t, d, n, after.Version, "while here")
	})

	interval, err := d.ping()
	must(err)
	if interval != 0 && interval < 25_000 {
		t.Errorf("the next interval is %d ms", interval)
	}
	// A type of the future is skipped, by the edge as by the device.
	must(d.send(0x3f, []byte("from a later version")))
	_, err = d.ping()
	must(err)

	code, err := d.bye(false)
	must(err)
	if code != 3508 {
		t.Errorf("Bye was answered with %d, want 3508", code)
	}
}

// checkHeard fetches what a Notify tells of and confirms it.
func checkHeard(t *testing.T, d *specDevice, n specNotify, version int64, item string) {
	t.Helper()
	if n.kind != "messages" || n.version != uint64(version) {
		t.Fatalf("notified of %+v, want messages %d", n, version)
	}
	items, err := d.sync(n.kind)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 || items[0].version != n.version || string(items[0].data) != item {
		t.Errorf("fetched %+v, want %q alone", items, item)
	}
	if err := d.ack(n.kind); err != nil {
		t.Fatal(err)
	}
}
