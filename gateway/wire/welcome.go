package wire

import "github.com/hawser-edge/hawser/gateway/wire/wirepb"

// Welcome answers an accepted Hello.
type Welcome struct {
	// Body is never nil after Parse.
	Body *wirepb.Welcome
}

// Type returns TypeWelcome.
func (*Welcome) Type() Type { return TypeWelcome }

func (f *Welcome) appendPayload(b []byte) []byte { return appendBody(b, f.Body) }

func parseWelcome(payload []byte) (Frame, error) {
	f := &Welcome{Body: &wirepb.Welcome{}}
	if err := parseBody(payload, f.Body); err != nil {
		return nil, err
	}
	return f, checkWelcome(f.Body)
}

func checkWelcome(m *wirepb.Welcome) error {
	var c checks
	if m.Epoch < 1 || m.Epoch > MaxVersion {
		c.fail("epoch is out of range", nil)
	}
	c.millis("interval_ms", m.IntervalMs)
	c.millis("reconnect_spread_ms", m.ReconnectSpreadMs)
	c.length("resume_ticket", len(m.ResumeTicket), maxTicket)
	c.count("kinds", len(m.Kinds), MaxKinds)
	for _, kind := range m.Kinds {
		c.id("kind", kind)
	}
	if l := m.Limits; l != nil {
		c.notNegative("max_frame_bytes", l.MaxFrameBytes)
		c.notNegative("max_requests", l.MaxRequests)
		c.notNegative("requests_per_s", l.RequestsPerS)
	}
	return c.err
}
