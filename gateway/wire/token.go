package wire

import "github.com/hawser-edge/hawser/gateway/wire/wirepb"

// Token renews a live connection's JWT, sets the push token, or both.
type Token struct {
	// Body is never nil after Parse.
	Body *wirepb.Token
}

// Type returns TypeToken.
func (*Token) Type() Type { return TypeToken }

func (f *Token) appendPayload(b []byte) []byte { return appendBody(b, f.Body) }

func parseToken(payload []byte) (Frame, error) {
	f := &Token{Body: &wirepb.Token{}}
	if err := parseBody(payload, f.Body); err != nil {
		return nil, err
	}
	return f, checkToken(f.Body)
}

func checkToken(m *wirepb.Token) error {
	var c checks
	c.length("token", len(m.Token), MaxHelloPayload)
	c.length("push_token", len(m.PushToken), maxPushToken)
	return c.err
}
