package inbox_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// A log that answers one question after the other, each within its time, but
// is asked at once for more than it can answer in the time that a question is
// waited for: all readers must come to their answers in turn. Where each is
// asked again when its time is over, the log answers only what was given up.
func TestSlowLogServesAll(t *testing.T) {
	const (
		readers = 256
		each    = 8 * time.Millisecond // all of them: two seconds
		attempt = 500 * time.Millisecond
	)
	s := natstest.Run(t)
	nc := s.Conn(routing.RoleRouter, "r1")
	var asked atomic.Int64
	if _, err := nc.Subscribe("$JS.API.DIRECT.GET."+routing.StreamInbox, func(m *nats.Msg) {
		asked.Add(1)
		time.Sleep(each)
		if err := m.RespondMsg(&nats.Msg{Header: nats.Header{"Status": {"404"}}}); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	reader := readerOf(t, s, attempt)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			if _, err := reader.Heads(ctx, []inbox.User{{Tenant: "acme", User: "u1"}}, 0); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n > 2*readers {
		t.Errorf("the log was asked %d times for %d answers", n, readers)
	}
}
