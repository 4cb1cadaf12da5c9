package replies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/replies"
)

func TestMux(t *testing.T) {
	s := natstest.Run(t)
	nc := s.Conn(routing.RoleRouter, "r1")
	m, err := replies.New(nc, nc.NewInbox(), 2)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := m.Open("", 2)
	b, ok := m.Open("acme", 1)
	if !ok || !strings.Contains(b.Reply, ".acme.") {
		t.Fatalf("reply %q", b.Reply)
	}
	if _, ok := m.Open("", 1); ok {
		t.Error("opened above the limit")
	}
	// b's token under another infix is not b's reply.
	wrong := strings.Replace(b.Reply, ".acme.", ".globex.", 1)
	for _, subject := range []string{a.Reply, a.Reply, a.Reply, wrong, b.Reply} {
		if err := nc.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-b.C:
	case <-time.After(time.Minute):
		t.Fatal("no answer")
	}
	if len(a.C) != 2 || m.Dropped() != 2 {
		t.Errorf("%d answers, %d dropped: want 2 and 2", len(a.C), m.Dropped())
	}
	a.Close()
	b.Close()
	if m.Pending() != 0 {
		t.Errorf("%d pending", m.Pending())
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
