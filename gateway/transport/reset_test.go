package transport_test

import (
	"errors"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// TestNewListenerTellsOfDeadConnections is an edge that is killed and started
// anew at its address: a device's first packet is answered with a reset.
func TestNewListenerTellsOfDeadConnections(t *testing.T) {
	server, client := newTLS(t)
	listen := func(addr string) transport.Listener {
		l, err := transport.ListenQUIC(transport.ListenConfig{Addr: addr, TLS: server, FleetKey: []byte("a secret of the fleet, 32 bytes.")})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := listen("127.0.0.1:0")
	device, _ := connect(t, first, transport.DialQUIC, client)
	defer device.CloseWithCode(0, "")
	// A killed process says nothing: its socket is gone, that is all.
	transport.KillQUIC(first)

	second := listen(first.Addr().String())
	defer second.Close()
	if _, err := device.Write(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	if err := device.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err := device.Read(make([]byte, 1))
	var reset *quic.StatelessResetError
	if !errors.As(err, &reset) {
		t.Errorf("the device read %v, want a stateless reset", err)
	}
}
