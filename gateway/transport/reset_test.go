package transport_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// TestNewListenerTellsOfDeadConnections is an edge that is killed and started
// anew at its address, with fewer workers at that: a device's first packet is
// answered with a reset.
func TestNewListenerTellsOfDeadConnections(t *testing.T) {
	const devices = 12
	server, client := newTLS(t)
	listen := func(addr string, workers int) transport.Listener {
		l, err := transport.ListenQUIC(transport.ListenConfig{
			Addr: addr, TLS: server, FleetKey: fleetKey, Node: "edge-1", Workers: workers,
		})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := listen("127.0.0.1:0", 4)
	var there []transport.Conn
	for range devices {
		device, edge := connect(t, first, transport.DialQUIC, client)
		idle(t, device, edge)
		there = append(there, device)
	}
	// A killed process says nothing: its sockets are gone, that is all.
	transport.KillQUIC(first)

	second := listen(first.Addr().String(), 3)
	defer second.Close()
	beat := wire.AppendWide(nil, &wire.Ping{}) // the least that a device sends
	for n, device := range there {
		start := time.Now()
		// It may know already: an acknowledgement was on its way.
		_, err := device.Write(beat)
		if err == nil {
			_ = device.SetReadDeadline(time.Now().Add(time.Minute))
			_, err = device.Read(make([]byte, 1))
		}
		var reset *quic.StatelessResetError
		if !errors.As(err, &reset) {
			t.Errorf("device %d read %v, want a stateless reset", n, err)
		}
		t.Logf("device %d knows after %v", n, time.Since(start))
	}
}

// idle has both sides say what they say at the beginning of a connection, so
// that nothing of it is left to be sent with the first beat.
func idle(t *testing.T, device, edge transport.Conn) {
	t.Helper()
	buf := make([]byte, 500)
	for range 20 { // the search for the path's greatest packet ends meanwhile
		for from, to := range map[transport.Conn]transport.Conn{device: edge, edge: device} {
			if _, err := from.Write(buf); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(to, buf); err != nil {
				t.Fatal(err)
			}
		}
	}
}
