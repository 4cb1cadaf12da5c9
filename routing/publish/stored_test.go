package publish_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/publish"
)

// Who waits for events is told of each one once, with the version that its
// caller is told.
func TestStoredEventsAreTold(t *testing.T) {
	var told []string
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) {
		c.Stored = func(e routing.Event) {
			told = append(told, fmt.Sprintf("%s %s %s %d", e.Tenant, e.User, e.Kind, e.Version))
			if e.Kind == "messages" && uint64(e.Version) != e.Sequence {
				t.Errorf("version %d is number %d of the log", e.Version, e.Sequence)
			}
		}
	})
	v := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", ID: "a"}).Version
	r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", ID: "a"}) // a repeat
	r.must(t, "acme", publish.Request{User: "u1", Kind: "orders", Version: 7})
	want := []string{fmt.Sprintf("acme u1 messages %d", v), "acme u1 orders 7"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
