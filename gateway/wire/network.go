package wire

import "github.com/hawser-edge/hawser/gateway/wire/wirepb"

// Network tells the edge that the device's network changed.
type Network struct {
	// Body is never nil after Parse.
	Body *wirepb.Network
}

// Type returns TypeNetwork.
func (*Network) Type() Type { return TypeNetwork }

func (f *Network) appendPayload(b []byte) []byte { return appendBody(b, f.Body) }

func parseNetwork(payload []byte) (Frame, error) {
	f := &Network{Body: &wirepb.Network{}}
	if err := parseBody(payload, f.Body); err != nil {
		return nil, err
	}
	return f, checkNetwork(f.Body)
}

// maxNetworkID is the greatest length of a network's hash, in bytes.
const maxNetworkID = 32

func checkNetwork(m *wirepb.Network) error {
	var c checks
	c.network(m)
	return c.err
}

func (c *checks) network(m *wirepb.Network) {
	c.length("id_hash", len(m.GetIdHash()), maxNetworkID)
}
