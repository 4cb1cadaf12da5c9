package wire

import "github.com/hawser-edge/hawser/gateway/wire/wirepb"

// Hello is a device's first frame.
type Hello struct {
	// Body is never nil after Parse.
	Body *wirepb.Hello
}

// Type returns TypeHello.
func (*Hello) Type() Type { return TypeHello }

func (f *Hello) appendPayload(b []byte) []byte { return appendBody(b, f.Body) }

func parseHello(payload []byte) (Frame, error) {
	f := &Hello{Body: &wirepb.Hello{}}
	if err := parseBody(payload, f.Body); err != nil {
		return nil, err
	}
	return f, checkHello(f.Body)
}

// The greatest lengths of Hello's fields, in bytes. They bound what one
// device may store; the token is bounded by MaxHelloPayload alone.
const (
	maxApp        = 256
	maxAppVersion = 64
	maxPushToken  = 4096
	maxTicket     = 512
)

func checkHello(m *wirepb.Hello) error {
	var c checks
	c.length("app", len(m.App), maxApp)
	c.length("app_version", len(m.AppVersion), maxAppVersion)
	c.length("push_token", len(m.PushToken), maxPushToken)
	c.length("resume_ticket", len(m.ResumeTicket), maxTicket)
	c.length("slot", len(m.Slot), maxSlot)
	c.count("versions", len(m.Versions), MaxKinds)
	for _, v := range m.Versions {
		c.id("kind", v.Kind)
		// Unlike in a frame, 0 may stand here: nothing yet.
		if v.Version != 0 {
			c.version(v.Version)
		}
	}
	c.network(m.Network)
	if last := m.Last; last != nil {
		c.millis("last_good_gap_ms", last.LastGoodGapMs)
		c.millis("first_miss_gap_ms", last.FirstMissGapMs)
		// A phone may lie in a drawer for a year.
		c.notNegative("reconnect_delay_ms", last.ReconnectDelayMs)
	}
	return c.err
}
