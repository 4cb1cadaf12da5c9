package router

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/routing"
)

// What the push queue has no room for waits in the log, and the operator is told.
// News of what waits in the queue are taken in meanwhile.
func TestFullPushQueue(t *testing.T) {
	e := newEnv(t)
	low, said := &atomic.Bool{}, &lines{}
	e.pushLow, e.log = low.Load, slog.New(slog.NewTextHandler(said, nil))
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	for _, user := range []string{"before", "u1", "u2"} {
		h.put(user, "d1", "token-"+user)
	}
	eventually(t, "the records are known", func() bool { return r.metrics.totals.Load().records == 3 })
	e.publish("before", "messages")
	e.settled()

	low.Store(true)
	versions := map[string]int64{}
	for _, user := range []string{"u1", "u2"} {
		versions[user] = e.publish(user, "messages")
	}
	versions["before"] = e.publish("before", "messages")
	eventually(t, "the job that waits is replaced", func() bool { return e.job("before", "d1", "messages") == versions["before"] })
	eventually(t, "both jobs are refused", func() bool { return testutil.ToFloat64(r.metrics.full) >= 2 })
	eventually(t, "two events are open", func() bool { return e.open() == 2 })
	if n := e.count(routing.StreamPush); n != 1 {
		t.Errorf("%d jobs wait, want 1", n)
	}
	if n := said.count("pushes are not stored for want of room"); n != 1 {
		t.Errorf("the log says %d times that there is no room, want once", n)
	}

	low.Store(false)
	e.settled()
	for user, v := range versions {
		if got := e.job(user, "d1", "messages"); got != v {
			t.Errorf("%s has a job for %d, want %d", user, got, v)
		}
	}
}

// lines is what was logged.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.all.String(), words)
}
