package publish_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/events"
)

// handed returns the users that events are about, and their acks.
func handed(t *testing.T, answer map[string]any) (users, acks []string) {
	t.Helper()
	if answer["code"] != nil {
		t.Fatalf("answered %v", answer)
	}
	list, _ := answer["events"].([]any)
	for _, x := range list {
		one := x.(map[string]any)
		var e events.Event
		if err := json.Unmarshal([]byte(one["event"].(string)), &e); err != nil {
			t.Fatal(err)
		}
		users, acks = append(users, e.Data.User), append(acks, one["ack"].(string))
	}
	return users, acks
}

func TestEvents(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	url := r.serveHTTP(t)
	r.serveNATS(t)
	writer := events.New(r.js, "/test")
	for i := range 5 {
		for _, tenant := range []string{"acme", "globex"} {
			if err := writer.DeviceRegistered(t.Context(), tenant, fmt.Sprint(tenant, i), "phone", "ios", "app"); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, answer := postTo(t, url, "Events", `{"max":3,"wait_ms":5000}`)
	users, acks := handed(t, answer)
	if fmt.Sprint(users) != "[acme0 acme1 acme2]" {
		t.Fatalf("events of %v", users)
	}
	// The rest goes to whoever asks next, by the other door, with the acks of
	// the first ones.
	m := nats.NewMsg("hawser.v1.api.acme.Events")
	m.Data, _ = json.Marshal(map[string]any{"acks": acks, "wait_ms": 5000})
	rest, _ := handed(t, ask(t, r.srv.Conn(routing.RoleBackend, "acme"), m))
	if fmt.Sprint(rest) != "[acme3 acme4]" {
		t.Errorf("then events of %v", rest)
	}
	c, err := r.js.Consumer(t.Context(), routing.StreamEvents, "tenant-acme")
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		info, err := c.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.NumAckPending == 2 && info.NumPending == 0 && info.Config.AckWait == events.AckWait {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d events wait for their ack, want 2", info.NumAckPending)
		}
	}
	if none, _ := handed(t, second(postTo(t, url, "Events", `{}`))); len(none) != 0 {
		t.Errorf("events of %v came twice", none)
	}
}

func second(_ int, answer map[string]any) map[string]any { return answer }

func TestEventsRefuse(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	url := r.serveHTTP(t)
	for _, tt := range []struct{ body, words string }{
		{`{"max":501}`, "1 to 500"}, {`{"max":-1}`, "1 to 500"}, {`{"wait_ms":10001}`, "0 to 10000"}, {`{"wait_ms":-1}`, "0 to 10000"},
		{`{"acks":["1.1.>"]}`, "acks"}, {`{"acks":[""]}`, "acks"}, {`{"acks":["$JS.ACK.INBOX.ROUTERS.1.1.1.1.0"]}`, "acks"}, {`{"acks":["1..2"]}`, "acks"},
		{`{"acks":["` + strings.Repeat("1", 129) + `"]}`, "acks"},
	} {
		_, answer := postTo(t, url, "Events", tt.body)
		if text, _ := answer["message"].(string); answer["code"] != "invalid_argument" || !strings.Contains(text, tt.words) {
			t.Errorf("%s answered %v", tt.body, answer)
		}
	}
}

// A call that waits does not hold the door open.
func TestEventsEndWithTheDoor(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	nc := r.srv.Conn(routing.RoleBackend, "acme")
	var asked time.Time
	t.Run("door", func(t *testing.T) {
		r.serveNATS(t)
		ask(t, nc, nats.NewMsg("hawser.v1.api.acme.Nope"))
		if err := nc.PublishRequest("hawser.v1.api.acme.Events", nc.NewInbox(), []byte(`{"wait_ms":10000}`)); err != nil {
			t.Fatal(err)
		}
		ask(t, nc, nats.NewMsg("hawser.v1.api.acme.Nope"))
		asked = time.Now()
	})
	if took := time.Since(asked); took > 8*time.Second {
		t.Errorf("the door closed %v after a call that waits for 10 s", took)
	}
}
