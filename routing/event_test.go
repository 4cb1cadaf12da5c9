package routing

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
)

func TestEventRoundTrip(t *testing.T) {
	at := time.Unix(1, 2)
	for _, e := range []Event{
		{Tenant: "a", User: "u", Kind: "k", ID: "1", Item: []byte("x")},
		{Tenant: "a", User: "u", Kind: "k", ID: "a.b.c", Backend: true, Version: wire.MaxVersion, Urgency: UrgencyLow, Push: []byte(`{"none":true}`)},
	} {
		m := e.Message()
		got, err := ParseEvent(m.Subject, m.Header, m.Data, 77, at)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Backend {
			e.Version = 77
		}
		if got.ID != e.ID || got.Version != e.Version || got.Backend != e.Backend || got.Urgency != e.Urgency ||
			string(got.Push) != string(e.Push) || got.Sequence != 77 || !got.Time.Equal(at) {
			t.Errorf("stored %+v, read %+v", e, got)
		}
	}
}

// What was not written by the publisher is not an event.
func TestForeignMessages(t *testing.T) {
	good := func() *nats.Msg {
		return (&Event{Tenant: "a", User: "u", Kind: "k", ID: "1", Backend: true, Version: 5}).Message()
	}
	tests := map[string]func(*nats.Msg){
		"another partition":     func(m *nats.Msg) { m.Subject = "inbox.63.a.u.k" },
		"a dot in the user":     func(m *nats.Msg) { m.Subject = "inbox.1.a.u.x.k" },
		"no id":                 func(m *nats.Msg) { delete(m.Header, HeaderMsgID) },
		"an empty id":           func(m *nats.Msg) { m.Header[HeaderMsgID] = []string{"a.u.k."} },
		"another user's id":     func(m *nats.Msg) { m.Header[HeaderMsgID] = []string{"a.v.k.1"} },
		"version beyond uint64": func(m *nats.Msg) { m.Header[HeaderVersion] = []string{"18446744073709551616"} },
		"version of uint64":     func(m *nats.Msg) { m.Header[HeaderVersion] = []string{"18446744073709551615"} },
		"version 0":             func(m *nats.Msg) { m.Header[HeaderVersion] = []string{"0"} },
		"version -1":            func(m *nats.Msg) { m.Header[HeaderVersion] = []string{"-1"} },
		"version 2^53":          func(m *nats.Msg) { m.Header[HeaderVersion] = []string{"9007199254740992"} },
		"urgency":               func(m *nats.Msg) { m.Header[HeaderUrgency] = []string{"9"} },
		"no headers":            func(m *nats.Msg) { m.Header = nil },
	}
	for name, spoil := range tests {
		m := good()
		spoil(m)
		if _, err := ParseEvent(m.Subject, m.Header, m.Data, 9, time.Now()); !errors.Is(err, ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(InboxSubject("a", "u", "k"), "a.u.k.1", "5", "2", "{}", uint64(7))
	f.Add("inbox.1.a.u.k", "", "18446744073709551615", "", "", uint64(1<<63))
	f.Fuzz(func(t *testing.T, subject, id, version, urgency, push string, seq uint64) {
		h := nats.Header{HeaderMsgID: {id}, HeaderVersion: {version}, HeaderUrgency: {urgency}, HeaderPush: {push}}
		e, err := ParseEvent(subject, h, nil, seq, time.Time{})
		if err != nil {
			return
		}
		if wire.CheckVersion(e.Version) != nil || e.ID == "" || !wire.ValidID(e.User) {
			t.Errorf("accepted %+v", e)
		}
		if m := e.Message(); m.Subject != subject || m.Header.Get(HeaderMsgID) != id {
			t.Errorf("read %+v from %q %q", e, subject, id)
		}
	})
}
