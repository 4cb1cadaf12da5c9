package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// crowd connects n users of a tenant, with one device each.
func (r *rig) crowd(tenant string, from, n int, token bool) {
	for i := range n {
		id := table.ID(tenant, fmt.Sprintf("u%d", i), "d")
		if token {
			r.tab.SetRecord(id, true)
		}
		r.connectID(uint64(from+i), id, false)
	}
}

func of(tenant string, user int) func(*Message) {
	return func(m *Message) { m.Tenant, m.User = tenant, fmt.Sprintf("u%d", user) }
}

func (r *rig) count(effect string) (n int) {
	for _, l := range r.log {
		if strings.HasPrefix(l, effect) {
			n++
		}
	}
	return n
}

// The silent devices of one tenant fill its part. Its oldest events are
// handed to the push queue early, what comes on top is put off; another
// tenant's events are taken all the while.
func TestATenantFillsItsPart(t *testing.T) {
	r := newRig(t, Config{MaxPending: 100})
	r.crowd("a", 1000, 300, true)
	r.crowd("b", 5000, 20, false)
	for i := range 300 {
		r.event(int64(i+1), of("a", i))
	}
	if n := r.count("store"); n < 16 || n > 40 {
		t.Errorf("%d pushed early, want about a quarter to a third of 100", n)
	}
	if open := r.d.hold.open; open > 50 {
		t.Errorf("the tenant holds %d of 100", open)
	}
	if n := r.count("defer"); n != 300-r.d.hold.open {
		t.Errorf("%d put off, %d held", n, r.d.hold.open)
	}
	if got := r.d.Crowded(nil, r.now); !slices.Equal(got, []string{"a"}) {
		t.Errorf("crowded: %v", got)
	}
	r.log = nil
	for i := range 20 {
		r.event(int64(1000+i), of("b", i))
		r.acked(uint64(5000+i), int64(1000+i))
	}
	if notified, acked := r.count("notify"), r.count("ack"); notified != 20 || acked != 20 || r.count("defer") != 0 {
		t.Errorf("the other tenant: %d notified, %d settled: %v", notified, acked, r.log)
	}
	for i := range r.jobs {
		r.stored(i, nil)
	}
	if n := r.count("ack"); n != 20+len(r.jobs) {
		t.Errorf("%d settled after %d jobs were stored", n-20, len(r.jobs))
	}
	r.log = nil
	r.event(2000, of("a", 299))
	if r.count("notify") != 1 {
		t.Errorf("the tenant has room again: %v", r.log)
	}
}

// An event that takes the place of a held one has its place however full the
// tenant's part is.
func TestATenantThatFillsItsPartStillHearsOfNews(t *testing.T) {
	r := newRig(t, Config{MaxPending: 4})
	r.crowd("a", 1, 3, false)
	r.event(1, of("a", 0))
	r.event(2, of("a", 0))
	r.log = nil
	r.event(3, of("a", 1))
	r.event(4, of("a", 0))
	r.event(4, of("a", 0))
	r.want("defer 3", "ack 2", "notify 1 k 4")
}

// A device without a token is settled early once its edge has the notify.
// Where the edge answers nothing the event goes back to the log.
func TestReliefWithoutAToken(t *testing.T) {
	r := newRig(t, Config{MaxPending: 8})
	r.crowd("a", 1, 8, false)
	r.event(1, of("a", 0))
	r.inFlight(1, 1)
	r.event(2, of("a", 1))
	r.event(3, of("a", 2))
	if n := r.count("ack 1"); n != 1 {
		t.Fatalf("not relieved: %v", r.log)
	}
	r.event(4, of("a", 3))
	r.event(5, of("a", 4))
	r.log = nil
	r.pass(3 * time.Second)
	if n := r.count("defer"); n == 0 || r.count("ack") != 0 {
		t.Errorf("a mute edge: %v", r.log)
	}
}

// No tenant is put off for ever where other routers hold all that the log
// hands out.
func TestSharedRoom(t *testing.T) {
	r := newRig(t, Config{MaxPending: 640})
	r.d.SetShared(0)
	r.crowd("a", 1, 20, false)
	for i := range 20 {
		r.event(int64(i+1), of("a", i))
	}
	if taken, off := r.count("notify"), r.count("defer"); taken != 10 || off != 10 {
		t.Errorf("%d taken, %d put off", taken, off)
	}
	r.d.SetShared(1000)
	r.log = nil
	r.event(30, of("a", 15))
	if r.count("notify") != 1 {
		t.Errorf("not taken with room again: %v", r.log)
	}
}
