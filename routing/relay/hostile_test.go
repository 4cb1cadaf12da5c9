package relay_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/relay"
)

// Whatever a responder sends, a device gets one bounded answer, and the next
// call is answered as if nothing had been.
func TestHostileAnswers(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, r := newRelay(t, func(c *relay.Config) { c.Registerer = reg })
	nc := s.Conn(routing.RoleBackend, "acme")
	answers := map[string]func(m *nats.Msg) []*nats.Msg{
		"twice": func(*nats.Msg) []*nats.Msg { return []*nats.Msg{{Data: []byte("first")}, {Data: []byte("second")}} },
		"huge":  func(*nats.Msg) []*nats.Msg { return []*nats.Msg{{Data: bytes.Repeat([]byte("x"), 1<<20-1<<10)}} },
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
			if method == "twice" {
				time.Sleep(50 * time.Millisecond) // the call is over by then
			}
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
	dropped := func() float64 { return gathered(t, reg, "hawser_relay_dropped_replies_total") }
	for start := time.Now(); dropped() != 1; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%v answers were dropped, want the second of twice", dropped())
		}
	}
}

func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	if n, err := testutil.GatherAndCount(reg, name); n != 1 || err != nil {
		t.Fatalf("%s: %d series, %v", name, n, err)
	}
	families, _ := reg.Gather()
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}
