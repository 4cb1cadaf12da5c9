package publish_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/publish"
)

// postTo calls a method as curl does.
func postTo(t *testing.T, url, method, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hawser.v1.Publisher/"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+apiKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return resp.StatusCode, answer
}

func manyUsers(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"u%d"`, i)
	}
	return "[" + strings.Join(names, ",") + "]"
}

func results(t *testing.T, answer map[string]any, want int) []map[string]any {
	t.Helper()
	list, _ := answer["results"].([]any)
	if len(list) != want {
		t.Fatalf("%d results, want %d: %.300v", len(list), want, answer)
	}
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i] = list[i].(map[string]any)
	}
	return out
}

func TestNotifyMany(t *testing.T) {
	// On a slow machine a second attempt would find what the first one stored.
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) { c.AttemptTimeout, c.MaxWait = time.Minute, time.Minute })
	url := r.serveHTTP(t)
	body := `{"users":` + manyUsers(1000) + `,"event":{"kind":"messages","item":"aGVsbG8=","id":"1"}}`
	status, answer := postTo(t, url, "NotifyMany", body)
	if status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	first := results(t, answer, 1000)
	versions := map[string]bool{}
	for _, one := range first {
		if one["duplicate"] != false || one["error"] != nil {
			t.Fatalf("result %v", one)
		}
		versions[one["version"].(string)] = true
	}
	if len(versions) != 1000 || r.stored(t) != 1000 {
		t.Errorf("%d versions, %d stored, want 1000 of each", len(versions), r.stored(t))
	}
	_, answer = postTo(t, url, "NotifyMany", body)
	for i, one := range results(t, answer, 1000) {
		if one["duplicate"] != true || one["version"] != first[i]["version"] {
			t.Fatalf("the repeat of %v got %v", first[i], one)
		}
	}
	if n := r.stored(t); n != 1000 {
		t.Errorf("%d stored after the repeat, want 1000", n)
	}
}

// Events that are refused leave the others alone, and each is told why in its
// place.
func TestNotifyManyRefusesOneByOne(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	status, answer := postTo(t, r.serveHTTP(t), "NotifyMany", `{"entries":[
		{"user":"u1","kind":"messages"}, {"user":"a.b","kind":"messages"}, {"user":"u1","kind":"nope"},
		{"user":"u1","kind":"orders"}, {"user":"u2","kind":"orders","version":"7"}, {"user":"u3","kind":"messages","push":{"badge":-1}}]}`)
	if status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	for i, one := range results(t, answer, 6) {
		fault, _ := one["error"].(map[string]any)
		if stored := i == 0 || i == 4; stored == (fault != nil) || !stored && (fault["code"] != "invalid_argument" || fault["message"] == "") {
			t.Errorf("result %d is %v", i, one)
		}
	}
	if n := r.stored(t); n != 2 {
		t.Errorf("%d stored, want 2", n)
	}
}

func TestNotifyManyRefusesTheCall(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	url := r.serveHTTP(t)
	large := base64.StdEncoding.EncodeToString(make([]byte, 4<<20))
	tests := []struct{ name, body, code, words string }{
		{"nothing", `{}`, "invalid_argument", "no user"},
		{"no event", `{"users":["u1"]}`, "invalid_argument", "event is missing"},
		{"both", `{"users":["u1"],"event":{"kind":"messages"},"entries":[{"user":"u1","kind":"messages"}]}`, "invalid_argument", "not both"},
		{"a user in the event", `{"users":["u1"],"event":{"user":"u2","kind":"messages"}}`, "invalid_argument", "event.user"},
		{"twice", `{"users":["u1","u2","u1"],"event":{"kind":"messages"}}`, "invalid_argument", "0 and 2"},
		{"an entry twice", `{"entries":[{"user":"u1","kind":"orders","version":"1"},{"user":"u1","kind":"orders","version":"2"}]}`, "invalid_argument", "0 and 1"},
		{"too many", `{"users":` + manyUsers(1001) + `,"event":{"kind":"messages"}}`, "invalid_argument", "at most 1000"},
		{"too large", `{"users":["u1"],"event":{"kind":"messages","item":"` + large + `"}}`, "resource_exhausted", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, answer := postTo(t, url, "NotifyMany", tt.body)
			if message, _ := answer["message"].(string); answer["code"] != tt.code || !strings.Contains(message, tt.words) {
				t.Errorf("answered %v, want %s and %q", answer, tt.code, tt.words)
			}
		})
	}
	if n := r.stored(t); n != 0 {
		t.Errorf("%d stored", n)
	}
}

// Every event counts against the tenant's events a second.
func TestNotifyManyQuota(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.serveNATS(t)
	m := nats.NewMsg("hawser.v1.api.slow.NotifyMany")
	m.Data = []byte(`{"users":` + manyUsers(20) + `,"event":{"kind":"messages"}}`)
	above := 0
	for _, one := range results(t, ask(t, r.srv.Conn(routing.RoleBackend, "slow"), m), 20) {
		if fault, _ := one["error"].(map[string]any); fault["code"] == "resource_exhausted" && fault["retry_after_ms"] != nil {
			above++
		}
	}
	// Two a second, and the call may take a moment.
	if above < 15 || r.stored(t) < 2 {
		t.Errorf("%d events were above the quota, %d stored", above, r.stored(t))
	}
}

func TestNATSAPI(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.serveNATS(t)
	nc := r.srv.Conn(routing.RoleBackend, "acme", nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	call := func(method, body string) map[string]any {
		m := nats.NewMsg("hawser.v1.api.acme." + method)
		m.Data = []byte(body)
		return ask(t, nc, m)
	}
	one := results(t, call("NotifyMany", `{"users":["u1"],"event":{"kind":"messages"}}`), 1)[0]
	if one["version"] == nil || one["duplicate"] != false {
		t.Errorf("result %v", one)
	}
	for _, tt := range []struct{ method, body, code string }{
		{"NotifyMany", `{"user`, "invalid_argument"},
		{"NotifyMany", `{"usres":["u1"]}`, "invalid_argument"},
		{"NotifyMany", ``, "invalid_argument"},
		{"Nope", `{}`, "unimplemented"},
	} {
		if answer := call(tt.method, tt.body); answer["code"] != tt.code || answer["message"] == "" {
			t.Errorf("%s %s answered %v, want %s", tt.method, tt.body, answer, tt.code)
		}
	}
	// The server keeps tenants apart, and takes answers back into the tenant's
	// own account, whatever subject they are wanted at.
	if err := nc.PublishRequest("hawser.v1.api.globex.NotifyMany", nc.NewInbox(), []byte(`{"users":["u1"],"event":{"kind":"messages"}}`)); err != nil {
		t.Fatal(err)
	}
	for _, reply := range []string{routing.InboxSubject("globex", "u1", "messages"), "hw.g.hk1.n", "_INBOX.backend.globex.x"} {
		if err := nc.PublishRequest("hawser.v1.api.acme.NotifyMany", reply, []byte(`{"users":["u2"],"event":{"kind":"messages"}}`)); err != nil {
			t.Fatal(err)
		}
	}
	for start := time.Now(); r.stored(t) != 4; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d stored, want the four that acme asked for", r.stored(t))
		}
	}
	in, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := in.GetLastMsgForSubject(t.Context(), routing.InboxSubject("globex", "u1", "messages")); err == nil {
		t.Errorf("%q is in the log of another tenant", m.Data)
	}
}
