package apns

import (
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestAlertAsAppleGetsIt(t *testing.T) {
	app, sim := start(t)
	badge := 3
	m := message(device)
	m.Content.Badge = &badge
	m.Content.Data = map[string]string{"chat": "c7", "aps": "not taken", "hawser": "not taken"}
	if r := providertest.Send(t, app, m); r.Verdict != push.Delivered {
		t.Fatalf("result %+v", r)
	}
	n := providertest.Only(t, sim.Received())
	wantBody := `{"aps":{"alert":{"title":"Anna","body":"are you there?"},"badge":3,"sound":"ping.caf","mutable-content":1},` +
		`"chat":"c7","hawser":{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}}`
	if string(n.Payload) != wantBody {
		t.Errorf("payload\n got %s\nwant %s", n.Payload, wantBody)
	}
	for _, c := range []struct{ what, got, want string }{
		{"token", n.Token, device},
		{"apns-id", n.ID, m.ID.String()},
		{"collapse id", n.Collapse, "chat"},
		{"topic", n.App, topic},
		{"push type", n.PushType, "alert"},
		{"priority", n.Priority, "10"},
		{"expiration", n.Expiration, "2000000000"},
		{"hawser", string(n.Hawser), `{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}`},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}

func TestPriorityPushTypeAndExpiration(t *testing.T) {
	for _, c := range []struct {
		name                       string
		change                     func(*push.Message)
		priority, pushType, expiry string
		payload                    string
	}{
		{"low urgency", func(m *push.Message) { m.Urgency = push.Low }, "5", "alert", "2000000000", ""},
		{"high urgency", func(m *push.Message) { m.Urgency = push.High }, "10", "alert", "2000000000", ""},
		{"one try only", func(m *push.Message) { m.Expiry = time.Time{} }, "10", "alert", "0", ""},
		{"expiry at the epoch", func(m *push.Message) { m.Expiry = time.Unix(0, 0) }, "10", "alert", "0", ""},
		{"without an extension", func(m *push.Message) { m.Content.Mutable = new(bool) }, "10", "alert", "2000000000",
			`{"aps":{"alert":{"title":"Anna","body":"are you there?"},"sound":"ping.caf"},"hawser":{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}}`},
		{"background", func(m *push.Message) { m.Content, m.Urgency = push.Content{Background: true}, push.High }, "5", "background", "2000000000",
			`{"aps":{"content-available":1},"hawser":{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			app, sim := start(t)
			m := message(device)
			c.change(&m)
			if r := providertest.Send(t, app, m); r.Verdict != push.Delivered {
				t.Fatalf("result %+v", r)
			}
			n := providertest.Only(t, sim.Received())
			if n.Priority != c.priority || n.PushType != c.pushType || n.Expiration != c.expiry {
				t.Errorf("priority %q, push type %q, expiration %q", n.Priority, n.PushType, n.Expiration)
			}
			if c.payload != "" && string(n.Payload) != c.payload {
				t.Errorf("payload %s", n.Payload)
			}
		})
	}
}

func TestTopicIsTheRecordsAppUnlessConfigured(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	cfg := configFor(sim)
	cfg.Topic = ""
	app, err := pool.App(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := message(device)
	m.App = "org.example.other"
	providertest.Send(t, app, m)
	if got := providertest.Only(t, sim.Received()).App; got != "org.example.other" {
		t.Errorf("topic %q", got)
	}
}

func TestLongContentIsShortenedToFit(t *testing.T) {
	app, sim := start(t)
	m := message(device)
	m.Content.Body = strings.Repeat("é", 5000)
	m.Content.Data = map[string]string{"big": strings.Repeat("x", 4000)}
	if r := providertest.Send(t, app, m); r.Verdict != push.Delivered {
		t.Fatalf("result %+v", r)
	}
	n := providertest.Only(t, sim.Received())
	if len(n.Payload) > maxPayload || len(n.Data) != 0 || !strings.HasSuffix(n.Body, "é…") || len(n.Hawser) == 0 {
		t.Errorf("%d bytes, data %v, body ends %q", len(n.Payload), n.Data, n.Body[max(0, len(n.Body)-8):])
	}
	m.Content.Title = strings.Repeat("t", 5000)
	if r := providertest.Send(t, app, m); r.Verdict != push.Dead || r.Reason != "PayloadTooLarge" {
		t.Errorf("a title that cannot fit: %+v", r)
	}
}

func TestMalformedTokensNeverTravel(t *testing.T) {
	app, sim := start(t)
	for _, bad := range []string{"", "../../secret", "abc", "zz", "00 11", "00\r\nx: y", "00/11", strings.Repeat("a", 402), "00%2f"} {
		if r := providertest.Send(t, app, message(bad)); r.Verdict != push.SuspectToken || r.Reason != "malformed token" {
			t.Errorf("token %q: %+v", bad, r)
		}
	}
	if n := len(sim.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}
