package node_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// urgent is how long a device may keep an urgent event unacknowledged; the
// fleet's messages are urgent.
const urgent = 3 * time.Second

// A device that hears and never acknowledges is pushed once its time is over,
// and keeps its connection. Nobody else waits for it.
func TestDeviceThatNeverAcknowledges(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	muteToken, tabletToken := devmode.DeviceToken("gina", "mute"), devmode.DeviceToken("gina", "tablet")
	mute, _ := f.greeted(whole, "gina", "mute", func(h *wirepb.Hello) { h.PushToken = muteToken })
	tablet := f.connect("gina", "tablet", phoneOptions{pushToken: tabletToken})
	f.waitRecords(2)

	f.counts(whole, `hawser_router_doubtful_total`, 1, func() {
		f.counts(whole, `hawser_router_settled_total{reason="pushed"}`, 1, func() {
			began := time.Now()
			version := tablet.hears("hello?")
			if n := await[*wire.Notify](mute); n.Version != version {
				t.Errorf("the mute device was notified of %d, want %d", n.Version, version)
			}
			f.waitPushed(muteToken, 1)
			if took := time.Since(began); took < urgent-100*time.Millisecond {
				t.Errorf("it was pushed after %v: it has %v to acknowledge", took, urgent)
			}
		})
	})
	if n := len(f.pushes(tabletToken)); n != 0 {
		t.Errorf("the tablet was pushed %d times though it acknowledges", n)
	}
	// Doubtful now: still notified, and pushed at once.
	version := tablet.hears("still there?")
	if n := await[*wire.Notify](mute); n.Version != version {
		t.Errorf("the mute device was notified of %d, want %d", n.Version, version)
	}
	f.waitPushed(muteToken, 2)
	// An acknowledgement makes it a device like the others again.
	mute.send(&wire.Ack{Kind: wire.Kind{Name: "messages"}, Version: version})
	mute.send(&wire.Ping{})
	await[*wire.Pong](mute)
}

// A device that asks for much and never reads is closed as too slow, and
// pushed what it did not acknowledge. Others on the edge notice nothing.
func TestDeviceThatNeverReads(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{vars: []string{
		// Above what the device asks for, so that nothing but its not reading
		// is against it.
		"HAWSER_EDGE_WRITE_TIMEOUT=3s", "HAWSER_EDGE_LIMITS_REQUESTS_PER_SECOND=200", "HAWSER_EDGE_LIMITS_MAX_REQUESTS=10000",
	}})
	healthy := f.connect("hugo", "phone", phoneOptions{})
	for i := range 16 {
		body := event("greg", "moments", string(make([]byte, 30<<10)))
		body["id"] = fmt.Sprint(i)
		f.publish(tenantA, body)
	}
	token := devmode.DeviceToken("greg", "deaf")
	deaf, _ := f.greeted(whole, "greg", "deaf", func(h *wirepb.Hello) {
		h.PushToken = token
		h.Versions = []*wirepb.KindVersion{{Kind: "moments", Version: wire.MaxVersion}}
	})
	f.waitRecords(1)
	_ = deaf.tcp.SetReadBuffer(4 << 10)

	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		deaf.askUntilRefused()
	}()
	f.counts(whole, `hawser_session_closed_total{reason="too_slow"}`, 1, func() {
		f.publish(tenantA, event("greg", "messages", "urgent"))
		f.waitPushed(token, 1)
		healthy.hears("while another does not read")
		select {
		case <-flooded:
		case <-time.After(2 * patience):
			t.Fatal("the device that does not read keeps its connection")
		}
	})
	healthy.hears("after another did not read")
	if n := healthy.connections(); n != 1 {
		t.Errorf("the healthy phone was connected %d times, want once", n)
	}
}

// askUntilRefused asks for whole pages until
// the connection ends.
func (r *raw) askUntilRefused() {
	for id := uint64(1); ; id++ {
		_ = r.conn.SetWriteDeadline(time.Now().Add(patience))
		frame := wire.Append(nil, &wire.Request{ID: id, Service: "sync", Method: "moments"})
		if _, err := r.conn.Write(frame); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond) // below the limit of frames
	}
}
