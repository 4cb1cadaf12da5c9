package wire

import "github.com/hawser-edge/hawser/gateway/wire/wirepb"

// GoAway asks the device to move, or to renew its token.
type GoAway struct {
	// Body is never nil after Parse.
	Body *wirepb.GoAway
}

// Type returns TypeGoAway.
func (*GoAway) Type() Type { return TypeGoAway }

func (f *GoAway) appendPayload(b []byte) []byte { return appendBody(b, f.Body) }

func parseGoAway(payload []byte) (Frame, error) {
	f := &GoAway{Body: &wirepb.GoAway{}}
	if err := parseBody(payload, f.Body); err != nil {
		return nil, err
	}
	return f, checkGoAway(f.Body)
}

func checkGoAway(m *wirepb.GoAway) error {
	var c checks
	c.millis("spread_ms", m.SpreadMs)
	c.millis("grace_ms", m.GraceMs)
	return c.err
}
