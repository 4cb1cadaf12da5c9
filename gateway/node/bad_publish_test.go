package node_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What a backend may get wrong over HTTP: each is answered with what to do
// and counted, nothing of it reaches a device, and what is right still does.
func TestBadPublications(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	healthy := f.connect("dora", "phone", phoneOptions{})
	f.publish(tenantA, object{"user": "dora", "kind": "account", "version": "5"})
	tests := []struct {
		name   string
		body   object
		status int
		code   string
		says   string
		result string // the counter's label
	}{
		{"a user with a dot", event("do.ra", "messages", "x"), 400, "invalid_argument", "must match [A-Za-z0-9_-]{1,64}", "invalid"},
		{"a user that is a wildcard", event("*", "messages", "x"), 400, "invalid_argument", "must match", "invalid"},
		{"a user of 65 letters", event(strings.Repeat("d", 65), "messages", "x"), 400, "invalid_argument", "must match", "invalid"},
		{"no user", object{"kind": "messages"}, 400, "invalid_argument", "must match", "invalid"},
		{"a kind with a space", event("dora", "mess ages", "x"), 400, "invalid_argument", "must match", "invalid"},
		{"a kind that is not configured", event("dora", "parcels", "x"), 400, "invalid_argument", "its kinds are [account contacts messages moments]", "invalid"},
		{"an id with a line break", object{"user": "dora", "kind": "messages", "id": "a\nb"}, 400, "invalid_argument", "printable ASCII without spaces", "invalid"},
		{"an id of 129 bytes", object{"user": "dora", "kind": "messages", "id": strings.Repeat("i", 129)}, 400, "invalid_argument", "at most 128", "invalid"},
		{"an item above the limit", event("dora", "messages", strings.Repeat("x", 32<<10+1)), 400, "invalid_argument", "publish a reference to it instead", "invalid"},
		{"a version where hawser numbers", object{"user": "dora", "kind": "messages", "version": "5"}, 400, "invalid_argument", "leave version out", "invalid"},
		{"no version where the backend numbers", object{"user": "dora", "kind": "account"}, 400, "invalid_argument", "version is required", "invalid"},
		{"a version that goes back", object{"user": "dora", "kind": "account", "version": "4"}, 400, "failed_precondition", "already at 5", "not_above_head"},
		{"a version above all numbers", object{"user": "dora", "kind": "account", "version": "9007199254740992"}, 400, "invalid_argument", "9007199254740991", "invalid"},
		{"a version in nanoseconds by mistake", object{"user": "dora", "kind": "account", "version": "1790000000000000"}, 400, "invalid_argument", "can not be taken back", "jump"},
	}
	for _, test := range tests {
		if t.Failed() {
			break // the others would wait for the same phone in vain
		}
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.counts(whole, `hawser_publish_events_total{result="`+test.result+`"}`, 1, func() {
				a := f.tryPublish(tenantA, test.body)
				if a.status != test.status || a.Code != test.code {
					t.Errorf("answered %d %s, want %d %s", a.status, a.Code, test.status, test.code)
				}
				wantText(t, a.Message, test.says)
			})
			healthy.in(t).hears(test.name)
		})
	}
	if got := healthy.heard("messages"); len(got) != len(tests) {
		t.Errorf("the phone heard %d messages, want the %d that were right", len(got), len(tests))
	}
}

// What stands around a publication may be wrong, too.
func TestBadCalls(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	healthy := f.connect("dora", "phone", phoneOptions{})
	key, err := f.env.APIKey(tenantA)
	if err != nil {
		t.Fatal(err)
	}
	good, right := http.Header{"Authorization": {"Bearer " + key}}, `{"user":"dora","kind":"messages"}`
	const denied = `hawser_publish_events_total{result="denied"}`
	tests := []struct {
		name, body string
		header     http.Header
		status     int
		code, says string
		counter    string
	}{
		{"a wrong API key", right, http.Header{"Authorization": {"Bearer " + key + "x"}}, 401, "unauthenticated", "Authorization: Bearer KEY", denied},
		{"no API key", right, http.Header{}, 401, "unauthenticated", "Authorization: Bearer KEY", denied},
		{"the key as a password", right, http.Header{"Authorization": {"Basic " + key}}, 401, "unauthenticated", "Authorization: Bearer KEY", denied},
		{"no JSON", "user=dora", good, 400, "invalid_argument", "", `hawser_publish_events_total{result="unreadable"}`},
		{"a body above the limit", `{"user":"dora","item":"` + strings.Repeat("A", 100<<10) + `"}`, good, 429, "resource_exhausted", "98304", `hawser_publish_events_total{result="unreadable"}`},
	}
	for _, test := range tests {
		if t.Failed() {
			break // the others would wait for the same phone in vain
		}
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.counts(whole, test.counter, 1, func() {
				a := f.post([]byte(test.body), test.header.Clone())
				if a.status != test.status || a.Code != test.code {
					t.Errorf("answered %d %s (%s), want %d %s", a.status, a.Code, a.Message, test.status, test.code)
				}
				wantText(t, a.Message, test.says)
			})
			healthy.in(t).hears(test.name)
		})
	}
}

