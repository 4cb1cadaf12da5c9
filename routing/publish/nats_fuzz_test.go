package publish

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// What the NATS door lets through to the log is always an event that
// routing.ParseEvent accepts.
func FuzzDoor(f *testing.F) {
	f.Add("hawser.v1.pub.acme.u1.messages", "id", "", "HIGH", `{"title":"x"}`)
	f.Add("hawser.v1.pub.acme.u1.orders", "", "5", "", "")
	f.Add("hawser.v1.pub.acme.u.1.orders", "\r\n", "18446744073709551615", "4", `{"none":true}`)
	c, err := routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: map[string]routing.Kind{"messages": {}, "orders": {Backend: true}}}})
	if err != nil {
		f.Fatal(err)
	}
	s := New(Config{Catalog: c})
	f.Fuzz(func(t *testing.T, subject, id, version, urgency, push string) {
		m := &nats.Msg{Subject: subject, Header: nats.Header{
			routing.HeaderID: {id}, routing.HeaderVersion: {version}, routing.HeaderUrgency: {urgency}, routing.HeaderPush: {push}}}
		tenant, req, fault := parse(m)
		if fault != nil {
			return
		}
		e, kind, fault := s.check(tenant, req)
		if fault != nil {
			return
		}
		out := e.Message()
		back, err := routing.ParseEvent(out.Subject, out.Header, out.Data, 7, e.Time)
		if err != nil {
			t.Fatalf("let through %q: %v", subject, err)
		}
		if back.ID != e.ID || back.Backend != kind.Backend || wire.CheckVersion(back.Version) != nil || string(back.Push) != string(e.Push) {
			t.Fatalf("stored as %+v, read as %+v", e, back)
		}
	})
}
