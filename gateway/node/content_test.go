package node_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a backend wants shown reaches both platforms as they word it.
func TestPushShowsWhatItsEventSays(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	ios, android := f.bothAway("cleo")

	began := time.Now()
	full := f.publish(tenantA, object{"user": "cleo", "kind": "messages", "push": object{
		"title": "Anna has sent", "body": "are you there?", "badge": 3, "sound": "ping", "channel": "talk",
		"mutable_content": false, "ttl_s": 3600, "data": object{"room": "r7"},
	}})
	f.waitPushed(ios, 1)
	f.waitPushed(android, 1)
	hawser := fmt.Sprintf(`{"v":1,"user":"cleo","kind":"messages","version":"%d"}`, full.Version)
	apple := f.pushes(ios)[0]
	wantJSON(t, "APNs", apple.Payload, `{
		"aps":{"alert":{"title":"Anna has sent","body":"are you there?"},"badge":3,"sound":"ping"},
		"room":"r7","hawser":`+hawser+`}`)
	until, err := strconv.ParseInt(apple.Expiration, 10, 64)
	if least := began.Add(time.Hour - time.Second); err != nil || until < least.Unix() || until > time.Now().Add(time.Hour).Unix() {
		t.Errorf("APNs keeps it until %s, want an hour after %v", apple.Expiration, began)
	}
	google := f.pushes(android)[0]
	wantJSON(t, "FCM", google.Payload, `{"message":{"token":`+strconv.Quote(android)+`,
		"data":{"room":"r7","hawser":`+strconv.Quote(hawser)+`},
		"notification":{"title":"Anna has sent","body":"are you there?"},
		"android":{"priority":"high","collapse_key":"`+google.Collapse+`","ttl":"`+google.Expiration+`",
			"notification":{"sound":"ping","channel_id":"talk","notification_count":3,"tag":"`+google.Collapse+`"}}}}`)
	if ttl, err := time.ParseDuration(google.Expiration); err != nil || ttl > time.Hour || ttl < time.Hour-time.Since(began)-time.Second {
		t.Errorf("FCM keeps it for %s, want what is left of an hour", google.Expiration)
	}

	// The provider is to try once, and iOS to let the application's extension see it.
	f.publish(tenantA, object{"user": "cleo", "kind": "messages", "push": object{"title": "Anna is calling", "ttl_s": 0}})
	f.waitPushed(ios, 2)
	f.waitPushed(android, 2)
	once := f.pushes(ios)[1]
	if once.Expiration != "0" || !strings.Contains(string(once.Payload), `"mutable-content":1`) {
		t.Errorf("APNs keeps what is of this moment until %s: %s", once.Expiration, once.Payload)
	}
	if ttl := f.pushes(android)[1].Expiration; ttl != "0s" {
		t.Errorf("FCM keeps what is of this moment for %s", ttl)
	}
}

// wantJSON compares two texts without regard to the order of keys.
func wantJSON(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &g); err != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("%s got %s, want %s: %v", what, got, want, err)
	}
}