// One id is one event for each user and each tenant, and for each only once.
func TestOneIDForMany(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	phones := []*phone{
		f.connect("erin", "phone", phoneOptions{}),
		f.connect("finn", "phone", phoneOptions{}),
		f.connect("erin", "phone", phoneOptions{tenant: tenantB}),
	}
	for _, p := range phones {
		body := event(p.user, "messages", p.tenant+" to "+p.user)
		body["id"] = "order-1"
		first := f.publish(p.tenant, body)
		if first.Duplicate {
			t.Errorf("the id of another one made %s's event of %s a duplicate", p.user, p.tenant)
		}
		again := f.publish(p.tenant, body)
		if !again.Duplicate || again.Version != first.Version {
			t.Errorf("the repeat for %s of %s gave %+v, want the duplicate of %d", p.user, p.tenant, again, first.Version)
		}
		p.waitHeard("messages", first.Version)
	}
	for _, p := range phones {
		p.hears("the end")
		p.mu.Lock()
		items := p.items["messages"]
		p.mu.Unlock()
		if len(items) != 2 || string(items[0].Data) != p.tenant+" to "+p.user {
			t.Errorf("%s of %s heard %+v, want one event and the end", p.user, p.tenant, items)
		}
	}
}

// What a backend may get wrong over NATS.
func TestBadPublicationsOverNATS(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	healthy := f.connect("dora", "phone", phoneOptions{})
	backend, _ := f.backend(tenantA)
	tests := []struct {
		name, user, kind, item string
		headers                map[string]string
		code, says             string
	}{
		{"a kind that is not configured", "dora", "parcels", "x", nil, "invalid_argument", "its kinds are"},
		{"a user with a letter too much", "d@ra", "messages", "x", nil, "invalid_argument", "must match"},
		{"an item above the limit", "dora", "messages", strings.Repeat("x", 32<<10+1), nil, "invalid_argument", "publish a reference"},
		{"a version that is no number", "dora", "account", "", map[string]string{"Hawser-Version": "v2"}, "invalid_argument", "must be a number"},
		{"an urgency that is not there", "dora", "messages", "x", map[string]string{"Hawser-Urgency": "NOW"}, "invalid_argument", "Hawser-Urgency"},
		{"a push that is no JSON", "dora", "messages", "x", map[string]string{"Hawser-Push": "ding"}, "invalid_argument", "its fields are title, body"},
	}
	for _, test := range tests {
		if t.Failed() {
			break // the others would wait for the same phone in vain
		}
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.counts(whole, `hawser_publish_events_total{result="invalid"}`, 1, func() {
				a, err := backend.publish(test.user, test.kind, test.item, test.headers)
				if err != nil || a.Code != test.code {
					t.Errorf("answered %+v, %v, want %s", a, err, test.code)
				}
				wantText(t, a.Message, test.says)
			})
			healthy.in(t).hears(test.name)
		})
	}
	t.Run("an item that is no request of NATS any more", func(t *testing.T) {
		if _, err := backend.publish("dora", "messages", strings.Repeat("x", 2<<20), nil); err == nil {
			t.Error("2 MiB were taken")
		}
		healthy.in(t).hears("after 2 MiB")
	})
}

// A backend's credentials are good for its own tenant only.
func TestBackendOfAnotherTenant(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	victim := f.connect("dora", "phone", phoneOptions{})
	thief, refused := f.backend(tenantB)
	before := f.metric(whole, `hawser_publish_events_total{result="stored"}`)

	if a, err := thief.publishFor(tenantA, "dora", "messages", "not yours", nil, time.Second); err == nil {
		t.Errorf("tenant B published for tenant A: %+v", a)
	}
	eventually(t, "NATS refuses", func() error {
		if refused.all() == nil {
			return errNotYet
		}
		return nil
	})
	wantText(t, refused.all().Error(), `Publish to "hawser.v1.pub.`+tenantA+`.dora.messages"`)
	for _, subject := range []string{
		"inbox.0." + tenantB + ".dora.messages", "hw.g." + whole + ".n", "$JS.API.STREAM.INFO.INBOX", "$KV.DEVICES.d." + tenantA + ".dora.phone",
	} {
		if _, err := thief.nc.Request(subject, nil, 100*time.Millisecond); err == nil {
			t.Errorf("tenant B got an answer on %s", subject)
		}
	}
	if after := f.metric(whole, `hawser_publish_events_total{result="stored"}`); after != before {
		t.Errorf("%g events were stored", after-before)
	}
	version := victim.hears("from the real one")
	if got := victim.heard("messages"); len(got) != 1 || got[0] != version {
		t.Errorf("the phone heard %d, want %d alone", got, version)
	}
	// The same words for its own tenant are fine.
	if a, err := thief.publish("dora", "messages", "own", nil); err != nil || a.Version == 0 {
		t.Errorf("tenant B cannot publish for itself: %+v, %v", a, err)
	}
}
