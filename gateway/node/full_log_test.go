package node_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A full log refuses what is new and says what to do; it forgets nothing
// that it took: whoever comes later still hears all of it.
func TestFullLog(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{vars: []string{"HAWSER_ROUTER_INBOX_MAX_BYTES=1048576"}})
	online := f.connect("user-0", "phone", phoneOptions{})
	taken := map[string][]int64{}
	var refusal answer
	f.counts(whole, `hawser_publish_events_total{result="full"}`, 1, func() {
		for i := 0; refusal.status == 0; i++ {
			if i == 100 {
				t.Fatal("3 MiB went into a log of 1 MiB")
			}
			user := fmt.Sprintf("user-%d", i%4)
			a := f.tryPublish(tenantA, event(user, "messages", strings.Repeat("x", 32<<10)))
			if a.status != http.StatusOK {
				refusal = a
				break
			}
			taken[user] = append(taken[user], a.Version)
		}
	})
	if refusal.status != http.StatusServiceUnavailable || refusal.retryAfter == "" {
		t.Errorf("the full log was answered with %+v, want 503 with Retry-After", refusal)
	}
	wantText(t, refusal.Message, "an operator must raise its max bytes")

	phones := []*phone{online}
	for i := 1; i < 4; i++ {
		phones = append(phones, f.connect(fmt.Sprintf("user-%d", i), "phone", phoneOptions{}))
	}
	for _, p := range phones {
		want := taken[p.user]
		p.waitHeard("messages", want[len(want)-1])
		if got := p.heard("messages"); !slices.Equal(got, want) {
			t.Errorf("%s heard %d, want all that was taken: %d", p.user, got, want)
		}
	}
}
