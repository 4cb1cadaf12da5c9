package fcm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestAlertAsGoogleGetsIt(t *testing.T) {
	c, sim := start(t)
	m := message()
	badge := 3
	m.Content.Badge, m.Content.Channel = &badge, "talk"
	m.Content.Data = map[string]string{
		"chat": "c7", "from": "not taken", "message_type": "not taken", "google.x": "not taken", "gcm.x": "not taken", "hawser": "not taken",
	}
	if r := providertest.Send(t, c, m); r.Verdict != push.Delivered {
		t.Fatalf("result %+v", r)
	}
	var got, want any
	if err := json.Unmarshal(providertest.Only(t, sim.Received()).Payload, &got); err != nil {
		t.Fatal(err)
	}
	err := json.Unmarshal([]byte(`{"message":{"token":"`+device+`",
		"data":{"chat":"c7","hawser":"{\"v\":1,\"user\":\"u1\",\"kind\":\"messages\",\"version\":\"9007199254740991\"}"},
		"notification":{"title":"Anna","body":"are you there?"},
		"android":{"collapse_key":"chat","priority":"high","ttl":"3600s","notification":{"sound":"ping","tag":"chat","channel_id":"talk","notification_count":3}}}}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := text(t, got), text(t, want); g != w {
		t.Errorf("message\n got %s\nwant %s", g, w)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPriorityAndTTL(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(*push.Message)
		priority, ttl string
		background    bool
	}{
		{"low urgency", func(m *push.Message) { m.Urgency = push.Low }, "normal", "3600s", false},
		{"high urgency", func(m *push.Message) { m.Urgency = push.High }, "high", "3600s", false},
		{"one try only", func(m *push.Message) { m.Expiry = time.Time{} }, "high", "0s", false},
		{"longer than Google keeps", func(m *push.Message) { m.Expiry = time.Now().Add(1000 * time.Hour) }, "high", "2419200s", false},
		{"background", func(m *push.Message) { m.Content, m.Urgency = push.Content{Background: true}, push.High }, "normal", "3600s", true},
		{"a badge alone", func(m *push.Message) { m.Content = push.Content{Badge: new(int), Sound: "ping"} }, "normal", "3600s", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, sim := start(t)
			m := message()
			c.change(&m)
			if r := providertest.Send(t, client, m); r.Verdict != push.Delivered {
				t.Fatalf("result %+v", r)
			}
			n := providertest.Only(t, sim.Received())
			if n.Priority != c.priority || n.Expiration != c.ttl || n.Background != c.background {
				t.Errorf("priority %q, ttl %q, background %v", n.Priority, n.Expiration, n.Background)
			}
			if string(n.Hawser) != `{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}` {
				t.Errorf("hawser %s", n.Hawser)
			}
		})
	}
}

func TestLongContentIsShortenedToFit(t *testing.T) {
	c, sim := start(t)
	m := message()
	m.Content.Body = strings.Repeat("é", 5000)
	m.Content.Data = map[string]string{"big": strings.Repeat("x", 4000)}
	if r := providertest.Send(t, c, m); r.Verdict != push.Delivered {
		t.Fatalf("result %+v", r)
	}
	if n := providertest.Only(t, sim.Received()); len(n.Data) != 0 || !strings.HasSuffix(n.Body, "é…") || len(n.Hawser) == 0 {
		t.Errorf("data %v, body of %d bytes", n.Data, len(n.Body))
	}
	m.Content.Title = strings.Repeat("t", 5000)
	if r := providertest.Send(t, c, m); r.Verdict != push.Dead {
		t.Errorf("a title that cannot fit: %+v", r)
	}
}

func TestMalformedTokensNeverTravel(t *testing.T) {
	c, sim := start(t)
	for _, bad := range []string{"", "a b", "a\n", "é", strings.Repeat("a", maxToken+1)} {
		m := message()
		m.Token = bad
		if r := providertest.Send(t, c, m); r.Verdict != push.SuspectToken || r.Reason != "malformed token" {
			t.Errorf("token %q: %+v", bad, r)
		}
	}
	if n := len(sim.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestConfigIsChecked(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	for name, change := range map[string]func(*Config){
		"no credentials": func(c *Config) { c.Credentials = nil },
		"another type":   func(c *Config) { c.Credentials = []byte(`{"type":"authorized_user","private_key":"SECRET"}`) },
		"no key": func(c *Config) {
			c.Credentials = []byte(`{"type":"service_account","client_email":"a@b","project_id":"p"}`)
		},
		"project":          func(c *Config) { c.Project = "a/b" },
		"plain http":       func(c *Config) { c.Endpoint = "http://127.0.0.1:1" },
		"with a path":      func(c *Config) { c.Endpoint = "https://127.0.0.1:1/v1" },
		"without a logger": func(c *Config) { c.Log = nil },
	} {
		cfg := configFor(sim)
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error quotes the credentials", name)
		}
	}
}
