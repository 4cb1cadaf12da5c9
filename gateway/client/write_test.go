package client

import (
	"testing"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// On QUIC a beat makes a packet that is long enough for an edge which knows
// nothing of the connection to say so; the test of dead connections in package
// transport writes the same.
func TestBeatsAreAnsweredByStrangers(t *testing.T) {
	for kind, want := range map[transport.Kind]int{transport.TCP: 2, transport.QUIC: 5} {
		o := newOutbox(kind)
		o.put(&wire.Ping{})
		if got := o.take(); len(got) != want {
			t.Errorf("over %s a beat is %x, want %d bytes", kind, got, want)
		}
	}
}
