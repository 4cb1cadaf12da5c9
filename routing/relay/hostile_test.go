package relay_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// Whatever a responder sends, a device gets one bounded answer, and the next
// call is answered as if nothing had been.
func TestHostileAnswers(t *testing.T) {
	s, r := newRelay(t, nil)
	nc := s.Conn(routing.RoleBackend, "acme")
	answers := map[string]func(m *nats.Msg) []*nats.Msg{
		"twice": func(*nats.Msg) []*nats.Msg { return []*nats.Msg{{Data: []byte("first")}, {Data: []byte("second")}} },
		"huge":  func(*nats.Msg) []*nats.Msg { return []*nats.Msg{{Data: bytes.Repeat([]byte("x"), 200<<10)}} },
		"words": func(*nats.Msg) []*nats.Msg {
			return []*nats.Msg{{Header: nats.Header{"Nats-Service-Error": {strings.Repeat("\xff\x01\x7f", 9999)}}}}
		},
		"code": func(*nats.Msg) []*nats.Msg {
			return []*nats.Msg{{Header: nats.Header{"Nats-Service-Error-Code": {strings.Repeat("9", 9999)}}, Data: []byte("ok")}}
		},
		"forged": func(*nats.Msg) []*nats.Msg {
			return []*nats.Msg{{Header: nats.Header{"Status": {"503"}}, Data: []byte("x")}}
		},
	}
	_, err := nc.Subscribe(routing.UpstreamSubject("acme", "orders", "*"), func(m *nats.Msg) {
		_, _, method, _ := routing.ParseUpstream(m.Subject)
		for _, a := range answers[method](m) {
			a.Subject = m.Reply
			_ = nc.PublishMsg(a)
			_ = nc.Flush()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.Flush()
	for method, want := range map[string]struct {
		status wire.Status
		body   string
	}{
		"twice": {wire.StatusOK, "first"}, "huge": {wire.StatusInternal, ""}, "words": {wire.StatusInternal, ""},
		"code": {wire.StatusInternal, ""}, "forged": {wire.StatusOK, "x"},
	} {
		body, err := r.Call(t.Context(), call(method, ""))
		if status(err) != want.status || string(body) != want.body {
			t.Errorf("%s: %q, %v", method, body, err)
		}
		if err != nil && (len(err.Error()) > 256 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\x01\x7f")) {
			t.Errorf("%s: the device is told %q", method, err)
		}
	}
}
